"""The checker as a process: reads every topic from its start, answers "report" with one line of JSON.

Place in the flow: Kafka -> **app** -> judge. Run as `python -m services.checker.app`; a line `report` on stdin is
answered on stdout once everything that stood in the topics at that moment was read. It ends at SIGTERM or when stdin
closes. It shares no code with the processes that it checks, except for finding Kafka.
"""

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from services.adapters import kafka as connections
from services.checker.judge import TOPICS, Judge
from services.settings import read_settings
from services.topics import ALL, KafkaAddress

POLL_MS = 100
CATCH_UP_LIMIT_S = 5.0
"""A report is not held back for longer than this, however much is still to be read."""
TOWN_FILE = "town-availabilities.jsonl"
END = "end"


class Follower:
    """All partitions of all topics that the judge wants, from the first message on."""

    def __init__(self, address: KafkaAddress) -> None:
        self._names = {address.topic(topic): topic.name for topic in ALL if topic.name in TOPICS}
        self._places = [
            TopicPartition(address.topic(topic), number)
            for topic in ALL
            if topic.name in TOPICS
            for number in range(topic.partitions)
        ]
        # Nobody waits for the checker, so it may fetch at leisure; a gap is worse than an error.
        self._consumer: KafkaConsumer = connections.consumer(address, fetch_max_wait_ms=POLL_MS)
        self._consumer.assign(self._places)
        self._consumer.seek_to_beginning(*self._places)

    def read(self, judge: Judge) -> None:
        """Show the judge what has come."""
        for place, records in self._consumer.poll(timeout_ms=POLL_MS, max_records=5_000).items():
            for one in records:
                judge.see(self._names[place.topic], place.partition, one.offset, one.timestamp, one.key, one.value)

    def catch_up(self, judge: Judge) -> None:
        """Read what stands in the topics now, for at most `CATCH_UP_LIMIT_S`."""
        deadline_s = time.monotonic() + CATCH_UP_LIMIT_S
        try:
            ends = self._consumer.end_offsets(self._places)
        except KafkaError:
            return  # Kafka is away: the report says what is known
        while any(self._consumer.position(one) < ends[one] for one in self._places) and time.monotonic() < deadline_s:
            self.read(judge)

    def close(self) -> None:
        """Leave Kafka."""
        self._consumer.close()


class TownFile:
    """The town's own record of what it was promised, read on from where it was left."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rest = b""
        self._read_to = 0

    def read(self, judge: Judge) -> None:
        """Tell the judge of new lines; half a line waits for its other half."""
        if not self._path.exists():
            return
        judge.expect_town()
        with self._path.open("rb") as file:
            file.seek(self._read_to)
            new = file.read()
        self._read_to += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        for line in lines:
            told = json.loads(line)
            judge.answered_2xx(told["availability"], _milliseconds(told.get("posted_at")))


def main() -> None:
    """Follow and answer until told to end."""
    settings = read_settings()
    asked = _questions()
    judge, follower = Judge(settings.topic_prefix), Follower(settings.kafka)
    town = TownFile(settings.data / TOWN_FILE)
    for question in _follow(judge, follower, asked):
        if question == END:
            break
        follower.catch_up(judge)
        town.read(judge)
        sys.stdout.write(json.dumps(judge.report()) + "\n")
        sys.stdout.flush()
    os._exit(0)  # there is nothing to save, and a client that lost its broker takes long to close


def _follow(judge: Judge, follower: Follower, asked: "queue.SimpleQueue[str]") -> Iterator[str]:
    while True:
        follower.read(judge)
        while not asked.empty():
            yield asked.get()


def _questions() -> "queue.SimpleQueue[str]":
    """What is asked: "report" for each such line on stdin, and "end"."""
    asked: queue.SimpleQueue[str] = queue.SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.put(END))

    def listen() -> None:
        for line in sys.stdin:
            if line.strip() == "report":
                asked.put("report")
        asked.put(END)

    threading.Thread(target=listen, daemon=True).start()
    return asked


def _milliseconds(text: Any) -> int | None:
    return round(datetime.fromisoformat(text).timestamp() * 1000) if text else None


if __name__ == "__main__":
    main()
