"""What the nodes of a Cluster say, and what is made of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import hiredis
import pytest
from redis.asyncio.sentinel import MasterNotFoundError

from isbitcoinlit.redis_primary import ClusterFinder

pytestmark = pytest.mark.anyio

NODE = "07c37dfeb235213a872192d90877d0cd55635b9{} 10.0.0.{}:6379@16379 {} - 0 0 {} connected {}"


@asynccontextmanager
async def node_that_says(text: str) -> AsyncIterator[tuple[str, int]]:
    """Answer CLUSTER NODES with a text, and everything else with OK."""
    nodes = b"$%d\r\n%s\r\n" % (len(text), text.encode())

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        commands = hiredis.Reader()
        while sent := await reader.read(65_536):
            commands.feed(sent)
            while command := commands.gets():
                writer.write(nodes if command[0] == b"CLUSTER" else b"+OK\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()


@pytest.mark.parametrize(
    ("slot", "host"), [(0, 1), (5460, 1), (10923, 1), (5461, 2), (10922, 2), (16383, 2)]
)
async def test_a_slot_may_stand_alone(slot: int, host: int) -> None:
    """While slots are moved a master may have one without its neighbours."""
    lines = (
        NODE.format(1, 1, "myself,master", 3, "0-5460 10923 [42->-aaa]"),
        NODE.format(2, 2, "master", 4, "5461-10922 10924-16383"),
        NODE.format(3, 3, "slave", 4, ""),
    )
    async with node_that_says("\n".join(lines)) as node:
        finder = ClusterFinder([node], {}, slot, names=False)
        assert await finder.find() == (f"10.0.0.{host}", 6379)


async def test_nonsense_is_nobody_s_word() -> None:
    """A node whose answer cannot be read is as good as one that is away."""
    async with node_that_says(NODE.format(1, 1, "master", 3, "0-all")) as node:
        with pytest.raises(MasterNotFoundError, match="invalid literal"):
            await ClusterFinder([node], {}, 1, names=False).find()
