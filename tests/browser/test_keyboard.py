"""The whole journey by keyboard alone: Tab, Space, Enter and typing; wherever the focus goes it can be seen."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from matcher.events import PersonErased
from matcher.person import Call, Passkey
from services.gateway.mine import FILE_NAME
from tests.browser.chromium import visit
from tests.browser.conftest import NewPerson
from tests.browser.people import Someone
from tests.browser.states import STATES, Place, place
from tests.gateway_desk import MORNING, Desk

TABS_LIMIT = 120
TOUCH = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
         "isUserVerified": True, "automaticPresenceSimulation": True}  # fmt: skip
"""What Chromium takes for a finger on the telephone."""
FOCUSED = """() => { const one = document.activeElement; if (!one || one === document.body) return ["", true];
  const label = one.labels?.[0]?.textContent ?? one.innerText ?? "";
  const shown = one.closest(".choice") ?? one;
  return [label.trim().replace(/\\s+/g, " "), getComputedStyle(shown).outlineStyle !== "none"]; }"""


def _tab_to(page: Page, words: str) -> None:
    """Press Tab until this has the focus, which has to be visible at every stop."""
    for _ in range(TABS_LIMIT):
        page.keyboard.press("Tab")
        label, visible = page.evaluate(FOCUSED)
        assert visible, label
        if label == words or label.startswith(words + " Please choose"):
            return
    raise AssertionError(f"Tab never came to {words!r}")


def _press(one: Someone | Place, words: str, key: str = "Enter") -> None:
    _tab_to(one.page, words)
    one.page.keyboard.press(key)


def _come_in(one: Someone) -> None:
    one.page.goto(one.url)
    _tab_to(one.page, "Your phone number")
    one.page.keyboard.type(one.phone)
    one.page.keyboard.press("Enter")
    one.sees("Type the code")
    code = one.page.locator(".code").inner_text()
    _tab_to(one.page, "Six digits")
    one.page.keyboard.type(code)
    one.page.keyboard.press("Enter")
    one.sees("What’s your first name?")
    _tab_to(one.page, "First name")
    one.page.keyboard.type(one.name)
    one.page.keyboard.press("Enter")
    one.sees("How old are you?")
    _press(one, "35 to 49")
    one.sees("Which languages do you like to talk in?")
    _press(one, "Back")
    one.sees("How old are you?")
    _press(one, "35 to 49 ✓")
    one.sees("Which languages do you like to talk in?")
    _press(one, "Go on")
    one.sees("Where do you live, roughly?")
    _tab_to(one.page, "The nearest of these")
    one.page.keyboard.type("London: East")
    _press(one, "Go on")
    one.sees("What do you like to talk about?")
    _press(one, "Gardening", "Space")
    _press(one, "Go on")
    one.sees("What would you rather not talk about?")
    _press(one, "Skip this")
    one.sees("Is any of this you, just now?")
    _press(one, "I live alone", "Space")
    _press(one, "Go on")
    one.sees("Whom would you like to talk with?")
    _press(one, "Anyone")
    one.sees("When should we never ring you?")
    _press(one, "No quiet hours")
    one.sees("I’m free to talk for …")


def _both(people: tuple[Someone, Someone], do: Callable[[Someone], None]) -> None:
    for one in people:
        do(one)


def test_from_the_door_to_a_call_and_home_again_by_keyboard(new_person: NewPerson) -> None:
    ada, stan = people = new_person("Ada"), new_person("Stan")
    _both(people, _come_in)
    _both(people, lambda one: _press(one, "20 minutes", "Space"))
    ada.sees("Stan is free to talk")
    stan.sees("Ada is free to talk")
    _both(people, lambda one: _press(one, "Yes, let’s talk"))
    ada.sees("You and Stan")
    stan.sees("You and Ada")
    _both(people, lambda one: one.page.get_by_text("You hear each other").wait_for())
    _press(ada, "Mute me", "Space")
    ada.reads("Stan can’t hear you now")
    _press(ada, "Hang up")
    ada.sees("Would you talk with Stan again?")
    stan.sees("Would you talk with Ada again?")
    _press(ada, "Yes")
    ada.sees("I’m free to talk for …")
    _press(stan, "Something felt wrong")
    stan.sees("The call is over")
    _tab_to(stan.page, "What happened? You need not explain anything.")
    stan.page.keyboard.type("They asked me for money.")
    _press(stan, "Tell Partyline")
    stan.sees("Thank you")
    _press(stan, "Home")
    stan.sees("I’m free to talk for …")


def _come_in_again_with_one_touch(one: Someone) -> None:
    """A passkey is made, signs in, and is removed."""
    authenticator = one.page.context.new_cdp_session(one.page)
    authenticator.send("WebAuthn.enable")
    authenticator.send("WebAuthn.addVirtualAuthenticator", {"options": TOUCH})
    _press(one, "Set it up")
    one.sees("Come in with one touch")
    one.reads("Set up on")
    _press(one, "Settings")
    one.sees("Settings")
    _press(one, "Sign out")
    one.sees("Somebody to talk to")
    _press(one, "Come in with one touch")
    one.sees("I’m free to talk for …")
    _press(one, "Settings")
    one.sees("Settings")
    _press(one, "Come in with one touch")
    one.sees("Come in with one touch")
    _press(one, "Set it up here")
    one.reads("set up already")
    _press(one, "Remove it")
    expect(one.button("Remove it")).to_have_count(0)
    _press(one, "Partyline")
    one.sees("I’m free to talk for …")


def test_a_break_a_change_and_erasure_by_keyboard(new_person: NewPerson) -> None:
    ada = new_person("Ada")
    _come_in(ada)
    _come_in_again_with_one_touch(ada)
    _press(ada, "Settings")
    ada.sees("Settings")
    _press(ada, "Have a break from calls")
    ada.sees("You’re having a break")
    _press(ada, "I’m back")
    ada.sees("I’m free to talk for …")
    _press(ada, "10 minutes")
    ada.sees("We’re looking for somebody")
    _press(ada, "I’m no longer free")
    ada.sees("I’m free to talk for …")
    _tab_to(ada.page, "… or until my stop, at")
    ada.page.keyboard.type("1159AM")
    ada.page.keyboard.press("Enter")
    ada.reads("11:59")
    _press(ada, "I’m no longer free")
    ada.sees("I’m free to talk for …")
    _press(ada, "Settings")
    ada.sees("Settings")
    _press(ada, "Change what you told us")
    ada.sees("About me")
    _press(ada, "Birds", "Space")
    _press(ada, "Save")
    ada.sees("I’m free to talk for …")
    _press(ada, "Settings")
    ada.sees("Settings")
    _press(ada, "Erase me")
    ada.sees("Erase everything about you?")
    _press(ada, "Yes, erase me")
    ada.sees("Somebody to talk to")


def test_what_we_hold_of_somebody_comes_as_a_file_and_then_they_are_erased(browser: Browser, gateway: Desk) -> None:
    with visit(browser) as context:
        one = place(gateway, context)
        _, stan = gateway.registered("Stan", phone="+447400999333")
        _, eve = gateway.registered("Eve", calls=(Call(other=stan, ended_at=MORNING, talked_s=4711),))
        key = Passkey(id="key-of-ada", public_key="public-half", site="localhost", added=MORNING)
        call = Call(other=stan, ended_at=MORNING, talked_s=700)
        one.sign_in(phone="+447400999444", calls=(call,), blocks=(eve,), passkeys=(key,))
        one.show("/settings")
        _tab_to(one.page, "Download all that you hold of me")
        with one.page.expect_download() as coming:
            one.page.keyboard.press("Enter")
        assert coming.value.suggested_filename == FILE_NAME
        text = coming.value.path().read_text()
        told = json.loads(text)
        assert (told["phone"], told["about_me"]["first_name"]) == ("+447400999444", "Ada")
        assert [(one["first_name"], one["talked_s"]) for one in told["calls"]] == [("Stan", 700)]
        assert ([one["first_name"] for one in told["blocks"]], len(told["sessions"])) == (["Eve"], 1)
        assert [one["passkey"] for one in told["passkeys"]] == ["key-of-ada"]
        assert [word for word in (stan, eve, "999333", "4711", one.person) if word in text] == []
        _press(one, "Erase me")
        one.sees("erase")
        _press(one, "Yes, erase me")
        one.sees("sign_in")
        one.page.get_by_text("You are erased").wait_for()
        one.show("/settings")
        one.sees("sign_in")
        assert isinstance(gateway.said("person-events")[-1], PersonErased)


@pytest.mark.parametrize(
    ("state", "words", "view"),
    [
        ("invitation", "Not now", "waiting"),
        ("accepted", "Not now after all", "waiting"),
        ("missed", "Ring me again", "waiting"),
        ("call", "This feels wrong", "wrong"),
        ("wrong", "It was a mistake", "mistake"),
        ("mistake", "Continue", "ending"),
        ("outcome", "Never put me through to them again", "blocked"),
        ("outcome", "I’d rather not say", "home"),
        ("settings", "Sign out", "sign_in"),
        ("settings", "My calls", "my_calls"),
        ("settings", "My number has changed", "my_number"),
        ("number-changed", "Home", "home"),
        ("broke", "Go on", "going_on"),
        ("broke", "No, thank you", "outcome"),
        ("going-on", "Not after all", "broke"),
        ("home-wished", "Not today, thank you", "home"),
        ("home-wished", "My people", "my_people"),
        ("home-beside", "Sign out there", "my_sessions"),
        ("home-beside", "No, I use both", "home"),
        ("ask-for", "20 minutes", "waiting"),
        ("waiting-hope-gone", "Look for somebody else", "waiting"),
        ("my-blocks", "I’d meet Stan again", "my_blocks"),
        ("my-sessions", "Sign out everywhere", "sign_in"),
        ("my-sessions-beside", "Sign out everywhere but here", "my_sessions"),
    ],
)
def test_whatever_can_be_tapped_can_be_pressed(
    browser: Browser, gateway: Desk, state: str, words: str, view: str
) -> None:
    with visit(browser) as context:
        one = place(gateway, context)
        STATES[state](one)
        _press(one, words)
        one.sees(view)
