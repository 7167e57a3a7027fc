"""Passwords as Argon2id hashes."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from isbitcoinlit.errors import PasswordUnfit

SHORTEST = 12
LONGEST = 256
"""Characters; enough for a phrase, too few to keep a core busy with."""
AT_ONCE = 2
"""Hashes computed at once, each with 64 MiB: more tries at a password wait."""


class Passwords:
    """Hashes and checks passwords, beside the event loop."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()  # The library's defaults are RFC 9106's.
        self._places = asyncio.Semaphore(AT_ONCE)
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        """Return what may be stored; raises `PasswordUnfit`."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise PasswordUnfit(f"A password has {SHORTEST} to {LONGEST} characters.")
        async with self._places:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Tell whether the password is the stored one; nothing stored takes as long as a no."""
        if self._decoy is None:
            self._decoy = await self.hash("nobody has this password")
        async with self._places:
            same = await asyncio.to_thread(self._verify, stored or self._decoy, password[:LONGEST])
        return same and stored is not None and len(password) <= LONGEST

    def is_outdated(self, stored: str) -> bool:
        """Tell whether the hash was made with other parameters than new ones are."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
