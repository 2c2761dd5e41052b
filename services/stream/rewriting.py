"""Live rows written again in time, for a broker that forgets: the embedded one keeps the newest 5 MB of a partition.

A real broker compacts a changelog and needs none of this. A rewritten row keeps its offset, so it is news to nobody.
"""

import logging
from collections import defaultdict
from collections.abc import Callable

from faust.streams import current_event

from services.stream.handling import write_rows
from services.stream.store import RowTable

log = logging.getLogger(__name__)

REWRITE_AFTER_BYTES = 1_000_000
BROKER_KEEPS_BYTES = 5_000_000

LiveRows = Callable[[RowTable, int], dict[bytes, bytes]]


class Rewriter:
    """Counts what passes through each partition of each table."""

    def __init__(self, needed: bool) -> None:
        self._needed = needed
        self._passed: dict[tuple[str, int], int] = defaultdict(int)

    async def wrote(self, table: RowTable, size: int, live: LiveRows) -> None:
        """Count `size` bytes in the current event's partition; rewrite the live rows there if it is time."""
        event = current_event()
        if not self._needed or event is None:
            return
        place = (table.name, event.message.partition)
        self._passed[place] += size
        if self._passed[place] < REWRITE_AFTER_BYTES:
            return
        rows = live(table, event.message.partition)
        total = sum(map(len, rows.values()))
        if total > BROKER_KEEPS_BYTES - 2 * REWRITE_AFTER_BYTES:
            log.error("%s holds %d bytes of live rows: more than the embedded broker keeps", table.name, total)
        # Counted from below zero, so that many live rows are not written again and again.
        self._passed[place] = -total
        await write_rows(table, dict(rows))
