"""The checker's judge over hand-made histories: every figure, and every broken promise that it has to find."""

import ast
import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from services.checker import windows
from services.checker.judge import Judge
from services.checker.times import percentiles

CHECKER = Path(__file__).parents[2] / "services" / "checker"
WALL = "2026-11-23T09:00:{:06.3f}Z"
START_MS = 1_795_424_400_000


def at(seconds: float) -> str:
    return WALL.format(seconds)


class History:
    """Writes the messages that the processes would write, and shows them to a judge at once.

    The pool's log is one partition: `pool` gives the offset of each event, which rows then carry.
    """

    def __init__(self) -> None:
        self.judge = Judge("demo-")
        self._offsets: dict[str, count[int]] = {}
        self._rows: dict[str, dict[str, Any]] = {}

    def say(self, topic: str, value: Any, timestamp_ms: int = START_MS) -> int:
        offset = next(self._offsets.setdefault(topic, count()))
        raw = value if isinstance(value, bytes | None) else json.dumps(value).encode()
        self.judge.see(topic, 0, offset, timestamp_ms, b"key", raw)
        return offset

    def opened(self, availability: str, person: str, seconds: float = 0) -> int:
        event = {"type": "availability.opened.v1", "person": person, "availability": availability, "at": at(seconds)}
        offset = self.say("person-events", event)
        self.person(person, offset)
        return offset

    def person(self, person: str, offset: int) -> None:
        self.say("people", {"person": person, "offset": offset})

    def tick(self) -> int:
        return self.say("pool", {"type": "tick.v1", "market": "GB"})

    def waiting(self, person: str, availability: str, *, timestamp_ms: int = START_MS, **change: Any) -> None:
        offset = change.pop("offset", None)
        row = {
            "person": person, "availability": availability, "also": [], "end": None, "features": {"blocks": []},
            "offset": self.tick() if offset is None else offset, **change,
        }  # fmt: skip
        self.say("waiting", row, timestamp_ms)

    def stood_and_ended(self, availability: str, person: str, end: str = "closed") -> None:
        self.opened(availability, person)
        self.waiting(person, availability)
        self.waiting(person, availability, end=end)

    def invitation(self, name: str, *, offset: int | None = None, **change: Any) -> int:
        """The next row of an invitation between a person called `a` and one called `b`; changes stay."""
        row = self._rows.setdefault(name, {
            "invitation": name, "market": "GB", "a": "a", "b": "b", "availability_a": "window-a",
            "availability_b": "window-b", "state": "offered", "rung": False, "answer_a": None, "answer_b": None,
            "decided_wall": at(0), "connected_wall": None,
        })  # fmt: skip
        row.update(change, offset=self.tick() if offset is None else offset)
        self.say("invitations", row)
        return int(row["offset"])

    def rung(self, name: str) -> int:
        event = {"type": "invitation.rung.v1", "market": "GB", "invitation": {"invitation": name}}
        return self.say("pool", event)

    def answer(self, name: str, person: str, answer: str) -> int:
        event = {"type": "invitation.answered.v1", "invitation": {"invitation": name}, "person": person}
        return self.say("pool", {**event, "answer": answer})

    def receipt(self, name: str, person: str, result: str, seconds: float) -> None:
        event = {"invitation": name, "person": person, "result": result, "channel": "live", "at": at(seconds)}
        self.say("receipts", event)

    def outcome(self, name: str, person: str, other: str, word: str, applied: bool = True) -> None:
        event = {"invitation": name, "person": person, "other": other, "talk_again": word}
        offset = self.say("outcomes", event)
        if applied:
            self.say("pairs", {"a": "a", "b": "b", "offset": offset})

    def letter(self, topic: str, offset: int, name: str = "letter-1") -> None:
        letter = {"kind": "letter", "id": name, "source_topic": f"demo-{topic}", "partition": 0, "offset": offset}
        self.say("dead-letters", letter)

    def confirmed(self, name: str = "one") -> None:
        """Offered, rung, and both accept."""
        self.invitation(name)
        self.invitation(name, offset=self.rung(name), state="rung", rung=True)
        self.invitation(name, offset=self.answer(name, "a", "accept"), state="accepted", answer_a="accept")
        self.invitation(name, offset=self.answer(name, "b", "accept"), state="confirmed", answer_b="accept")

    def call(self, name: str = "one") -> None:
        """A call from the offer to the hang-up, with audio both ways."""
        self.confirmed(name)
        self.invitation(name, connected_wall=at(9))
        self.invitation(name, state="ended")

    def report(self) -> dict[str, Any]:
        return self.judge.report()


@pytest.fixture
def history() -> History:
    return History()


def faultless(report: dict[str, Any]) -> bool:
    return report["lost"] == 0 and report["double_booked"] == 0 and report["violations"] == []


def both_stand(history: History) -> None:
    for name in ("a", "b"):
        history.opened(f"window-{name}", name)
        history.waiting(name, f"window-{name}")


# --- availabilities ---


def test_nothing_seen_is_nothing_lost(history: History) -> None:
    assert faultless(history.report())
    assert history.report()["opened"] == 0


@pytest.mark.parametrize("end", ["closed", "ran_out", "paused", "held", "erased"])
def test_a_window_that_ends_once_is_not_lost(history: History, end: str) -> None:
    history.stood_and_ended("one", "a", end)
    assert faultless(history.report())
    assert history.report()["opened"] == 1


def test_the_same_request_twice_in_the_log_is_one(history: History) -> None:
    history.opened("one", "a")
    history.stood_and_ended("one", "a")
    assert faultless(history.report())
    assert history.report()["opened"] == 1


def test_an_availability_that_never_stood_in_the_pool_is_lost_once(history: History) -> None:
    history.say("person-events", {"type": "availability.opened.v1", "person": "a", "availability": "one", "at": at(0)})
    assert history.report()["lost"] == 1
    assert history.report()["violations"] == ["availability one never stood in the pool"]


def test_an_availability_without_an_end_is_lost_and_open(history: History) -> None:
    history.opened("one", "a")
    history.waiting("a", "one")
    assert history.report()["lost"] == 1
    assert history.report()["open_now"]["windows"] == 1


def test_a_window_that_was_passed_over_without_an_end_is_lost(history: History) -> None:
    history.opened("one", "a")
    history.waiting("a", "one")
    history.stood_and_ended("two", "a")
    assert history.report()["violations"] == ["availability one has no end"]


def test_two_different_ends_are_found(history: History) -> None:
    history.stood_and_ended("one", "a", "closed")
    history.waiting("a", "one", end="ran_out")
    assert history.report()["ended_twice"] == 1
    assert history.report()["lost"] == 1
    assert history.report()["violations"] == ["availability one ended twice: closed, ran_out"]


def test_a_window_that_is_open_again_after_its_end_is_found(history: History) -> None:
    history.stood_and_ended("one", "a")
    history.waiting("a", "one")
    assert history.report()["violations"] == ["availability one was open again after its end"]


def test_an_end_counts_although_the_row_has_moved_on(history: History) -> None:
    history.stood_and_ended("one", "a")
    history.stood_and_ended("two", "a", "ran_out")
    assert faultless(history.report())
    assert history.report()["opened"] == 2


def test_a_rewritten_row_and_a_late_one_change_nothing(history: History) -> None:
    history.stood_and_ended("one", "a")
    history.waiting("a", "one", end="closed", offset=1)
    history.waiting("a", "one", offset=0)
    history.say("waiting", None)
    assert faultless(history.report())


def test_a_request_that_moved_an_open_window_ends_with_it(history: History) -> None:
    history.opened("one", "a")
    history.opened("two", "a")
    history.waiting("a", "one")
    history.waiting("a", "one", also=["two"])
    assert history.report()["lost"] == 2
    history.waiting("a", "one", also=["two"], end="ran_out")
    assert faultless(history.report())
    assert history.report()["opened"] == 2


def test_a_call_ends_both_windows_and_what_was_merged_into_them(history: History) -> None:
    both_stand(history)
    history.opened("later", "a")
    history.call()
    assert history.report()["violations"] == ["availability later never stood in the pool"]
    history.waiting("a", "window-a", also=["later"])
    assert faultless(history.report())


def test_a_call_and_another_end_are_two_ends(history: History) -> None:
    both_stand(history)
    history.call()
    history.waiting("a", "window-a", end="ran_out")
    assert history.report()["ended_twice"] == 1


def test_two_calls_under_one_availability_are_two_ends(history: History) -> None:
    both_stand(history)
    history.call("one")
    history.call("two")
    assert history.report()["ended_twice"] == 2
    assert history.report()["double_booked"] == 0


def test_a_call_that_never_had_audio_ends_no_window(history: History) -> None:
    both_stand(history)
    history.confirmed()
    history.invitation("one", state="ended")
    assert history.report()["lost_of"] == {"availabilities": 2, "invitations": 0, "inputs": 0}


def test_with_the_towns_record_only_what_was_answered_2xx_is_opened(history: History) -> None:
    history.stood_and_ended("one", "a")
    history.stood_and_ended("unanswered", "b")
    history.judge.answered_2xx("one")
    assert history.report()["opened"] == 1
    assert faultless(history.report())


def test_a_2xx_that_is_in_no_topic_is_lost(history: History) -> None:
    history.judge.answered_2xx("one")
    assert history.report()["lost"] == 1
    assert history.report()["violations"] == ["availability one was answered 2xx and is in no topic"]


def test_a_dead_letter_does_not_make_good_what_was_answered_2xx(history: History) -> None:
    for name in ("one", "two"):
        history.letter("person-events", history.opened(name, name), f"letter-{name}")
    history.judge.answered_2xx("one")
    assert history.report()["violations"] == ["availability one never stood in the pool"]


def test_memory_is_bounded_and_the_figures_stay(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "SETTLED_LIMIT", 3)
    for number in range(20):
        history.stood_and_ended(f"window-{number}", f"person-{number}")
    assert history.report()["opened"] == 20
    assert faultless(history.report())
    assert len(history.judge._windows._requests) == 3
    assert len(history.judge._windows._windows) == 3
    assert history.report()["intake_ms"]["p50"] == 0


# --- invitations and calls ---


def test_a_call_counts_at_every_step(history: History) -> None:
    both_stand(history)
    history.call()
    history.outcome("one", "a", "b", "yes")
    history.outcome("one", "b", "a", "yes")
    report = history.report()
    assert faultless(report)
    steps = ("offered", "rung", "accepted_both", "connected", "both_would_talk_again")
    assert {name: report[name] for name in steps} == dict.fromkeys(steps, 1)


@pytest.mark.parametrize("state", ["expired", "declined", "voided"])
def test_an_invitation_that_came_to_nothing_is_counted(history: History, state: str) -> None:
    history.invitation("one")
    history.invitation("one", state=state)
    report = history.report()
    assert report[state] == 1
    assert (report["offered"], report["rung"], report["connected"]) == (1, 0, 0)
    assert faultless(report)


def test_an_invitation_without_an_end_is_lost_and_open(history: History) -> None:
    history.invitation("one")
    assert history.report()["lost_of"]["invitations"] == 1
    assert history.report()["open_now"]["invitations"] == 1
    assert history.report()["violations"] == ["invitation one has no end"]


def test_a_call_under_way_is_shown(history: History) -> None:
    history.confirmed()
    assert history.report()["open_now"]["calls"] == 1


def test_an_invitation_that_lives_again_after_its_end_is_found(history: History) -> None:
    history.invitation("one", state="expired")
    history.invitation("one", state="rung")
    assert history.report()["violations"] == ["invitation one changed after its end"]
    assert history.report()["expired"] == 1


def test_a_call_without_two_accepts_in_the_log_is_found(history: History) -> None:
    history.invitation("one", offset=history.answer("one", "a", "accept"), answer_a="accept", rung=True)
    history.invitation("one", state="confirmed", answer_b="accept")
    history.invitation("one", state="ended")
    assert history.report()["violations"] == ["invitation one became a call without two accepts"]


def test_a_row_that_is_confirmed_without_two_accepts_is_found(history: History) -> None:
    history.answer("one", "a", "accept")
    history.answer("one", "b", "accept")
    history.invitation("one", state="confirmed", answer_a="accept")
    assert "invitation one was confirmed without two accepts" in history.report()["violations"]


def test_the_latest_word_of_each_counts(history: History) -> None:
    history.call()
    history.outcome("one", "a", "b", "yes")
    history.outcome("one", "b", "a", "maybe")
    assert history.report()["both_would_talk_again"] == 0
    history.outcome("one", "b", "a", "yes")
    assert history.report()["both_would_talk_again"] == 1
    history.outcome("one", "a", "b", "no")
    assert history.report()["both_would_talk_again"] == 0


def test_pairing_somebody_with_a_person_they_blocked_is_found(history: History) -> None:
    history.waiting("a", "window-a", features={"blocks": ["b"]})
    history.invitation("one")
    assert "invitation one pairs somebody with a person they blocked" in history.report()["violations"]


def test_a_block_that_came_after_the_offer_is_no_fault(history: History) -> None:
    history.invitation("one")
    history.waiting("a", "window-a", features={"blocks": ["b"]})
    history.invitation("one", state="voided")
    assert history.report()["violations"] == []


# --- rung for two at once ---


def test_rings_that_follow_each_other_do_not_overlap(history: History) -> None:
    history.call("one")
    history.call("two")
    assert history.report()["double_booked"] == 0


def test_two_offers_at_once_of_which_one_is_voided_do_not_overlap(history: History) -> None:
    history.invitation("one")
    history.invitation("two", b="c")
    history.invitation("two", state="voided")
    history.invitation("one", offset=history.rung("one"), state="rung", rung=True)
    history.invitation("one", state="expired")
    assert history.report()["double_booked"] == 0


def test_a_ring_during_another_ring_is_found(history: History) -> None:
    history.rung("one")
    history.rung("two")
    history.invitation("one", state="expired")
    history.invitation("two", state="expired", b="c", a="a")
    report = history.report()
    assert report["double_booked"] == 1
    assert report["violations"] == ["person a was rung for one and two at once"]


def test_a_ring_during_a_call_that_has_not_ended_is_found(history: History) -> None:
    history.confirmed("one")
    history.invitation("two", rung=True, a="b", b="c")
    assert history.report()["double_booked"] == 1


def test_a_ring_that_is_told_after_the_end_still_rang(history: History) -> None:
    history.invitation("one", state="voided")
    history.rung("two")
    history.rung("one")
    history.invitation("two", state="expired")
    assert history.report()["double_booked"] == 2


def test_rows_before_their_events_and_events_before_their_rows_are_judged_alike(history: History) -> None:
    history.invitation("one", offset=1, rung=True)
    history.invitation("one", offset=3, state="expired")
    history.invitation("two", offset=2, rung=True, b="c")
    history.invitation("two", offset=4, state="expired")
    assert history.report()["double_booked"] == 1


def test_double_bookings_outlive_the_limit_of_memory(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.checker.offers.SETTLED_LIMIT", 2)
    history.rung("one")
    history.rung("two")
    for name in ("one", "two", "three", "four", "five"):
        history.invitation(name)
        history.invitation(name, state="expired")
    assert history.report()["double_booked"] == 2  # two people, one pair of invitations each
    assert history.report()["offered"] == 5
    assert len(history.judge._offers._offers) == 2


# --- inputs ---


def test_a_person_event_above_the_persons_row_is_lost(history: History) -> None:
    history.person("a", history.say("person-events", {"type": "person.paused.v1", "person": "a"}))
    history.say("person-events", {"type": "person.resumed.v1", "person": "a"})
    assert history.report()["lost_of"]["inputs"] == 1
    assert history.report()["violations"] == ["the message at person-events/0/1 was neither applied nor kept"]


def test_a_person_event_that_is_a_dead_letter_is_not_lost(history: History) -> None:
    history.letter("person-events", history.say("person-events", {"type": "person.odd.v9", "person": "a"}))
    assert faultless(history.report())
    assert history.report()["dead_letters"] == 1


@pytest.mark.parametrize("value", [b"\xff not json", b"[]", None, b'{"type": "person.paused.v1"}'])
def test_what_cannot_be_read_has_to_be_a_dead_letter(history: History, value: bytes | None) -> None:
    offset = history.say("person-events", value)
    assert history.report()["lost"] == 1
    history.letter("person-events", offset)
    assert faultless(history.report())


def test_a_person_row_that_is_read_before_its_event_counts(history: History) -> None:
    history.person("a", 0)
    history.say("person-events", {"type": "person.paused.v1", "person": "a"})
    assert faultless(history.report())


def test_an_outcome_that_no_pair_shows_is_lost(history: History) -> None:
    history.outcome("one", "a", "b", "yes", applied=False)
    assert history.report()["lost_of"]["inputs"] == 1


def test_an_answer_that_no_row_shows_is_lost(history: History) -> None:
    history.invitation("one")
    offset = history.answer("one", "a", "accept")
    history.invitation("one", state="expired")
    assert history.report()["violations"] == [
        f"an answer to invitation one at pool/0/{offset} was not applied",
    ]
    history.letter("pool", offset)
    assert faultless(history.report())


def test_an_answer_to_an_invitation_that_nobody_knows_is_lost(history: History) -> None:
    history.answer("one", "a", "accept")
    assert history.report()["lost_of"]["inputs"] == 1


def test_an_answer_after_the_end_is_settled(history: History) -> None:
    history.invitation("one", state="expired")
    history.answer("one", "a", "accept")
    assert faultless(history.report())


def test_somebody_who_accepts_and_then_declines_was_heard_twice(history: History) -> None:
    accepted, declined = history.answer("one", "a", "accept"), history.answer("one", "a", "decline")
    assert accepted < declined
    history.invitation("one", offset=declined, state="declined", answer_a="decline", rung=True)
    assert faultless(history.report())


def test_accepting_twice_is_accepting(history: History) -> None:
    history.call()
    history.answer("one", "a", "accept")
    assert history.report()["lost_of"]["inputs"] == 0


def test_marks_are_no_letters_and_a_letter_written_twice_is_one(history: History) -> None:
    history.letter("pool", 3)
    history.letter("pool", 3)
    history.say("dead-letters", {"kind": "mark", "id": "letter-1", "action": "replayed", "at": at(0)})
    assert history.report()["dead_letters"] == 1


def test_a_gap_in_a_log_is_told(history: History) -> None:
    history.judge.see("pool", 0, 5, START_MS, b"GB", b'{"type": "tick.v1"}')
    assert history.report()["violations"] == ["the checker missed pool/0 from 0 to 4"]


def test_a_message_read_twice_counts_once(history: History) -> None:
    value = json.dumps({"type": "tick.v1", "market": "GB"}).encode()
    history.judge.see("pool", 0, 0, START_MS, b"GB", value)
    history.judge.see("pool", 0, 0, START_MS, b"GB", value)
    assert faultless(history.report())


# --- how long it took ---


def test_intake_is_from_the_post_to_the_first_row(history: History) -> None:
    history.opened("one", "a", seconds=1)
    history.waiting("a", "one", timestamp_ms=START_MS + 1_250)
    history.waiting("a", "one", timestamp_ms=START_MS + 9_000, end="closed")
    assert history.report()["intake_ms"] == {"p50": 250, "p99": 250}
    history.judge.answered_2xx("one", START_MS + 900)
    assert history.report()["intake_ms"] == {"p50": 350, "p99": 350}


def test_delivery_is_from_the_decision_until_both_hold_it(history: History) -> None:
    history.invitation("one")
    history.receipt("one", "a", "held", 0.040)
    assert history.report()["offer_delivery_ms"] == {"p50": None, "p99": None}
    history.receipt("one", "b", "held", 0.090)
    history.receipt("one", "b", "held", 7)
    assert history.report()["offer_delivery_ms"] == {"p50": 90, "p99": 90}
    assert history.report()["offers_met_offline"] == 0


def test_an_offer_found_on_coming_back_is_counted_apart(history: History) -> None:
    history.invitation("one")
    history.receipt("one", "a", "held", 0.040)
    history.receipt("one", "b", "seen", 12)
    report = history.report()
    assert report["offers_met_offline"] == 1
    assert report["offer_delivery_ms"]["p50"] is None


def test_percentiles_are_the_nearest_rank() -> None:
    assert percentiles(range(1, 101)) == {"p50": 50, "p99": 99}
    assert percentiles([7]) == {"p50": 7, "p99": 7}
    assert percentiles([]) == {"p50": None, "p99": None}


# --- the checker stands apart ---


def imports_of(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or ".")
    return {name for name in found if name.split(".")[0] in ("matcher", "services", ".")}


@pytest.mark.parametrize("file", sorted(CHECKER.glob("*.py")), ids=lambda file: file.name)
def test_the_checker_shares_no_code_with_what_it_checks(file: Path) -> None:
    allowed = {"services.topics", "services.settings", "services.adapters"} if file.name == "app.py" else set()
    assert {name for name in imports_of(file) if not name.startswith("services.checker")} <= allowed
