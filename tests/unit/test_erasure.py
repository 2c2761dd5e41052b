"""Somebody who was erased is found nowhere in the history, however it came about; everybody else stays as they were."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from matcher.enrich import apply_person
from matcher.events import (
    AvailabilityOpened,
    BondChanged,
    ConcernRaised,
    ConcernWithdrawn,
    PersonBlocked,
    PersonChanged,
    PersonErased,
    PersonEvent,
    PersonHeld,
    PersonRegistered,
    PersonReleased,
    PersonWaiting,
)
from matcher.person import Concern, Person, Raised
from matcher.values import wire
from services.adapters.dead_letters import letter
from services.archivist.erased import ALIAS, Book, Mark
from services.archivist.erasure import Erasures
from services.archivist.files import Span, all_spans
from services.archivist.rows import row, write
from services.archivist.writer import Writer
from tests.archive import archived, everything_in
from tests.world import eventually, profile

ID = "p-0f3a9c77d1e24b5f8a6b"
SHORT_ID = "zq7"
OTHER = "p-77777777777777777777"
NAME, NUMBER, WORDS = "Zebulonia", "+447700900321", "He shouted qwyjibo"
START = datetime(2026, 11, 25, 9, tzinfo=UTC)
PLANTED = (NAME, NUMBER, "qwyjibo")


@dataclass
class Record:
    """One message as Kafka gives it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class Told:
    """Messages of all topics, in the order in which they were sent."""

    def __init__(self) -> None:
        self.messages: dict[str, list[Record]] = {}
        self._seconds = 0

    def at(self) -> datetime:
        return START + timedelta(seconds=self._seconds)

    def say(self, topic: str, key: str | bytes, value: Any) -> None:
        self._seconds += 1
        found = self.messages.setdefault(topic, [])
        raw = value if isinstance(value, bytes | None) else wire(value)
        raw_key = key if isinstance(key, bytes) else key.encode()
        found.append(Record(len(found), round(self.at().timestamp() * 1000), raw_key, raw))

    def did(self, kind: type[PersonEvent], person: str, **event: Any) -> PersonEvent:
        made = kind(id=f"{kind.__name__}-{self._seconds}", at=self.at(), person=person, **event)
        self.say("person-events", person, made)
        return made

    def batch(self) -> dict[tuple[str, int], list[Record]]:
        """What was said since the last batch."""
        new = {(topic, 0): records for topic, records in self.messages.items() if records}
        self.messages = {topic: _After(records[-1].offset + 1) for (topic, _), records in new.items()}
        return new


class _After(list[Record]):
    """An empty list whose first record has another offset than 0."""

    def __init__(self, first: int) -> None:
        super().__init__()
        self._first = first

    def append(self, record: Record) -> None:
        record.offset = self._first + len(self)
        super().append(record)


def life(told: Told, person: str) -> None:
    """Everything that can be said of somebody, in every topic."""
    came = told.did(PersonRegistered, person, phone=NUMBER, profile=profile(first_name=NAME))
    told.did(PersonRegistered, OTHER, phone="+447700900999", profile=profile(first_name="Otto"))
    told.did(PersonChanged, person, profile=profile(first_name=NAME, likes=("birds",)))
    told.did(AvailabilityOpened, person, availability="av-1", opened_at=told.at(), until=told.at() + timedelta(hours=1))
    told.did(ConcernRaised, OTHER, other=person, invitation="inv-1", what=WORDS)
    told.did(PersonHeld, person, by=OTHER, invitation="inv-1", what=WORDS)
    told.did(ConcernRaised, person, other=OTHER, invitation="inv-1", what=WORDS)
    told.did(PersonHeld, OTHER, by=person, invitation="inv-1", what=WORDS)
    for by, about in ((OTHER, person), (person, OTHER)):
        told.did(ConcernWithdrawn, by, other=about, invitation="inv-1")
        told.did(PersonReleased, about, concern="c-1")
    told.did(PersonBlocked, OTHER, other=person)
    told.did(BondChanged, OTHER, other=person, bond=False)
    mine, _ = apply_person(None, came, 0, "GB")
    concern = Concern(concern="c-1", by=OTHER, invitation="inv-1", what=WORDS, at=told.at())
    told.say("people", person, mine.model_copy(update={"held": True, "concerns": (concern,)}))
    raised = Raised(concern="c-1", other=person, invitation="inv-1", at=told.at(), blocked=False, bond=True)
    by_me = concern.model_copy(update={"by": person})
    theirs = Person(offset=1, person=OTHER, phone="+447700900999", profile=profile(first_name="Otto"),
                    blocks=(person,), raised=(raised,), met=(person, "p-other"), concerns=(by_me,))  # fmt: skip
    told.say("people", OTHER, theirs)
    waiting = PersonWaiting(id="w-1", at=told.at(), market="GB", person=OTHER, seq=3, availability="av-2",
                            opened_at=told.at(), until=told.at() + timedelta(hours=1), company="either",
                            posted_at=told.at(), features=theirs.features())  # fmt: skip
    told.say("pool", "GB", waiting)
    told.say("pool", "GB", b'{"type":"tick.v1","id":"t"}')
    told.say("waiting", person, b'{"person":"%s","availability":"av-1"}' % person.encode())
    told.say("waiting", person, None)
    told.say("invitations", "inv-1", b'{"invitation":"inv-1","a":"%s","b":"%s"}' % (person.encode(), OTHER.encode()))
    told.say("pairs", f"{OTHER}|{person}", b'{"a":"%s","b":"%s"}' % (OTHER.encode(), person.encode()))
    told.say("receipts", person, b'{"person":"%s"}' % person.encode())
    told.say("outcomes", f"{OTHER}|{person}", b'{"person":"%s","other":"%s"}' % (person.encode(), OTHER.encode()))
    told.say("calls", "inv-1", b"no JSON, but of " + person.encode())
    for source, key, value in (
        ("demo-person-events", person, wire(came)),
        ("demo-person-events", person, NAME.encode() + b" is no JSON"),
        ("demo-person-events", OTHER, b'{"type":"person.registered.v9","person":"%s","nick":"%s"}'
         % (person.encode(), NAME.encode())),
        ("demo-people", person, wire(mine)),
        ("demo-outcomes", f"{OTHER}|{person}", b"{}"),
    ):  # fmt: skip
        dead = letter(source_topic=source, partition=0, offset=1, key=key.encode(), value=value, error="not known",
                      attempts=3, at=told.at())  # fmt: skip
        told.say("dead-letters", source, dead)
    told.say("person-events", person, b'{"type":"person.registered.v9","person":"%s","nick":"%s"}'
             % (person.encode(), NAME.encode()))  # fmt: skip
    told.say("person-events", person, NAME.encode() + b" is no JSON")


def history_of(folder: Path, told: Told) -> None:
    """Write what was told as small files, without a writer."""
    folder.mkdir(exist_ok=True)
    for (topic, partition), records in told.batch().items():
        for start in range(0, len(records), 9):
            part = records[start : start + 9]
            span = Span(topic, partition, part[0].offset, part[-1].offset)
            rows = [row(topic, partition, one.offset, one.timestamp, one.key, one.value) for one in part]
            write(folder / span.name, rows)


def assert_gone(folder: Path, *ids: str) -> None:
    found = everything_in(folder)
    assert [word for word in (*PLANTED, *ids) if word in found] == []


def aliases(folder: Path) -> set[str]:
    return set(re.findall(rf"{ALIAS}[0-9a-f]{{32}}", "\n".join(str(one) for one in archived(folder))))


@pytest.fixture(autouse=True)
def no_power_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes die here, machines do not: nothing has to wait for the disk."""
    monkeypatch.setattr("services.archivist.files._sync", lambda path: None)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    made = Writer(tmp_path, "secret")
    yield made
    made.close(10)


def done(writer: Writer) -> bool:
    return writer.failed is None and writer.idle


@pytest.mark.parametrize("person", [ID, SHORT_ID])
def test_nothing_of_an_erased_person_is_found_and_all_rows_are_still_there(
    writer: Writer, tmp_path: Path, person: str
) -> None:
    told = Told()
    life(told, person)
    assert writer.take(told.batch(), wait_s=5)
    eventually(lambda: done(writer), 10)
    before = archived(tmp_path)
    assert NAME in everything_in(tmp_path)
    told.did(PersonErased, person)
    assert writer.take(told.batch(), wait_s=5)
    eventually(lambda: done(writer), 10)
    assert_gone(tmp_path, person)
    after = archived(tmp_path)
    assert len(after) == len(before) + 1
    assert len(aliases(tmp_path)) == 1
    assert any(row["value"] and "Otto" in row["value"] for row in after)


def test_an_erasure_goes_on_after_a_crash_at_any_step(tmp_path: Path) -> None:
    for steps in range(0, 200, 2):
        folder = tmp_path / str(steps)
        told = Told()
        life(told, ID)
        told.did(PersonErased, ID)
        told.say("people", ID, Person(offset=40, person=ID, erased=True))
        life(told, SHORT_ID)
        told.did(PersonErased, SHORT_ID)
        history_of(folder, told)
        count = len(archived(folder))
        left = finished(folder, steps)
        finished(folder)
        assert_gone(folder, ID, SHORT_ID)
        assert len(archived(folder)) == count
        assert len(aliases(folder)) == 2
        if not left:
            assert steps > len(all_spans(folder))
            return
    raise AssertionError("the erasure does not end")


def finished(folder: Path, limit: int | None = None) -> bool:
    """Erase up to so many steps, as a process would that dies then; whether something is left."""
    erasures = Erasures(folder, Book(folder, "secret"))
    while erasures.pending and limit != 0:
        erasures.step()
        limit = None if limit is None else limit - 1
    return erasures.pending


def test_what_comes_late_is_treated_the_same_even_after_a_restart(tmp_path: Path) -> None:
    told = Told()
    for turn in ("first", "late", "later"):
        again = Writer(tmp_path, "secret")
        if turn == "first":
            life(told, ID)
            told.did(PersonErased, ID)
        else:
            for topic, key in (("receipts", ID), ("pairs", f"{OTHER}|{ID}")):
                told.say(topic, key, b'{"person":"%s"}' % ID.encode())
            told.did(ConcernRaised, OTHER, other=ID, invitation="inv-9", what=WORDS)
            late = PersonRegistered(id="late", at=START, person=ID, phone=NUMBER, profile=profile(first_name=NAME))
            told.say("person-events", ID, late)
            told.did(PersonErased, ID)
            told.say("people", ID, Person(offset=99, person=ID, erased=True))
        assert again.take(told.batch(), wait_s=5)
        eventually(lambda again=again: done(again), 10)
        again.close(10)
        assert_gone(tmp_path, ID)
        assert len(aliases(tmp_path)) == 1


def test_somebody_who_comes_again_is_a_new_person_until_they_are_erased_again(tmp_path: Path) -> None:
    told = Told()
    life(told, ID)
    told.did(PersonErased, ID)
    told.did(PersonRegistered, ID, phone=NUMBER, profile=profile(first_name="Anew"))
    told.say("receipts", ID, b'{"person":"%s"}' % ID.encode())
    history_of(tmp_path, told)
    finished(tmp_path)
    rows = [row for row in archived(tmp_path) if ID in str(row["key"])]
    assert {(row["topic"], row["type"]) for row in rows} == {
        ("person-events", "person.registered.v1"),
        ("receipts", None),
    }
    assert NAME not in everything_in(tmp_path)
    assert "Anew" in everything_in(tmp_path)
    again = Writer(tmp_path, "secret")
    told.did(PersonErased, ID)
    assert again.take(told.batch(), wait_s=5)
    eventually(lambda: done(again), 10)
    again.close(10)
    assert_gone(tmp_path, ID, "Anew")
    assert len(aliases(tmp_path)) == 2


def test_rows_that_are_written_late_belong_to_the_life_that_they_tell_of(tmp_path: Path) -> None:
    told = Told()
    first = told.did(PersonRegistered, ID, phone=NUMBER, profile=profile(first_name=NAME))
    told.did(PersonErased, ID)
    second = told.did(PersonRegistered, ID, phone=NUMBER[:-1] + "9", profile=profile(first_name="Anew"))
    told.did(PersonErased, ID)
    third = told.did(PersonRegistered, ID, phone=NUMBER[:-1] + "8", profile=profile(first_name="Third"))
    for offset, event in ((0, first), (2, second), (4, third)):  # after all that, as a processor does that was away
        told.say("people", ID, apply_person(None, event, offset, "GB")[0])
    history_of(tmp_path, told)
    finished(tmp_path)
    found = everything_in(tmp_path)
    assert [name for name in (NAME, "Anew", "Third") if name in found] == ["Third"]
    assert [(one["topic"], one["offset"]) for one in archived(tmp_path) if one["key"] == ID] == [
        ("people", 2), ("person-events", 4),
    ]  # fmt: skip
    assert len(aliases(tmp_path)) == 2


@pytest.mark.parametrize("person", ["a", "o'neil (x)|.*", "Zoë \\E\n", '"', "erased-once"])
def test_an_id_that_is_none_of_ours_does_no_harm(writer: Writer, tmp_path: Path, person: str) -> None:
    told = Told()
    told.say("receipts", OTHER, b'{"a":"a man, a plan","type":"banana"}')
    told.did(PersonErased, person)
    told.say(
        "person-events", OTHER, b'{"type":"person.erased.v1","person":"%s"}' % ID.encode()
    )  # keyed by somebody else
    told.say("person-events", OTHER, b'{"type":"person.erased.v1","person":[7]}')
    assert writer.take(told.batch(), wait_s=5)
    eventually(lambda: done(writer), 10)
    rows = archived(tmp_path)
    assert len(rows) == 4
    assert {row["key"] for row in rows if row["topic"] == "receipts"} == {OTHER}
    assert any("banana" in row["value"] for row in rows)


def test_the_book_of_the_erased_names_nobody_and_needs_the_secret(tmp_path: Path) -> None:
    book = Book(tmp_path, "secret")
    book.erase({ID: Mark(5, 5)})
    assert ID not in everything_in(tmp_path)
    late = row("receipts", 0, 0, 9, ID.encode(), b"{}")
    assert Book(tmp_path, "secret").aliases([ID], late) == book.aliases([ID], late) != {}
    assert Book(tmp_path, "another").aliases([ID], late) == {}
