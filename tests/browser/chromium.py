"""A real browser for tests: Debian's Chromium, headless, driven by Playwright."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking")
PHONE = (320, 640)
DESK = (1280, 900)
WALL = (1920, 1080)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for the length of a `with` block."""
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
