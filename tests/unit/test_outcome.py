"""What both said afterwards: a bond needs two yeses about the same call."""

from datetime import UTC, datetime
from typing import Any

import pytest

from matcher.events import BondChanged, OutcomeGiven
from matcher.outcome import SAID_LIMIT, Pair, apply_outcome, both_would, pair_key

AT = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)


def said(person: str, answer: Any, invitation: str = "one") -> OutcomeGiven:
    other = {"ann": "bob", "bob": "ann"}[person]
    key = f"{invitation}-{person}-{answer}"
    return OutcomeGiven(id=key, at=AT, invitation=invitation, person=person, other=other, talk_again=answer)


def after(*events: OutcomeGiven) -> tuple[Pair, list[tuple[str, str, bool]]]:
    row, told = None, []
    for offset, event in enumerate(events):
        row, changes = apply_outcome(row, event, offset)
        told += [(one.person, one.other, one.bond) for one in changes if isinstance(one, BondChanged)]
    assert row is not None
    return row, told


def test_two_yeses_about_one_call_are_a_bond_and_both_are_told() -> None:
    row, told = after(said("ann", "yes"), said("bob", "yes"))
    assert row.bond
    assert told == [("ann", "bob", True), ("bob", "ann", True)]
    assert both_would(row.said, "one")


@pytest.mark.parametrize("answer", ["maybe", "no"])
def test_one_yes_is_no_bond(answer: str) -> None:
    row, told = after(said("ann", "yes"), said("bob", answer))
    assert not row.bond
    assert not told
    assert not both_would(row.said, "one")


def test_one_person_who_says_yes_twice_is_still_one_yes() -> None:
    assert not after(said("ann", "yes"), said("ann", "yes"))[0].bond
    assert not after(said("ann", "yes", "one"), said("ann", "yes", "two"))[0].bond


def test_yeses_about_different_calls_are_no_bond() -> None:
    assert not after(said("ann", "yes", "one"), said("bob", "yes", "two"))[0].bond


def test_a_later_answer_replaces_an_earlier_one() -> None:
    assert after(said("ann", "no"), said("ann", "yes"), said("bob", "yes"))[0].bond


def test_a_bond_lasts_through_a_maybe_and_ends_with_a_no() -> None:
    bonded = (said("ann", "yes"), said("bob", "yes"))
    assert after(*bonded, said("ann", "maybe", "two"))[0].bond
    row, told = after(*bonded, said("ann", "no", "two"))
    assert not row.bond
    assert told[-2:] == [("ann", "bob", False), ("bob", "ann", False)]


def test_a_bond_is_firm_from_the_second_call_about_which_both_said_yes_until_a_no() -> None:
    bonded = (said("ann", "yes"), said("bob", "yes"))
    again = (said("bob", "yes", "two"), said("ann", "yes", "two"))
    assert not after(*bonded, said("ann", "maybe", "two"), said("bob", "yes", "two"))[0].firm
    row, told = after(*bonded, *again)
    assert row.firm
    assert told == 2 * [("ann", "bob", True), ("bob", "ann", True)]
    assert after(*bonded, *again, said("ann", "maybe", "three"))[0].firm
    row, told = after(*bonded, *again, said("ann", "no", "three"))
    assert not row.firm
    assert told[-2:] == [("ann", "bob", False), ("bob", "ann", False)]


def test_calls_before_a_bond_that_ended_and_before_anybody_counted_are_counted_too() -> None:
    first, again = ((said("ann", "yes", call), said("bob", "yes", call)) for call in ("one", "three"))
    assert after(*first, said("bob", "no", "two"), *again)[0].firm
    row, _ = after(*first, *again)
    before = row.model_copy(update={"firm": False})
    assert apply_outcome(before, said("ann", "maybe", "four"), row.offset + 1)[0].firm


def test_both_are_told_that_a_bond_is_firm_once() -> None:
    row, changes = None, []
    for offset, event in enumerate(
        said(person, "yes", call) for call in ("one", "two", "three") for person in ("ann", "bob")
    ):
        row, told = apply_outcome(row, event, offset)
        changes += [(one.person, one.bond, one.firm) for one in told if isinstance(one, BondChanged)]
    assert changes == [("ann", True, False), ("bob", True, False), ("ann", True, True), ("bob", True, True)]


def test_an_outcome_delivered_again_changes_nothing() -> None:
    row, _ = after(said("ann", "yes"), said("bob", "yes"))
    assert apply_outcome(row, said("bob", "no"), row.offset) == (row, [])


def test_what_is_told_has_the_same_ids_at_every_try() -> None:
    row, _ = after(said("ann", "yes"))
    first, second = (apply_outcome(row, said("bob", "yes"), 1)[1] for _ in range(2))
    assert [one.id for one in first] == [one.id for one in second]
    assert first[0].id != first[1].id


def test_a_pair_has_one_key_and_remembers_so_much() -> None:
    assert pair_key("bob", "ann") == pair_key("ann", "bob")
    row, _ = after(*(said("ann", "yes", str(number)) for number in range(SAID_LIMIT + 5)))
    assert len(row.said) == SAID_LIMIT
