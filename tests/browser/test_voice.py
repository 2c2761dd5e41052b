"""A call between two browsers that the real pipeline has matched: heard, lost, found again, and ended.

Always through the relay alone, as everywhere but on one's own machine; test_company.py has a direct call.
"""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Route

from matcher.invitation import Invitation
from services.gateway.turn import CREDENTIALS_S
from tests.browser.line import Line, line
from tests.browser.turn import Turn
from tests.browser.visitor import Visitor
from tests.conftest import Parts
from tests.world import eventually

pytestmark = pytest.mark.parametrize("shared_parts", ["embedded"], indirect=True)
LOST_S = 60.0
NO_MICROPHONE = """navigator.mediaDevices.getUserMedia =
    async () => { throw new DOMException("Permission denied", "NotAllowedError"); }"""

ASKED = """const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices); window.asked = 0;
    navigator.mediaDevices.getUserMedia = (what) => { window.asked += 1; return ask(what); }"""
ONLY_LISTENS = """RTCPeerConnection.prototype.addTrack = function () {
    if (!this.getTransceivers().length) this.addTransceiver("audio", { direction: "recvonly" }); }"""


@pytest.fixture(scope="module")
def all_day(
    shared_parts: Parts, browser: Browser, turn: Turn, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Line]:
    """A Partyline with a relay, for all tests here."""
    with line(shared_parts, tmp_path_factory.mktemp("data"), browser, turn) as made:
        yield made


@pytest.fixture
def relayed(all_day: Line) -> Iterator[Line]:
    """The same, with nobody left from the test before."""
    yield all_day
    all_day.leave()


def ended(relayed: Line, one: Visitor) -> Invitation:
    """How the pool says that this person's call ended."""
    invitation = one.until_over()["invitation"]
    return relayed.world.wait_for(lambda row: row.invitation == invitation and not row.live)


def test_two_people_hear_each_other_through_the_relay_alone_and_tell_how_it_was(relayed: Line) -> None:
    ann, bob = relayed.talking()
    for one in (ann, bob):
        one.until_sound_goes_on()
        sound = one.see("window.sound()")
        assert sound["pair"] == ["relay", "relay"]
        assert sound["energy"] > 0
    assert ann.until_told("connected") == "You hear each other."
    ann.page.get_by_text("Hang up").click()
    row = ended(relayed, bob)
    assert (row.called, row.end_reason) == (True, "hung up")
    for one in (ann, bob):
        one.until_over()
        one.write("POST", f"/calls/{row.invitation}/outcome", {"talk_again": "yes"})


def test_when_the_section_disappears_so_do_the_connection_and_the_use_of_the_microphone(relayed: Line) -> None:
    ann, _ = relayed.talking()
    ann.see("window.track = window.connections.at(-1).getSenders()[0].track")
    assert ann.see("window.track.readyState") == "live"
    ann.see("document.querySelector('[data-call]').remove()")
    ann.until("window.track.readyState === 'ended' && window.connections.at(-1).connectionState === 'closed'")


def test_a_section_that_is_drawn_anew_goes_on_with_the_same_call(relayed: Line) -> None:
    ann, _ = relayed.talking()
    ann.page.get_by_text("Mute").click()
    ann.see("(old => old.replaceWith(old.cloneNode(true)))(document.querySelector('[data-call]'))")
    ann.until("document.querySelector('[data-call-audio]').srcObject?.active", "the new element plays")
    assert ann.see("document.querySelector('[data-call-mute]').getAttribute('aria-pressed')") == "true"
    assert ann.see("window.connections.length") == 1
    ann.until_sound_goes_on()


def test_who_mutes_is_not_heard_until_they_speak_again(relayed: Line) -> None:
    ann, _ = relayed.talking()
    mute, speaks = ann.page.get_by_text("Mute"), "window.connections.at(-1).getSenders()[0].track.enabled"
    mute.click()
    assert (mute.get_attribute("aria-pressed"), ann.see(speaks)) == ("true", False)
    mute.click()
    assert (mute.get_attribute("aria-pressed"), ann.see(speaks)) == ("false", True)


def test_a_page_that_is_loaded_anew_comes_back_into_the_same_call(relayed: Line) -> None:
    ann, bob = relayed.talking()
    call = bob.see("window.invitation.invitation")
    for one, other in ((ann, bob), (bob, ann)):
        one.page.reload()
        one.until_connected()
        for each in (one, other):
            each.until_sound_goes_on()
    assert [one.see("window.invitation.invitation") for one in (ann, bob)] == [call] * 2
    assert relayed.world.wait_for(lambda row: row.invitation == call).live


def test_a_second_window_takes_the_call_over_and_the_first_lets_go(relayed: Line) -> None:
    ann, bob = relayed.talking()
    first, ann.page = ann.page, ann.look()
    ann.until_connected()
    eventually(lambda: first.evaluate("window.heard.at(-1).state") == "ended")
    bob.until_sound_goes_on()
    assert ann.see("window.invitation.state") == "confirmed"


def test_a_page_killed_in_mid_call_ends_it_the_other_is_told_and_nobody_stays_claimed(relayed: Line) -> None:
    ann, bob = relayed.talking()
    assert relayed.claims()
    with pytest.raises(Error):
        bob.page.goto("chrome://crash", timeout=1_000)
    assert "lost" in ann.until_told("reconnecting")
    assert "cannot be reached" in ann.until_told("failed", LOST_S)
    assert ended(relayed, ann).called
    eventually(lambda: not relayed.claims(), what="nobody is claimed")


def _worn_out(route: Route) -> None:
    """The gateway's answer as it would be used after its time."""
    answer = route.fetch()
    told: dict[str, Any] = answer.json()
    expired = str(int(time.time()) - CREDENTIALS_S)
    for server in told["ice_servers"]:
        server["username"] = expired + server["username"][server["username"].index(":") :]
    route.fulfill(status=answer.status, content_type="application/json", body=json.dumps(told))


def test_with_an_expired_password_there_is_no_call_and_both_are_told_plainly(relayed: Line) -> None:
    ann, bob = relayed.visitor("Ann"), relayed.visitor("Bob")
    for one in (ann, bob):
        one.context.route("**/ice", _worn_out)
        one.free()
    ann.accept()
    bob.accept()
    row = ended(relayed, ann)
    assert not row.called
    told = [one.see("window.heard.map((one) => one.words).filter(Boolean)") for one in (ann, bob)]
    assert any("No way through" in words for each in told for words in each)
    assert not any(one.see("window.heard.some((one) => one.state === 'connected')") for one in (ann, bob))


def test_without_a_microphone_it_is_said_and_the_other_is_free(relayed: Line) -> None:
    ann, bob = relayed.visitor("Ann"), relayed.visitor("Bob")
    ann.page.add_init_script(NO_MICROPHONE)
    ann.page.reload()
    for one in (ann, bob):
        one.free()
    ann.accept()
    bob.accept()
    assert "no microphone" in ann.until_told("failed")
    assert not ended(relayed, bob).called
    eventually(lambda: not relayed.claims(), what="nobody is claimed")


def test_the_microphone_is_asked_for_once_with_the_accept(relayed: Line) -> None:
    ann, bob = relayed.visitor("Ann"), relayed.visitor("Bob")
    ann.page.add_init_script(ASKED)
    ann.page.reload()
    for one in (ann, bob):
        one.free()
    ann.until("window.invitation?.state === 'ringing'")
    ann.page.get_by_role("button", name="Accept").click()
    ann.until("window.asked === 1")
    bob.accept()
    for one in (ann, bob):
        one.until_connected()
    assert ann.see("window.asked") == 1


def test_a_call_in_which_one_side_is_not_heard_is_not_connected(relayed: Line) -> None:
    ann, bob = relayed.visitor("Ann"), relayed.visitor("Bob")
    bob.page.add_init_script(ONLY_LISTENS)
    bob.page.reload()
    for one in (ann, bob):
        one.free()
    ann.accept()
    bob.accept()
    bob.until("window.sound().then((now) => now.received > 50)", "bob hears ann")
    for one in (ann, bob):
        assert one.see("[window.invitation.state, window.invitation.connected]") == ["confirmed", False]
        assert one.see("document.querySelector('[data-call]').dataset.callState") == "connecting"


def test_garbage_from_the_other_side_does_no_harm_to_a_page(relayed: Line) -> None:
    ann, bob = relayed.talking()
    call = bob.see("window.invitation.invitation")
    sdp = "v=0\r\nm=audio garbage\r\n"
    for garbage in (
        {"description": {"type": "answer", "sdp": sdp}},
        {"description": {"type": "offer", "sdp": sdp}},
        {"candidates": [{"candidate": "candidate:garbage typ relay", "sdpMid": "7"}]},
    ):
        bob.write("POST", f"/invitations/{call}/signal", {"page": "nobody-knows", **garbage})
    bob.page.reload()
    bob.until_connected()
    for one in (ann, bob):
        one.until_sound_goes_on()
