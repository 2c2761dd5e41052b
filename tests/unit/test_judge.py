"""The checker's judge over hand-made histories: availabilities and inputs, and every broken promise about them."""

import ast
import json
from pathlib import Path

import pytest

from services.checker import inputs, windows
from tests.history import START_MS, History, at, both_stand, faultless

CHECKER = Path(__file__).parents[2] / "services" / "checker"


@pytest.fixture
def history() -> History:
    return History()


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
    history.did("a", "availability.opened.v1", availability="one", at=at(0))
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


def test_the_window_of_a_visitor_to_the_town_may_still_be_open_but_not_passed_over(history: History) -> None:
    history.stood_and_ended("of-the-town", "a")
    history.judge.answered_2xx("of-the-town")
    history.opened("one", "visitor")
    history.waiting("visitor", "one")
    assert history.report()["violations"] == []
    assert history.report()["open_now"]["windows"] == 1
    history.stood_and_ended("two", "visitor")
    assert history.report()["violations"] == ["availability one has no end"]


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


# --- inputs ---


def test_a_person_event_above_the_persons_row_is_lost(history: History) -> None:
    history.person("a", history.did("a", "person.paused.v1"))
    history.did("a", "person.resumed.v1")
    assert history.report()["lost_of"]["inputs"] == 1
    assert history.report()["violations"] == ["the message at person-events/0/1 was neither applied nor kept"]


def test_a_person_event_that_is_a_dead_letter_is_not_lost(history: History) -> None:
    history.letter("person-events", history.did("a", "person.odd.v9"))
    assert faultless(history.report())
    assert history.report()["dead_letters"] == 1


@pytest.mark.parametrize("value", [b"\xff not json", b"[]", None, b'{"type": "person.paused.v1"}'])
def test_what_cannot_be_read_has_to_be_a_dead_letter(history: History, value: bytes | None) -> None:
    offset = history.say("person-events", value)
    assert history.report()["lost"] == 1
    history.letter("person-events", offset)
    assert faultless(history.report())


def test_a_person_row_that_is_read_before_its_event_counts(history: History) -> None:
    history.person("a", 0, ["paused-1"])
    history.did("a", "person.paused.v1", id="paused-1")
    assert faultless(history.report())


def test_a_person_event_is_lost_although_a_later_one_was_applied(history: History) -> None:
    skipped = history.did("a", "person.blocked.v1", id="blocked-1", other="b")
    history.person("a", history.did("a", "person.paused.v1", id="paused-1"), ["paused-1"])
    assert history.report()["violations"] == [f"the message at person-events/0/{skipped} was neither applied nor kept"]
    history.letter("person-events", skipped)
    assert faultless(history.report())


def test_a_repeated_person_event_counts_once(history: History) -> None:
    first, second = (history.did("a", "person.paused.v1", id="paused-1") for _ in range(2))
    assert history.report()["lost_of"]["inputs"] == 2
    history.person("a", first, ["paused-1"])
    assert faultless(history.report())
    history.person("a", second, ["paused-1"])
    history.did("a", "person.paused.v1", id="paused-1")
    assert faultless(history.report())


def test_somebody_who_does_very_much_takes_little_memory_and_loses_nothing(history: History) -> None:
    for _ in range(1_000):
        history.person("a", history.did("a", "person.changed.v1"))
    assert faultless(history.report())
    assert [len(one) for one in history.judge._inputs._shown.values()] == [inputs.SHOWN_LIMIT]
    assert history.judge._inputs._unshown == {}


@pytest.mark.parametrize(
    "value",
    [
        b"\xff",
        None,
        b"{}",
        b'{"type": "leg.heard.v9", "invitation": {"invitation": "one"}}',
        b'{"type": "leg.heard.v1"}',
    ],
)
def test_what_cannot_be_read_among_the_calls_has_to_be_a_dead_letter(history: History, value: bytes | None) -> None:
    offset = history.say("calls", value)
    assert history.report()["violations"] == [f"the message at calls/0/{offset} was neither applied nor kept"]
    history.letter("calls", offset)
    assert faultless(history.report())


def test_what_a_leg_says_is_no_loss(history: History) -> None:
    history.say("calls", {"type": "leg.heard.v1", "invitation": {"invitation": "one"}, "person": "a"})
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
