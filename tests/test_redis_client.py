"""What a server's refusals mean to us, and what is never said."""

import asyncio
from collections.abc import Iterator

import pytest
from redis.exceptions import ResponseError

from isbitcoinlit.errors import RedisRefused, RedisUnavailable
from isbitcoinlit.patience import ride_out
from isbitcoinlit.redis_client import connect, redis_errors, translate
from tests.own_redis import OwnRedis, own_redis

pytestmark = pytest.mark.anyio


@pytest.fixture
def own() -> Iterator[OwnRedis]:
    """A server whose users and memory the test may change."""
    with own_redis() as server:
        yield server


async def test_a_refused_pipeline_repeats_no_command(own: OwnRedis) -> None:
    """What a command holds is not in the error about it, in a pipeline either."""
    async with connect(own.url) as admin:
        await admin.acl_setuser("me", enabled=True, passwords=["+hunter2"], commands=["+get"])
    async with connect(own.url + "?username=me&password=hunter2") as redis:
        pipe = redis.pipeline(transaction=False)
        pipe.hset("accounts", "alice", "a secret hash")
        with pytest.raises(RedisRefused) as raised, redis_errors():
            await pipe.execute()

    assert "does not let our user" in str(raised.value)
    assert str(raised.value).endswith("(User me has no permissions to run the 'hset' command).")


async def test_a_wrong_password_is_not_waited_for(own: OwnRedis) -> None:
    """A refusal that does not pass by itself names the setting, and is raised at once."""
    asked = 0
    async with connect(own.url + "?username=me&password=hunter2") as redis:

        async def get() -> None:
            nonlocal asked
            asked += 1
            with redis_errors():
                await redis.get("x")

        with pytest.raises(RedisRefused, match="ISBITCOINLIT_REDIS_URL") as raised:
            await ride_out(30, get)

    assert asked == 1
    assert "hunter2" not in str(raised.value)


async def test_full_memory_is_told(own: OwnRedis) -> None:
    """A write that has no room is a refusal with advice; so it is in a script."""
    async with connect(own.url) as redis:
        await redis.config_set("maxmemory", "1kb")
        for write in (redis.set("x", 1), redis.eval("return redis.call('SET', 'x', 1)", 0)):
            with pytest.raises(RedisRefused, match="maxmemory"), redis_errors():
                await write


async def test_waiting_ends_with_what_was_waited_for(own: OwnRedis) -> None:
    """Who can wait gets an answer as soon as there is one, and else the last error."""
    async with connect(own.url) as redis:

        async def get() -> None:
            with redis_errors():
                await redis.get("x")

        own.stop()
        with pytest.raises(RedisUnavailable):
            await ride_out(0.3, get)
        waiting = asyncio.create_task(ride_out(30, get))
        await asyncio.sleep(0)
        own.start()
        await waiting


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        ("MISCONF Errors writing to the AOF file: No space left", RedisRefused, "make room"),
        ("NOREPLICAS Not enough good replicas to write.", RedisUnavailable, "fewer replicas"),
        ("Something else", RedisUnavailable, "refused a command"),
    ],
)
def test_codes(reply: str, kind: type[Exception], words: str) -> None:
    """Codes that redis-py does not know are found in the text, in that of a pipeline too."""
    for text in (reply, f"Command # 1 (SET x OOM) of pipeline caused error: {reply}"):
        error = translate(ResponseError(text))
        assert type(error) is kind
        assert words in str(error)
