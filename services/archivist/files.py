"""The names of the history's files, and what they alone tell: where to go on, and which files a reader opens.

Place in the flow: the history's folder <- **files** <- archivist, report. A file is called
`TOPIC.PARTITION.FIRST-LAST.parquet` and holds every row of that topic and partition from offset FIRST to LAST. A file
whose offsets lie within another's is one that was merged and not yet removed: nobody reads it.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

HISTORY = "history"
"""The folder below `PARTYLINE_DATA`."""
UNFINISHED = ".unfinished"
"""Ends the name of a file that is still being written, and that nobody reads."""

_NAME = re.compile(r"(?P<topic>[a-z-]+)\.(?P<partition>\d+)\.(?P<first>\d+)-(?P<last>\d+)\.parquet")

Place = tuple[str, int]
"""A topic's declared name and a partition."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """The offsets `first` to `last` of one partition, which one file holds."""

    topic: str
    partition: int
    first: int
    last: int

    @property
    def place(self) -> Place:
        """The topic and partition."""
        return self.topic, self.partition

    @property
    def offsets(self) -> int:
        """How many offsets it covers; as many rows, unless Kafka had lost some."""
        return self.last - self.first + 1

    @property
    def name(self) -> str:
        """The file's name; names sort as offsets do."""
        return f"{self.topic}.{self.partition:02d}.{self.first:015d}-{self.last:015d}.parquet"

    def within(self, other: "Span") -> bool:
        """Whether the other holds every row of this one."""
        return self.place == other.place and other.first <= self.first and self.last <= other.last


def all_spans(folder: Path) -> list[Span]:
    """Every file of the history, in order, those that were merged already included."""
    names = os.listdir(folder) if folder.is_dir() else []
    found = (_NAME.fullmatch(name) for name in names)
    return sorted(Span(one["topic"], *map(int, one.group("partition", "first", "last"))) for one in found if one)


def readable(spans: Iterable[Span]) -> list[Span]:
    """Those that together hold every row once."""
    return list(_uncovered(spans))


def next_offsets(spans: Iterable[Span]) -> dict[Place, int]:
    """The offset to go on with, for each place that has a file."""
    return {place: max(one.last for one in found) + 1 for place, found in groupby(sorted(spans), lambda one: one.place)}


def tidy(folder: Path) -> None:
    """Remove what a crash left behind: files half written, and files that were merged into another."""
    for path in folder.glob(f"*{UNFINISHED}"):
        path.unlink()
    spans = all_spans(folder)
    for span in set(spans) - set(readable(spans)):
        (folder / span.name).unlink()


@contextmanager
def placed(path: Path) -> Iterator[Path]:
    """Gives the path to write to; what was written there is at `path`, whole and on disk, when the block ends well."""
    new = path.with_name(path.name + UNFINISHED)
    yield new
    _sync(new)
    new.replace(path)
    _sync(path.parent)


def _uncovered(spans: Iterable[Span]) -> Iterator[Span]:
    # Of spans with one beginning the longest comes first; after it, whatever ends no later lies within it.
    widest: Span | None = None
    for span in sorted(spans, key=lambda one: (*one.place, one.first, -one.last)):
        if widest is None or not span.within(widest):
            widest = span
            yield span


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
