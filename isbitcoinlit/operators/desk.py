"""Where operators log in, stay logged in and log out."""

import hmac
from dataclasses import dataclass

from pydantic import SecretStr
from redis.asyncio import Redis

from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import LoginFailed, LoginThrottled, TokenRefused
from isbitcoinlit.operators.accounts import Account, Accounts, is_name
from isbitcoinlit.operators.audit import Audit
from isbitcoinlit.operators.passwords import Passwords
from isbitcoinlit.operators.sessions import Sessions
from isbitcoinlit.operators.throttle import Throttle
from isbitcoinlit.operators.tokens import Claims, Tokens, Use
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.settings import Settings
from isbitcoinlit.shared_secret import SharedSecret, derive

SCRIPT = "static-token"
"""Who did it, where the operator's token from the settings was used."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who has proved to be an operator."""

    name: str
    claims: Claims | None
    """What the token says; None for the token from the settings, which has no session."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a login gives."""

    access: str
    refresh: str


class Operators:
    """Joins accounts, passwords, sessions, tokens, throttle and audit.

    Everything here may raise `RedisUnavailable`.
    """

    def __init__(
        self,
        *,
        accounts: Accounts,
        passwords: Passwords,
        sessions: Sessions,
        secret: SharedSecret,
        throttle: Throttle,
        audit: Audit,
        clock: Clock,
        static_token: SecretStr | None,
    ) -> None:
        self.accounts = accounts
        self.passwords = passwords
        self.sessions = sessions
        self.secret = secret
        self.audit = audit
        self._tokens = Tokens(secret, clock)
        self._throttle = throttle
        self._static_token = static_token

    async def login(self, name: str, password: str, address: str) -> TokenPair:
        """Begin a session; raises `LoginFailed` or `LoginThrottled`."""
        said = name if is_name(name) else "?"  # Who types a password as a name is not told on.
        try:
            await self._throttle.begin(name, address)
        except LoginThrottled:
            await self.audit.note(said, "login", address, "throttled")
            raise
        account = await self.accounts.find(name)
        if not await self.passwords.matches(account.password_hash if account else None, password):
            await self.audit.note(said, "login", address, "failed")
            raise LoginFailed("The name or the password is wrong.")
        assert account is not None
        await self._throttle.forgive(name, address)
        await self._upgrade(account, password)
        session = await self.sessions.begin(name, address)
        await self.audit.note(name, "login", address)
        return await self._pair(name, session, 1)

    async def refresh(self, token: str, address: str) -> TokenPair:
        """Give the next pair of tokens for a refresh token; raises `TokenRefused`."""
        claims = await self._tokens.check(Use.REFRESH, token)
        try:
            generation = await self.sessions.rotate(claims)
            await self.sessions.check(claims)
        except TokenRefused as error:
            await self.audit.note(claims.operator, "refresh-token", address, type(error).__name__)
            raise
        await self.audit.note(claims.operator, "refresh-token", address)
        return await self._pair(claims.operator, claims.session, generation)

    async def identify(self, token: str) -> Operator:
        """Return who sent this bearer token; raises `TokenRefused`."""
        static = self._static_token
        if static and hmac.compare_digest(token.encode(), static.get_secret_value().encode()):
            return Operator(SCRIPT, None)
        claims = await self._tokens.check(Use.ACCESS, token)
        await self.sessions.check(claims)
        return Operator(claims.operator, claims)

    async def logout(self, claims: Claims, address: str) -> None:
        """End the session of an access token, and the token."""
        await self.sessions.blacklist(claims)
        await self.sessions.end(claims.operator, claims.session)
        await self.audit.note(claims.operator, "logout", address)

    async def end_everything(self) -> None:
        """Make a new signing key if it is ours to make, and end all sessions."""
        if not self.secret.is_configured:
            await self.secret.rotate()
        for account in await self.accounts.names():
            await self.sessions.end_all(account.name)

    async def _upgrade(self, account: Account, password: str) -> None:
        """Hash the password anew where better parameters have come since."""
        if self.passwords.is_outdated(account.password_hash):
            anew = await self.passwords.hash(password)
            await self.accounts.upgrade_hash(account, anew)

    async def _pair(self, name: str, session: str, generation: int) -> TokenPair:
        return TokenPair(
            await self._tokens.sign(Use.ACCESS, name, session, generation),
            await self._tokens.sign(Use.REFRESH, name, session, generation),
        )


def open_operators(settings: Settings, redis: Redis, keys: Keys, clock: Clock) -> Operators:
    """Put the pieces together; nothing is sent yet."""
    configured = settings.secret_key
    secret = derive(configured.get_secret_value().encode(), "tokens") if configured else None
    return Operators(
        accounts=Accounts(redis, keys, clock),
        passwords=Passwords(),
        sessions=Sessions(redis, keys, clock),
        secret=SharedSecret(redis, keys.operators("signing-key"), secret),
        throttle=Throttle(redis, keys, clock),
        audit=Audit(redis, keys, clock),
        clock=clock,
        static_token=settings.operator_token,
    )
