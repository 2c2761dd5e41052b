"""The dashboard's figures, from rows and events as they stand in Kafka."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from matcher.events import InvitationRung, OutcomeGiven
from matcher.invitation import Invitation
from matcher.model_file import ModelFile, PromotedModel
from matcher.outcome import Pair, Said
from matcher.person import Concern, Person
from matcher.values import Value, wire
from services.adapters.dead_letters import Mark, letter
from services.dashboard import invitations, windows
from services.dashboard.figures import Figures
from tests.gateway_desk import MORNING, invitation, over, waiting

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


@dataclass
class Record:
    """What kafka-python hands out."""

    value: bytes | None
    key: bytes = b""
    offset: int = 0
    timestamp: int = 1_764_000_000_000


MODEL = ModelFile(
    version="m1", intercept=0.1, weights={}, gives_sd=0.4, gets_sd=0.5, level_gave=0.1, level_got=0.1,
    learned_from=NOW, learned_until=NOW, answers=700,
)  # fmt: skip


@dataclass
class Seen:
    """Figures and a hand that shows them messages; domain time stands a minute after eight."""

    figures: Figures = field(default_factory=lambda: Figures(lambda: MORNING + timedelta(minutes=1)))

    def see(self, topic: str, value: Value | bytes | None, key: str = "", offset: int = 0) -> None:
        encoded = wire(value) if isinstance(value, Value) else value
        self.figures.see([(topic, Record(encoded, key.encode(), offset))])

    def shown(self, section: str) -> dict[str, Any]:
        found: dict[str, Any] = self.figures.shown()[section]
        return found

    def call(self, **change: Any) -> Invitation:
        """An invitation from its offer to the end of its call."""
        row = invitation("a", "b", invitation="one", rung=False, state="offered")
        steps: list[dict[str, Any]] = [
            {"state": "rung", "rung": True},
            {"state": "accepted", "answer_a": "accept"},
            {"state": "confirmed", "answer_b": "accept", "confirmed_wall": NOW},
            {"connected_wall": NOW},
            over(**change),
        ]
        self.see("invitations", row)
        for offset, step in enumerate(steps, 2):
            row = row.model_copy(update={**step, "offset": offset})
            self.see("invitations", row)
        return row


@pytest.fixture
def seen() -> Seen:
    return Seen()


def outcome(person: str, other: str, word: Any) -> OutcomeGiven:
    return OutcomeGiven(id=f"o-{person}", at=NOW, invitation="one", person=person, other=other, talk_again=word)


def test_a_call_counts_once_at_every_step_however_many_rows_tell_of_it(seen: Seen) -> None:
    seen.see("waiting", waiting("a", availability="av-a"))
    seen.see("waiting", waiting("b", availability="av-b"))
    seen.call()
    seen.see("outcomes", outcome("a", "b", "yes"), offset=1)
    seen.see("outcomes", outcome("b", "a", "yes"), offset=2)
    steps = ("offered", "rung", "accepted_both", "connected", "both_would_talk_again")
    assert {name: seen.shown("totals")[name] for name in steps} == dict.fromkeys(steps, 1)
    assert (seen.shown("totals")["opened"], seen.shown("totals")["accepts"]) == (2, 2)
    assert seen.shown("ends") == {"called": 2}
    assert seen.shown("now") == {
        "open": 0, "waiting": 0, "longest_wait_s": None, "ringing": 0, "calls": 0, "talking": 0,
    }  # fmt: skip


@pytest.mark.parametrize("state", ["expired", "declined", "voided"])
def test_an_invitation_that_came_to_nothing_is_counted_as_it_ended(seen: Seen, state: Any) -> None:
    seen.see("invitations", invitation("a", "b", invitation="one"))
    seen.see("invitations", invitation("a", "b", invitation="one", offset=2, state=state))
    totals = seen.shown("totals")
    assert (totals[state], totals["offered"], totals["connected"]) == (1, 1, 0)


def test_a_late_row_and_a_row_after_the_end_change_nothing(seen: Seen) -> None:
    seen.see("invitations", invitation("a", "b", invitation="one", offset=5, state="expired"))
    before = seen.figures.shown()
    seen.see("invitations", invitation("a", "b", invitation="one", offset=3))
    seen.see("invitations", invitation("a", "b", invitation="one", offset=9, state="voided"))
    assert seen.figures.shown() == before


def test_a_ring_counts_though_the_row_never_showed_it(seen: Seen) -> None:
    row = invitation("a", "b", invitation="one", rung=False, state="offered")
    seen.see("pool", InvitationRung(id="r", at=NOW, market="GB", invitation=row, token=1))
    assert (seen.shown("totals")["rung"], seen.shown("totals")["offered"]) == (1, 0)
    seen.see("invitations", row.model_copy(update={"state": "voided", "offset": 2}))
    assert (seen.shown("totals")["rung"], seen.shown("totals")["offered"]) == (1, 1)


def test_the_latest_word_about_a_call_counts(seen: Seen) -> None:
    seen.see("outcomes", outcome("a", "b", "yes"), offset=1)
    seen.see("outcomes", outcome("b", "a", "yes"), offset=2)
    assert seen.shown("totals")["both_would_talk_again"] == 1
    seen.see("outcomes", outcome("b", "a", "no"), offset=3)
    assert seen.shown("totals")["both_would_talk_again"] == 0


def test_who_waits_is_told_from_who_rings(seen: Seen) -> None:
    for person in ("a", "b", "c"):
        seen.see("waiting", waiting(person, availability=f"av-{person}"))
    seen.see("invitations", invitation("a", "b"))
    now = seen.shown("now")
    assert (now["open"], now["waiting"], now["ringing"], now["longest_wait_s"]) == (3, 1, 1, 60)


def test_a_request_that_moved_a_window_counts_and_its_row_written_again_does_not(seen: Seen) -> None:
    row = waiting("a", availability="one")
    for _ in range(2):
        seen.see("waiting", row)
    seen.see("waiting", row.also_for("two").model_copy(update={"offset": 2}))
    seen.see("waiting", waiting("a", availability="three", offset=3))
    assert seen.shown("totals")["opened"] == 3


def test_a_forgotten_row_is_neither_waiting_nor_counted_again(seen: Seen) -> None:
    seen.see("waiting", waiting("a"))
    seen.see("waiting", None, "a")
    assert (seen.shown("now")["open"], seen.shown("totals")["opened"]) == (0, 1)


def test_a_wait_is_from_the_place_in_the_queue_to_the_ring_even_if_the_ring_is_read_first(seen: Seen) -> None:
    seen.see("invitations", invitation("a", "b", pool_now=MORNING + timedelta(seconds=40)))
    assert seen.shown("waits")["until_rung"]["count"] == 0
    seen.see("waiting", waiting("a", availability="av-a"))
    seen.see("waiting", waiting("b", availability="av-b", since=MORNING + timedelta(seconds=30)))
    assert seen.shown("waits")["until_rung"] == {"p50_s": 10, "p90_s": 40, "count": 2}


def test_bonds_are_those_that_stand(seen: Seen) -> None:
    said = (Said(invitation="one", person="a", talk_again="yes"),)
    for offset, bond, count in ((1, True, 1), (2, False, 0), (1, True, 0), (3, True, 1)):
        seen.see("pairs", Pair(offset=offset, a="a", b="b", said=said, bond=bond), "a|b")
        assert seen.shown("totals")["bonds"] == count


def test_dead_letters_show_where_from_and_why_and_nothing_that_was_in_them(seen: Seen) -> None:
    dead = letter(source_topic="pool", partition=0, offset=4, key=b"k", value=b"Ann 0161", error="<b>not a row</b>",
                  attempts=1, at=NOW)  # fmt: skip
    seen.see("dead-letters", dead)
    seen.see("dead-letters", dead)
    shown = seen.shown("letters")
    assert (shown["count"], shown["waiting"]) == (1, 1)
    assert shown["newest"] == [{"at": "2026-11-25T09:00:00+00:00", "topic": "pool", "reason": "<b>not a row</b>"}]
    seen.see("dead-letters", Mark(id=dead.id, action="discarded", at=NOW))
    assert (seen.shown("letters")["count"], seen.shown("letters")["waiting"]) == (1, 0)


def test_concerns_show_their_number_and_age_and_no_word_of_what_was_said(seen: Seen) -> None:
    concern = Concern(concern="c", by="p-1", invitation="one", what="he shouted at me", at=NOW)
    row = Person(offset=1, person="p-2", held=True, concerns=(concern,))
    seen.see("people", row, "p-2")
    seen.see("people", Person(offset=0, person="p-2"), "p-2")
    assert seen.shown("concerns") == {"count": 1, "people": 1, "oldest_at": "2026-11-25T09:00:00+00:00"}
    assert "shouted" not in str(seen.figures.shown())
    seen.see("people", row.model_copy(update={"offset": 2, "concerns": ()}), "p-2")
    assert seen.shown("concerns")["count"] == 0


@pytest.mark.parametrize("topic", ["pool", "people", "waiting", "invitations", "pairs", "outcomes", "dead-letters"])
@pytest.mark.parametrize(
    "value", [b"", b"null", b"[]", b'"invitation.rung.v1"', b'{"type":"invitation.rung.v1"', b"\xff", b"9" * 5000]
)
def test_what_cannot_be_read_changes_no_figure(seen: Seen, topic: str, value: bytes) -> None:
    before = seen.figures.shown()
    seen.see(topic, value)
    after = seen.figures.shown()
    for section in ("now", "totals", "ends", "waits", "letters", "concerns"):
        assert after[section] == before[section]
    assert topic == "pool" or after["unreadable"] == {topic: 1}


@pytest.mark.parametrize("seed", range(5))
def test_topics_may_be_read_side_by_side_in_any_way(seed: int) -> None:
    topics: dict[str, list[tuple[Value, int]]] = {"waiting": [], "invitations": [], "outcomes": []}
    for number in range(30):
        a, b, one = f"a{number}", f"b{number}", f"inv-{number}"
        topics["waiting"] += [(waiting(who, availability=f"av-{who}"), 0) for who in (a, b)]
        row = invitation(a, b, invitation=one, availability_a=f"av-{a}", availability_b=f"av-{b}")
        ended = row.model_copy(update=over(offset=2) if number % 2 else {"state": "expired", "offset": 2})
        topics["invitations"] += [(row, 0), (ended, 0)]
        topics["outcomes"] += [
            (outcome(who, other, "yes").model_copy(update={"invitation": one}), number)
            for who, other in ((a, b), (b, a))
        ]
    straight, mixed = Seen(), Seen()
    for topic, messages in topics.items():
        for value, offset in messages:
            straight.see(topic, value, offset=offset)
    dice, queues = random.Random(seed), {name: list(messages) for name, messages in topics.items()}
    while left := [name for name, messages in queues.items() if messages]:
        topic = dice.choice(left)
        value, offset = queues[topic].pop(0)
        mixed.see(topic, value, offset=offset)
    assert mixed.figures.shown() == straight.figures.shown()
    assert straight.shown("totals")["both_would_talk_again"] == 30


def test_memory_is_bounded_and_what_is_forgotten_still_counts(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invitations, "ENDED_LIMIT", 10)
    monkeypatch.setattr(invitations, "FORGOTTEN_LIMIT", 20)
    monkeypatch.setattr(windows, "PENDING_LIMIT", 10)
    rows = [invitation("a", "b", invitation=f"inv-{number}", state="expired") for number in range(100)]
    for row in rows:
        seen.see("invitations", row)
    seen.see("invitations", rows[85])  # forgotten, but known as such
    assert seen.shown("totals")["expired"] == 100
    book = seen.figures._invitations
    assert (len(book._ended), len(book._forgotten), len(book._live)) == (10, 20, 0)


def test_the_model_in_service_is_told_and_without_one_it_is_the_fallback() -> None:
    seen = Seen()
    assert seen.shown("models") == {}
    for offset, version in ((9, "m2"), (4, "m1")):  # a late row of another writer changes nothing
        promoted = MODEL.model_copy(update={"version": version})
        seen.see("models", PromotedModel(offset=offset, market="GB", promoted=promoted), "GB")
    assert seen.shown("models") == {"GB": {"version": "m2", "learned_until": "2026-11-25T09:00:00Z", "answers": 700}}
