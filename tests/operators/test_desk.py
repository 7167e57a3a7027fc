"""Logging in, staying logged in, logging out."""

import asyncio
from typing import Any

import pytest
from argon2 import PasswordHasher
from redis.asyncio import Redis

from isbitcoinlit.errors import (
    LoginFailed,
    LoginThrottled,
    NameUnfit,
    OperatorExists,
    OperatorUnknown,
    PasswordUnfit,
    TokenRefused,
)
from isbitcoinlit.operators.desk import Operators
from isbitcoinlit.operators.passwords import Passwords
from isbitcoinlit.operators.sessions import MOST, TokenReused
from isbitcoinlit.operators.throttle import FREE
from isbitcoinlit.operators.tokens import ACCESS_SECONDS, REFRESH_SECONDS
from tests.manual_clock import ManualClock
from tests.operators.conftest import PASSWORD

pytestmark = pytest.mark.anyio

HOME, ATTACKER = "192.0.2.10", "203.0.113.66"


async def fail(operators: Operators, times: int, name: str = "alice", address: str = HOME) -> None:
    """Fail to log in so many times."""
    for _ in range(times):
        with pytest.raises(LoginFailed):
            await operators.login(name, "not the password", address)


async def test_login(operators: Operators, alice: str) -> None:
    """The right password gives a token that says who has it."""
    pair = await operators.login(alice, PASSWORD, HOME)
    assert (await operators.identify(pair.access)).name == alice


async def test_nothing_readable_is_stored(
    operators: Operators, alice: str, redis: Redis, key_prefix: str
) -> None:
    """Neither the password nor a token is in Redis, and the hash is Argon2id."""
    pair = await operators.login(alice, PASSWORD, HOME)
    stored = ""
    async for key in redis.scan_iter(f"{{{key_prefix}}}:*"):
        kind = await redis.type(key)
        read: dict[str, Any] = {
            "hash": redis.hgetall,
            "string": redis.get,
            "stream": redis.xrange,
        }
        if kind in read:
            stored += str(await read[kind](key))
    assert "$argon2id$" in stored
    assert not any(secret in stored for secret in (PASSWORD, pair.access, pair.refresh))


@pytest.mark.parametrize(("name", "password"), [("alice", "wrong"), ("nobody", PASSWORD)])
async def test_failures_look_the_same(
    operators: Operators, alice: str, name: str, password: str
) -> None:
    """A wrong name and a wrong password are told in the same words."""
    assert alice
    with pytest.raises(LoginFailed, match=r"^The name or the password is wrong\.$"):
        await operators.login(name, password, HOME)


async def test_old_hashes_are_upgraded(operators: Operators) -> None:
    """A hash with weaker parameters is replaced at the next login, and only then."""
    weak = PasswordHasher(time_cost=1, memory_cost=1_024)
    await operators.accounts.add("bob", weak.hash(PASSWORD))
    await fail(operators, 1, "bob")
    before = await operators.accounts.find("bob")
    assert before
    assert operators.passwords.is_outdated(before.password_hash)
    await operators.login("bob", PASSWORD, HOME)
    after = await operators.accounts.find("bob")
    assert after
    assert not operators.passwords.is_outdated(after.password_hash)
    await operators.login("bob", PASSWORD, HOME)


async def test_an_upgrade_never_undoes_a_change(operators: Operators, alice: str) -> None:
    """A hash that was changed while a login went on is left as it is."""
    account = await operators.accounts.find(alice)
    assert account
    changed = await operators.passwords.hash("another long password")
    await operators.accounts.set_hash(alice, changed)
    await operators.accounts.upgrade_hash(account, "the old password, hashed anew")
    found = await operators.accounts.find(alice)
    assert found
    assert found.password_hash == changed


@pytest.mark.parametrize("password", ["", "short", "x" * 257])
async def test_unfit_passwords(password: str) -> None:
    """A password that is short or endless is refused."""
    with pytest.raises(PasswordUnfit):
        await Passwords().hash(password)


async def test_accounts(operators: Operators, alice: str) -> None:
    """A name is taken once, has a form, and has to exist to be removed or changed."""
    with pytest.raises(OperatorExists):
        await operators.accounts.add(alice, "hash")
    for name in ("", "-x", "a b", "a" * 33, "é"):
        with pytest.raises(NameUnfit):
            await operators.accounts.add(name, "hash")
    for change in (operators.accounts.remove("bob"), operators.accounts.set_hash("bob", "hash")):
        with pytest.raises(OperatorUnknown):
            await change


async def test_a_refresh_token_is_good_once(operators: Operators, alice: str) -> None:
    """A refresh gives new tokens; the used one ends the session, the new ones with it."""
    first = await operators.login(alice, PASSWORD, HOME)
    second = await operators.refresh(first.refresh, HOME)
    assert (await operators.identify(second.access)).name == alice
    with pytest.raises(TokenReused):
        await operators.refresh(first.refresh, ATTACKER)
    for token in (first.access, second.access):
        with pytest.raises(TokenRefused):
            await operators.identify(token)
    with pytest.raises(TokenRefused):
        await operators.refresh(second.refresh, HOME)


async def test_a_refresh_that_is_sent_twice(
    operators: Operators, alice: str, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client of Redis repeats a call whose answer got lost: that is no second use."""
    first = await operators.login(alice, PASSWORD, HOME)
    send = redis.evalsha

    async def twice(*call: Any) -> Any:
        await send(*call)
        return await send(*call)

    monkeypatch.setattr(redis, "evalsha", twice)
    second = await operators.refresh(first.refresh, HOME)
    assert (await operators.identify(second.access)).name == alice
    with pytest.raises(TokenRefused):
        await operators.refresh(first.refresh, HOME)


async def test_two_refreshes_at_once(operators: Operators, alice: str) -> None:
    """Of two refreshes with one token, at most one succeeds, and the session ends."""
    pair = await operators.login(alice, PASSWORD, HOME)
    both = await asyncio.gather(
        *(operators.refresh(pair.refresh, HOME) for _ in range(2)), return_exceptions=True
    )
    assert sum(isinstance(one, TokenRefused) for one in both) >= 1
    assert await operators.sessions.of(alice) == []


async def test_logout(
    operators: Operators, alice: str, redis: Redis, key_prefix: str, clock: ManualClock
) -> None:
    """A logout ends the session; its token is remembered for just as long as it would live."""
    pair = await operators.login(alice, PASSWORD, HOME)
    other = await operators.login(alice, PASSWORD, HOME)
    clock.advance(600)
    claims = (await operators.identify(pair.access)).claims
    assert claims
    await operators.logout(claims, HOME)
    for attempt in (operators.identify(pair.access), operators.refresh(pair.refresh, HOME)):
        with pytest.raises(TokenRefused):
            await attempt
    assert (await operators.identify(other.access)).name == alice
    left = await redis.ttl(f"{{{key_prefix}}}:operators:blacklisted:{claims.token}")
    assert left == pytest.approx(ACCESS_SECONDS - 600 + 30, abs=2)


async def test_a_blacklisted_token(operators: Operators, alice: str) -> None:
    """A token on the blacklist is refused, although its session goes on."""
    pair = await operators.login(alice, PASSWORD, HOME)
    claims = (await operators.identify(pair.access)).claims
    assert claims
    await operators.sessions.blacklist(claims)
    with pytest.raises(TokenRefused):
        await operators.identify(pair.access)
    assert (await operators.refresh(pair.refresh, HOME)).access


async def test_sessions_have_an_end(
    operators: Operators, alice: str, redis: Redis, key_prefix: str
) -> None:
    """A session has a time to live, and an operator only so many of them."""
    for _ in range(MOST + 2):
        await operators.login(alice, PASSWORD, HOME)
    sessions = await operators.sessions.of(alice)
    assert len(sessions) == MOST
    kept = [key async for key in redis.scan_iter(f"{{{key_prefix}}}:operators:session:*")]
    assert len(kept) == MOST
    assert 0 < await redis.ttl(kept[0]) <= REFRESH_SECONDS


async def test_removal_ends_sessions(operators: Operators, alice: str) -> None:
    """Whoever is no operator any more has no token that is worth something."""
    pair = await operators.login(alice, PASSWORD, HOME)
    await operators.accounts.remove(alice)
    for attempt in (operators.identify(pair.access), operators.refresh(pair.refresh, HOME)):
        with pytest.raises(TokenRefused):
            await attempt


async def test_rotating_the_key(operators: Operators, alice: str) -> None:
    """Another key ends all sessions, and new logins are signed with it."""
    pair = await operators.login(alice, PASSWORD, HOME)
    await operators.end_everything()
    with pytest.raises(TokenRefused):
        await operators.identify(pair.access)
    assert await operators.sessions.of(alice) == []
    again = await operators.login(alice, PASSWORD, HOME)
    assert (await operators.identify(again.access)).name == alice


async def test_waiting_grows(operators: Operators, alice: str, clock: ManualClock) -> None:
    """After five failures each one doubles the wait, and waiting is enough."""
    await fail(operators, FREE)
    waits = []
    for _ in range(4):
        with pytest.raises(LoginThrottled) as thrown:
            await operators.login(alice, PASSWORD, HOME)
        waits.append(thrown.value.retry_after)
        clock.advance(thrown.value.retry_after)
        await fail(operators, 1)
    assert waits == [1, 2, 4, 8]
    clock.advance(16)
    assert await operators.login(alice, PASSWORD, HOME)


async def test_the_owner_gets_in(operators: Operators, alice: str) -> None:
    """While somebody guesses at a name, its owner logs in from elsewhere."""
    await fail(operators, FREE, address=ATTACKER)
    with pytest.raises(LoginThrottled):
        await operators.login(alice, PASSWORD, ATTACKER)
    assert await operators.login(alice, PASSWORD, HOME)


async def test_many_addresses_get_one_guess_each(operators: Operators, alice: str) -> None:
    """While a name waits, every address that fails at it waits too, from its first failure."""
    await fail(operators, FREE, address=ATTACKER)
    await fail(operators, 1, alice, "203.0.113.1")
    with pytest.raises(LoginThrottled):
        await operators.login(alice, PASSWORD, "203.0.113.1")


async def test_many_names_from_one_address(operators: Operators) -> None:
    """An address that tries one name after the other waits as well."""
    for number in range(FREE):
        await fail(operators, 1, f"name{number}", ATTACKER)
    with pytest.raises(LoginThrottled):
        await operators.login("name99", PASSWORD, ATTACKER)


async def test_guesses_at_once_are_counted(operators: Operators, alice: str) -> None:
    """Twenty guesses at the same moment are five, and fifteen that wait."""
    tries = [operators.login(alice, f"guess {n}", ATTACKER) for n in range(20)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, LoginFailed) for result in results) == FREE
    assert sum(isinstance(result, LoginThrottled) for result in results) == 20 - FREE


async def test_success_is_forgiven(operators: Operators, alice: str) -> None:
    """Who mistypes and then succeeds begins at nothing again."""
    for _ in range(3):
        await fail(operators, FREE - 1)
        await operators.login(alice, PASSWORD, HOME)


async def test_the_audit(operators: Operators, alice: str) -> None:
    """Every attempt is an event, and what was typed as a name is not repeated."""
    await fail(operators, 1)
    await fail(operators, 1, "oops, my password", ATTACKER)
    await operators.login(alice, PASSWORD, HOME)
    events = [(e.who, e.what, e.address, e.result) for e in await operators.audit.read(10)]
    assert events == [
        ("alice", "login", HOME, "ok"),
        ("?", "login", ATTACKER, "failed"),
        ("alice", "login", HOME, "failed"),
    ]


async def test_the_audit_is_bounded(operators: Operators, redis: Redis, key_prefix: str) -> None:
    """Redis keeps about ten thousand events, and pages go back through them."""
    pipe = redis.pipeline(transaction=False)
    stream = f"{{{key_prefix}}}:operators:audit"
    for n in range(10_500):
        fields = {"time": n, "who": "x", "what": "y", "from": "z", "result": "ok"}
        pipe.xadd(stream, fields)  # type: ignore[arg-type]
    await pipe.execute()
    await operators.audit.note("alice", "refresh", HOME)
    assert await redis.xlen(stream) <= 10_200
    assert await operators.audit.read(1, "0-0") == []
    newest = await operators.audit.read(1)
    before = await operators.audit.read(2, newest[0].id)
    assert [event.time.microsecond // 1_000 for event in before] == [499, 498]
