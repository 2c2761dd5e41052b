"""What tests with browsers share: one Chromium, one TURN server."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.turn import Turn, turn_server
from tests.browser.visitor import browser


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with browser() as made:
        yield made


@pytest.fixture(scope="session")
def turn() -> Iterator[Turn]:
    with turn_server() as made:
        yield made
