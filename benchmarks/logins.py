"""Failed logins: whether their time tells a wrong name from a wrong password."""

import asyncio
import time
from collections.abc import Iterator
from itertools import count
from statistics import median

import httpx
from redis.asyncio import Redis

from benchmarks import report
from benchmarks.processes import UNREACHED, redis_server, service
from benchmarks.report import Row
from isbitcoinlit.clock import SystemClock
from isbitcoinlit.operators.desk import open_operators
from isbitcoinlit.series.keys import Keys
from isbitcoinlit.settings import Settings

_addresses = count(1)


def rows(*, quick: bool) -> Iterator[Row]:
    """Fail with a wrong name and a wrong password in turn; compare the medians."""
    rounds = 20 if quick else 100
    settings = {"trusted_proxies": "127.0.0.1", "limit_login": UNREACHED}
    with redis_server() as redis_url, service(redis_url, settings) as running:
        asyncio.run(_add_operator(redis_url))
        times: dict[str, list[float]] = {"operator": [], "nobody": []}
        with httpx.Client(base_url=running.url) as client:
            for _ in range(rounds):
                for name, taken in times.items():
                    taken.append(_fail(client, name))
    medians = {name: median(taken) for name, taken in times.items()}
    larger, smaller = max(medians.values()), min(medians.values())
    what = "wrong name against wrong password, larger median"
    yield report.at_most(what, 1.1, larger / smaller, seconds=medians)


async def _add_operator(redis_url: str) -> None:
    settings = Settings(redis_url=redis_url)  # type: ignore[arg-type]
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        operators = open_operators(settings, redis, Keys(settings.key_prefix), SystemClock())
        await operators.accounts.add("operator", await operators.passwords.hash("a long password"))


def _fail(client: httpx.Client, name: str) -> float:
    """Fail once, from an address that has not failed before; return the seconds it took."""
    number = next(_addresses)
    headers = {"X-Forwarded-For": f"10.{number >> 8}.{number & 255}.1"}
    began = time.perf_counter()
    body = {"username": name, "password": "not this one"}
    answer = client.post("/api/v1/auth/login", json=body, headers=headers)
    assert answer.status_code == httpx.codes.UNAUTHORIZED, answer.text
    return time.perf_counter() - began
