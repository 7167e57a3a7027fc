"""The chart in a real browser."""

import re

from tests.browser.conftest import Open, Serve, rising
from tests.end_to_end.senticrypt import SentiCryptServer

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
