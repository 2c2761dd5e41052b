"""A browser, the whole stack, and people in it. Of a test that fails pictures and consoles are kept, see kept.py."""

import secrets
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from services import topics
from services.topics import KafkaAddress
from tests.browser.chromium import chromium, path_of, visit
from tests.browser.kept import forget, keep, listen
from tests.browser.people import Someone, someone
from tests.browser.stack import stack, url_of
from tests.browser.turn import TURN_SERVER, Turn, turn_server
from tests.conftest import Parts, RedisPlace, missing
from tests.gateway_desk import Desk, desk
from tests.world import World

LIMIT_S = 300
PHONE = {"width": 390, "height": 844}

NewPerson = Callable[..., Someone]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests of this folder time: the first one waits for every process to start."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(LIMIT_S))


@pytest.fixture(scope="module")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """A Chromium for the tests of one file, the whole of it for files with `WHOLE_BROWSER`.

    While Playwright runs, nothing else in this thread can use asyncio.
    """
    whole = getattr(request.module, "WHOLE_BROWSER", False)
    if not Path(path_of(whole)).exists():
        missing(f"there is no Chromium at {path_of(whole)}")
    with chromium(whole) as made:
        listen(made)
        yield made


@pytest.fixture(scope="package")
def partyline(
    one_embedded_broker: KafkaAddress, one_embedded_redis: str, turn: Turn, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Every process, once for all tests of this folder; calls go through the relay alone, as everywhere but at home."""
    address = replace(one_embedded_broker, prefix="browser-")
    topics.create(address.bootstrap, address.prefix, address.embedded)
    parts = Parts(address, RedisPlace(one_embedded_redis, "browser:"))
    with stack(parts, tmp_path_factory.mktemp("data"), turn) as made:
        yield made


@pytest.fixture(scope="module")
def gateway(one_embedded_redis: str) -> Iterator[Desk]:
    """A gateway whose views tests put in place by hand, each for people of its own."""
    with desk(RedisPlace(one_embedded_redis, f"test-{secrets.token_hex(4)}:")) as made:
        yield made


@pytest.fixture
def new_person(browser: Browser, partyline: World) -> Iterator[NewPerson]:
    """Makes people, each in a browser context of their own; afterwards they have left."""
    with ExitStack() as open_ones:

        def make(name: str) -> Someone:
            made = someone(open_ones.enter_context(visit(browser, viewport=PHONE)), url_of(partyline), name)
            open_ones.callback(made.leave)
            return made

        yield make


@pytest.fixture(scope="session")
def turn() -> Iterator[Turn]:
    """One TURN server for all tests."""
    if shutil.which(TURN_SERVER) is None:
        missing(f"there is no {TURN_SERVER} (Debian's package coturn)")
    with turn_server() as made:
        yield made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what can be seen when a test fails, while it is still there."""
    report = yield
    arguments: dict[str, Any] = getattr(item, "funcargs", {})
    if report.when == "setup":
        forget(item.name)
    if report.failed and "browser" in arguments:
        keep(arguments["browser"], item.name)
    return report
