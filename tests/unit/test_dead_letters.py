"""Dead letters as a list: what was given up, and what became of it."""

from datetime import UTC, datetime

from matcher.values import wire
from services.adapters.dead_letters import ERROR_LIMIT, VALUE_LIMIT, DeadLetter, Mark, fold, letter

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def given_up(offset: int = 7, value: bytes | None = b"\xff raw", error: str = "event: json_invalid") -> DeadLetter:
    return letter(
        source_topic="pool", partition=2, offset=offset, key=b"GB", value=value, error=error, attempts=3, at=NOW
    )


def test_a_letter_carries_the_original_bytes() -> None:
    read = DeadLetter.model_validate_json(wire(given_up()))
    assert (read.key_bytes(), read.value_bytes()) == (b"GB", b"\xff raw")
    assert (read.source_topic, read.partition, read.offset, read.attempts) == ("pool", 2, 7, 3)


def test_the_same_message_given_up_twice_is_one_letter() -> None:
    later = given_up(error="another reason")
    assert later.id == given_up().id != given_up(offset=8).id
    assert len(fold([wire(given_up()), wire(later)])) == 1


def test_a_letter_waits_until_it_is_marked() -> None:
    first, second = given_up(1), given_up(2)
    mark = Mark(id=first.id, action="replayed", at=NOW)
    found = fold([wire(first), wire(second), wire(mark)])
    assert {one.letter.offset: one.state for one in found.values()} == {1: "replayed", 2: "waiting"}


def test_a_mark_counts_although_it_is_read_before_its_letter() -> None:
    dead = given_up()
    found = fold([wire(Mark(id=dead.id, action="discarded", at=NOW)), wire(dead)])
    assert found[dead.id].state == "discarded"


def test_what_is_no_letter_is_passed_over() -> None:
    assert fold([None, b"", b"not json", b"{}", b'{"kind": "postcard"}']) == {}


def test_a_tombstone_and_a_value_that_is_too_large_have_letters_too() -> None:
    assert given_up(value=None).value_bytes() is None
    large = given_up(value=b"x" * (VALUE_LIMIT + 1))
    assert large.left_there
    assert len(wire(large)) < 1_000


def test_a_long_reason_is_cut() -> None:
    assert len(given_up(error="x" * 5_000).error) == ERROR_LIMIT
