"""A call between two browsers that the real pipeline has matched, in the real page: heard, lost, found again, ended.

Always through the relay alone, as everywhere but on one's own machine; test_company.py has a direct call.
"""

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Error, Route, expect

from matcher.invitation import Invitation
from services.gateway.turn import CREDENTIALS_S, ice_servers
from tests.archive import archived
from tests.browser.conftest import NewPerson
from tests.browser.people import FREE, Someone, both_accept, rung, talking
from tests.browser.turn import Turn
from tests.world import World, eventually

LOST_S = 60
"""After which a page gives the other up."""
LOOKING = "We’re looking for somebody"
TALKS = "window.connections.at(-1).getSenders()[0].track"
NO_MICROPHONE = """navigator.mediaDevices.getUserMedia = async (what) => {
    if (window.plugged) return new AudioContext().createMediaStreamDestination().stream;
    throw new DOMException("Permission denied", "NotAllowedError"); }"""
ONLY_LISTENS = """RTCPeerConnection.prototype.addTrack = function () {
    if (!this.getTransceivers().length) this.addTransceiver("audio", { direction: "recvonly" }); }"""


@pytest.fixture
def pair(new_person: NewPerson) -> tuple[Someone, Someone]:
    """Two new people."""
    return new_person("Ann"), new_person("Bob")


def in_call(pair: tuple[Someone, Someone]) -> tuple[Someone, Someone]:
    """These two, talking."""
    for one in pair:
        one.appear()
    talking(*pair)
    return pair


def ended(partyline: World, one: Someone) -> Invitation:
    """How the pool says that this person's call ended; nobody is claimed any more."""
    call = one.invitation()["invitation"]
    row = partyline.wait_for(lambda row: row.invitation == call and not row.live)
    claims = f"{partyline.settings.redis_prefix}*claim:*"
    eventually(lambda: not partyline.redis.keys(claims), what="nobody is claimed")
    return row


def told(partyline: World, kind: str) -> list[dict[str, Any]]:
    """The events of this type in the history."""
    rows = [json.loads(row["value"]) for row in archived(partyline.settings.data / "history") if row["value"]]
    return [row for row in rows if row.get("type") == kind]


def outcomes(partyline: World, call: str) -> list[str]:
    """What the history holds of how this call was."""
    return sorted(row["talk_again"] for row in told(partyline, "outcome.given.v1") if row["invitation"] == call)


def how_they_heard(partyline: World, call: str) -> dict[str, list[dict[str, float]]]:
    """By person, the numbers in the history of how they heard the other in this call."""
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    for row in told(partyline, "leg.heard.v1"):
        if row["invitation"]["invitation"] == call and row["quality"]:
            found[row["person"]].append(row["quality"])
    return found


def _the_telephone_takes_the_microphone_for_a_while(ann: Someone) -> None:
    """As for another call: nothing is sent meanwhile."""
    sends = "window.connections.at(-1).getSenders()[0].replaceTrack({}); window.track.dispatchEvent(new Event('{}'))"
    ann.script(sends.format("null", "mute"))
    ann.reads("Bob can’t hear you just now")
    ann.script(sends.format("window.track", "unmute"))
    ann.reads("You hear each other")


def test_two_people_hear_each_other_through_the_relay_alone_and_what_they_say_stands_in_the_history(
    pair: tuple[Someone, Someone], partyline: World
) -> None:
    partyline.start("archivist")
    ann, bob = pair
    for one in pair:
        one.come_in()
    rung(ann, bob)
    ann.button("Yes, let’s talk").click()
    ann.sees("We’re asking Bob")
    bob.button("Yes, let’s talk").click()
    for one in pair:
        one.reads("You hear each other")
        sound = one.until_sound_goes_on()
        assert sound["ways"] == ["relay", "relay"]
        assert sound["energy"] > 0
        assert one.script("window.asked") == 1, "the microphone is asked for once, with the accept"
    mute = ann.page.get_by_role("button", name="Mute me")
    mute.click()
    assert (mute.get_attribute("aria-pressed"), ann.script(f"{TALKS}.enabled")) == ("true", False)
    ann.reads("Bob can’t hear you now")
    mute.click()
    assert (mute.get_attribute("aria-pressed"), ann.script(f"{TALKS}.enabled")) == ("false", True)
    ann.script(f"window.track = {TALKS}")
    _the_telephone_takes_the_microphone_for_a_while(ann)
    ann.until_call("bridged")
    ann.button("Hang up").click()
    ann.sees("Would you talk with Bob again?")
    bob.sees("Would you talk with Ann again?")
    ann.until("window.track.readyState === 'ended' && window.connections.at(-1).connectionState === 'closed'")
    row = ended(partyline, bob)
    assert (row.called, row.end_reason) == (True, "hung up")
    ann.button("Yes").click()
    bob.button("Maybe").click()
    for one in pair:
        one.sees(FREE)
        assert one.faults == []
    eventually(lambda: outcomes(partyline, row.invitation) == ["maybe", "yes"], what="both stand in the history")
    heard = how_they_heard(partyline, row.invitation)
    assert set(heard) == set(row.people)
    numbers = [number for qualities in heard.values() for number in qualities]
    assert all(0 <= one["loss"] < 0.5 and 0 <= one["jitter_ms"] < 1_000 for one in numbers)
    assert any(one["round_trip_ms"] is not None for one in numbers)
    partyline.kill("archivist")


def test_a_call_goes_on_through_garbage_and_a_reload_and_in_one_window_at_a_time(
    pair: tuple[Someone, Someone],
) -> None:
    ann, bob = pair
    for one in pair:
        one.appear()
    first, second = ann.page, ann.page.context.new_page()
    second.goto(ann.url)
    talking(*pair)
    status, also = (page.locator("[data-call-status]") for page in (first, second))
    expect(also).to_contain_text("in another window", timeout=20_000)
    call, sdp = bob.invitation()["invitation"], "v=0\r\nm=audio garbage\r\n"
    for garbage in (
        {"description": {"type": "answer", "sdp": sdp}},
        {"description": {"type": "offer", "sdp": sdp}},
        {"candidates": [{"candidate": "candidate:garbage typ relay", "sdpMid": "7"}]},
    ):
        bob.write("POST", f"/invitations/{call}/signal", {"page": "nobody-knows", **garbage})
    bob.page.reload()
    bob.until_call("connected")
    for one in pair:
        one.until_sound_goes_on()
    second.reload()
    expect(also).to_contain_text("You hear each other", timeout=20_000)
    expect(status).to_contain_text("in another window", timeout=20_000)
    assert first.evaluate("window.connections.at(-1).connectionState") == "closed"
    bob.until_sound_goes_on()
    ann.button("Talk in this window").click()
    expect(status).to_contain_text("You hear each other", timeout=20_000)
    expect(also).to_contain_text("in another window", timeout=20_000)
    for one in pair:
        one.until_sound_goes_on()
    bob.page.goto("about:blank")
    expect(status).to_contain_text("Bob’s page was closed. We keep the line", timeout=20_000)
    bob.page.goto(bob.url)
    expect(status).to_contain_text("You hear each other", timeout=20_000)
    for one in pair:
        one.until_sound_goes_on()
    assert (ann.invitation()["invitation"], ann.invitation()["state"]) == (call, "confirmed")


def test_a_page_killed_in_mid_call_ends_it_the_other_is_told_and_nobody_stays_claimed(
    pair: tuple[Someone, Someone], partyline: World
) -> None:
    ann, bob = pair
    ann.page.clock.install()
    in_call(pair)
    with pytest.raises(Error):
        bob.page.goto("chrome://crash", timeout=1_000)
    assert "trying again" in ann.until_call("reconnecting")["words"]
    ann.page.clock.fast_forward(LOST_S * 1000)
    ann.sees("The line broke. Go on with Bob?")
    expect(ann.page.get_by_role("alert")).to_contain_text("Bob can’t be reached any more")
    assert ended(partyline, ann).called


def _worn_out(turn: Turn, route: Route) -> None:
    """The gateway's answer as it was a quarter of an hour ago: all is right with it but its time."""
    answer = route.fetch()
    told: dict[str, Any] = answer.json()
    name = told["ice_servers"][0]["username"].partition(":")[2]
    long_ago = datetime.now(UTC) - 3 * timedelta(seconds=CREDENTIALS_S)
    told["ice_servers"] = ice_servers((turn.url,), turn.secret, name, long_ago)
    route.fulfill(status=answer.status, content_type="application/json", body=json.dumps(told))


def _both_read_that_the_line_did_not_work(pair: tuple[Someone, Someone]) -> None:
    for one, other in (pair, pair[::-1]):
        one.sees(LOOKING)
        one.reads(f"The line to {other.name} didn’t work")


def test_with_an_expired_password_there_is_no_call_and_both_are_told_plainly(
    pair: tuple[Someone, Someone], partyline: World, turn: Turn
) -> None:
    for one in pair:
        one.page.route("**/ice", partial(_worn_out, turn))
        one.appear()
    rung(*pair)
    both_accept(*pair)
    _both_read_that_the_line_did_not_work(pair)
    for one in pair:
        assert not one.script("window.heard.some((one) => one.state === 'connected')")
    assert not ended(partyline, pair[0]).called
    assert any("no way through" in one.script("window.heard.map((one) => one.words).join()") for one in pair)


def test_where_a_browser_keeps_calls_back_one_is_told_what_to_do_and_the_other_is_free(
    pair: tuple[Someone, Someone], partyline: World
) -> None:
    ann, bob = pair
    ann.page.add_init_script("delete window.RTCPeerConnection")
    for one in pair:
        one.appear()
    rung(*pair)
    both_accept(bob, ann)
    ann.sees("This browser keeps calls back")
    ann.reads("in another browser")
    bob.sees(LOOKING)
    bob.reads("You keep your place")
    assert not ended(partyline, bob).called
    assert ann.script("window.asked") == 0, "nobody is asked for a microphone that is of no use"
    ann.button("Back to the start").click()
    ann.sees(FREE)


def test_without_a_microphone_one_is_told_what_to_do_and_the_other_is_free(
    pair: tuple[Someone, Someone], partyline: World
) -> None:
    ann, bob = pair
    ann.page.add_init_script(NO_MICROPHONE)
    for one in pair:
        one.appear()
    rung(ann, bob)
    both_accept(bob, ann)
    ann.sees("We can’t hear you")
    ann.reads("allow the microphone")
    bob.sees(LOOKING)
    bob.reads("You keep your place")
    assert not ended(partyline, bob).called
    ann.button("Try my microphone").click()
    ann.reads("Still no microphone")
    ann.script("window.plugged = true")
    ann.button("Try my microphone").click()
    ann.sees(FREE)


def test_a_microphone_that_is_lost_in_mid_call_ends_it_for_both_with_a_word(
    pair: tuple[Someone, Someone], partyline: World
) -> None:
    ann, bob = in_call(pair)
    ann.script(f"{TALKS}.dispatchEvent(new Event('ended'))")
    ann.sees("Would you talk with Bob again?")
    ann.reads("Your microphone could not be reached any more")
    bob.sees("Would you talk with Ann again?")
    assert ended(partyline, bob).called


def test_a_call_in_which_one_side_is_not_heard_is_not_connected(pair: tuple[Someone, Someone]) -> None:
    ann, bob = pair
    bob.page.add_init_script(ONLY_LISTENS)
    for one in pair:
        one.appear()
    rung(ann, bob)
    both_accept(ann, bob)
    bob.until("window.sound().then((now) => now.received > 50)", "Bob hears Ann")
    for one in pair:
        found = one.invitation()
        assert (found["state"], found["connected"]) == ("confirmed", False)
        one.reads("Putting you through")
