"""The page in a real browser."""

import re
import shutil
import signal
import time
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

import isbitcoinlit
from isbitcoinlit.web.page_view import ABSENT
from tests.browser.conftest import DESKTOP, GONE_MILLISECONDS, PHONE, Open, Serve, keep, rising
from tests.browser.visit import Visit
from tests.end_to_end.senticrypt import SentiCryptServer
from tests.own_redis import own_redis
from tests.waiting import until


def test_the_verdict_of_the_demo(serve: Serve, visit: Open) -> None:
    """The page says what the service answers, that it is a demo, and that it is live."""
    with serve() as running, visit(running.url) as page:
        lit = running.get().json()["is_bitcoin_lit"]
        page.says("verdict", "Lit" if lit else "Not lit")
        page.is_("live")
        page.drawn()
        expect(page["demo"]).to_be_visible()
        expect(page["stale"]).to_be_hidden()
        expect(page["disconnected"]).to_be_hidden()
        assert page.page.locator("#hours-rows tr").count() == 3


def test_before_any_script(serve: Serve, visit: Open) -> None:
    """A reader without scripts sees the answer, its reason and the three hours."""
    with serve() as running, visit(running.url, scripts=False) as page:
        expect(page["verdict"]).to_have_text(re.compile("^(Lit|Not lit)$"))
        page.says("reason", "over the last 3 hours")
        assert page.page.locator("#hours-rows tr").count() == 3


def test_the_answer_is_there_at_once(serve: Serve, visit: Open) -> None:
    """The answer is painted in under a second, and live, whether the chart has come or not."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    def painted(page: Visit) -> float:
        page.is_("live")
        assert until(lambda: page["verdict"].is_visible() and len(held) == 1)
        paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
        found: float = page.page.evaluate(paint)
        held.pop().continue_()
        page.drawn()
        return found

    with serve() as running:
        first = []
        for _ in range(3):
            with visit(running.url, routes={"**/lightweight-charts.js": hold}) as page:
                first.append(painted(page))
    assert min(first) < 1_000, first


def test_a_new_reading_appears(serve: Serve, visit: Open, source: SentiCryptServer) -> None:
    """What the feed gives shows a second later, without a reload."""
    rows = rising(until=100)
    source.send(rows)
    with serve(feed="senticrypt", senticrypt_url=source.url) as running, visit(running.url) as page:
        page.drawn()
        page.is_("live")
        page.says("verdict", "Lit")
        page.says("readings", f"{len(rows)}")
        page.page.evaluate("window.same = true")
        new = {"timestamp": round(time.time() - 1, 1), "btc_price": "77777.77", "mean": 0.9}
        source.send([*rows, new])
        running.refresh()
        page.says("readings", f"{len(rows) + 1}", 2_000)
        expect(page["as-of"]).to_have_text(re.compile(r"^\d seconds? ago$"))
        page.says("price-now", "77,777.77")
        assert page.page.evaluate("window.same")


def test_readings_that_could_not_be_counted(
    serve: Serve, visit: Open, source: SentiCryptServer
) -> None:
    """A page that came while Redis was silent does not begin to count at zero."""
    rows = rising(until=100)
    source.send(rows)
    with (
        own_redis() as server,
        serve(redis_url=server.url, feed="senticrypt", senticrypt_url=source.url) as running,
    ):
        assert running.get().is_success
        server.freeze()
        with visit(running.url) as page:
            page.offline = True
            expect(page["readings"]).to_have_text(ABSENT)
            server.thaw()
            page.is_("live")
            new = {"timestamp": round(time.time() - 1, 1), "btc_price": "77777.77", "mean": 0.9}
            source.send([*rows, new])
            running.refresh()
            expect(page["readings"]).to_have_text(f"{len(rows) + 1}")


def test_a_service_that_is_killed(serve: Serve, visit: Open) -> None:
    """The page says that it is disconnected, keeps the answer, and recovers by itself."""
    with serve() as running, visit(running.url) as page:
        page.is_("live")
        page.drawn()
        page.offline = True
        port = running.url.rpartition(":")[2]
        running.stop(signal.SIGKILL)
        page.is_("disconnected", GONE_MILLISECONDS)
        expect(page["disconnected"]).to_be_visible()
        page.says("link-text", "Disconnected")
        keep(page.page, "desktop-light-disconnected")
        with serve(port=port):
            page.is_("live", GONE_MILLISECONDS)
            expect(page["disconnected"]).to_be_hidden()
            page.drawn()


def test_a_service_that_hangs(serve: Serve, visit: Open) -> None:
    """A connection that is open and dead is noticed as well."""
    with serve() as running, visit(running.url) as page:
        page.is_("live")
        page.offline = True
        running.process.send_signal(signal.SIGSTOP)
        page.is_("disconnected", GONE_MILLISECONDS)
        running.process.send_signal(signal.SIGCONT)
        page.is_("live", GONE_MILLISECONDS)


def test_readings_grow_stale(serve: Serve, visit: Open, source: SentiCryptServer) -> None:
    """When nothing new comes, the page stops giving a verdict by itself, and says why."""
    settings = {"feed": "senticrypt", "senticrypt_url": source.url, "stale_after": 10}
    with serve(**settings) as running:
        source.send(rising())
        running.refresh()
        with visit(running.url) as page:
            page.says("verdict", "Lit")
            page.says("verdict", "Unknown", 20_000)
            expect(page["stale"]).to_be_visible()
            page.says("stale", "Stale: the newest reading is of 20")
            page.says("link-text", "Stale")
            page.drawn()
            keep(page.page, "desktop-light-stale")
            assert page.barriers() == []


def test_gaps_are_gaps(serve: Serve, visit: Open, source: SentiCryptServer) -> None:
    """Nothing is drawn where nothing was read."""
    rows = rising()
    source.send([*rows[:60], rows[90], *rows[120:]])
    with serve(feed="senticrypt", senticrypt_url=source.url) as running, visit(running.url) as page:
        page.drawn()
        page.page.get_by_role("button", name="3 h").click()
        expect(page["chart"]).to_have_attribute("aria-label", re.compile("^Chart of the last 3h"))
        page.page.wait_for_timeout(300)
        keep(page.page, "desktop-light-gap")
        drawn = page.page.evaluate(COLUMNS_DRAWN)
        width = len(drawn)
        assert any(drawn[: width // 3])
        assert not any(drawn[int(width * 0.37) : int(width * 0.48)])
        assert any(drawn[int(width * 0.48) : int(width * 0.53)]), "a reading without neighbours"
        assert not any(drawn[int(width * 0.53) : int(width * 0.63)])
        assert any(drawn[width * 2 // 3 :])


COLUMNS_DRAWN = """() => {
  const [r, g, b] = [0x1f, 0x29, 0x37];
  const canvas = document.querySelector("#chart table tr td:nth-child(2) canvas");
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  return Array.from({ length: width }, (_, x) => {
    for (let y = 0; y < height; y++) {
      const at = 4 * (y * width + x);
      const [red, green, blue, alpha] = data.subarray(at, at + 4);
      if (red === r && green === g && blue === b && alpha === 255) return true;
    }
    return false;
  });
}"""
"""Which columns of the price's canvas hold the line's colour."""


def test_the_crosshair_has_values(serve: Serve, visit: Open) -> None:
    """Where the pointer is, price, mood and time of that moment are told; else the newest."""
    with serve() as running, visit(running.url) as page:
        page.drawn()
        newest = page["time-now"].inner_text()
        box = page["chart"].bounding_box()
        assert box
        page.page.mouse.move(box["x"] + box["width"] / 3, box["y"] + 40)
        expect(page["time-now"]).not_to_have_text(newest)
        keep(page.page, "desktop-light-crosshair")
        page.page.mouse.move(5, 5)
        expect(page["time-now"]).to_have_text(newest)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("feed", ["demo", "senticrypt"])
def test_everybody_can_use_it(
    serve: Serve,
    visit: Open,
    source: SentiCryptServer,
    feed: str,
    size: tuple[int, int],
    *,
    dark: bool,
) -> None:
    """On a laptop nothing has to be scrolled, on a phone not sideways; axe-core finds nothing."""
    source.send(rising())
    with (
        serve(feed=feed, senticrypt_url=source.url) as running,
        visit(running.url, size=size, dark=dark) as page,
    ):
        page.drawn()
        page.is_("live")
        name = f"{'phone' if size == PHONE else 'desktop'}-{'dark' if dark else 'light'}-{feed}"
        keep(page.page, name)
        width, height = page.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        assert width <= size[0]
        assert size == PHONE or height <= size[1]
        assert page.barriers() == []


def test_with_the_keyboard(serve: Serve, visit: Open) -> None:
    """Everything that can be clicked is reached with Tab in the order of the page, and works."""
    with serve() as running, visit(running.url) as page:
        page.drawn()
        order = []
        for _ in range(11):
            page.page.keyboard.press("Tab")
            order.append(
                page.page.evaluate("document.activeElement.id || document.activeElement.innerText")
            )
        assert order == [
            "IsBitcoinLit",
            "API",
            "Health",
            "curl",
            "copy",
            "3 h",
            "24 h",
            "7 d",
            "30 d",
            "chart",
            "TradingView",
        ]
        page.page.get_by_role("button", name="7 d").focus()
        page.page.keyboard.press("Enter")
        expect(page["chart"]).to_have_attribute("aria-label", re.compile("^Chart of the last 7d"))
        expect(page.page.get_by_role("button", name="7 d")).to_have_attribute(
            "aria-pressed", "true"
        )


def test_the_command_can_be_copied(serve: Serve, visit: Open) -> None:
    """The command that the page shows is one that answers."""
    with serve() as running, visit(running.url) as page:
        page.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page["copy"].click()
        expect(page["copy"]).to_have_text("Copied")
        copied = page.page.evaluate("navigator.clipboard.readText()")
        assert copied == f"curl {running.url}/is-bitcoin-lit"


def test_without_the_chart(
    serve: Serve, visit: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the chart could not be built, everything else is there and live."""
    package = Path(isbitcoinlit.__file__).parent
    shutil.copytree(package, tmp_path / "isbitcoinlit", ignore=shutil.ignore_patterns("vendor"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with serve() as running, visit(running.url) as page:
        page.is_("live")
        page.says("chart-note", "came without the chart")
        expect(page["verdict"]).to_have_text(re.compile("^(Lit|Not lit)$"))
        keep(page.page, "desktop-light-no-chart")
        assert page.barriers() == []


def test_the_documentation(serve: Serve, visit: Open) -> None:
    """The API's viewer shows every route, and asks nobody else for anything."""
    with serve() as running, visit(f"{running.url}/docs") as page:
        expect(page.page.locator(".opblock-summary-path").first).to_be_visible(timeout=10_000)
        expect(page.page.get_by_text("/is-bitcoin-lit").first).to_be_visible()
        keep(page.page, "desktop-light-docs")
