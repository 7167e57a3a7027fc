"""The page where something stands between it and the service."""

import re
import signal
import time
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import GONE_MILLISECONDS, Open, Serve, rising
from tests.browser.proxy import proxy
from tests.end_to_end.senticrypt import SentiCryptServer

PUBLIC = "https://example.test/lit/"
"""Where readers find a service that stands behind a proxy."""


@pytest.mark.parametrize("status", [200, 502])
def test_a_proxy_in_front_of_nobody(serve: Serve, visit: Open, status: int) -> None:
    """What a proxy answers for a service that is gone does not count as the service."""
    with serve() as running, visit(running.url) as page:
        page.is_("live")
        page.offline = True
        port = running.url.rpartition(":")[2]
        page.page.route(
            "**/*",
            lambda route: route.fulfill(
                status=status, content_type="text/html", body="<h1>Try again later</h1>"
            ),
        )
        running.stop(signal.SIGKILL)
        page.is_("disconnected", GONE_MILLISECONDS)
        expect(page["disconnected"]).to_be_visible()
        with serve(port=port):
            page.page.unroute("**/*")
            found = re.compile("^(live|polling)$")
            expect(page.page.locator("html")).to_have_attribute(
                "data-link", found, timeout=GONE_MILLISECONDS
            )


def test_the_command_behind_tls(serve: Serve, visit: Open) -> None:
    """The command asks at the address that the reader sees, and not at the one behind a proxy."""
    with serve() as running:

        def answer(route: Route) -> None:
            path = urlsplit(route.request.url).path.removeprefix("/lit")
            if path.startswith("/api/"):
                route.abort()
                return
            found = running.get(path)
            kind = found.headers["content-type"]
            route.fulfill(status=found.status_code, content_type=kind, body=found.content)

        with visit(PUBLIC, routes={f"{PUBLIC}**": answer}) as page:
            page.offline = True
            expect(page["curl"]).to_have_text(f"curl {PUBLIC}is-bitcoin-lit")


def test_a_stream_that_has_died(serve: Serve, visit: Open, source: SentiCryptServer) -> None:
    """A stream that is open and says nothing of what polls know is replaced by a new one."""
    rows = rising(until=100)
    source.send(rows)
    with (
        serve(feed="senticrypt", senticrypt_url=source.url) as running,
        proxy(running.url) as between,
        visit(between.url) as page,
    ):
        page.drawn()
        page.is_("live")
        page.says("readings", f"{len(rows)}")
        between.lose_streams()
        rows.append({"timestamp": round(time.time() - 1, 1), "btc_price": "77777.77", "mean": 0.9})
        source.send(rows)
        running.refresh()
        page.says("price-now", "77,777.77", 2 * GONE_MILLISECONDS)
        page.is_("live")
        rows.append({"timestamp": round(time.time() - 1, 1), "btc_price": "88888.88", "mean": 0.9})
        source.send(rows)
        running.refresh()
        page.says("price-now", "88,888.88", 2_000)
        page.says("readings", f"{len(rows)}")


def test_a_proxy_that_buffers(serve: Serve, visit: Open, source: SentiCryptServer) -> None:
    """Where streams open and never say anything, the page polls, and says so."""
    rows = rising(until=100)
    source.send(rows)
    with (
        serve(feed="senticrypt", senticrypt_url=source.url) as running,
        proxy(running.url) as between,
    ):
        between.buffers = True
        with visit(between.url) as page:
            page.is_("live")
            with page.page.expect_response(
                lambda answer: answer.url.endswith("/stream"), timeout=2 * GONE_MILLISECONDS
            ):
                page.is_("polling", 2 * GONE_MILLISECONDS)
            # The next stream is open by now, and that is not enough.
            page.page.wait_for_timeout(300)
            page.is_("polling", 1)
            between.buffers = False
            new = {"timestamp": round(time.time() - 1, 1), "btc_price": "77777.77", "mean": 0.9}
            source.send([*rows, new])
            running.refresh()
            page.says("price-now", "77,777.77", 2_000)
            page.is_("live")
