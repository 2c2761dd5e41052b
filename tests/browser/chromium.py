"""A real browser for tests: Debian's Chromium, headless, driven by Playwright, with the flags that a call needs."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

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


def context(browser: Browser, size: tuple[int, int] = DESK, scheme: str = "light") -> BrowserContext:
    """Somebody's browser, with no cookies yet: `size` in CSS pixels, `scheme` "light" or "dark"."""
    width, height = size
    return browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce", locale="en-GB",
    )  # fmt: skip
