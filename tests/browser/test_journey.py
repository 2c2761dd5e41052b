"""Two people from the door to a call and home again, through every process, with nothing but taps."""

from tests.browser.conftest import NewPerson
from tests.browser.people import Someone


def in_call(new_person: NewPerson) -> tuple[Someone, Someone]:
    """Two who have both said yes."""
    ada, stan = new_person("Ada").come_in(), new_person("Stan").come_in()
    for one in (ada, stan):
        one.be_free()
    ada.sees("Stan is free to talk")
    stan.sees("Ada is free to talk")
    ada.button("Yes, let’s talk").click()
    ada.sees("We’re asking Stan")
    stan.button("Yes, let’s talk").click()
    ada.sees("You and Stan")
    stan.sees("You and Ada")
    return ada, stan


def test_two_people_are_asked_talk_hang_up_and_say_how_it_was(new_person: NewPerson) -> None:
    ada, stan = in_call(new_person)
    for one in (ada, stan):
        one.page.get_by_text("You hear each other").wait_for()
    ada.button("Hang up").click()
    ada.sees("Would you talk with Stan again?")
    stan.sees("Would you talk with Ada again?")
    ada.button("Yes").click()
    stan.button("Maybe").click()
    for one in (ada, stan):
        one.sees("I’m free to talk for …")
        assert one.faults == []
