"""Several feeds: each into its own series, the first fresh one speaks."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
import structlog
from redis.asyncio import Redis

from isbitcoinlit.errors import FeedInvalid, FeedUnavailable
from isbitcoinlit.feeds.base import Pull
from isbitcoinlit.feeds.health import FeedState
from isbitcoinlit.refresh_report import to_dict
from isbitcoinlit.resources import Resources
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.settings import Settings
from isbitcoinlit.snapshot.reader import speaker
from tests.assembly import process
from tests.command_count import CommandCount
from tests.manual_clock import ManualClock
from tests.readings import NOON, GivenFeed, readings

pytestmark = pytest.mark.anyio

DOWN = FeedUnavailable("It is down.", retry_after=40)
STALE_AFTER = timedelta(minutes=10)


class OtherFeed(GivenFeed):
    """A second feed."""

    name = "other"


class BrokenFeed(GivenFeed):
    """A feed with a defect."""

    name = "broken"

    async def pull(self) -> Pull:
        """Fail in a way that no feed should."""
        raise ZeroDivisionError


@pytest.fixture
def clock() -> ManualClock:
    """Ten minutes past noon, when both feeds have just spoken."""
    return ManualClock(NOON + timedelta(minutes=10))


@pytest.fixture
def first() -> GivenFeed:
    """The feed that speaks if it can, with ten minutes of readings."""
    return GivenFeed(readings(20))


@pytest.fixture
def second() -> OtherFeed:
    """The feed that speaks if the first cannot."""
    return OtherFeed(readings(20))


@pytest.fixture
async def resources(
    settings: Callable[..., Settings],
    redis: Redis,
    first: GivenFeed,
    second: OtherFeed,
    clock: ManualClock,
) -> AsyncIterator[Resources]:
    """A process with both feeds."""
    async with process(settings(), redis, first, clock, [second]) as resources:
        yield resources


@pytest.mark.parametrize(
    ("ages", "expected"),
    [
        ((0, 0), "a"),  # both fresh: the first
        ((601, 600), "b"),  # the first is stale
        ((None, 30), "b"),  # the first has nothing
        ((30, None), "a"),
        ((5_000, 6_000), "a"),  # both stale: the newer
        ((6_000, 5_000), "b"),
        ((None, 5_000), "b"),
        ((None, None), "a"),
    ],
)
def test_who_speaks(ages: tuple[int | None, int | None], expected: str) -> None:
    """The first feed with fresh data; of stale ones the one whose data is the newest."""
    newest = {
        name: None if age is None else NOON - timedelta(seconds=age)
        for name, age in zip("ab", ages, strict=True)
    }

    assert speaker(newest, NOON, STALE_AFTER) == expected


async def test_each_feed_has_its_series(
    resources: Resources, second: OtherFeed, redis: Redis, key_prefix: str
) -> None:
    """A refresh stores both, and the snapshot is of one alone."""
    second.answers = [readings(20, first=15)]

    report = await resources.refresher.force()

    keys = Keys(key_prefix)
    for feed in ("given", "other"):
        for key in await redis.keys(f"{keys.prefix}:{feed}:*"):
            assert (await redis.ts().info(key))["total_samples"] == 20
    assert report.snapshot is not None
    assert (report.feed, report.snapshot.feed) == ("given", "given")
    assert report.snapshot.hours[-1].samples == 20


async def test_a_stale_feed_gives_way_and_takes_over_again(
    resources: Resources, first: GivenFeed, second: OtherFeed, clock: ManualClock
) -> None:
    """The switch is logged with both names, and the snapshot never mixes."""
    await resources.refresher.force()
    clock.advance(601)
    second.answers = [readings(40)]

    with structlog.testing.capture_logs() as lines:
        report = await resources.refresher.force()

    assert report.feed == "other"
    assert report.snapshot is not None
    assert (report.snapshot.feed, report.snapshot.stale) == ("other", False)
    assert report.snapshot.hours[-1].samples == 40
    assert [line for line in lines if line["event"] == "feed-switched"] == [
        {"event": "feed-switched", "log_level": "warning", "before": "given", "now": "other"}
    ]

    first.answers = [readings(40)]
    report = await resources.refresher.force()

    assert (report.feed, report.snapshot and report.snapshot.feed) == ("given", "given")


async def test_a_feed_that_fails_hurts_nobody(resources: Resources, first: GivenFeed) -> None:
    """The other one is stored and speaks, and the report says what failed."""
    first.answers = [DOWN]

    report = await resources.refresher.force()

    assert (report.feed, report.added) == ("other", 20)
    said = to_dict(report)
    assert [(each["feed"], each["added"], each["error"]) for each in said["feeds"]] == [
        ("given", 0, "It is down."),
        ("other", 20, None),
    ]


async def test_a_feed_with_a_defect_hurts_nobody(
    settings: Callable[..., Settings], redis: Redis, second: OtherFeed, clock: ManualClock
) -> None:
    """What no feed should raise is a failure of that feed."""
    async with process(settings(), redis, BrokenFeed(), clock, [second]) as resources:
        report = await resources.refresher.force()

        assert (report.feed, report.added) == ("other", 20)
        broken, other = (feed.report().state for feed in resources.feeds)
        assert (broken, other) == (FeedState.FAILING, FeedState.OK)


async def test_only_when_all_fail_does_a_refresh(
    resources: Resources, first: GivenFeed, second: OtherFeed
) -> None:
    """The error names every feed, and asks for the shortest of their pauses."""
    first.answers, second.answers = [DOWN], [FeedInvalid("It is HTML.")]

    with pytest.raises(FeedUnavailable, match=r"given: It is down\. other: It is HTML\.") as raised:
        await resources.refresher.force()

    assert raised.value.retry_after == 40


async def test_each_feed_backs_off_by_itself(
    resources: Resources, first: GivenFeed, second: OtherFeed, clock: ManualClock
) -> None:
    """While one is left alone the other is asked at every turn."""
    first.answers = [DOWN]
    await resources.refresher.take_turn()
    clock.advance(30)

    report = await resources.refresher.take_turn()

    assert report is not None
    assert [outcome.feed for outcome in report.feeds] == ["other"]
    assert (first.pulls, second.pulls) == (1, 2)


async def test_one_feed_has_no_list_of_feeds(
    settings: Callable[..., Settings], redis: Redis, first: GivenFeed, clock: ManualClock
) -> None:
    """The answer of a service with one feed is as it always was."""
    async with process(settings(), redis, first, clock) as resources:
        assert "feeds" not in to_dict(await resources.refresher.force())


async def test_other_processes_follow_the_feed_that_speaks(
    resources: Resources,
    settings: Callable[..., Settings],
    redis: Redis,
    first: GivenFeed,
    clock: ManualClock,
) -> None:
    """A snapshot of any feed of ours is accepted from Redis; one of a stranger's is not."""
    first.answers = [DOWN]
    await resources.refresher.share(await resources.refresher.force())

    async with process(settings(), redis, GivenFeed(), clock, [OtherFeed()]) as follower:
        answer = await follower.cache.get()
        assert (answer.snapshot.feed, answer.source) == ("other", "redis")
        assert (follower.reader.feed, follower.feed.name) == ("other", "other")

    async with process(settings(), redis, GivenFeed(), clock) as stranger:
        stranger.cache.receive(str(await redis.get(Keys(settings().key_prefix).snapshot)))
        assert stranger.memory.entry is None


async def test_a_restart_speaks_with_the_feed_that_has_data(
    resources: Resources,
    settings: Callable[..., Settings],
    redis: Redis,
    first: GivenFeed,
    clock: ManualClock,
) -> None:
    """Before its first refresh a process chooses by what is stored."""
    first.answers = [DOWN]
    await resources.refresher.force()
    await redis.delete(Keys(settings().key_prefix).snapshot)

    async with process(settings(), redis, GivenFeed(), clock, [OtherFeed()]) as restarted:
        assert (await restarted.cache.get()).snapshot.feed == "other"


async def test_processes_with_the_same_feeds_take_turns(
    resources: Resources, settings: Callable[..., Settings], redis: Redis, clock: ManualClock
) -> None:
    """The lease is one for the set of feeds, whatever their order."""
    await resources.refresher.take_turn()
    reversed_ = OtherFeed(readings(20)), [GivenFeed(readings(20))]

    async with process(settings(), redis, reversed_[0], clock, reversed_[1]) as other:
        assert await other.refresher.take_turn() is None


async def test_every_process_knows_how_the_feeds_are(
    resources: Resources,
    settings: Callable[..., Settings],
    redis: Redis,
    first: GivenFeed,
    clock: ManualClock,
) -> None:
    """A process that never asked a feed says what the one knows that did; data still grows old."""
    first.answers = [DOWN]
    await resources.refresher.force()

    async with process(settings(), redis, GivenFeed(), clock, [OtherFeed()]) as other:
        given, second = await other.board.reports()
        assert (given.state, given.last_error) == (FeedState.FAILING, "It is down.")
        assert (second.state, second.newest) == (FeedState.OK, readings(20)[-1].time)

        clock.advance(601)
        given, second = await other.board.reports()
        assert (second.state, given.next_attempt_in) == (FeedState.STALE, 0)


@pytest.mark.parametrize(
    "text", ["", "null", "7", "{}", '{"at":"x"}', '{"at":"2021-07-07","feeds":[{}]}']
)
async def test_an_unreadable_word_is_none(resources: Resources, redis: Redis, text: str) -> None:
    """What another version wrote about the feeds does no harm."""
    await redis.set(resources.board.key, text)

    assert [report.name for report in await resources.board.reports()] == ["given", "other"]


async def test_nothing_new_from_two_feeds(resources: Resources, redis: Redis) -> None:
    """Two feeds with nothing new cost no write, and few round trips."""
    await resources.refresher.take_turn()
    await resources.refresher.take_turn()
    count = CommandCount(redis)
    await count.begin()

    await resources.refresher.take_turn()

    assert await count.round_trips() <= 6
    assert "ts.madd" not in await count.commands()
