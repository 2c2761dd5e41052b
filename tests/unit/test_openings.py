"""The question to begin with: there are two for every topic, both people read the same one, and it hurts nobody."""

import json
import re

import pytest

from matcher.invitation import ANY_TOPIC
from matcher.person import TOPICS
from services.gateway.openings import OPENINGS, opening
from services.languages.speaking import speaking
from tests.gateway_desk import Desk
from tests.page_reader import look

QUESTIONS = [question for both in OPENINGS.values() for question in both]
HURTS = re.compile(
    r"\b(husband|wife|mother|father|children|grandchildren|friend|family|home|house|alone|still|anymore|used to|"
    r"last|buy|cost|money|afford|job|retired|age|old are|address|name|health|died)\b"
)
"""What may be sore, or is nobody's business."""


def test_every_topic_has_two_questions_and_so_has_anything() -> None:
    assert set(OPENINGS) == {*TOPICS, ANY_TOPIC}
    assert {len(set(both)) for both in OPENINGS.values()} == {2}
    assert len(set(QUESTIONS)) == 2 * len(OPENINGS)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_one_short_question_and_touches_nothing_sore(question: str) -> None:
    assert re.fullmatch(r"[A-Z][^?!.]{20,80}\?", question)
    assert not HURTS.search(question)


def test_which_one_it_is_follows_from_the_invitation_and_both_come_up() -> None:
    asked = [opening("birds", f"inv-{number}") for number in range(50)]
    assert asked == [opening("birds", f"inv-{number}") for number in range(50)]
    assert set(asked) == set(OPENINGS["birds"])
    assert opening("a topic of former days", "inv-1") in OPENINGS[ANY_TOPIC]


@pytest.mark.parametrize(("state", "view"), [("rung", "ringing"), ("accepted", "accepted"), ("confirmed", "call")])
def test_both_read_the_same_question_until_they_hang_up_each_in_their_language(
    gateway: Desk, state: str, view: str
) -> None:
    ada, stan = gateway.registered("Ada"), gateway.registered("Stan")
    said = {} if state == "rung" else {"answer_a": "accept", "answer_b": "accept"}
    row = gateway.put_invitation(ada[1], stan[1], state=state, topic="gardening", **said)
    question = opening("gardening", row.invitation)
    for page, _ in (ada, stan):
        assert page.get("/state").json()["invitation"]["opening"] == question
        seen = look(page)
        assert (seen.view, question in seen.text) == (view, True)
    if state != "rung":
        gateway.put_invitation(ada[1], stan[1], state=state, topic="gardening", goes_on="inv-before", **said)
        assert "You could begin" not in look(ada[0]).text
        gateway.put_invitation(ada[1], stan[1], state=state, topic="gardening", invitation=row.invitation, **said)
    with speaking("de"):
        german = opening("gardening", row.invitation)
    assert german != question
    assert ada[0].get("/state", headers={"Accept-Language": "de"}).json()["invitation"]["opening"] == german
    assert german in look(stan[0], **{"Accept-Language": "de"}).text
    with stan[0].stream("GET", "/live", headers={"Accept-Language": "de"}) as line:
        snapshot = next(json.loads(one.removeprefix("data: ")) for one in line.iter_lines() if one.startswith("data: "))
    assert snapshot["invitation"]["opening"] == german


def test_beforehand_it_is_said_what_happens_if_the_other_cannot_come(gateway: Desk) -> None:
    ada, person = gateway.registered("Ada")
    _, stan = gateway.registered("Stan")
    gateway.put_waiting(person)
    gateway.put_invitation(person, stan)
    assert "If Stan can’t come, you keep your place and we go on looking." in look(ada).text
    gateway.put_waiting(person, company="known", hopes_for=stan)
    seen = look(ada).text
    assert "If Stan can’t come, you can look for somebody else." in seen
    assert "we go on looking" not in seen
