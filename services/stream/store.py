"""Where a worker keeps its rows: RocksDB files that agree with the table's changelog whatever crashed.

A table's changelog is the topic others read, so two things must hold here. A row is kept locally only when the broker
has it: after a kill there is no row that this worker believes in and nobody else ever saw. And of several rows for a
key the one with the highest `offset` wins, in whichever order they lie in the log: a late row of a worker that had
already lost its partition changes nothing. Rows are JSON objects as bytes; `offset` is that of the event that last
changed the row, in the partition the row belongs to.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import faust
import rocksdict
from faust.stores import STORES
from faust.stores.rocksdb import Store
from faust.streams import current_event
from faust.types import TP, EventT, FutureMessage

__all__ = ["STORE_URL", "NewestRowStore", "RowTable", "newer"]

SCHEME = "partyline-rows"
STORE_URL = f"{SCHEME}://"
NO_OFFSET = -1


def newer(candidate: bytes, current: bytes | None) -> bool:
    """Say whether `candidate` replaces `current`: its offset is as high or higher.

    Bytes that are no row never replace anything; recovery would stop for good at the first one if this raised.
    """
    offset = row_offset(candidate)
    if offset == NO_OFFSET:
        return False
    return current is None or offset >= row_offset(current)


def row_offset(row: bytes) -> int:
    """Return a row's `offset`, or `NO_OFFSET` if these bytes are no row."""
    try:
        offset = json.loads(row)["offset"]
    except (ValueError, TypeError, KeyError):
        return NO_OFFSET
    return offset if type(offset) is int and offset >= 0 else NO_OFFSET


class NewestRowStore(Store):
    """Faust's RocksDB store, keeping for each key the row with the highest offset.

    Recovery of active partitions, reading along for standby ones and the flush before a rebalance all come through
    `apply_changelog_batch`; the rows this worker writes itself come through `keep`.
    """

    def apply_changelog_batch(
        self, batch: Iterable[EventT], to_key: Callable[[Any], Any], to_value: Callable[[Any], Any]
    ) -> None:
        """Apply changelog records in log order; records that lose are passed over but count as read."""
        records = list(batch)
        super().apply_changelog_batch(list(self._winners(records)), to_key, to_value)
        # After the rows, so that a kill in between makes the next recovery read these records again.
        read_up_to: dict[TP, int] = {}
        for event in records:
            read_up_to[event.message.tp] = max(event.message.offset, read_up_to.get(event.message.tp, NO_OFFSET))
        for tp, offset in read_up_to.items():
            self.set_persisted_offset(tp, offset)

    def _winners(self, records: Iterable[EventT]) -> Iterator[EventT]:
        seen: dict[tuple[int, bytes], bytes | None] = {}
        for event in records:
            message = event.message
            if message.key is None:
                continue  # no table writes such a record, and RocksDB would refuse it
            place = (message.partition, message.key)
            current = seen[place] if place in seen else self._db_for_partition(message.partition).get(message.key)
            if message.value is None or newer(message.value, current):
                seen[place] = message.value
                yield event

    def keep(self, tp: TP, key: bytes, value: bytes | None, offset: int) -> None:
        """Store one row that the broker has acknowledged at `offset`, together with that offset, in one write."""
        db = self._dbs.get(tp.partition)
        if db is None:
            return  # the partition has moved on; whoever owns it reads the row from the changelog
        batch = rocksdict.WriteBatch(raw_mode=True)
        if value is None:
            batch.delete(key)
        elif newer(value, db.get(key)):
            batch.put(key, value)
        batch.put(self.offset_key, str(offset).encode())
        db.write(batch)


class RowTable(faust.Table[bytes, bytes]):
    """A table whose rows go to the broker first and into the store when the broker has them.

    Faust's `table[key] = value` does it the other way round: a kill in between leaves a row in the local files that
    was never published, and the redelivered event is then skipped because that row already carries its offset.
    """

    async def write(self, rows: Mapping[bytes, bytes | None]) -> None:
        """Publish rows (None deletes) in the current event's partition; return when broker and store have them all.

        Raises what the broker answered if it refused one; the event must then not be acknowledged.
        """
        event = current_event()
        if event is None:
            raise RuntimeError("a row is written while an event is handled: send a tick event instead")
        partition = event.message.partition
        sent = [
            await self.changelog_topic.send(key=key, value=value, partition=partition, callback=self._on_changelog_sent)
            for key, value in rows.items()
        ]
        await asyncio.gather(*sent)

    def _on_changelog_sent(self, fut: FutureMessage) -> None:
        # A callback and not the end of write(): it also runs when the writing agent was cancelled meanwhile. Were the
        # row skipped then, the offset kept with a later row would hide it from recovery.
        record = fut.result()
        store = cast(NewestRowStore, self.data)
        store.keep(record.topic_partition, fut.message.key, fut.message.value, record.offset)

    def on_key_set(self, key: bytes, value: bytes) -> None:
        """Refuse `table[key] = value`."""
        raise TypeError("rows are written with `await table.write({key: row})`")

    def on_key_del(self, key: bytes) -> None:
        """Refuse `del table[key]`."""
        raise TypeError("rows are deleted with `await table.write({key: None})`")


# Faust looks the scheme of its `store` setting up in this registry.
STORES[SCHEME] = f"{__name__}:NewestRowStore"
