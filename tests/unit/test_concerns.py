"""Safeguarding reports read from people's rows."""

from datetime import UTC, datetime, timedelta

from matcher.person import Concern, Person
from matcher.values import wire
from services.adapters.concerns import standing

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def concern(name: str, minutes: int = 0) -> Concern:
    return Concern(concern=name, by="b", invitation="i", what="was rude", at=NOW + timedelta(minutes=minutes))


def row(person: str, offset: int, *concerns: Concern) -> tuple[bytes, bytes]:
    return person.encode(), wire(Person(offset=offset, person=person, held=True, concerns=concerns))


def test_concerns_are_listed_oldest_first() -> None:
    found = standing([row("a", 1, concern("late", 5)), row("b", 1, concern("early"), concern("later", 9))])
    assert [(one.person, one.concern.concern) for one in found] == [("b", "early"), ("a", "late"), ("b", "later")]


def test_of_several_rows_the_highest_offset_counts() -> None:
    found = standing([row("a", 5, concern("one"), concern("two")), row("a", 3, concern("one"))])
    assert [one.concern.concern for one in found] == ["one", "two"]


def test_what_was_settled_or_taken_back_stands_no_longer() -> None:
    assert standing([row("a", 3, concern("one")), row("a", 5)]) == []


def test_tombstones_and_what_is_no_row_are_passed_over() -> None:
    assert standing([(b"a", None), (b"b", b"not a row"), row("c", 1)]) == []
