"""When it comes to no call, or a call ends badly: what both see, through every process, and after a reload."""

from tests.browser.conftest import NewPerson
from tests.browser.people import Someone


def _rung(new_person: NewPerson) -> tuple[Someone, Someone]:
    ada, stan = new_person("Ada").come_in(), new_person("Stan").come_in()
    for one in (ada, stan):
        one.be_free()
    ada.sees("Stan is free to talk")
    stan.sees("Ada is free to talk")
    return ada, stan


def _sees_after_reload(one: Someone, heading: str) -> None:
    one.sees(heading)
    one.page.reload()
    one.sees(heading)


def test_who_is_not_wanted_now_is_told_kindly_and_keeps_their_place(new_person: NewPerson) -> None:
    ada, stan = _rung(new_person)
    ada.button("Yes, let’s talk").click()
    _sees_after_reload(ada, "We’re asking Stan")
    stan.button("Not now").click()
    for one, words in ((ada, "Stan can’t talk just now"), (stan, "quite all right")):
        _sees_after_reload(one, "We’re looking for somebody")
        one.page.get_by_text(words).wait_for()
    stan.button("I’m no longer free").click()
    _sees_after_reload(stan, "I’m free to talk for …")


def test_this_feels_wrong_ends_the_call_for_both_at_once(new_person: NewPerson) -> None:
    ada, stan = _rung(new_person)
    for one in (ada, stan):
        one.button("Yes, let’s talk").click()
    ada.sees("You and Stan")
    _sees_after_reload(stan, "You and Ada")
    for one in (ada, stan):
        one.page.get_by_text("You hear each other").wait_for()
    ada.button("This feels wrong").click()
    _sees_after_reload(ada, "The call is over")
    stan.sees("Would you talk with Ada again?")
    ada.button("Never put me through to them again").click()
    _sees_after_reload(ada, "You won’t meet again")
    ada.button("Home").click()
    ada.sees("I’m free to talk for …")
    ada.be_free()
    stan.button("Yes").click()
    stan.sees("I’m free to talk for …")
    stan.be_free()
    for one in (ada, stan):
        one.sees("We’re looking for somebody")


def test_who_lets_it_ring_is_asked_before_it_rings_again_and_a_session_ended_elsewhere_ends_here(
    new_person: NewPerson,
) -> None:
    ada, stan = _rung(new_person)
    stan.button("Yes, let’s talk").click()
    stan.sees("We’re asking Ada")
    _sees_after_reload(ada, "You missed Stan")
    stan.page.get_by_text("Ada didn’t come to the phone").wait_for()
    ada.button("Ring me again").click()
    ada.sees("We’re looking for somebody")
    ada.button("I’m no longer free").click()  # whoever stays in the pool meets people of other tests
    ada.sees("I’m free to talk for …")
    ada.page.evaluate("fetch('/sessions', {method: 'DELETE', headers: {'Idempotency-Key': 'ended-elsewhere'}})")
    ada.sees("Somebody to talk to")
