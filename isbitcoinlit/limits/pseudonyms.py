"""Names for clients that do not say their addresses to whoever reads Redis."""

import hmac

from isbitcoinlit.limits.addresses import REMEMBERED
from isbitcoinlit.shared_secret import SharedSecret

_BYTES = 8
"""Enough that two clients of one service do not meet."""
OPERATOR = "operator:"
"""What the names of operators begin with; they are shown as they are."""


class Pseudonyms:
    """Keyed hashes of addresses; ask for the key before the first one."""

    def __init__(self, secret: SharedSecret) -> None:
        self._secret = secret
        self._key: bytes | None = None
        self._known: dict[str, str] = {}

    async def prepare(self) -> None:
        """Have the key; raises `RedisUnavailable`."""
        if self._key is None:
            self._key = await self._secret.get()

    def of(self, client: str) -> str:
        """Return the name of a client: 16 hexadecimal digits, or an operator's own."""
        if client.startswith(OPERATOR):
            return client
        known = self._known.get(client)
        if known is None:
            assert self._key is not None
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = hmac.digest(self._key, client.encode(), "sha256")[:_BYTES].hex()
            self._known[client] = known
        return known
