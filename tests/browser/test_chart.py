"""The chart in a real browser."""

import re
import time

from playwright.sync_api import expect

from tests.browser.conftest import PHONE, Open, Serve, rising
from tests.end_to_end.senticrypt import SentiCryptServer
from tests.waiting import until

HOURS_LATER = """async (hours) => {
  const script = document.querySelector("script[type=module]").src;
  const { PriceChart } = await import(script.replace("page.js", "chart.js"));
  const [box, note] = [document.createElement("div"), document.createElement("p")];
  const chart = new PriceChart(box, note, () => {});
  await chart.load("3h");
  for (let minutes = 1; minutes <= 60 * hours; minutes++) {
    const time = new Date(Date.now() + 60_000 * minutes);
    chart.add({ time, price: 70_000 + minutes, sentiment: 0 });
  }
  return box.getAttribute("aria-label");
}"""
"""What a chart of three hours says of itself when readings have come for so many more."""


def test_a_chart_that_is_left_open(serve: Serve, visit: Open, source: SentiCryptServer) -> None:
    """What has grown older than the range leaves the chart."""
    source.send(rising())
    with serve(feed="senticrypt", senticrypt_url=source.url) as running, visit(running.url) as page:
        page.drawn()
        summary = page.page.evaluate(HOURS_LATER, 4)

    found = re.match(r"Chart of the last 3h: price from ([\d,.]+) to 70,240.00", summary)
    assert found, summary
    first = float(found[1].replace(",", ""))
    assert 70_058 <= first <= 70_061


def test_a_range_that_cannot_be_had(serve: Serve, visit: Open, source: SentiCryptServer) -> None:
    """Its chart is empty and says why, rather than show another; it comes with a new reading."""
    rows = rising(until=100)
    source.send(rows)
    with serve(feed="senticrypt", senticrypt_url=source.url) as running, visit(running.url) as page:
        page.drawn()
        page.is_("live")
        page.offline = True
        page.page.route("**/api/v1/series?*", lambda route: route.fulfill(status=503))
        page.page.get_by_role("button", name="7 d").click()
        page.says("chart-note", "cannot be had just now")
        expect(page["chart"]).to_have_attribute("aria-label", re.compile("no readings"))
        page.page.unroute("**/api/v1/series?*")
        new = {"timestamp": round(time.time() - 1, 1), "btc_price": "77777.77", "mean": 0.9}
        source.send([*rows, new])
        running.refresh()
        expect(page["chart"]).to_have_attribute("aria-label", re.compile("^Chart of the last 7d"))
        expect(page["chart-note"]).to_have_text("")


def test_a_poll_that_cannot_be_had(serve: Serve, visit: Open) -> None:
    """A chart that is there stays when it cannot be had anew."""
    with serve() as running, visit(running.url) as page:
        page.drawn()
        page.offline = True
        page.page.route("**/api/v1/series?*", lambda route: route.fulfill(status=503))
        with page.page.expect_response("**/api/v1/series?*"):
            page.page.get_by_role("button", name="24 h").click()
        page.page.wait_for_timeout(100)
        page.drawn()
        expect(page["chart-note"]).to_have_text("")


def test_a_swipe_over_the_chart(serve: Serve, visit: Open) -> None:
    """A finger that moves up or down on the chart scrolls the page, as it does elsewhere."""
    with serve() as running, visit(running.url, size=PHONE, touch=True) as page:
        page.drawn()
        page.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        before = page.page.evaluate("scrollY")
        box = page["chart"].bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 3, box["y"] + 100
        devtools = page.page.context.new_cdp_session(page.page)
        for kind, fingers in [
            ("touchStart", [{"x": x, "y": y}]),
            *(("touchMove", [{"x": x, "y": y + 15 * step}]) for step in range(1, 11)),
            ("touchEnd", []),
        ]:
            devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
        assert until(lambda: page.page.evaluate("scrollY") < before)
