"""A server on loopback that plays everybody whom the live feed asks."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

HTML = b"<html><title>Just a moment...</title><body>Checking your browser</body></html>"
TITLES = (
    "Bitcoin surges past resistance as buyers return",
    "Bitcoin rallies on ETF inflows",
    "Bitcoin climbs to highest level this month",
    "Bitcoin trades flat ahead of inflation data",
    "Bitcoin slips as traders take profits",
    "Bitcoin adoption grows among pension funds",
    "Bitcoin jumps after rate cut",
)
OLD = 300.0
"""Seconds by which the data of a frozen source is old."""

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class World:
    """Every path's state may be changed at any time: ok, down, html, slow, frozen or limited."""

    url: str = ""
    price: float = 60_000.0
    states: dict[str, str] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)
    queries: list[str] = field(default_factory=list)
    offsets: dict[str, float] = field(default_factory=dict)
    """By how many USD a source's price differs."""

    def settings(self, news_seconds: float = 0.5) -> dict[str, object]:
        """The settings that send the service here."""
        news = ",".join(f"{self.url}/news{index}.xml {news_seconds}" for index in (1, 2))
        return {
            "senticrypt_url": f"{self.url}/v1/bitcoin.json",
            "kraken_url": f"{self.url}/kraken?pair=XBTUSD",
            "bitstamp_url": f"{self.url}/bitstamp",
            "coinbase_url": f"{self.url}/coinbase",
            "headline_feeds": news,
            "fear_greed_url": f"{self.url}/fng/",
            "senticrypt_daily_url": f"{self.url}/v2/all.json",
            "bitstamp_hours_url": f"{self.url}/ohlc",
        }

    def answer(self, target: str) -> Answer:
        """What a GET of this path and query gets."""
        path = urlsplit(target).path
        self.requests[path] += 1
        self.queries.append(target)
        state = self.states.get(path, "ok")
        if state == "down":
            return 503, {}, b""
        if state == "limited":
            return 429, {"Retry-After": "1"}, b""
        if state == "html":
            return 200, {}, HTML
        if state == "slow":
            time.sleep(6)
        now = time.time() - (OLD if state == "frozen" else 0)
        for pattern, play in self._players().items():
            if re.fullmatch(pattern, path):
                body = play(target, now)
                return 200, {}, body if isinstance(body, bytes) else json.dumps(body).encode()
        return 404, {}, b""

    def _players(self) -> dict[str, Callable[[str, float], object]]:
        return {
            "/kraken": self._kraken,
            "/bitstamp": self._bitstamp,
            "/coinbase": self._coinbase,
            r"/news\d\.xml": self._news,
            "/fng/": self._fear_greed,
            "/v2/all.json": self._daily,
            "/ohlc": self._hours,
            "/v1/bitcoin.json": self._senticrypt,
            "/v1/history/index.json": lambda _target, _now: self.archive(),
            r"/v1/history/bitcoin-.*\.json": self._archived,
        }

    def archive(self) -> list[str]:
        """The archive's hours: three of 2021, in disorder."""
        return [f"bitcoin-2021-07-06_{hour:02}.json" for hour in (2, 0, 1)]

    def _at(self, path: str) -> float:
        return self.price + self.offsets.get(path, 0.0)

    def _kraken(self, _target: str, _now: float) -> object:
        price = f"{self._at('/kraken'):.5f}"
        return {"error": [], "result": {"XXBTZUSD": {"c": [price, "0.1"]}}}

    def _bitstamp(self, _target: str, now: float) -> object:
        return {"timestamp": str(int(now)), "last": f"{self._at('/bitstamp'):.0f}"}

    def _coinbase(self, _target: str, now: float) -> object:
        moment = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
        return {"price": f"{self._at('/coinbase'):.2f}", "time": f"{moment}123Z"}

    def _news(self, target: str, now: float) -> object:
        items = "".join(
            f"<item><title>{title} {target[5]}</title><link>https://news.example/{index}</link>"
            f"<guid>{index}</guid><pubDate>{_date(now - 3600 * index - 60)}</pubDate></item>"
            for index, title in enumerate(TITLES)
        )
        return f"<rss><channel>{items}</channel></rss>".encode()

    def _fear_greed(self, target: str, now: float) -> object:
        today = now - now % 86_400
        limit = int(parse_qs(urlsplit(target).query)["limit"][0]) or 30
        rows = [
            {"value": str(40 + day), "timestamp": str(int(today - 86_400 * day))}
            for day in range(limit)
        ]
        return {"data": rows, "metadata": {"error": None}}

    def _daily(self, _target: str, now: float) -> object:
        days = [datetime.fromtimestamp(now, UTC) - timedelta(days=day) for day in range(5)]
        return [{"date": f"{day:%Y-%m-%d}", "price": 57676.0, "mean": -0.07} for day in days]

    def _hours(self, target: str, now: float) -> object:
        query = {name: int(values[0]) for name, values in parse_qs(urlsplit(target).query).items()}
        last = min(query["end"], int(now) // 3600 * 3600)
        bars = [
            {"timestamp": str(at), "close": f"{self.price + index:.2f}", "volume": "2.5"}
            for index, at in enumerate(range(last - 3600 * (query["limit"] - 1), last + 1, 3600))
        ]
        return {"data": {"pair": "BTC/USD", "ohlc": bars}}

    def _senticrypt(self, _target: str, now: float) -> object:
        return [
            {"timestamp": now - 30 * index, "btc_price": f"{self.price:.2f}", "mean": 0.2}
            for index in range(20, -1, -1)
        ]

    def _archived(self, target: str, _now: float) -> object:
        hour = datetime.strptime(target[-18:-5], "%Y-%m-%d_%H").replace(tzinfo=UTC).timestamp()
        return [
            {"timestamp": hour + 30 * index, "btc_price": "34000.5", "mean": 0.1}
            for index in range(120)
        ]


@contextmanager
def played_world() -> Iterator[World]:
    """Serve until the block ends."""
    world = World()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = world.answer(self.path)
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    world.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield world
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _date(moment: float) -> str:
    return format_datetime(datetime.fromtimestamp(moment, UTC))
