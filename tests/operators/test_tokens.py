"""Which tokens are believed."""

import base64
import json
from typing import Any

import jwt
import pytest
from redis.asyncio import Redis

from isbitcoinlit.clock import Clock
from isbitcoinlit.errors import TokenRefused
from isbitcoinlit.operators.tokens import ACCESS_SECONDS, Tokens, Use
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.shared_secret import SharedSecret
from tests.manual_clock import ManualClock

pytestmark = pytest.mark.anyio

KEY = b"k" * 32


def tokens_of(redis: Redis, clock: Clock, key: bytes | None = KEY) -> Tokens:
    """Make what signs with a key."""
    return Tokens(SharedSecret(redis, Keys("unused").operators("signing-key"), key), clock)


@pytest.fixture
def tokens(redis: Redis, clock: ManualClock) -> Tokens:
    """Signs with a key that the test knows."""
    return tokens_of(redis, clock)


async def claims(tokens: Tokens) -> dict[str, Any]:
    """Return what a good token says."""
    token = await tokens.sign(Use.ACCESS, "alice", "session", 1)
    options: Any = {"verify_signature": False}
    said: dict[str, Any] = jwt.decode(token, options=options)
    return said


def unsigned(said: dict[str, Any]) -> str:
    """Write a token by hand that asks for no signature."""
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, said)]
    return b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts).decode() + "."


async def test_a_good_token(tokens: Tokens) -> None:
    """A token says who, in which session, and until when."""
    found = await tokens.check(Use.ACCESS, await tokens.sign(Use.ACCESS, "alice", "s", 3))
    assert (found.operator, found.session, found.generation) == ("alice", "s", 3)


async def test_without_signature(tokens: Tokens) -> None:
    """A token of the algorithm `none` is refused."""
    with pytest.raises(TokenRefused):
        await tokens.check(Use.ACCESS, unsigned(await claims(tokens)))


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
async def test_other_algorithms(tokens: Tokens, algorithm: str) -> None:
    """A token signed with our key and another algorithm is refused."""
    with pytest.raises(TokenRefused):
        await tokens.check(Use.ACCESS, jwt.encode(await claims(tokens), KEY, algorithm))


async def test_a_foreign_key(redis: Redis, tokens: Tokens, clock: ManualClock) -> None:
    """A token signed with another key is refused."""
    foreign = tokens_of(redis, clock, b"f" * 32)
    with pytest.raises(TokenRefused):
        await tokens.check(Use.ACCESS, await foreign.sign(Use.ACCESS, "alice", "session", 1))


@pytest.mark.parametrize("name", ["sub", "iat", "exp", "jti", "iss", "aud", "sid", "gen"])
async def test_missing_claims(tokens: Tokens, name: str) -> None:
    """A token without one of its claims is refused."""
    said = await claims(tokens)
    del said[name]
    with pytest.raises(TokenRefused):
        await tokens.check(Use.ACCESS, jwt.encode(said, KEY))


@pytest.mark.parametrize(
    ("name", "value"),
    [("iss", "somebody"), ("aud", "refresh"), ("iat", "soon"), ("exp", "never"), ("sub", 7)],
)
async def test_wrong_claims(tokens: Tokens, name: str, value: object) -> None:
    """A token of another issuer, for another use, or with a time that is none, is refused."""
    with pytest.raises(TokenRefused):
        await tokens.check(Use.ACCESS, jwt.encode(await claims(tokens) | {name: value}, KEY))


async def test_uses_are_apart(tokens: Tokens) -> None:
    """A refresh token opens nothing, and an access token renews nothing."""
    with pytest.raises(TokenRefused):
        await tokens.check(Use.ACCESS, await tokens.sign(Use.REFRESH, "alice", "session", 1))
    with pytest.raises(TokenRefused):
        await tokens.check(Use.REFRESH, await tokens.sign(Use.ACCESS, "alice", "session", 1))


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é.é.é", "a" * 100_000, "..", "\x00"])
async def test_garbage(tokens: Tokens, text: str) -> None:
    """What is no token at all is refused like a wrong one."""
    with pytest.raises(TokenRefused):
        await tokens.check(Use.ACCESS, text)


@pytest.mark.parametrize("seconds", [-30, 30, ACCESS_SECONDS + 29])
async def test_clocks_that_differ_a_little(
    tokens: Tokens, clock: ManualClock, seconds: float
) -> None:
    """A clock that is 30 s off, either way, keeps nobody out."""
    token = await tokens.sign(Use.ACCESS, "alice", "session", 1)
    clock.advance(seconds)
    assert (await tokens.check(Use.ACCESS, token)).operator == "alice"


@pytest.mark.parametrize("seconds", [-32, ACCESS_SECONDS + 31])
async def test_clocks_that_differ_much(tokens: Tokens, clock: ManualClock, seconds: float) -> None:
    """A token from the future, and one that has expired, are refused."""
    token = await tokens.sign(Use.ACCESS, "alice", "session", 1)
    clock.advance(seconds)
    with pytest.raises(TokenRefused):
        await tokens.check(Use.ACCESS, token)


async def test_one_key_for_all(redis: Redis, key_prefix: str, clock: ManualClock) -> None:
    """Without a setting, processes that start together share a key, which stays in Redis."""
    key = Keys(key_prefix).operators("signing-key")
    one, other = (Tokens(SharedSecret(redis, key), clock) for _ in range(2))
    token = await one.sign(Use.ACCESS, "alice", "session", 1)
    assert (await other.check(Use.ACCESS, token)).operator == "alice"
    await SharedSecret(redis, key).rotate()
    with pytest.raises(TokenRefused):
        await other.check(Use.ACCESS, token)
