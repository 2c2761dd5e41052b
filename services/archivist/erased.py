"""The book of the erased: who is to be forgotten, without saying who.

Place in the flow: erasure -> **erased** -> writer. It knows a person by a keyed hash of their id, so that a message
that comes late can be told, and treated as all before it; the key is `PARTYLINE_SECRET`, which is not in this folder.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from pydantic_core import from_json

from services.archivist.files import placed
from services.archivist.forget import forget, words
from services.archivist.rows import Row
from services.topics import PEOPLE, PERSON_EVENTS

BOOK = "erased.json"
ALIAS = "erased-"
"""Begins every alias."""
WORDS_REMEMBERED = 200_000
REGISTERED = "person.registered.v1"


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """That somebody was erased: the event's offset in person-events, and when it was made."""

    offset: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Erased:
    """One erasure; times in milliseconds since 1970.

    If the person came again, the id is theirs from `back_offset` of person-events on, which was written at `back_ms`.
    """

    alias: str
    erased_ms: int
    back_ms: int | None = None
    back_offset: int | None = None

    def covers(self, offset: int | None, timestamp_ms: int | None) -> bool:
        """Whether the life that is to be forgotten holds what was caused by this offset, or else was said then."""
        if self.back_offset is None or self.back_ms is None:
            return True
        if offset is not None:
            return offset < self.back_offset
        return timestamp_ms is None or timestamp_ms < self.back_ms


class Book:
    """Everybody who was erased. It is written before a row rests on it."""

    def __init__(self, folder: Path, secret: str) -> None:
        self._path = folder / BOOK
        self._secret = secret.encode()
        read = json.loads(self._path.read_text()) if self._path.exists() else {}
        self._erased = {key: Erased(**one) for key, one in read.items()}
        self._find = lru_cache(WORDS_REMEMBERED)(self._look)

    def erase(self, marks: Mapping[str, Mark]) -> None:
        """These people are to be forgotten; who already is keeps their alias."""
        new = {
            self._hash(person): Erased(ALIAS + secrets.token_hex(16), mark.at_ms)
            for person, mark in marks.items()
            if not self.covers(person, mark)
        }
        if new:
            self._erased |= new
            self._save()

    def covers(self, person: str, mark: Mark) -> bool:
        """Whether what this mark asks for is in the book."""
        known = self._look(person)
        return known is not None and known.covers(mark.offset, mark.at_ms)

    def clean(self, row: Row) -> Row:
        """A row that has just come, without those who were erased before."""
        if not self._erased:
            return row
        self.notice(row)
        return forget(row, self.aliases(set(words(row)), row))

    def notice(self, row: Row) -> None:
        """If somebody registers after they were erased, what comes from here on is a new life."""
        if row.topic != PERSON_EVENTS.name or row.type != REGISTERED or row.value is None or row.timestamp is None:
            return
        event = from_json(row.value)
        person, made_ms = event.get("person"), time_ms(event.get("at"))
        known = self._find(person) if isinstance(person, str) else None
        if known and known.back_ms is None and made_ms is not None and made_ms > known.erased_ms:
            self._erased[self._hash(person)] = replace(known, back_ms=row.timestamp, back_offset=row.offset)
            self._save()

    def aliases(self, people: Iterable[str], row: Row) -> dict[str, str]:
        """The aliases of those among `people` whom this row may not name."""
        found = ((person, self._find(person)) for person in people)
        return {
            person: known.alias for person, known in found if known and known.covers(_cause(row, person), row.timestamp)
        }

    def _look(self, person: str) -> Erased | None:
        return self._erased.get(self._hash(person))

    def _hash(self, person: str) -> str:
        return hmac.new(self._secret, f"erased|{person}".encode(), hashlib.sha256).hexdigest()

    def _save(self) -> None:
        self._find.cache_clear()
        with placed(self._path) as new:
            new.write_text(json.dumps({key: asdict(one) for key, one in self._erased.items()}))


def _cause(row: Row, person: str) -> int | None:
    """The offset in person-events behind a row of the person's own: rows are written later than what they tell of."""
    if row.key != person or row.topic not in (PERSON_EVENTS.name, PEOPLE.name):
        return None
    if row.topic == PERSON_EVENTS.name:
        return row.offset
    found = from_json(row.value) if row.value else None
    offset = found.get("offset") if isinstance(found, dict) else None
    return offset if isinstance(offset, int) else None


def time_ms(text: object) -> int | None:
    """Milliseconds since 1970 of an ISO time; None for anything else."""
    try:
        return round(datetime.fromisoformat(str(text)).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):  # the year 1 has no place in seconds since 1970
        return None
