"""How the page behaves in real life: reloads, several windows, one in the background, a lost line, a lost session."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import visit
from tests.browser.states import Place, place
from tests.gateway_desk import MORNING, Desk
from tests.world import eventually

HIDDEN = """Object.defineProperty(document, "hidden", {get: () => true});
Object.defineProperty(document, "visibilityState", {get: () => "hidden"});
document.dispatchEvent(new Event("visibilitychange"));"""
SOON_S = 10
SOON_MS = 1000 * SOON_S


@pytest.fixture
def one(browser: Browser, gateway: Desk) -> Iterator[Place]:
    with visit(browser) as context:
        yield place(gateway, context)


def _sees(page: Page, view: str) -> None:
    page.locator(f'[data-view="{view}"]').wait_for(timeout=SOON_MS)


def _line_is_open(page: Page) -> None:
    eventually(lambda: page.evaluate("document.getElementById('line')._htmx?.sse?.status === 200"), SOON_S)


def _waiting(one: Place) -> None:
    one.sign_in()
    one.desk.put_waiting(one.person)
    one.show()
    _line_is_open(one.page)


def test_a_window_in_the_background_rings_and_says_who_in_its_title(one: Place) -> None:
    _waiting(one)
    one.page.evaluate(HIDDEN)
    _, other = one.desk.registered("Stan")
    one.desk.put_invitation(one.person, other)
    expect(one.page).to_have_title("☎ Stan is free to talk", timeout=SOON_MS)
    expect(one.page.locator("#said")).to_contain_text("Stan is free to talk")


def test_settings_stay_when_the_page_is_slower_to_wake_than_the_line(one: Place) -> None:
    one.sign_in()
    one.page.route("**/ring.js", lambda route: _after(one.page, "/view", route.continue_))
    one.show("/settings")
    _line_is_open(one.page)
    _sees(one.page, "settings")
    expect(one.page.get_by_role("button", name="Sign out")).to_be_visible()


def _after(page: Page, path: str, then: Callable[[], None]) -> None:
    """Do it once the page has asked for this."""
    page.once("response", lambda answer: then() if path in answer.url else _after(page, path, then))


def test_every_window_of_a_person_shows_the_same_and_a_reload_changes_nothing(one: Place) -> None:
    _waiting(one)
    second = one.page.context.new_page()
    second.goto(one.desk.url)
    _line_is_open(second)
    _, other = one.desk.registered("Stan")
    one.desk.put_invitation(one.person, other)
    for page in (one.page, second):
        _sees(page, "ringing")
        page.reload()
        _sees(page, "ringing")
    one.press("Not now")
    _sees(one.page, "waiting")


def test_the_focus_goes_to_the_new_heading_and_a_second_look_leaves_it_alone(one: Place) -> None:
    _waiting(one)
    _, other = one.desk.registered("Stan")
    one.desk.put_invitation(one.person, other)
    _sees(one.page, "ringing")
    expect(one.page.get_by_role("heading", level=1)).to_be_focused()
    one.page.get_by_role("button", name="Not now").focus()
    with one.page.expect_response(lambda answer: "/view" in answer.url) as looked:
        one.page.evaluate("htmx.trigger(document.getElementById('main'), 'look')")
    assert looked.value.status == 204
    expect(one.page.get_by_role("button", name="Not now")).to_be_focused()


def test_what_has_the_focus_keeps_it_when_more_is_known_of_the_same(one: Place) -> None:
    one.sign_in()
    one.show()
    one.press("20 minutes")
    _sees(one.page, "waiting")
    button = one.page.get_by_role("button", name="I’m no longer free")
    button.focus()
    one.desk.put_waiting(one.person)
    expect(one.page.get_by_text("You are free until")).to_be_visible(timeout=SOON_MS)
    expect(button).to_be_focused()


def test_what_is_being_typed_is_not_taken_away_when_more_is_known_of_the_same(one: Place) -> None:
    _, stan = one.desk.registered("Stan")
    one.sign_in(bonds=(stan,))
    one.desk.put_person(stan, "Stan", bonds=(one.person,))
    one.show()
    look = "htmx.trigger(document.getElementById('main'), 'look')"
    stop = one.page.get_by_label("until my stop")
    stop.press_sequentially("1159A")
    one.desk.redis.hset(f"{one.desk.prefix}wishes:{one.person}", stan, MORNING.isoformat())
    with one.page.expect_response(lambda answer: "/view" in answer.url) as looked:
        one.page.evaluate(look)
    assert "Stan would like to talk" in looked.value.text()
    one.page.keyboard.type("M")
    expect(stop).to_be_focused()
    expect(stop).to_have_value("11:59")
    stop.fill("")
    one.page.get_by_label("Someone new").focus()  # which is not what was chosen
    one.page.get_by_role("heading", level=1).click()
    one.page.evaluate(look)
    expect(one.page.get_by_text("Stan would like to talk")).to_be_visible(timeout=SOON_MS)


def test_a_ring_comes_through_whatever_is_being_typed(one: Place) -> None:
    one.sign_in()
    one.show()
    one.page.get_by_label("until my stop").fill("11:59")
    _, other = one.desk.registered("Stan")
    one.desk.put_invitation(one.person, other)
    _sees(one.page, "ringing")


def test_the_seconds_that_the_server_sent_run_down(one: Place) -> None:
    one.invite()
    seconds = one.page.locator("[data-seconds]")
    first = int(float(str(seconds.get_attribute("data-seconds"))))
    eventually(lambda: int(seconds.inner_text()) < first - 1, SOON_S)


@pytest.mark.parametrize("wrong", [timedelta(hours=-7), timedelta(hours=7)], ids=str)
def test_a_telephone_whose_clock_is_wrong_by_hours_counts_and_says_the_same(one: Place, wrong: timedelta) -> None:
    one.page.clock.install(time=datetime.now(UTC) + wrong)
    one.sign_in()
    one.show()
    one.page.get_by_label("until my stop").fill("11:59")
    one.press("Free until then")
    _sees(one.page, "waiting")
    one.desk.put_waiting(one.person, until=MORNING.replace(hour=11, minute=59))
    expect(one.page.get_by_text("until 11:59")).to_be_visible(timeout=SOON_MS)
    _, other = one.desk.registered("Stan")
    one.desk.put_invitation(one.person, other)
    seconds = one.page.locator("[data-seconds]")
    first = int(float(str(seconds.get_attribute("data-seconds"))))
    assert 20 <= first <= 30
    eventually(lambda: int(seconds.inner_text()) < first - 1, SOON_S)
    assert one.page.locator('[data-view="ringing"]').is_visible()


def test_a_session_that_was_ended_elsewhere_leads_to_the_door_with_a_word(one: Place) -> None:
    _waiting(one)
    elsewhere = one.page.context.new_page()
    elsewhere.goto(one.desk.url + "/settings")
    elsewhere.get_by_role("button", name="Sign out").click()
    for page in (elsewhere, one.page):
        _sees(page, "sign_in")
        expect(page.get_by_text("You are signed out")).to_be_visible()


def test_a_lost_line_is_said_and_taken_up_again(one: Place) -> None:
    _waiting(one)
    look = "htmx.trigger(document.getElementById('main'), 'look')"
    one.page.route("**/view?*", lambda route: route.abort())
    one.page.evaluate(look)
    expect(one.page.locator("#trouble")).to_contain_text("We can’t reach Partyline", timeout=SOON_MS)
    one.page.unroute("**/view?*")
    one.page.context.set_offline(True)
    one.page.evaluate(look)
    expect(one.page.locator("#trouble")).to_contain_text("You are offline", timeout=SOON_MS)
    _, other = one.desk.registered("Stan")
    one.desk.put_invitation(one.person, other)
    one.page.context.set_offline(False)
    _sees(one.page, "ringing")
    expect(one.page.locator("#trouble")).to_be_hidden(timeout=SOON_MS)


def test_a_fourth_window_tells_the_oldest_that_it_may_lag(one: Place) -> None:
    _waiting(one)
    for _ in range(3):
        page = one.page.context.new_page()
        page.goto(one.desk.url)
        _line_is_open(page)
    expect(one.page.locator("#trouble")).to_contain_text("many windows", timeout=SOON_MS)


def test_an_impatient_double_tap_is_one_answer(one: Place) -> None:
    one.invite()
    before = len(one.desk.said("pool"))
    one.page.get_by_role("button", name="Yes, let’s talk").dblclick()
    _sees(one.page, "accepted")
    assert len(one.desk.said("pool")) == before + 1


def test_going_back_shows_what_is_true_now(one: Place) -> None:
    _waiting(one)
    one.page.get_by_role("link", name="Settings").click()
    _sees(one.page, "settings")
    _, other = one.desk.registered("Stan")
    one.desk.put_invitation(one.person, other)
    _sees(one.page, "ringing")
    one.page.go_back()
    _sees(one.page, "ringing")


def test_without_javascript_one_can_sign_in_be_free_and_answer(browser: Browser, gateway: Desk) -> None:
    with visit(browser, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(gateway.url)
        assert "JavaScript is switched off" in page.content()
        page.get_by_label("Your phone number").fill("07400 555777")
        page.get_by_role("button", name="Send me a code").click()
        page.get_by_label("Six digits").fill(page.locator(".code").inner_text())
        page.get_by_role("button", name="Go on").click()
        page.get_by_label("First name").fill("Ada1")
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_text("without digits")).to_be_visible()
        expect(page.get_by_label("First name")).to_have_value("Ada1")
        page.get_by_label("First name").fill("Ada")
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("button", name="75+").click()
        expect(page.get_by_text("Question 3 of 9")).to_be_visible()
        for go, number in ((page.reload, 3), (page.go_back, 2), (page.reload, 2)):
            go()
            expect(page.get_by_text(f"Question {number} of 9")).to_be_visible()
        page.get_by_role("link", name="Back").click()
        expect(page.get_by_label("First name")).to_have_value("Ada")
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("button", name="75+ ✓").click()
        page.get_by_role("button", name="Just English").click()
        page.get_by_label("The nearest of these").select_option("SE")
        page.get_by_role("button", name="Go on").click()
        for skip in ("Skip this", "Skip this", "Skip this", "Anyone", "No quiet hours"):
            page.get_by_role("button", name=skip).click()
        page.get_by_role("button", name="20 minutes").click()
        _sees(page, "waiting")
