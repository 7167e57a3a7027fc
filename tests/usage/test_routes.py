"""What operators and Prometheus see of the traffic."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from asgi_lifespan import LifespanManager
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from isbitcoinlit.feeds.demo import Demo
from isbitcoinlit.settings import Settings
from isbitcoinlit.web.app import Service, create_app
from tests.manual_clock import ManualClock

pytestmark = pytest.mark.anyio

ADDRESS = "198.51.100.7"
SCRIPT = {"Authorization": "Bearer the token for scripts"}


@pytest.fixture
async def app(
    settings: Callable[..., Settings], redis: Redis, clock: ManualClock
) -> AsyncIterator[Service]:
    """The app, which allows four polls a minute."""
    given = settings(
        operator_token="the token for scripts",
        metrics_token="the token for metrics",
        limit_snapshot="4/minute",
    )
    service = create_app(given, redis, clock=clock)
    async with LifespanManager(service):
        yield service


@pytest.fixture
async def client(app: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client on another machine, who has polled six times, twice with the right tag."""
    transport = httpx.ASGITransport(app, client=(ADDRESS, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        tag = (await client.get("/is-bitcoin-lit")).headers["etag"]
        await client.get("/is-bitcoin-lit?route=1")
        for query in ("", "?route=1", "", ""):
            await client.get(f"/is-bitcoin-lit{query}", headers={"If-None-Match": tag})
        yield client


async def test_usage(app: Service, client: httpx.AsyncClient, redis: Redis) -> None:
    """Operators see totals, the share of 304s and who asks, but no address."""
    for _ in range(10):
        await app.state.resources.traffic.settle()
    answer = await client.get("/api/v1/usage?period=hour", headers=SCRIPT)
    usage = answer.json()
    assert usage["groups"]["snapshot"] == {
        "requests": 6,
        "not_modified": 2,
        "not_modified_share": 0.3333,
        "too_many": 2,
        "failed": 0,
    }
    assert [(len(c["client"]), c["requests"], c["groups"]) for c in usage["top"]] == [
        (8, 6, {"snapshot": 6})
    ]
    assert ADDRESS not in answer.text
    assert [key async for key in redis.scan_iter("*") if ADDRESS in key] == []


async def scrape(client: httpx.AsyncClient) -> dict[tuple[str, ...], float]:
    """Return the value of each metric, by its name and labels."""
    headers = {"Authorization": "Bearer the token for metrics"}
    answer = await client.get("/metrics", headers=headers)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_metrics(client: httpx.AsyncClient) -> None:
    """A scrape is Prometheus text, and has what was counted."""
    samples = await scrape(client)
    assert samples["isbitcoinlit_requests_total", "200", "snapshot"] == 2
    assert samples["isbitcoinlit_requests_total", "304", "snapshot"] == 2
    assert samples["isbitcoinlit_requests_total", "429", "snapshot"] == 2
    assert samples["isbitcoinlit_cache_answers_total", "memory"] == 4
    assert samples["isbitcoinlit_refreshes_total", "ok"] == 1
    assert samples["isbitcoinlit_limiter_fallbacks_total",] == 0
    assert samples["isbitcoinlit_stream_clients",] == 0
    assert samples["isbitcoinlit_request_seconds_count", "snapshot"] == 6
    assert samples["isbitcoinlit_request_seconds_bucket", "+Inf", "snapshot"] == 6
    assert samples["isbitcoinlit_feed_state", "demo", "ok"] == 1
    assert samples["isbitcoinlit_lease_holder",] == 1
    assert samples["isbitcoinlit_write_age_seconds",] == 0
    assert samples["isbitcoinlit_failovers_total",] == 0
    assert samples["isbitcoinlit_subscription_resets_total",] == 0
    assert samples["isbitcoinlit_data_age_seconds",] == 0
    assert samples["isbitcoinlit_snapshot_age_seconds",] == 0


class Earlier(Demo):
    """A feed that was in use before."""

    name = "earlier"


async def test_feed_states_are_those_of_now(
    settings: Callable[..., Settings], redis: Redis, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    """Data that grows old is stale without a pull, and a feed that is not in use has no state."""
    async with LifespanManager(create_app(settings(), redis, Earlier(clock), clock)):
        pass
    clock.advance(601)
    samples = await scrape(client)
    states = [labels for (name, *labels), n in samples.items() if n and name.endswith("feed_state")]
    assert states == [["demo", "stale"]]


@pytest.mark.parametrize(("token", "status"), [("the token for metrics", 200), ("another", 401)])
async def test_who_may_scrape(client: httpx.AsyncClient, token: str, status: int) -> None:
    """From elsewhere a scrape needs a token; the one for metrics opens nothing else."""
    headers = {"Authorization": f"Bearer {token}"}
    assert (await client.get("/metrics", headers=headers)).status_code == status
    assert (await client.get("/api/v1/usage", headers=headers)).status_code == 401
