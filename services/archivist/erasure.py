"""Erasure throughout the history: a person's id gives way to an alias in every file, one file a step.

Place in the flow: writer -> **erasure** -> forget, files. What is to be done stands in the history itself: a row that
says that a person was erased keeps their id until every other row is done. So a crash forgets no erasure, and when all
is done nothing tells who it was.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pydantic_core import from_json

from services.archivist.erased import ALIAS, Book, Mark, time_ms
from services.archivist.files import Span, all_spans, readable, tidy
from services.archivist.forget import forget
from services.archivist.rows import Row, rows, table, tables, write_tables
from services.topics import DEAD_LETTERS, PERSON_EVENTS

log = logging.getLogger(__name__)

AT_ONCE = 100
"""People who are erased in one round through the files."""
ERASED = "person.erased.v1"
SEARCHED = ("key", "value", "raw_key", "raw")
"""Columns that an id may stand in."""

Clean = Callable[[Row], Row]


def marked(row: Row) -> tuple[str, Mark] | None:
    """Whom this row says to be erased, under their own id; None if it does not."""
    if row.topic != PERSON_EVENTS.name or row.type != ERASED or row.value is None:
        return None
    found = from_json(row.value)
    person = found.get("person")
    if not isinstance(person, str) or person != row.key or person.startswith(ALIAS):
        return None
    at_ms = time_ms(found.get("at"))
    return person, Mark(row.offset, at_ms if at_ms is not None else row.timestamp or 0)


class Erasures:
    """Those that are still to be done, from the history and from the rows that come."""

    def __init__(self, folder: Path, book: Book) -> None:
        self._folder = folder
        self._book = book
        self._pending: dict[str, set[Mark]] = {}
        self._steps: Iterator[None] | None = None
        for span in self._files(PERSON_EVENTS.name):
            for part in tables(folder / span.name):
                self.saw(rows(part.filter(pc.fill_null(pc.equal(part["type"], ERASED), False))))

    @property
    def pending(self) -> bool:
        """Whether anything is to be done."""
        return bool(self._pending)

    def saw(self, found: Iterable[Row]) -> None:
        """Rows that now stand in the history."""
        for row in found:
            mark = marked(row)
            if mark is not None:
                self._pending.setdefault(mark[0], set()).add(mark[1])

    def step(self) -> None:
        """Rewrite one file, or find that all are done."""
        if self._steps is None:
            self._steps = self._round(list(self._pending)[:AT_ONCE])
        if next(self._steps, self) is self:
            self._steps = None

    def _round(self, people: list[str]) -> Iterator[None]:
        tidy(self._folder)  # what a failed merge left behind would not be read, and so not be cleaned
        self._book.erase({person: min(self._pending[person]) for person in people})  # what comes from here on is clean
        yield from self._find_returned(people)
        spans = self._files()
        for span in spans:
            self._rewrite(span, people, lambda row: row if marked(row) else self._clean(row, people))
            yield
        for span in spans:
            if span.topic == PERSON_EVENTS.name:
                self._rewrite(span, people, lambda row: self._clean(row, people))
                yield
        for person in people:
            self._settle(person)
        log.info("erased from the history: %d", len(people))

    def _settle(self, person: str) -> None:
        """What is left is to erase them once more, if they have come again."""
        left = {mark for mark in self._pending.pop(person) if not self._book.covers(person, mark)}
        if left:
            self._pending[person] = left

    def _find_returned(self, people: list[str]) -> Iterator[None]:
        for span in self._files(PERSON_EVENTS.name):
            for part in tables(self._folder / span.name):
                for row in rows(part.filter(_mentioning(part, people))):
                    self._book.notice(row)
            yield

    def _clean(self, row: Row, people: Iterable[str]) -> Row:
        return forget(row, self._book.aliases(people, row))

    def _rewrite(self, span: Span, people: list[str], clean: Clean) -> None:
        path = self._folder / span.name
        if any(_changes(part, people, clean) for part in tables(path)):
            write_tables(path, (_cleaned(part, people, clean) for part in tables(path)))

    def _files(self, *topics: str) -> list[Span]:
        return [one for one in readable(all_spans(self._folder)) if not topics or one.topic in topics]


def _mentioning(part: pa.Table, people: list[str]) -> pa.Array:
    """Rows that may speak of these people, found quickly; a dead letter has to be opened for that."""
    found = pc.equal(part["topic"], DEAD_LETTERS.name)
    pattern = "|".join(map(re.escape, people))
    for name in SEARCHED:
        found = pc.or_(found, pc.fill_null(pc.match_substring_regex(part[name], pattern), False))
    return found


def _changes(part: pa.Table, people: list[str], clean: Clean) -> bool:
    return any(clean(row) is not row for row in rows(part.filter(_mentioning(part, people))))


def _cleaned(part: pa.Table, people: list[str], clean: Clean) -> pa.Table:
    mask = _mentioning(part, people).combine_chunks()
    new = table(map(clean, rows(part.filter(mask))))
    for index, name in enumerate(part.schema.names):
        column = pc.replace_with_mask(part[name].combine_chunks(), mask, new[name].combine_chunks())
        part = part.set_column(index, part.schema.field(name), column)
    return part
