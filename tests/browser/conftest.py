"""What tests with browsers share: one Chromium, one TURN server."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.turn import Turn, turn_server
from tests.browser.visitor import browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One for each file: while Playwright runs, nothing else in this thread can use asyncio."""
    with browser() as made:
        yield made


@pytest.fixture(scope="session")
def turn() -> Iterator[Turn]:
    with turn_server() as made:
        yield made
