"""Debian's Chromium, with the flags that a call in a test needs."""

import os

from playwright.sync_api import Browser, Playwright

CHROMIUM = os.environ.get("PARTYLINE_TEST_CHROMIUM", "/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
         "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
         "--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection"]  # fmt: skip


def open_chromium(playwright: Playwright) -> Browser:
    """A browser without a window."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
