"""A real browser for tests: Debian's Chromium, headless, driven by Playwright, with the flags that a call needs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright

CHROMIUM = os.environ.get("PARTYLINE_TEST_CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection",
)  # fmt: skip
PHONE = (320, 640)
DESK = (1280, 900)
WALL = (1920, 1080)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window for the length of a `with` block; one at a time in a thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(browser: Browser, **options: Any) -> Iterator[BrowserContext]:
    """Somebody's browser for the length of a `with` block; `options` are those of a Playwright context.

    Its pages close at the end, unless it is a failure, of which pictures are wanted. The rest goes with the browser:
    Chromium now and then never answers that it shall dispose of a context, and the test would wait for ever.
    """
    context = browser.new_context(**options)
    yield context
    for page in context.pages:
        page.close()


def look(size: tuple[int, int] = DESK, scheme: str = "light") -> dict[str, Any]:
    """How a page is looked at, as options of a context: `size` in CSS pixels, `scheme` "light" or "dark"."""
    width, height = size
    return {
        "viewport": {"width": width, "height": height}, "color_scheme": scheme, "reduced_motion": "reduce",
        "locale": "en-GB",
    }  # fmt: skip
