"""The page where something stands between it and the service."""

import re
import signal

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import GONE_MILLISECONDS, Open, Serve


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
