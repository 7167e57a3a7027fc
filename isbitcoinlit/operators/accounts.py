"""The operators' names and password hashes, in one Redis hash."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import NameUnfit, OperatorExists, OperatorUnknown
from isbitcoinlit.log import get_logger
from isbitcoinlit.redis_client import redis_errors
from isbitcoinlit.series.keys import Keys

log = get_logger()

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")

# KEYS: the accounts. ARGV: name, the hash known, the account with the new one.
# Replaces a hash only while it is the known one: somebody may be changing the password.
_UPGRADE = """
local account = redis.call('HGET', KEYS[1], ARGV[1])
if account and cjson.decode(account).hash == ARGV[2] then
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
"""


@dataclass(frozen=True, slots=True)
class Account:
    """One operator."""

    name: str
    password_hash: str
    added: datetime


class Accounts:
    """Adds, finds and removes operators; everything here may raise `RedisUnavailable`."""

    def __init__(self, redis: Redis, keys: Keys, clock: Clock) -> None:
        self._redis = redis
        self._key = keys.operators("accounts")
        self._clock = clock
        self._upgrade = redis.register_script(_UPGRADE)

    async def add(self, name: str, password_hash: str) -> None:
        """Add an operator; raises `NameUnfit` or `OperatorExists`."""
        if not is_name(name):
            raise NameUnfit(
                "A name has 1 to 32 letters, digits or ._- and begins with a letter or digit."
            )
        account = Account(name, password_hash, self._clock.now())
        with redis_errors():
            if not await self._redis.hsetnx(self._key, name, _dump(account)):
                raise OperatorExists(f"There is an operator {name} already.")

    async def find(self, name: str) -> Account | None:
        """Return the operator of that name, if there is one."""
        with redis_errors():
            text: Any = await self._redis.hget(self._key, name)
        return _load(name, text) if text else None

    async def names(self) -> list[Account]:
        """Return all operators, by name."""
        with redis_errors():
            accounts: Any = await self._redis.hgetall(self._key)
        loaded = (_load(name, text) for name, text in sorted(accounts.items()))
        return [account for account in loaded if account]

    async def exist(self) -> bool:
        """Tell whether there is any operator."""
        with redis_errors():
            return bool(await self._redis.hlen(self._key))

    async def set_hash(self, name: str, password_hash: str) -> None:
        """Give an operator another password; raises `OperatorUnknown`."""
        account = await self.find(name)
        if account is None:
            raise OperatorUnknown(f"There is no operator {name}.")
        with redis_errors():
            changed = Account(name, password_hash, account.added)
            await self._redis.hset(self._key, name, _dump(changed))

    async def upgrade_hash(self, account: Account, password_hash: str) -> None:
        """Replace the hash of the same password, unless the password has changed since."""
        changed = Account(account.name, password_hash, account.added)
        with redis_errors():
            await self._upgrade(
                keys=[self._key], args=[account.name, account.password_hash, _dump(changed)]
            )

    async def remove(self, name: str) -> None:
        """Remove an operator; raises `OperatorUnknown`."""
        with redis_errors():
            if not await self._redis.hdel(self._key, name):
                raise OperatorUnknown(f"There is no operator {name}.")


def is_name(name: str) -> bool:
    """Tell whether an operator could be called that."""
    return _NAME.fullmatch(name) is not None


def _dump(account: Account) -> str:
    return json.dumps({"hash": account.password_hash, "added": account.added.isoformat()})


def _load(name: str, text: str) -> Account | None:
    """Read an account; one that cannot be read is absent."""
    try:
        stored = json.loads(text)
        return Account(name, str(stored["hash"]), datetime.fromisoformat(stored["added"]))
    except (ValueError, TypeError, LookupError) as error:
        log.warning("stored-account-unreadable", operator=name, reason=repr(error))
        return None
