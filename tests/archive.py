"""What tests of the history need: rows read back without the archivist's code, and messages of every kind."""

import random
import threading
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from services.adapters.backlog import backlog
from services.adapters.kafka import producer
from services.archivist.files import all_spans, next_offsets
from services.topics import ALL, KafkaAddress

Spot = tuple[str, int, int]
"""Topic, partition, offset."""
Message = tuple[int, bytes | None, bytes | None]
"""Timestamp, key, value."""

VALUES = (
    b'{"type":"tick.v1","n":%d}',
    b'{"n":%d,"type":7}',
    b"[%d]",
    b"no JSON %d",
    b"\xff\xfe %d",
    b'{"n":NaN,"x":%d}',
)


def files(folder: Path) -> list[Path]:
    """The history's files that a reader opens: those whose offsets lie within no other file's."""
    found = []
    for path in folder.glob("*.parquet"):
        topic, partition, offsets = path.name.removesuffix(".parquet").split(".")
        first, last = map(int, offsets.split("-"))
        found.append((topic, partition, first, last, path))
    return [
        one[4] for one in found
        if not any(other is not one and other[:2] == one[:2] and other[2] <= one[2] and one[3] <= other[3]
                   for other in found)
    ]  # fmt: skip


def archived(folder: Path) -> list[dict[str, Any]]:
    """Every row of the history, files in any order."""
    return [row for path in files(folder) for row in pq.read_table(path).to_pylist()]


def messages(rows: list[dict[str, Any]]) -> dict[Spot, Message]:
    """Rows as the messages that they were; no spot may be there twice."""
    spots = Counter((row["topic"], row["partition"], row["offset"]) for row in rows)
    doubled = [spot for spot, times in spots.items() if times > 1]
    assert doubled == []
    return {
        (row["topic"], row["partition"], row["offset"]): (
            round(row["timestamp"].timestamp() * 1000),
            row["raw_key"] if row["key"] is None else row["key"].encode(),
            row["raw"] if row["value"] is None else row["value"].encode(),
        )
        for row in rows
    }


def on_kafka(address: KafkaAddress) -> dict[Spot, Message]:
    """Every message of every topic, from the first on; nothing may have been forgotten yet."""
    found = {
        (topic.name, one.partition, one.offset): (one.timestamp, one.key, one.value)
        for topic in ALL
        for one in backlog(address, topic)
    }
    starts = {(topic, partition) for topic, partition, offset in found if offset == 0}
    assert starts == {(topic, partition) for topic, partition, _ in found}
    return found


def ends(spots: Iterator[Spot] | dict[Spot, Message]) -> dict[tuple[str, int], int]:
    """The offset after the last one of each partition."""
    found: dict[tuple[str, int], int] = {}
    for topic, partition, offset in spots:
        found[topic, partition] = max(offset + 1, found.get((topic, partition), 0))
    return found


def has_come_to(folder: Path, wanted: dict[tuple[str, int], int]) -> bool:
    """Whether the names of the files say that everything up to these offsets is archived."""
    there = next_offsets(all_spans(folder))
    return all(there.get(place, 0) >= end for place, end in wanted.items())


def everything_in(folder: Path) -> str:
    """All that can be read in the folder: rows, what is in dead letters, and the raw bytes of every file."""
    parts = []
    for row in archived(folder):
        parts += [str(value) for value in row.values()]
        if row["topic"] == "dead-letters":
            parts += [repr(b64decode(word)) for word in str(row["value"]).split('"') if _is_base64(word)]
    raw = [path.read_bytes().decode("latin-1") for path in folder.iterdir() if path.is_file()]
    return "\n".join([*parts, *raw])


def _is_base64(word: str) -> bool:
    try:
        return len(word) > 8 and bool(b64decode(word, validate=True))
    except ValueError:
        return False


class Stream:
    """Messages of every kind to every topic until the end of the block."""

    def __init__(self, address: KafkaAddress, seed: int) -> None:
        self.sent = 0
        self._address = address
        self._dice = random.Random(seed)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    def _send(self) -> None:
        with producer(self._address) as sender:
            while not self._ending.wait(0.005):
                for _ in range(self._dice.randrange(1, 6)):
                    topic = self._dice.choice(ALL)
                    key = self._dice.choice((b"\xff", b"p-%d" % self._dice.randrange(9), b"GB", None))
                    key = b"key" if key is None and topic.compacted else key  # Kafka compacts by key
                    value = self._dice.choice(VALUES if key is None else (*VALUES, None))
                    value = value % self.sent if value and b"%d" in value else value
                    sender.send(self._address.topic(topic), key=key, value=value, partition=self._dice.randrange(4))
                    self.sent += 1
            sender.flush(timeout=10)

    def end(self) -> None:
        self._ending.set()
        self._thread.join(15)


@contextmanager
def stream(address: KafkaAddress, seed: int) -> Iterator[Stream]:
    """A stream for the length of the block."""
    made = Stream(address, seed)
    try:
        yield made
    finally:
        made.end()
