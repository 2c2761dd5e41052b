"""A real browser for tests: Debian's Chromium, headless, driven by Playwright, with the flags that a call needs.

Where there is `chromium-headless-shell`, the same engine without the windows around it, most tests use that: a page in
a context of its own costs it a sixth. Notifications and what can be installed are the business of the whole browser.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright

WHOLE = os.environ.get("PARTYLINE_TEST_CHROMIUM", "/usr/bin/chromium")
SHELL = os.environ.get("PARTYLINE_TEST_CHROMIUM", "/usr/bin/chromium-headless-shell")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection",
)  # fmt: skip
PHONE = (320, 640)
DESK = (1280, 900)
WALL = (1920, 1080)


def path_of(whole: bool = False) -> str:
    """Where the browser to use is, whether there is one or not."""
    return SHELL if not whole and Path(SHELL).exists() else WHOLE


@contextmanager
def chromium(whole: bool = False) -> Iterator[Browser]:
    """A browser without a window for the length of a `with` block; one at a time in a thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path_of(whole), args=list(FLAGS))
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
