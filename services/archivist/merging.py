"""Many small files of a partition become one, so that a year of flushes stays a few files.

Place in the flow: writer -> **merging** -> files. The merged file is there, whole, before the first of its parts is
removed, and its name covers theirs: at any moment, and after any crash, `readable` names every row once.
"""

from itertools import chain, groupby
from pathlib import Path

from services.archivist.files import Span, all_spans, readable
from services.archivist.rows import tables, write_tables

MERGE_FILES = 16
"""So many files that may be merged are merged."""
FULL_OFFSETS = 250_000
"""A file of so many offsets stays as it is."""
GROWTH = 2
"""A file joins only if those after it together hold at least one part in `GROWTH` of what it holds."""


def due(spans: list[Span]) -> list[Span]:
    """Files of one partition, all given in order, that are to be merged now: the newest ones, or none.

    A file is merged again only when it grows by half at least, so a row is rewritten a few times in all.
    """
    taken: list[Span] = []
    offsets = 0
    for span in reversed(spans):
        if offsets + span.offsets > FULL_OFFSETS or (taken and span.offsets > max(GROWTH * offsets, MERGE_FILES)):
            break
        taken.insert(0, span)
        offsets += span.offsets
    return taken if len(taken) >= MERGE_FILES else []


def merge_one(folder: Path) -> bool:
    """Merge in one partition where that is due; whether there was one."""
    for (topic, partition), found in groupby(readable(all_spans(folder)), lambda one: one.place):
        parts = due(list(found))
        if parts:
            whole = Span(topic, partition, parts[0].first, parts[-1].last)
            write_tables(folder / whole.name, chain.from_iterable(tables(folder / one.name) for one in parts))
            for part in parts:
                (folder / part.name).unlink()
            return True
    return False
