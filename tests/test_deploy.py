"""The files to deploy with name what the service has."""

import json
import re
import runpy
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from asgi_lifespan import LifespanManager
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from isbitcoinlit.feeds.health import LONGEST_BACKOFF, FeedState
from isbitcoinlit.refresh import TURN
from isbitcoinlit.settings import Settings
from isbitcoinlit.snapshot.memory import Source
from isbitcoinlit.web.app import create_app

ROOT = Path(__file__).parents[1]
RULES = (ROOT / "deploy/prometheus-rules.yml").read_text()
DASHBOARD = (ROOT / "deploy/grafana-dashboard.json").read_text()
OPERATING = (ROOT / "docs/operating.md").read_text()
NAME = re.compile(r"\bisbitcoinlit_\w+")


@pytest.fixture
async def scraped(settings: Callable[..., Settings], redis: Redis) -> AsyncIterator[httpx.Response]:
    """What a service that has refreshed and was polled tells Prometheus."""
    service = create_app(settings(metrics_token="the token for metrics"), redis)
    transport = httpx.ASGITransport(service)
    headers = {"Authorization": "Bearer the token for metrics"}
    async with (
        LifespanManager(service),
        httpx.AsyncClient(transport=transport, base_url="http://service") as client,
    ):
        assert (await client.get("/is-bitcoin-lit")).status_code == 200
        yield await client.get("/metrics", headers=headers)


def alarms() -> list[str]:
    """The alarms, in the order of the rules."""
    return re.findall(r"- alert: (\w+)", RULES)


@pytest.mark.anyio
async def test_metrics_exist(scraped: httpx.Response) -> None:
    """Every metric that an alarm or a panel names is in what a running service tells."""
    families = list(text_string_to_metric_families(scraped.text))
    told = {sample.name for family in families for sample in family.samples}
    panels = json.loads(DASHBOARD)["panels"]
    shown = " ".join(target["expr"] for panel in panels for target in panel["targets"])
    rules = " ".join(re.findall(r"expr: >-\n +(.*)", RULES))
    named = set(NAME.findall(shown)) | set(NAME.findall(rules))
    assert len(named) > 10
    assert named - told == set()


def expression(alarm: str) -> str:
    """What an alarm looks at."""
    [found] = re.findall(rf"- alert: {alarm}\n +expr: >-\n +(.*)", RULES)
    return str(found)


def test_labels_exist() -> None:
    """Sources of snapshots and states of feeds that alarms look for are those of the service."""
    assert set(re.findall(r'source="(\w+)"', RULES)) == {Source.STALE}
    assert set(re.findall(r'state="(\w+)"', RULES)) == {FeedState.FAILING}


def test_alarms_allow_for_feeds_that_are_left_alone() -> None:
    """While feeds fail, an attempt is every few minutes: not yet stopped writes, but failures."""
    interval = Settings.model_fields["refresh_interval"].default
    longest = LONGEST_BACKOFF + interval * TURN  # The next tick is up to an interval later.

    [seconds] = re.findall(r"> (\d+)$", expression("IsBitcoinLitWritesStopped"))
    assert float(seconds) > longest + 2 * interval  # A pull that hangs, and a scrape.

    [failed, all_of_them] = re.findall(r"\[(\d+)m\]", expression("IsBitcoinLitRefreshesFailing"))
    assert failed == all_of_them
    assert int(failed) * 60 > longest + 2 * interval  # A scrape at both ends.


def test_a_failover_is_no_lost_subscription() -> None:
    """Every process loses its connection once at a failover, so they are not added up."""
    assert expression("IsBitcoinLitSubscriptionResets").startswith("max by (instance) (increase(")


def test_every_alarm_is_explained() -> None:
    """docs/operating.md has one section for each alarm, in the same order, and no other."""
    assert alarms()
    assert re.findall(r"^### (IsBitcoinLit\w+)$", OPERATING, re.MULTILINE) == alarms()


def test_no_secret_is_committed() -> None:
    """The manifests name a Secret, and none of them is one."""
    manifests = [path.read_text() for path in (ROOT / "deploy/kubernetes").glob("*.yaml")]
    assert manifests
    assert not [text for text in manifests if "kind: Secret" in text]


def test_probes_exist() -> None:
    """The paths that Kubernetes and Docker ask are routes of the service."""
    deployment = (ROOT / "deploy/kubernetes/deployment.yaml").read_text()
    asked = set(re.findall(r"path: (/\S+)", deployment))
    assert asked == {"/health/live", "/health/ready"}
    assert "/health/live" in (ROOT / "Dockerfile").read_text()


def test_a_worker_may_import_the_command_of_the_image(tmp_path: Path) -> None:
    """The processes of `serve --workers` import the file, and must not run the command again."""
    written = re.search(r"printf '%s\\n' (.*?)> /opt", (ROOT / "Dockerfile").read_text(), re.DOTALL)
    assert written
    file = tmp_path / "isbitcoinlit"
    file.write_text("\n".join(re.findall(r"'(.*?)'", written[1])))

    # Without its guard the command would run here, and end with SystemExit.
    assert "main" in runpy.run_path(str(file), run_name="__mp_main__")
