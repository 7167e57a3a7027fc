"""What the tests of the page start from: a real browser, and a service whose feed they feed."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.browser.visit import Visit
from tests.end_to_end.senticrypt import Rows, SentiCryptServer, senticrypt_server
from tests.end_to_end.service import Service, service

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP, PHONE = (1280, 720), (390, 844)
GONE_MILLISECONDS = 20_000
"""Within which the page says that it is disconnected, or connected again."""

Open = Callable[..., AbstractContextManager[Visit]]
Serve = Callable[..., AbstractContextManager[Service]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark these tests: they are run by scripts/test-browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, as Debian has it."""
    executable = shutil.which("chromium")
    assert executable, "these tests need chromium (Debian: apt install chromium)"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=[*ARGUMENTS])
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser) -> Open:
    """Opens the page of a service; what goes wrong on it fails the test at the end."""

    @contextmanager
    def open_page(
        url: str,
        *,
        size: tuple[int, int] = DESKTOP,
        dark: bool = False,
        scripts: bool = True,
        touch: bool = False,
        routes: Mapping[str, Callable[[Route], None]] = {},
    ) -> Iterator[Visit]:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            has_touch=touch,
        )
        try:
            visited = Visit(context.new_page(), url)
            for pattern, handler in routes.items():
                visited.page.route(pattern, handler)
            visited.page.goto(url)
            yield visited
            visited.page.unroute_all(behavior="wait")
            assert visited.wrong == []
        finally:
            context.close()

    return open_page


@pytest.fixture
def source() -> Iterator[SentiCryptServer]:
    """A feed that has been quiet so far."""
    with senticrypt_server() as server:
        yield server


@pytest.fixture
def serve(redis_url: str, key_prefix: str) -> Serve:
    """Runs the service on the test's own keys; by default with the demo feed."""

    def run(**settings: object) -> AbstractContextManager[Service]:
        ours = {"redis_url": redis_url, "key_prefix": key_prefix, "feed": "demo"}
        return service(**(ours | settings))

    return run


def rising(until: float = 0.0, hours: float = 3, step: float = 60) -> Rows:
    """Rows of a feed in which price and mood rise, to so many seconds ago."""
    last = time.time() - until
    count = int(hours * 3_600 / step)
    return [
        {
            "timestamp": round(last - step * back, 1),
            "btc_price": f"{60_000 + 3 * (count - back):.2f}",
            "mean": round(-0.3 + 0.6 * (count - back) / count, 3),
        }
        for back in range(count - 1, -1, -1)
    ]


def keep(page: Page, name: str) -> None:
    """Keep what can be seen as an artefact of the run."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
