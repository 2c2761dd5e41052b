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

from services.archivist.erased import ALIAS, Book, time_ms
from services.archivist.files import Span, all_spans, readable
from services.archivist.forget import forget
from services.archivist.rows import Row, rows, table, tables, write_tables
from services.topics import DEAD_LETTERS, PEOPLE, PERSON_EVENTS

log = logging.getLogger(__name__)

AT_ONCE = 100
"""People who are erased in one round through the files."""
ERASED = "person.erased.v1"
MARKED = (PERSON_EVENTS.name, PEOPLE.name)
"""Topics whose rows say that somebody was erased."""
SEARCHED = ("key", "value", "raw_key", "raw")
"""Columns that an id may stand in."""

Clean = Callable[[Row], Row]


def marked(row: Row) -> tuple[str, int] | None:
    """Whom this row says to be erased, under their own id, and when; None if it does not."""
    event = row.topic == PERSON_EVENTS.name and row.type == ERASED
    if row.value is None or not (event or row.topic == PEOPLE.name):
        return None
    found = from_json(row.value)
    if not isinstance(found, dict) or not (event or found.get("erased") is True):
        return None
    person = found.get("person")
    if not isinstance(person, str) or not person or person.startswith(ALIAS):
        return None
    at_ms = time_ms(found.get("at")) if event else None
    return person, at_ms if at_ms is not None else row.timestamp or 0


class Erasures:
    """Those that are still to be done, from the history and from the rows that come."""

    def __init__(self, folder: Path, book: Book) -> None:
        self._folder = folder
        self._book = book
        self._pending: dict[str, int] = {}
        self._steps: Iterator[None] | None = None
        for span in self._files(*MARKED):
            for part in tables(folder / span.name):
                self.saw(rows(part.filter(_may_mark(part))))

    @property
    def pending(self) -> bool:
        """Whether anything is to be done."""
        return bool(self._pending)

    def saw(self, found: Iterable[Row]) -> None:
        """Rows that now stand in the history."""
        for row in found:
            mark = marked(row)
            if mark is not None:
                self._pending[mark[0]] = max(mark[1], self._pending.get(mark[0], 0))

    def step(self) -> None:
        """Rewrite one file, or find that all are done."""
        if self._steps is None:
            self._steps = self._round(dict(list(self._pending.items())[:AT_ONCE]))
        if next(self._steps, self) is self:
            self._steps = None

    def _round(self, people: dict[str, int]) -> Iterator[None]:
        self._book.erase(people)  # whatever is written from here on is clean
        yield from self._find_returned(list(people))
        ids, spans = list(people), self._files()
        for span in spans:
            yield self._rewrite(span, ids, lambda row: row if marked(row) else self._clean(row, ids))
        for span in spans:
            if span.topic in MARKED:
                yield self._rewrite(span, ids, lambda row: self._clean(row, ids))
        for person, at_ms in people.items():
            if self._pending[person] == at_ms:  # else they were erased again meanwhile
                del self._pending[person]
        log.warning("erased from the history: %d", len(people))

    def _find_returned(self, people: list[str]) -> Iterator[None]:
        for span in self._files(PERSON_EVENTS.name):
            for part in tables(self._folder / span.name):
                for row in rows(part.filter(_mentioning(part, people))):
                    self._book.notice(row)
            yield

    def _clean(self, row: Row, people: Iterable[str]) -> Row:
        return forget(row, self._book.aliases(people, row.timestamp))

    def _rewrite(self, span: Span, people: list[str], clean: Clean) -> None:
        path = self._folder / span.name
        if any(_changes(part, people, clean) for part in tables(path)):
            write_tables(path, (_cleaned(part, people, clean) for part in tables(path)))

    def _files(self, *topics: str) -> list[Span]:
        return [one for one in readable(all_spans(self._folder)) if not topics or one.topic in topics]


def _may_mark(part: pa.Table) -> pa.Array:
    """Rows that `marked` has to look at, found quickly."""
    event = pc.fill_null(pc.equal(part["type"], ERASED), False)
    row = pc.fill_null(pc.match_substring(part["value"], '"erased"'), False)
    return pc.or_(event, pc.and_(row, pc.equal(part["topic"], PEOPLE.name)))


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
