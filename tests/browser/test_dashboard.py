"""The dashboard in a real browser: everybody can read it, nothing planted becomes markup, a lost line is said."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from matcher.person import Concern, Person
from services import topics
from services.adapters.dead_letters import letter
from services.dashboard.board import merged
from services.topics import DEAD_LETTERS, INVITATIONS, PEOPLE, WAITING, KafkaAddress
from tests.browser.chromium import DESK, PHONE, WALL, look, visit
from tests.conftest import Parts, RedisPlace
from tests.dashboard_desk import PASSWORD, DashboardDesk, dashboard
from tests.gateway_desk import invitation, waiting
from tests.still import port_of, still

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
PLANTED = '<img src="/planted" onerror="document.title=1"><script>document.title=2</script>'
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SOON_MS = 20_000

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def desk(
    one_embedded_broker: KafkaAddress, one_embedded_redis: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DashboardDesk]:
    """A dashboard with something of everything on it."""
    address = replace(one_embedded_broker, prefix="browser-dashboard-")
    topics.create(address.bootstrap, address.prefix, address.embedded)
    parts = Parts(address, RedisPlace(one_embedded_redis, "browser-dashboard:"))
    with dashboard(parts, tmp_path_factory.mktemp("dashboard")) as made:
        _plant(made)
        yield made


def _plant(desk: DashboardDesk) -> None:
    dead = letter(source_topic=PLANTED, partition=0, offset=1, key=b"k", value=b"v", error=PLANTED, attempts=1, at=NOW)
    concern = Concern(concern="c", by="p-1", invitation="one", what=PLANTED, at=NOW)
    with desk.producer() as kafka:
        desk.send(kafka, DEAD_LETTERS, "x", dead)
        desk.send(kafka, PEOPLE, "p-2", Person(offset=1, person="p-2", concerns=(concern,)))
        desk.send(kafka, WAITING, "p-3", waiting("p-3", end="closed"))
        desk.send(kafka, INVITATIONS, "one", invitation("a", "b", topic="birds"))
    with desk.redis() as client:
        client.set(f"{desk.settings.redis_prefix}ready:processor", 1, ex=3600)
        client.set(f"{desk.settings.redis_prefix}refused:GB", json.dumps({"language": 3, PLANTED: 1}), ex=3600)


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Opens a page of its own, in a size and a scheme; all are closed afterwards."""
    with ExitStack() as open_ones:

        def make(size: tuple[int, int] = DESK, scheme: str = "light") -> Page:
            return open_ones.enter_context(visit(browser, **look(size, scheme))).new_page()

        yield make


def sign_in(desk: DashboardDesk, page: Page) -> Page:
    """Sign in and wait until the page is live."""
    with desk.redis() as client:
        for key in client.scan_iter(match=desk.settings.redis_prefix + "limit:*", count=1000):
            client.delete(key)
    page.goto(desk.url)
    password = page.get_by_label("Operators’ password")
    expect(password).to_be_focused(timeout=SOON_MS)  # a browser complains where something else took the focus before
    password.fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#line")).to_have_text("live", timeout=SOON_MS)
    expect(page.locator("#letters tbody tr")).to_have_count(1, timeout=SOON_MS)
    return page


def faults(page: Page) -> list[str]:
    """What axe finds on the page as it stands."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK, WALL], ids=["phone", "desk", "wall"])
def test_everybody_can_read_every_page(
    desk: DashboardDesk, open_page: Open, size: tuple[int, int], scheme: str
) -> None:
    page = open_page(size, scheme)
    page.goto(desk.url)
    assert faults(page) == []
    page.get_by_label("Operators’ password").fill("a mistaken guess")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("That is not the password.", timeout=SOON_MS)
    assert faults(page) == []
    sign_in(desk, page)
    expect(page.get_by_role("alert")).to_contain_text("The gateway is gone.", timeout=SOON_MS)
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off sideways"


def test_a_planted_fault_is_found(desk: DashboardDesk, open_page: Open) -> None:
    page = open_page()
    page.goto(desk.url)
    page.evaluate("document.querySelector('label').remove()")
    assert any(one.startswith("label:") for one in faults(page))


def test_what_was_planted_is_text_and_nothing_else(desk: DashboardDesk, open_page: Open) -> None:
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    sign_in(desk, page)
    expect(page.locator("#letters")).to_contain_text(PLANTED, timeout=SOON_MS)
    expect(page.locator("#refused")).to_contain_text(PLANTED, timeout=SOON_MS)
    assert page.title() == "Match dashboard · Partyline"
    assert page.locator("main img, main script").count() == 0
    assert not any("planted" in url for url in asked)


def test_no_page_breaks_its_own_policy(desk: DashboardDesk, open_page: Open) -> None:
    page = open_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    sign_in(desk, page)
    expect(page.locator("[data-figure='totals.offered']")).to_have_text("1", timeout=SOON_MS)
    assert said == []


def test_the_page_obeys_the_same_rule_as_the_board(desk: DashboardDesk, open_page: Open) -> None:
    page = sign_in(desk, open_page())
    state = {"points": list(range(359)), "now": {"waiting": 1}, "totals": {"opened": 1}}
    change = {"sections": {"now": {"waiting": 2}, "refused": None}, "points": [[1], [2], [3]]}
    rule = "async ([state, change]) => (await import('/static/line.js')).merged(state, change)"
    assert page.evaluate(rule, [state, change]) == merged(state, change)


def test_it_is_used_by_keyboard_alone(desk: DashboardDesk, open_page: Open) -> None:
    page = open_page()
    page.goto(desk.url)
    expect(page.get_by_label("Operators’ password")).to_be_focused(timeout=SOON_MS)
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#line")).to_have_text("live", timeout=SOON_MS)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Sign out"
    page.keyboard.press("Enter")
    expect(page.get_by_label("Operators’ password")).to_be_visible(timeout=SOON_MS)
    page.go_back()
    expect(page.get_by_label("Operators’ password")).to_be_visible(timeout=SOON_MS)


def test_a_figure_changes_as_the_topics_do(desk: DashboardDesk, open_page: Open) -> None:
    page = sign_in(desk, open_page())
    figure = page.locator("[data-figure='totals.opened']")
    before = int(figure.inner_text())
    with desk.producer() as kafka:
        desk.send(kafka, WAITING, f"p-{before}-more", waiting(f"p-{before}-more", end="closed"))
    expect(figure).to_have_text(str(before + 1), timeout=SOON_MS)


def test_a_lost_line_is_said_and_comes_back_by_itself(desk: DashboardDesk, open_page: Open) -> None:
    page = sign_in(desk, open_page())
    assert desk.process is not None
    desk.process.send_signal(signal.SIGSTOP)
    try:
        expect(page.locator("#line")).to_contain_text("figures of", timeout=SOON_MS)
        assert faults(page) == []
    finally:
        desk.process.send_signal(signal.SIGCONT)
    expect(page.locator("#line")).to_have_text("live", timeout=SOON_MS)


def test_while_redis_is_away_the_page_says_so_and_comes_back_by_itself(desk: DashboardDesk, open_page: Open) -> None:
    page = sign_in(desk, open_page())
    with still(port_of(desk.settings.redis)):
        page.reload()
        expect(page.get_by_role("alert")).to_contain_text("Redis does not answer", timeout=SOON_MS)
        assert faults(page) == []
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Try again now"
    expect(page.locator("#line")).to_have_text("live", timeout=SOON_MS)


def test_a_dashboard_that_was_restarted_is_found_again(desk: DashboardDesk, open_page: Open) -> None:
    page = sign_in(desk, open_page())
    assert desk.process is not None
    desk.process.kill()
    desk.process.wait()
    expect(page.locator("#line")).to_contain_text("figures of", timeout=SOON_MS)
    desk.start()
    expect(page.locator("#line")).to_have_text("live", timeout=SOON_MS)
    expect(page.locator("[data-figure='totals.offered']")).to_have_text("1", timeout=SOON_MS)


def test_a_session_that_ends_leads_an_open_page_back_to_the_door(desk: DashboardDesk, open_page: Open) -> None:
    page = open_page()
    page.goto(desk.url)
    page.get_by_label("Operators’ password").fill(PASSWORD)
    page.route("**/live", lambda route: _after_the_end(desk, route))
    page.keyboard.press("Enter")
    expect(page.get_by_label("Operators’ password")).to_be_visible(timeout=SOON_MS)
    assert page.url == desk.url + "/sign-in"


def _after_the_end(desk: DashboardDesk, route: Route) -> None:
    """Let all sessions end before the line opens."""
    with desk.redis() as client:
        for key in client.scan_iter(match=desk.settings.redis_prefix + "operator:*"):
            client.delete(key)
    route.continue_()
