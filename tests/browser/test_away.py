"""Kafka or Redis is away while somebody uses the page: they are told kindly, and what they asked for happens once."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from services.embedded.redis import embedded_redis
from tests.browser.chromium import visit
from tests.browser.states import STATES, Place, place
from tests.conftest import RedisPlace
from tests.gateway_desk import Desk, desk
from tests.still import port_of, still

SOON_MS = 20_000


@pytest.fixture
def one(browser: Browser, gateway: Desk) -> Iterator[Place]:
    with visit(browser) as context:
        yield place(gateway, context)
        gateway.outbox.loses_answers = False


def _said(desk: Desk, before: int) -> set[str]:
    """Ids of what was asked for, which receipts are not."""
    return {event.id for topic, _, event in desk.outbox.said[before:] if topic != "receipts"}


def _tell(one: Place) -> None:
    one.page.get_by_label("What happened?").fill("He asked for money.")
    one.press("Tell Partyline")


@pytest.mark.parametrize(
    ("state", "do", "then", "happens"),
    [
        ("home", lambda one: one.press("30 minutes"), "waiting", 1),
        ("invitation", lambda one: one.press("Yes, let’s talk"), "accepted", 1),
        ("call", lambda one: one.press("Hang up"), "ending", 1),
        ("call", lambda one: one.press("This feels wrong"), "wrong", 2),
        ("wrong", _tell, "reported", 1),
    ],
)
def test_while_kafka_is_away_what_was_asked_for_waits_and_happens_once(
    one: Place, state: str, do: Callable[[Place], None], then: str, happens: int
) -> None:
    STATES[state](one)
    before, one.desk.outbox.loses_answers = len(one.desk.outbox.said), True
    do(one)
    one.sees("again")
    expect(one.page.get_by_role("heading", level=1)).to_be_focused()
    one.desk.outbox.loses_answers = False
    one.press("Try again now")
    one.sees(then)
    assert len(_said(one.desk, before)) == happens


def test_while_redis_is_away_the_page_says_so_and_goes_on_by_itself(browser: Browser) -> None:
    with embedded_redis() as url, desk(RedisPlace(url, "away:")) as gateway, visit(browser) as context:
        one = place(gateway, context)
        STATES["home"](one)
        with still(port_of(url)):
            one.press("30 minutes")
            one.sees("again")
        one.page.locator('[data-view="waiting"]').wait_for(timeout=SOON_MS)
        assert len(_said(gateway, 0)) == 1
        with still(port_of(url)):
            one.show()
            one.sees("away")
        one.page.locator('[data-view="waiting"]').wait_for(timeout=SOON_MS)
