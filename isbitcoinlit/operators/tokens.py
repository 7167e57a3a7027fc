"""Signed tokens: what they say, and whether to believe them."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import jwt

from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import TokenRefused
from isbitcoinlit.shared_secret import SharedSecret

ALGORITHM = "HS256"
ISSUER = "isbitcoinlit"
ACCESS_SECONDS = 1_800
REFRESH_SECONDS = 14 * 86_400
"""A session ends when it has not been used for so long."""
LEEWAY_SECONDS = 30
"""How far the clocks of two of our machines may be apart."""
_LONGEST = 4_096
"""Characters; ours have about 300."""
_REQUIRED = ["sub", "iat", "exp", "jti", "iss", "aud", "sid", "gen"]


class Use(StrEnum):
    """What a token is good for; one cannot stand in for the other."""

    ACCESS = "access"
    REFRESH = "refresh"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a believed token says."""

    operator: str
    session: str
    generation: int
    """How often the session had been refreshed when the token was made."""
    token: str
    """The token's own id (`jti`)."""
    expires: int
    """Seconds since the epoch."""


class Tokens:
    """Signs and checks tokens with the service's key."""

    def __init__(self, secret: SharedSecret, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock

    async def sign(self, use: Use, operator: str, session: str, generation: int) -> str:
        """Make a token; raises `RedisUnavailable`."""
        seconds = ACCESS_SECONDS if use is Use.ACCESS else REFRESH_SECONDS
        now = self._clock.now()
        claims = {
            "sub": operator,
            "iat": now,
            "exp": now + timedelta(seconds=seconds),
            "jti": secrets.token_hex(16),
            "iss": ISSUER,
            "aud": use.value,
            "sid": session,
            "gen": generation,
        }
        return jwt.encode(claims, await self._secret.get(), ALGORITHM)

    async def check(self, use: Use, token: str) -> Claims:
        """Return what a token says; raises `TokenRefused` or `RedisUnavailable`."""
        if len(token) > _LONGEST:
            raise TokenRefused("The token is not one of ours.")
        claims = self._decode(use, token, await self._secret.get())
        self._check_times(claims)
        return Claims(
            claims["sub"], claims["sid"], claims["gen"], claims["jti"], int(claims["exp"])
        )

    def _decode(self, use: Use, token: str, key: bytes) -> dict[str, Any]:
        try:
            # The times are checked below, by the clock that the rest of the service goes by.
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=use.value,
                issuer=ISSUER,
                options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError as error:
            raise TokenRefused("The token is not one of ours.") from error
        return claims

    def _check_times(self, claims: dict[str, Any]) -> None:
        now = self._clock.now().timestamp()
        try:
            begins, ends = float(claims["iat"]), float(claims["exp"])
        except (TypeError, ValueError) as error:
            raise TokenRefused("The token is not one of ours.") from error
        if now - LEEWAY_SECONDS >= ends:
            raise TokenRefused("The token has expired.")
        if now + LEEWAY_SECONDS < begins:
            raise TokenRefused("The token is not valid yet; are the clocks right?")
