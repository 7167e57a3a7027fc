"""The live feed, whole: the service against a world that is played."""

import math
import signal
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.end_to_end.live_trial import PHASES, trial
from tests.end_to_end.live_trial import run as run_trial
from tests.end_to_end.service import Service, run, service, start
from tests.end_to_end.world import World, played_world
from tests.waiting import until


@pytest.fixture
def world() -> Iterator[World]:
    """Everybody whom the live feed asks."""
    with played_world() as world:
        yield world


@pytest.fixture
def running(world: World, redis_url: str, key_prefix: str) -> Iterator[Service]:
    """The service with the live feed alone, which has spoken."""
    with service(
        redis_url=redis_url,
        key_prefix=key_prefix,
        feed="live",
        refresh_interval=0.3,
        **world.settings(news_seconds=60),
    ) as running:
        assert until(lambda: running.get().status_code == 200)
        yield running


def test_the_trial(redis_url: str, key_prefix: str) -> None:
    """While its sources fail in turn the service goes through the states it should."""
    with trial(redis_url, key_prefix) as (world, running):
        rows = list(run_trial(world, running))

        assert [row.phase for row in rows] == [name for name, _, _ in PHASES]
        speakers = [row.snapshot_feed for row in rows]
        switches = [(one, other) for one, other in pairwise(speakers) if one != other]
        logged = [(line["before"], line["now"]) for line in running.events("feed-switched")]
        assert logged == switches
        assert not running.events("feed-crashed")


def test_the_snapshot_is_live(running: Service) -> None:
    """Price and mood of now, with the last full hours filled from the archive."""
    assert until(lambda: bool(running.events("gaps-filled")), 10)
    assert until(
        lambda: all(h["price"] for h in running.get().json()["hourly_average_of_averages"])
    )

    snapshot = running.get().json()

    assert (snapshot["feed"], snapshot["stale"]) == ("live", False)
    assert snapshot["hourly_average_of_averages"][-1]["sentiment"] > 0


def test_why_the_mood_is_what_it_is(running: Service, world: World) -> None:
    """The headlines, newest first, give the sentiment of the reading when weighed."""
    answer = running.get("/api/v1/headlines")
    found = answer.json()

    headlines = found["headlines"]
    times = [headline["time"] for headline in headlines]
    weights = [headline["weight"] for headline in headlines]
    scores = [headline["score"] for headline in headlines]
    assert times == sorted(times, reverse=True)
    assert found["count"] == len(headlines) == 14
    assert headlines[0].keys() == {"title", "link", "source", "time", "score", "weight"}
    assert headlines[0]["link"] == "https://news.example/0"
    mean = sum(map(math.prod, zip(weights, scores, strict=True))) / sum(weights)
    assert found["sentiment"] == pytest.approx(mean, abs=1e-3)
    latest = running.get("/api/v1/readings/latest").json()
    assert latest["sentiment"] == pytest.approx(mean, abs=1e-3)
    assert world.requests["/news1.xml"] == 1


def test_the_price_beside_its_sources(running: Service, world: World) -> None:
    """Three sources that disagree are shown, with the one price that was made from them."""
    world.offsets = {"/kraken": -500, "/coinbase": 9_000}

    def said() -> dict[str, float]:
        latest = running.get("/api/v1/readings/latest").json()
        return {each["source"]: each["price"] for each in latest["sources"]}

    assert until(lambda: said().get("coinbase") == 69_000)
    assert said() == {"kraken": 59_500, "bitstamp": 60_000, "coinbase": 69_000}
    assert until(lambda: running.get("/api/v1/readings/latest").json()["price"] == 60_000)


def test_companions_are_shown_with_their_attribution(running: Service) -> None:
    """The daily values stand beside the reading, and never in the snapshot."""
    names = ("fear-greed", "senticrypt-daily")
    assert until(
        lambda: len(running.get("/api/v1/readings/latest").json()["companions"]) == len(names)
    )

    companions = running.get("/api/v1/readings/latest").json()["companions"]

    assert [each["name"] for each in companions] == list(names)
    assert companions[0]["sentiment"] == -0.2
    assert "alternative.me" in companions[0]["attribution"]
    assert until(lambda: running.get("/health/feeds/fear-greed").json()["status"] == "ok")


def test_the_health_of_one_feed(running: Service) -> None:
    """A feed, a companion, a feed that is not used, and one that does not exist."""
    live = running.get("/health/feeds/live").json()
    ready = running.get("/health/ready").json()

    assert (live["status"], live["speaks"]) == ("ok", True)
    assert {source["name"]: source["requests"] > 0 for source in live["sources"][:3]} == {
        "kraken": True,
        "bitstamp": True,
        "coinbase": True,
    }
    assert running.get("/health/feeds/senticrypt").json()["status"] == "disabled"
    assert running.get("/health/feeds/nobody").status_code == 404
    assert {check["name"]: check["status"] for check in ready["checks"]}["feed live"] == "ok"


def test_a_removed_source_is_disabled(world: World, redis_url: str, key_prefix: str) -> None:
    """An empty address is never asked, and the others make the price."""
    settings = {**world.settings(), "coinbase_url": "", "fear_greed_url": ""}
    with service(
        redis_url=redis_url, key_prefix=key_prefix, feed="live", refresh_interval=0.3, **settings
    ) as running:
        feeds = running.get("/health/feeds").json()
        assert until(lambda: "price" in running.get("/api/v1/readings/latest").json())
    states = {source["name"]: source["status"] for source in feeds["feeds"][0]["sources"]}

    assert states["coinbase"] == "disabled"
    companions = {each["name"]: each["status"] for each in feeds["companions"]}
    assert companions["fear-greed"] == "disabled"
    assert "/coinbase" not in world.requests
    assert "/fng/" not in world.requests


def test_a_restart_keeps_the_window(
    running: Service, world: World, redis_url: str, key_prefix: str
) -> None:
    """After a kill the headlines are there, and no news site is asked before it is time."""
    before = running.get("/api/v1/headlines").json()["count"]
    running.stop(signal.SIGKILL)

    with service(
        redis_url=redis_url,
        key_prefix=key_prefix,
        feed="live",
        refresh_interval=0.3,
        **world.settings(news_seconds=60),
    ) as again:
        assert until(lambda: bool(again.events("refreshed")), 15)
        assert again.get("/api/v1/headlines").json()["count"] == before == 14

    assert (world.requests["/news1.xml"], world.requests["/news2.xml"]) == (1, 1)


@pytest.mark.parametrize("workers", [2])
def test_every_worker_says_the_same(
    world: World, redis_url: str, key_prefix: str, workers: int
) -> None:
    """With several processes each knows how the feeds are, and who speaks."""
    with service(
        redis_url=redis_url,
        key_prefix=key_prefix,
        feed="senticrypt,live",
        refresh_interval=0.3,
        workers=workers,
        **world.settings(news_seconds=60),
    ) as running:
        assert until(lambda: running.get().status_code == 200, 10)
        assert until(lambda: running.get("/health/feeds").json()["feeds"][1]["status"] == "ok")
        answers = [running.get("/health/feeds").json() for _ in range(12)]

    assert {answer["speaks"] for answer in answers} == {"senticrypt"}
    assert {tuple(feed["status"] for feed in answer["feeds"]) for answer in answers} == {
        ("ok", "ok")
    }


def test_backfill_from_the_command_line(world: World, redis_url: str, key_prefix: str) -> None:
    """Each archive is fetched, says how much was new, and a second run adds nothing."""
    settings = {"redis_url": redis_url, "key_prefix": key_prefix, **world.settings()}
    commands = (
        ("fear-greed",),
        ("senticrypt-daily",),
        ("senticrypt", "--from", "2021-07-06", "--to", "2021-07-06T02"),
    )

    first = [run("backfill", *command, **settings) for command in commands]
    second = [run("backfill", *command, **settings) for command in commands]

    said = ["1 requests, 30 new", "1 requests, 4 new", "2 requests, 240 new"]
    for result, words in zip(first, said, strict=True):
        assert result.returncode == 0, result.stderr
        assert words in result.stdout
    assert "0 requests, 0 new" in second[2].stdout


def test_backfill_stops_at_control_c(world: World, redis_url: str, key_prefix: str) -> None:
    """Interrupted, it ends at once and without a traceback; the next run goes on from there."""
    settings = {"redis_url": redis_url, "key_prefix": key_prefix, **world.settings()}
    interrupted = start(
        "backfill", "senticrypt", "--from", "2021-07-06", "--to", "2021-07-07", **settings
    )
    assert until(lambda: any("history/bitcoin" in query for query in world.queries), 15)
    status = interrupted.stop(signal.SIGINT)
    interrupted.end()

    rest = run("backfill", "senticrypt", "--from", "2021-07-06", "--to", "2021-07-07", **settings)

    assert status != 0
    assert not any("Traceback" in line for line in interrupted.log)
    assert rest.returncode == 0
    assert "240 new" in rest.stdout or "360 new" in rest.stdout


def test_doctor_looks_at_every_feed(world: World, redis_url: str, key_prefix: str) -> None:
    """Of two feeds one that works is enough, and what ails the other is said."""
    world.states["/v1/bitcoin.json"] = "down"
    settings = {"redis_url": redis_url, "key_prefix": key_prefix, **world.settings()}
    run("refresh", feed="senticrypt,live", **settings)

    result = run("doctor", feed="senticrypt,live", **settings)

    assert result.returncode == 0, result.stdout
    assert "503 Service Unavailable" in result.stdout
    assert "feed live" in result.stdout
