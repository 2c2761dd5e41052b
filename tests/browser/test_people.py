"""My people: one asks another for a call, both go on after the line broke, and a new number keeps who one is."""

from services.stream.rebuild import rebuild
from tests.browser.conftest import NewPerson
from tests.browser.people import FREE, Someone, both_accept, talking
from tests.world import World, eventually


def _become_bonded(ada: Someone, stan: Someone) -> None:
    """They talk, and both say that they would again."""
    talking(ada, stan)
    ada.button("Hang up").click()
    for one, other in ((ada, stan), (stan, ada)):
        one.sees(f"Would you talk with {other.name} again?")
        one.button("Yes").click()
        one.sees(FREE)
    for one in (ada, stan):
        eventually(lambda one=one: one.ask("GET", "/me/people").json()["people"], what="the bond")
        one.page.goto(one.url)


def test_one_of_my_people_is_asked_for_a_call_and_rung_with_me_when_both_are_free(new_person: NewPerson) -> None:
    ada, stan = new_person("Ada").appear(), new_person("Stan").appear()
    _become_bonded(ada, stan)
    ada.page.get_by_role("link", name="My people").click()
    ada.sees("My people")
    ada.reads("You both like gardening.")
    ada.page.get_by_role("link", name="Ask Stan for a call").click()
    ada.sees("Ask Stan for a call")
    ada.be_free()
    ada.sees("We’re looking out for Stan")
    ada.reads("We ring you both when Stan is free too.")
    stan.reads("Ada would like to talk with you, when you are both free.")
    eve = new_person("Eve").appear()
    eve.be_free("10 minutes")
    eve.sees("We’re looking for somebody")
    stan.be_free("30 minutes")
    ada.sees("Stan is free to talk")
    ada.reads("You have talked before, and both wanted to talk again.")
    stan.sees("Ada is free to talk")
    eve.sees("We’re looking for somebody")
    both_accept(ada, stan)
    for one in (ada, stan):
        one.until_call("bridged")
    stan.button("Hang up").click()
    ada.sees("Would you talk with Stan again?")
    assert [one.faults for one in (ada, stan, eve)] == [[], [], []]


def _the_line_breaks(ada: Someone, stan: Someone) -> str:
    """Ada's page finds no way to Stan any more, and says so as call.js does; which call that was."""
    call = str(ada.invitation()["invitation"])
    ada.write("POST", f"/calls/{call}/end", {"lost": True})
    for one, other in ((ada, stan), (stan, ada)):
        one.sees(f"The line broke. Go on with {other.name}?")
    return call


def test_when_the_line_broke_both_go_on_with_one_tap_and_who_comes_alone_is_told(new_person: NewPerson) -> None:
    ada, stan = new_person("Ada").appear(), new_person("Stan").appear()
    talking(ada, stan)
    first = _the_line_breaks(ada, stan)
    ada.button("Go on").click()
    ada.sees("We’re asking Stan too")
    stan.page.reload()
    stan.button("Go on").click()
    for one, other in ((ada, stan), (stan, ada)):
        one.sees(f"You and {other.name}")
    assert ada.invitation()["goes_on"] == first
    for one in (ada, stan):
        eventually(lambda one=one: one.invitation()["connected"], what=f"{one.name} is connected again")
        one.until_sound_goes_on()
    second = _the_line_breaks(ada, stan)
    assert second != first
    stan.button("No, thank you").click()
    stan.sees("Would you talk with Ada again?")
    ada.button("Go on").click()
    ada.sees("We’re asking Stan too")
    ada.button("Not after all").click()
    ada.button("No, thank you").click()
    ada.sees("Would you talk with Stan again?")
    for one in (ada, stan):
        one.button("Yes").click()
        one.sees(FREE)
    assert [one.faults for one in (ada, stan)] == [[], []]


def _comes_in(one: Someone, phone: str) -> bool:
    """Sign in with this number; whether somebody is known there."""
    one.page.context.clear_cookies()
    code = one.write("POST", "/codes", {"phone": phone})["demo_code"]
    return bool(one.write("POST", "/sessions", {"phone": phone, "code": code})["registered"])


def test_a_new_number_keeps_who_one_is_also_after_all_views_were_made_again(
    new_person: NewPerson, partyline: World
) -> None:
    ada, phone = new_person("Ada").appear(), new_person("Nobody")
    elsewhere, new = new_person("Elsewhere"), phone.phone
    assert _comes_in(elsewhere, ada.phone)
    elsewhere.page.goto(elsewhere.url)
    ada.page.get_by_role("link", name="Settings").click()
    ada.page.get_by_role("link", name="My number has changed").click()
    ada.page.get_by_label("Your new phone number").fill(new)
    ada.button("Send a code there").click()
    ada.page.get_by_label("Six digits").fill(ada.page.locator(".code").inner_text())
    ada.button("This is my number now").click()
    ada.sees("Your number has changed")
    elsewhere.sees("Somebody to talk to")
    assert _comes_in(elsewhere, new)
    rebuild(partyline.settings, lambda _: None)
    assert [_comes_in(elsewhere, number) for number in (ada.phone, new)] == [False, True]
    elsewhere.page.goto(elsewhere.url)
    elsewhere.reads("Hello Ada.")
