"""The page of a call at a gateway whose views are put in place by hand, with another page that only signals."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect

from matcher.invitation import OVERRUN, Invitation
from tests.browser.chromium import FLAGS, path_of, visit
from tests.browser.people import EAR
from tests.browser.states import Place, place
from tests.gateway_desk import MORNING, Desk, Listener, Page as Client
from tests.world import eventually

SOON_MS = 10_000
OTHER_PAGE = {"page": "stans-page"}
SHORT = "const real = AbortSignal.timeout; AbortSignal.timeout = (limit) => real.call(AbortSignal, limit / 10);"
TRACKS = """const { mediaDevices } = navigator, ask = mediaDevices.getUserMedia.bind(mediaDevices);
mediaDevices.getUserMedia = async (what) => {
  const made = await ask(what);
  window.track = made.getTracks()[0];
  return made;
};"""
THROWS = "window.RTCPeerConnection = class { constructor() { throw new Error(); } };"
CLOSED = """window.track.readyState === "ended" &&
window.connections.every((one) => one.connectionState === "closed")"""
TELLS = """const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...at) {
  console.log(`a ${this.context.state} note`);
  start.apply(this, at);
};
let last = "";
new MutationObserver(() => {
  const silent = document.querySelector("[data-ring-silent]:not([hidden])") ? "silent" : "";
  const now = `${document.getElementById("showing")?.dataset.view} ${silent}`.trim();
  if (now !== last) console.log(last = now);
}).observe(document, { subtree: true, childList: true, attributes: true });"""
"""The page tells of itself: to ask it anything counts as a tap for the browser."""


class Talk(Place):
    """Ada's page in a call with Stan, who has a page that only signals."""

    stan: Client
    row: Invitation
    path: str

    def begin(self, **change: Any) -> None:
        """Show the call."""
        self.page.context.add_init_script(path=EAR)
        self.page.context.add_init_script(TRACKS)
        self.sign_in()
        self.stan, other = self.desk.registered("Stan")
        both = {"state": "confirmed", "answer_a": "accept", "answer_b": "accept"}
        self.row = self.desk.put_invitation(self.person, other, **both | change)
        self.path = f"/invitations/{self.row.invitation}/signal"
        self.show()

    def say_as_stan(self, **said: Any) -> None:
        """A signal of Stan's page."""
        assert self.stan.post(self.path, OTHER_PAGE | said).status_code == 202

    def heard_by_stan(self) -> list[dict[str, Any]]:
        """All that Stan's page hears of Ada's so far."""
        line = Signals(self.stan, self.path)
        _comes(self.page, lambda: any(one.get("to") == OTHER_PAGE["page"] for one in line.told()), "Ada answers")
        return line.told()

    def meet(self) -> None:
        """The two pages know each other."""
        _until(self.page, "!!window.track")
        self.say_as_stan()
        self.heard_by_stan()

    def status(self) -> Locator:
        """What the page says of the call."""
        return self.page.locator("[data-call-status]")


class Signals(Listener):
    """What comes on the line of signals."""

    def __init__(self, page: Client, path: str) -> None:
        self.path = path + "s"
        super().__init__(page)

    def told(self) -> list[dict[str, Any]]:
        """What the other said, in order."""
        return [said for event, _, said in list(self.heard) if event == "signal" and not said["mine"]]


@pytest.fixture
def talk(browser: Browser, gateway: Desk) -> Iterator[Talk]:
    with visit(browser) as context:
        made = place(gateway, context)
        yield Talk(made.desk, made.page)


def _until(page: Page, script: str) -> None:
    eventually(lambda: page.evaluate(script), what=script)


def _comes(page: Page, true: Callable[[], bool], what: str) -> None:
    """Wait for what the browser tells by itself."""
    eventually(lambda: page.wait_for_timeout(10) or true(), what=what)


def _is_closed(page: Page) -> bool:
    return bool(page.evaluate(CLOSED))


def _hung_up(talk: Talk) -> list[bool]:
    """Whether the line was lost, of each time that a page has ended this call."""
    said: list[Any] = [one for one in talk.desk.said("calls") if one.type == "leg.hung_up.v1"]
    return [one.lost for one in said if one.invitation.invitation == talk.row.invitation]


@pytest.mark.parametrize("button", ["This feels wrong", "Hang up"])
@pytest.mark.parametrize("here", [True, False], ids=["in the window of the call", "in another"])
def test_the_line_is_closed_at_the_tap_whenever_the_gateway_answers(talk: Talk, button: str, here: bool) -> None:
    talk.begin()
    talk.meet()
    second = talk.page.context.new_page()
    second.goto(talk.desk.url)
    expect(talk.status()).to_contain_text("in another window", timeout=SOON_MS)
    talk.say_as_stan()
    _until(second, "window.connections.some((one) => one.connectionState !== 'closed')")
    tapped = second if here else talk.page
    for path in ("**/wrong", "**/hang-up"):
        tapped.route(path, lambda route: None)  # as in a tunnel
    tapped.get_by_role("button", name=button).click()
    eventually(lambda: _is_closed(second), what="nothing is heard any more")
    eventually(lambda: "for good" in [one.get("leaving") for one in talk.heard_by_stan()], what="Stan is told")
    assert tapped.locator('[data-view="call"]').is_visible()


def test_who_is_told_that_the_other_hung_up_looks_for_no_line_and_is_free(talk: Talk) -> None:
    talk.begin()
    talk.meet()
    talk.say_as_stan(leaving="for good")
    expect(talk.status()).to_have_text("The line is closed.", timeout=SOON_MS)
    eventually(lambda: _hung_up(talk) == [False], what="the page says that it was not lost")
    assert _is_closed(talk.page)


def test_the_minutes_that_both_have_are_counted_from_what_the_gateway_sent(talk: Talk) -> None:
    talk.page.clock.install()
    talk.begin(until=MORNING + timedelta(minutes=12, seconds=30))
    left, said = talk.page.locator("[data-left-s]"), talk.page.locator("#said")
    expect(left).to_have_text("You both have 12 minutes left.")
    for minutes, words in ((2, "10 minutes"), (8, "2 minutes"), (1, "1 minute"), (1, "less than a minute")):
        talk.page.clock.fast_forward(minutes * 60_000)
        expect(left).to_have_text(f"You both have {words} left.")
        expect(said).to_have_text("You both have 2 minutes left." if minutes != 2 else "")
    talk.page.clock.fast_forward(60_000)
    expect(left).to_contain_text("You need not stop at once")
    expect(left).to_contain_text("A quarter of an hour later the line closes")
    assert timedelta(minutes=15) == OVERRUN
    talk.page.reload()
    expect(left).to_have_text("You both have 12 minutes left.")
    left.evaluate("(one) => { one.dataset.pace = '20'; }")  # as in a demo
    talk.page.clock.fast_forward(30_000)
    expect(left).to_have_text("You both have 2 minutes left.")


def test_who_muted_themselves_stays_muted_after_a_reload_and_in_another_window(talk: Talk) -> None:
    talk.begin()
    second = talk.page.context.new_page()
    second.goto(talk.desk.url)
    expect(talk.status()).to_contain_text("in another window", timeout=SOON_MS)
    is_muted = "window.track?.readyState === 'live' && !window.track.enabled"
    mute = second.get_by_role("button", name="Mute me")
    mute.click()
    _until(second, is_muted)
    second.reload()
    _until(second, is_muted)
    expect(mute).to_have_attribute("aria-pressed", "true")
    talk.press("Talk in this window")
    _until(talk.page, is_muted)
    talk.page.get_by_role("button", name="Mute me").click()
    _until(talk.page, "window.track.enabled")


def test_a_signal_that_hangs_is_sent_again_with_its_key_and_holds_up_no_other(talk: Talk) -> None:
    asked: list[Request] = []
    talk.page.on("request", lambda one: asked.append(one) if one.url.endswith("/signal") else None)
    talk.page.add_init_script(SHORT)
    talk.page.route("**/signal", lambda route: None, times=1)
    talk.begin()
    _until(talk.page, "!!window.track")
    _comes(talk.page, lambda: len(asked) > 1, "it is sent again")
    talk.say_as_stan()
    talk.heard_by_stan()
    assert asked[0].headers["idempotency-key"] == asked[1].headers["idempotency-key"]
    assert asked[0].post_data == asked[1].post_data


def test_a_line_that_died_and_does_not_know_it_is_opened_anew(talk: Talk) -> None:
    talk.page.clock.install()
    talk.page.route("**/signals", lambda route: None, times=1)
    talk.begin()
    _until(talk.page, "!!window.track")
    talk.say_as_stan()
    talk.page.clock.fast_forward(9_000)
    talk.heard_by_stan()


def test_old_passwords_are_fetched_anew_before_a_new_connection(talk: Talk) -> None:
    talk.page.clock.install()
    fetched: list[str] = []
    talk.page.on("request", lambda one: fetched.append(one.url) if one.url.endswith("/ice") else None)
    talk.begin()
    talk.meet()
    assert len(fetched) == 1
    talk.page.clock.fast_forward(241_000)
    talk.say_as_stan(page="stans-other-page")
    _comes(talk.page, lambda: len(fetched) == 2, "they are fetched anew")


def test_a_browser_that_keeps_calls_back_is_found_out_in_a_call_too(talk: Talk) -> None:
    talk.page.add_init_script(THROWS)
    talk.begin()
    talk.sees("ending")
    assert (talk.page.evaluate("window.asked"), _hung_up(talk)[0]) == (0, False)
    over = {"state": "ended", "end_reason": "hung up", "invitation": talk.row.invitation}
    talk.desk.put_invitation(*talk.row.people, **over)
    talk.sees("no_calls")
    expect(talk.page.get_by_text("in another browser")).to_be_visible()


def _silent(page: Page) -> Locator:
    return page.get_by_text("Please tap once anywhere")


@pytest.fixture
def untapped(browser: Browser, gateway: Desk) -> Iterator[tuple[Place, list[str]]]:
    """Somebody who waits in a browser that lets no page sound before a tap; and what their page tells."""
    flags = [flag for flag in FLAGS if "autoplay" not in flag]
    told: list[str] = []
    strict = browser.browser_type.launch(executable_path=path_of(), args=flags)
    with closing(strict), visit(strict) as context:
        one = place(gateway, context)
        one.page.on("console", lambda message: told.append(message.text))
        one.page.add_init_script(TELLS)
        one.sign_in()
        one.desk.put_waiting(one.person)
        one.show()
        yield one, told


@pytest.mark.parametrize("taps", ["before", "while"])
def test_a_page_that_may_not_sound_says_so_and_rings_from_the_first_tap_on(
    untapped: tuple[Place, list[str]], taps: str
) -> None:
    one, told = untapped

    def until(words: str, count: int = 1) -> None:
        _comes(one.page, lambda: told.count(words) >= count, words)

    def ring() -> None:
        _, other = one.desk.registered("Stan")
        one.desk.put_invitation(one.person, other)
        until("ringing")

    until("waiting silent")
    if taps == "while":
        ring()
    one.page.mouse.click(5, 300)
    if taps == "before":
        until("waiting", 2)
        ring()
    until("a running note", 4)
    assert "a suspended note" not in told


def test_a_page_that_may_sound_asks_for_no_tap(browser: Browser, gateway: Desk) -> None:
    with visit(browser) as context:
        one = place(gateway, context)
        one.page.clock.install()
        one.sign_in()
        one.desk.put_waiting(one.person)
        one.show()
        one.page.clock.fast_forward(1_000)
        expect(_silent(one.page)).to_be_hidden()
