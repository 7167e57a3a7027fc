"""`GET /api/v1/stream`, through real sockets: what is told, and what is never told twice."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest
from redis.asyncio import Redis

from isbitcoinlit.events.event import EventKind, order
from isbitcoinlit.events.log import EventLog
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.web import stream_response, streams
from isbitcoinlit.web.app import Service
from tests.polling import eventually
from tests.readings import GivenFeed, readings
from tests.web.problem import assert_problem
from tests.web.real_server import Heard, serving, stream

pytestmark = pytest.mark.anyio

FIRST = 20
"""Readings that the feed has at the start."""

Serve = Callable[..., AbstractAsyncContextManager[str]]
Grow = Callable[..., Awaitable[None]]


@pytest.fixture
def feed() -> GivenFeed:
    """A feed whose newest reading is five and a half minutes old."""
    return GivenFeed(readings(FIRST))


@pytest.fixture
def serve(make_app: Callable[..., Service]) -> Serve:
    """Runs a process of the service; its address, once everything of its start has been told."""

    @asynccontextmanager
    async def run(**fields: object) -> AsyncIterator[str]:
        app = make_app(**fields)
        async with serving(app) as url:
            await eventually(lambda: len(app.state.resources.hub.states) == 2)
            yield url

    return run


@pytest.fixture
async def url(serve: Serve) -> AsyncIterator[str]:
    """The address of a process."""
    async with serve() as url:
        yield url


@pytest.fixture
def grow(feed: GivenFeed) -> Grow:
    """Has a process pull a feed that has some more readings than before."""
    count = FIRST

    async def pull(url: str, more: int = 1) -> None:
        nonlocal count
        count += more
        feed.answers = [readings(count)]
        async with httpx.AsyncClient() as client:
            assert (await client.post(f"{url}/refresh")).json()["added"] == more

    return pull


async def test_the_state_comes_at_once(url: str) -> None:
    """A client is told when to come back, then the answer, under an id."""
    async with stream(url) as client, httpx.AsyncClient() as other:
        first, snapshot = await client.block(), await client.event()
        answer = (await other.get(f"{url}/is-bitcoin-lit")).json()

    headers = client.response.headers
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["x-accel-buffering"] == "no"
    assert headers["access-control-allow-origin"] == "*"
    assert 1_000 <= int(first.fields["retry"]) <= 4_000
    assert (snapshot.kind, snapshot.data) == ("snapshot", answer)
    assert snapshot.id


async def test_news_come_within_a_second(url: str, grow: Grow) -> None:
    """A refresh is told: each reading, then the snapshot, in the order of their ids."""
    async with stream(url) as client:
        state = await client.event()
        began = asyncio.get_running_loop().time()
        await grow(url, 2)
        told = await client.events(3)
        took = asyncio.get_running_loop().time() - began

    assert [event.kind for event in told] == ["reading", "reading", "snapshot"]
    assert told[1].data == {
        "time": "2021-07-07T12:10:30+00:00",
        "price": 34_005.25,
        "sentiment": -0.7,
        "feed": "given",
    }
    assert told[2].data["as_of"] == told[1].data["time"]
    ids = [state.id, *(event.id for event in told)]
    assert ids == sorted(set(ids))
    assert took < 1


async def test_only_what_is_wanted(url: str, grow: Grow) -> None:
    """`?events=` selects; the state at the start is a snapshot, so it comes with snapshots only."""
    async with stream(url, "?events=snapshot") as some, stream(url, "?events=reading") as others:
        await some.event()
        await others.block()
        await grow(url)

        assert [event.kind for event in await some.events(1)] == ["snapshot"]
        assert [event.kind for event in await others.events(1)] == ["reading"]


@pytest.mark.parametrize("events", ["", "snapshot,", "snapshots", "resync", "snapshot;reading"])
async def test_unknown_events(url: str, events: str) -> None:
    """What is no event is refused, and what there is is named."""
    async with httpx.AsyncClient() as client:
        response = await client.get(f"{url}/api/v1/stream", params={"events": events})

    assert_problem(response, 422, "invalid-request")
    assert "snapshot, reading, status" in response.json()["detail"]


async def test_a_client_comes_back(url: str, grow: Grow) -> None:
    """It gets what it missed, each event once and under the id that others saw, and no state."""
    async with stream(url) as steady:
        async with stream(url) as client:
            await client.event()
            await grow(url)
            seen = await client.event()
        await grow(url, 2)
        told = (await steady.events(6))[2:]
        async with stream(url, last_event_id=seen.id) as client:
            missed = await client.events(4)
            await grow(url)
            news = await client.event()

    assert seen.kind == "reading"
    assert missed == told
    assert [event.kind for event in missed] == ["snapshot", "reading", "reading", "snapshot"]
    assert news.kind == "reading"


async def test_nothing_was_missed(url: str, grow: Grow) -> None:
    """Who comes back up to date is told nothing until there is something new."""
    async with stream(url) as client:
        state = await client.event()
    async with stream(url, last_event_id=state.id) as client:
        assert (await client.block()).fields.keys() == {"retry"}
        await grow(url)
        assert (await client.event()).kind == "reading"


@pytest.mark.parametrize("last", ["1-1", "0-0", "of another service", "9" * 30 + "-1"])
async def test_what_is_gone_is_announced(url: str, last: str) -> None:
    """For an id that is not kept there is one `resync`, and then the state."""
    async with stream(url, last_event_id=last) as client:
        resync, snapshot = await client.events(2)

    assert (resync.kind, resync.data) == ("resync", {"reason": "not-kept"})
    assert snapshot.kind == "snapshot"
    assert resync.id != snapshot.id


async def test_a_redis_that_forgot_is_announced(
    url: str, grow: Grow, redis: Redis, key_prefix: str
) -> None:
    """When the log of events is lost, an open stream says so before it goes on."""
    async with stream(url, "?events=reading") as client:
        await client.block()
        await redis.delete(Keys(key_prefix).events)
        own = await redis.client_id()
        for row in await redis.client_list():
            if int(row["id"]) != own:
                await redis.client_kill_filter(_id=row["id"])
        resync = await client.event()
        await grow(url)
        reading = await client.event()

    assert (resync.kind, resync.data) == ("resync", {"reason": "not-kept"})
    assert reading.kind == "reading"


async def test_two_processes(serve: Serve, grow: Grow) -> None:
    """What one process reads clients of the other hear, and may go on at either."""
    async with serve() as one, serve() as two:
        async with stream(two) as client:
            await client.event()
            await grow(one)
            reading, snapshot = await client.events(2)
        async with stream(one, last_event_id=reading.id) as client:
            again = await client.event()

    assert (reading.kind, snapshot.kind) == ("reading", "snapshot")
    assert again == snapshot


async def test_a_client_that_has_gone(make_app: Callable[..., Service]) -> None:
    """A client that leaves gives its place back."""
    app = make_app(max_streams=1)
    async with serving(app) as url:
        async with stream(url) as client:
            await client.block()
            assert app.state.resources.traffic.meters.gauges["stream_clients"] == 1
        await eventually(lambda: app.state.resources.traffic.meters.gauges["stream_clients"] == 0)
        async with stream(url) as client:
            assert client.response.status_code == 200


@pytest.mark.parametrize(
    ("setting", "status"), [("max_streams", 503), ("max_streams_per_client", 429)]
)
async def test_one_too_many(serve: Serve, setting: str, status: int) -> None:
    """Beyond a process's streams, or a client's, the answer is a problem that says when to ask."""
    async with (
        serve(**{setting: 2}) as url,
        stream(url),
        stream(url),
        httpx.AsyncClient() as client,
    ):
        response = await client.get(f"{url}/api/v1/stream")

    assert_problem(response, status, "too-many-streams")
    assert int(response.headers["retry-after"]) > 0


async def test_silence_is_broken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream on which nothing happens says now and then that it lives, and where it is."""
    assert stream_response.PING_SECONDS <= 15
    monkeypatch.setattr(stream_response, "PING_SECONDS", 0.02)
    async with stream(url) as client:
        state = await client.event()
        ping = Heard({"event": "ping", "id": state.id, "data": "{}"})
        assert await client.block() == await client.block() == ping


async def test_what_is_not_wanted_breaks_no_silence(
    url: str, grow: Grow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events for others put off no ping, and with it the client has passed them."""
    monkeypatch.setattr(stream_response, "PING_SECONDS", 0.5)
    async with stream(url, "?events=status") as client:
        _, start = [await client.block() for _ in range(2)]
        ping = asyncio.create_task(client.block())
        while not ping.done():
            await grow(url)

    assert ping.result().kind == "ping"
    assert order(ping.result().id) > order(start.id)


async def test_who_heard_nothing_yet_misses_nothing(url: str, grow: Grow) -> None:
    """A client that was told no event before its connection broke is told what came then."""
    async with stream(url, "?events=reading") as client:
        await client.block()
        start = await client.block()
    await grow(url, 2)
    async with stream(url, "?events=reading", last_event_id=start.id) as client:
        missed = await client.events(2)

    assert [event.kind for event in missed] == ["reading", "reading"]


async def test_without_a_snapshot_a_stream_has_an_id(
    make_app: Callable[..., Service], feed: GivenFeed
) -> None:
    """Where there is no state yet, there is a place to come back to."""
    feed.answers = [[]]
    async with serving(make_app()) as url, stream(url) as client:
        _, start = [await client.block() for _ in range(2)]

    assert start.kind == "ping"
    assert start.id


async def test_a_stream_ends(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time a stream ends in good order, and the client goes on where it was."""
    assert streams.LIFE_SECONDS == 600
    monkeypatch.setattr(streams, "LIFE_SECONDS", 0.1)
    async with stream(url) as client:
        state = await client.event()
        with pytest.raises(StopAsyncIteration):
            await client.block()
    async with stream(url, last_event_id=state.id) as client:
        assert (await client.block()).fields.keys() == {"retry"}


async def test_a_slow_client(url: str, grow: Grow, redis: Redis, key_prefix: str) -> None:
    """Who does not read holds up nobody, and gets the newest state instead of a growing queue."""
    events = EventLog(redis, Keys(key_prefix))
    big = [(EventKind.READING, json.dumps("x" * 20_000))] * 20
    async with slow_client(url) as slow, stream(url) as quick:
        await quick.event()
        for _ in range(40):
            await events.append(big)
            assert len({event.id for event in await quick.events(20)}) == 20
        await grow(url)
        news = await quick.events(2)
        async with asyncio.timeout(10):
            said = await slow().readuntil(f"id: {news[-1].id}".encode())

    ids = [order(found.decode()) for found in re.findall(rb"id: (\S+)", said)]
    assert ids == sorted(ids)
    assert said.count(b"too-slow") == 1
    assert len(said) < 8_000_000, "of 16 MB; what was written lay in the system's buffers"


@asynccontextmanager
async def slow_client(url: str) -> AsyncIterator[Callable[[], asyncio.StreamReader]]:
    """A client of the stream that buffers next to nothing, and reads on when it is called."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.connect(("127.0.0.1", int(url.rpartition(":")[2])))
    reader, writer = await asyncio.open_connection(sock=connection, limit=2**25)
    try:
        writer.write(b"GET /api/v1/stream HTTP/1.1\r\nhost: localhost\r\n\r\n")
        await reader.readuntil(b"event: snapshot")
        writer.transport.pause_reading()  # type: ignore[attr-defined]

        def read_on() -> asyncio.StreamReader:
            writer.transport.resume_reading()  # type: ignore[attr-defined]
            return reader

        yield read_on
    finally:
        writer.close()
