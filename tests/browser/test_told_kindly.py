"""When it comes to no call, or a call ends badly: what both see, through every process, and after a reload."""

import re
from datetime import UTC, datetime

from matcher.person import Person
from services.adapters.concerns import concerns, settle
from services.stream.rebuild import newest_rows
from services.topics import PEOPLE, KafkaAddress
from tests.browser.conftest import NewPerson
from tests.browser.people import Someone
from tests.world import World, eventually


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


def _talk(ada: Someone, stan: Someone) -> None:
    for one in (ada, stan):
        one.button("Yes, let’s talk").click()
    for one in (ada, stan):
        one.page.get_by_text("You hear each other").wait_for()


def _let_go(one: Someone) -> None:
    eventually(lambda: not one.write("GET", "/me")["held"], what=f"{one.name} is let go of")
    one.page.reload()
    one.sees("I’m free to talk for …")


def _reported_by_one_kept(kafka: KafkaAddress, call: str) -> str:
    """The concern about this call, once both yeses are known: whom it is about keeps the other, who blocked them."""

    def found() -> list[str]:
        rows = newest_rows(kafka, PEOPLE, Person)
        about = [one for one in concerns(kafka) if one.concern.invitation == call]
        return [one.concern.concern for one in about if one.concern.by in rows[one.person.encode()].bonds]

    return str(eventually(found)[0])


def test_this_feels_wrong_ends_the_call_blocks_and_holds_at_once_and_a_mistake_is_taken_back(
    new_person: NewPerson, partyline: World
) -> None:
    ada, stan = _rung(new_person)
    _talk(ada, stan)
    ada.button("This feels wrong").click()
    _sees_after_reload(ada, "The call is over")
    stan.sees("Would you talk with Ada again?")
    stan.button("Yes").click()
    stan.sees("We need to talk with you first")
    assert [one["can_be_lifted"] for one in ada.write("GET", "/me/blocks")["blocks"]] == [False]
    ada.button("It was a mistake").click()
    _sees_after_reload(ada, "It is taken back")
    _let_go(stan)
    assert ada.write("GET", "/me/blocks")["blocks"] == []
    ada.button("Continue").click()
    ada.sees("Would you talk with Stan again?")
    ada.button("Something felt wrong").click()
    ada.sees("The call is over")
    # A yes of hers from another window, beside his: he keeps her by it, and she, who blocked him, does not.
    call = ada.invitation()["invitation"]
    ada.write("POST", f"/calls/{call}/outcome", {"talk_again": "yes"})
    kafka = partyline.settings.kafka
    settle(kafka, _reported_by_one_kept(kafka, call), datetime.now(UTC))
    ada.button("Nothing more, thank you").click()
    ada.sees("I’m free to talk for …")
    _let_go(stan)
    for one in (ada, stan):
        one.be_free()
        one.sees("We’re looking for somebody")
    cat = new_person("Cat").appear()
    cat.be_free()
    cat.sees(re.compile("(Ada|Stan) is free to talk"))


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
