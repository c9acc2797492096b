"""A real browser for pages that VisionCam writes: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
import pytest


@attrs.define(eq=False)
class Watched:
    """A page, and what it did that it should not.

    Attributes:
        page: Playwright's page.
        requests: addresses it asked for, other than `file:` and `data:`; all were refused.
        troubles: what it wrote to the console as a warning or an error, and exceptions in its scripts.
    """

    page: Any
    requests: list[str] = attrs.field(factory=list)
    troubles: list[str] = attrs.field(factory=list)

    def route(self, route: Any) -> None:
        """Let the file itself through, note and refuse the rest."""
        url = route.request.url
        if url.startswith(("file:", "data:")):
            route.continue_()
        else:
            self.requests.append(url)
            route.abort()

    def heard(self, message: Any) -> None:
        """Note what the console says."""
        if message.type in ("warning", "error"):
            self.troubles.append(message.text)


@contextmanager
def chromium() -> Iterator[Any]:
    """Start the browser; a test is skipped where it or Playwright is not installed."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra test)")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine; on Debian: apt install chromium")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"] if root else [])
        try:
            yield browser
        finally:
            browser.close()


def watched(browser: Any, **settings: Any) -> Watched:
    """Return a new page that is watched; nothing but files can be opened in it."""
    context = browser.new_context(offline=True, **settings)
    page = context.new_page()
    page.set_default_timeout(20_000)
    watch = Watched(page)
    page.route("**/*", lambda route: watch.route(route))
    page.on("console", lambda message: watch.heard(message))
    page.on("pageerror", lambda error: watch.troubles.append(str(error)))
    return watch
