"""A browser, the whole stack, and people in it. A screenshot of every open page is kept when a test fails."""

import secrets
import shutil
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from services import topics
from services.topics import KafkaAddress
from tests.browser.chromium import CHROMIUM, chromium
from tests.browser.people import Someone, someone
from tests.browser.stack import stack, url_of
from tests.browser.turn import TURN_SERVER, Turn, turn_server
from tests.conftest import Parts, RedisPlace, missing
from tests.gateway_desk import Desk, desk
from tests.world import World

SHOTS = Path("build/screens")
LIMIT_S = 300
PHONE = {"width": 390, "height": 844}

NewPerson = Callable[..., Someone]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests of this folder time: the first one waits for every process to start."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(LIMIT_S))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium for the tests of one file: while Playwright runs, nothing else in this thread can use asyncio."""
    if not Path(CHROMIUM).exists():
        missing(f"there is no Chromium at {CHROMIUM}")
    with chromium() as made:
        yield made


@pytest.fixture(scope="package")
def partyline(
    one_embedded_broker: KafkaAddress, one_embedded_redis: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Every process, once for all tests of this folder."""
    address = replace(one_embedded_broker, prefix="browser-")
    topics.create(address.bootstrap, address.prefix, address.embedded)
    with stack(Parts(address, RedisPlace(one_embedded_redis, "browser:")), tmp_path_factory.mktemp("data")) as made:
        yield made


@pytest.fixture(scope="module")
def gateway(one_embedded_redis: str) -> Iterator[Desk]:
    """A gateway whose views tests put in place by hand, each for people of its own."""
    with desk(RedisPlace(one_embedded_redis, f"test-{secrets.token_hex(4)}:")) as made:
        yield made


@pytest.fixture
def new_person(request: pytest.FixtureRequest, browser: Browser, partyline: World) -> Iterator[NewPerson]:
    """Makes people, each in a browser context of their own; afterwards they have left."""
    contexts: list[BrowserContext] = []
    people: list[Someone] = []

    def make(name: str, **options: Any) -> Someone:
        contexts.append(browser.new_context(**{"viewport": PHONE, **options}))
        people.append(someone(contexts[-1], url_of(partyline), name))
        return people[-1]

    yield make
    failed = getattr(request.node, "failed", False)
    for one in people:
        if failed:
            SHOTS.mkdir(parents=True, exist_ok=True)
            one.page.screenshot(path=SHOTS / f"{request.node.name}-{one.name}.png", full_page=True)
        if one.page.url.startswith("http"):
            one.leave()
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def turn() -> Iterator[Turn]:
    """One TURN server for all tests."""
    if shutil.which(TURN_SERVER) is None:
        missing(f"there is no {TURN_SERVER} (Debian's package coturn)")
    with turn_server() as made:
        yield made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let fixtures know that their test failed."""
    report = yield
    if report.when == "call" and report.failed:
        item.failed = True  # type: ignore[attr-defined]
    return report
