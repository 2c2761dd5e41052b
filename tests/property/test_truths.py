"""The core under attack: thousands of short histories of a small town, and truths 1-6 after every step.

A failure prints the seed, the rules that led to it as a small trace, and the truth that does not hold.
"""

from datetime import UTC, datetime, timedelta

import pytest

from tests.property.budget import SEQUENCES, chosen_seed, run
from tests.property.rest import Rest
from tests.property.told import Told, Violation
from tests.property.truths import Truths

_NOW = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
_LATER = _NOW + timedelta(seconds=45)


@pytest.mark.timeout(600)
def test_whatever_happens_to_a_town_the_truths_hold() -> None:
    run(SEQUENCES, chosen_seed(), shrink=True)


@pytest.mark.timeout(600)
def test_the_truths_hold_in_a_patient_town_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matcher.patience.RECENT_LEAST", 2)  # with the usual 12 a town this small never waits
    run(SEQUENCES // 3, chosen_seed(), shrink=True)


def test_the_checker_itself_says_no() -> None:
    truths = Truths()
    with pytest.raises(Violation, match="truth 1"):
        truths.leased("claim", "two", {"p": ("one", _LATER)}, {"p": ("two", _LATER)}, _NOW)


def test_the_checker_says_no_to_a_lost_place_in_the_queue() -> None:
    rest = Rest(Told())
    rest.check_place({"availability": "av", "offset": 1, "since": "8:00"}, zombie=False)
    with pytest.raises(Violation, match="lost its place"):
        rest.check_place({"availability": "av", "offset": 2, "since": "8:05"}, zombie=False)


def _fail(town: object) -> None:
    raise Violation("truth 0: nothing holds")


def test_a_failure_names_its_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.property.machine.Town.teardown", _fail)
    with pytest.raises(Violation) as failure:
        run(1, 7, shrink=False)
    assert any("PARTYLINE_TEST_SEED=7" in note for note in failure.value.__notes__)
    assert any("settle" in note for note in failure.value.__notes__)
