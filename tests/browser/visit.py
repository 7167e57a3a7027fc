"""A page that is open, and all that went wrong on it."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Locator, Page, Request, expect

_AXE = Path(__file__).parents[2] / "page" / "node_modules" / "axe-core" / "axe.min.js"
_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`))
"""
_SUMMARY = re.compile(r"^Chart of the last \S+: price from ")
SOON = 5_000
"""Milliseconds in which something has to appear."""


class Visit:
    """One reader's look at the page."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.wrong: list[str] = []
        """Errors on the console, requests to other hosts, violations of the policy."""
        self.offline = False
        """Whether requests that fail are what the test wants; who wakes up may answer 503.

        A proxy in front of nobody answers 502, or with a page of its own.
        """
        self._host = urlsplit(url).netloc
        page.add_init_script(_VIOLATIONS)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.wrong.append(f"crash: {error}"))
        page.on("request", self._watch)

    def __getitem__(self, identity: str) -> Locator:
        """The element with this id."""
        return self.page.locator(f"#{identity}")

    def says(self, identity: str, text: str, milliseconds: int = SOON) -> None:
        """Wait until an element says this."""
        expect(self[identity]).to_contain_text(text, timeout=milliseconds)

    def is_(self, link: str, milliseconds: int = SOON) -> None:
        """Wait until the page knows itself to be live, polling or disconnected."""
        expect(self.page.locator("html")).to_have_attribute("data-link", link, timeout=milliseconds)

    def drawn(self) -> None:
        """Wait until the chart shows the history."""
        expect(self["chart"]).to_have_attribute("aria-label", _SUMMARY, timeout=SOON)

    def barriers(self) -> list[dict[str, Any]]:
        """Return what axe-core finds to be a serious or critical barrier."""
        self.page.evaluate(_AXE.read_text())
        found: list[dict[str, Any]] = self.page.evaluate("axe.run().then((r) => r.violations)")
        return [
            {"rule": each["id"], "at": [node["html"] for node in each["nodes"]]}
            for each in found
            if each["impact"] in ("serious", "critical")
        ]

    def _hear(self, message: ConsoleMessage) -> None:
        lost = self.offline and re.search(
            r"net::ERR_|status of 50[23]|has a MIME type", message.text
        )
        if message.type in ("error", "warning") and not lost:
            self.wrong.append(f"{message.type}: {message.text}")

    def _watch(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.netloc != self._host and parts.scheme != "data":
            self.wrong.append(f"request: {request.url}")
