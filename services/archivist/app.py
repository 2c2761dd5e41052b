"""The archivist as a process: reads every partition of every topic, from where the history ends.

Place in the flow: Kafka -> **app** -> writer. There is no group and no commit: the names of the files tell where to go
on, so a row is neither lost nor doubled, whenever this process dies.
"""

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import redis
from kafka import KafkaConsumer, TopicPartition

from matcher.errors import Away, BadRequest, PartylineError
from services.adapters.kafka import consumer
from services.adapters.reading import reached
from services.archivist.files import HISTORY, Place, all_spans, next_offsets
from services.archivist.writer import Writer
from services.process import AWAY_PAUSE_S, BROKER_WAIT_S, REDIS_TIMEOUT_S, Every, Stop, log_to_stderr
from services.ready import READY_EVERY_S, Ready
from services.settings import Settings
from services.topics import ALL, KafkaAddress, wait_for_broker

log = logging.getLogger(__name__)

RECORD_BYTES = 500
"""What a record takes in memory besides its key and value."""
FLUSH_BYTES = 16_000_000
HELD_BYTES = 64_000_000
"""What is held in memory while the disk is busy; with more, reading waits."""
WAIT_FOR_DISK_S = 5.0
POLL_MS = 100
POLL_RECORDS = 5_000
ENDS_WITHIN_MS = 15_000
COMPACTED = frozenset(topic.name for topic in ALL if topic.compacted)
CATCH_UP_S = 0.8
LAST_WRITE_S = 15.0
"""On SIGTERM: to read what stands in the topics at that moment, and to write it. A demo allows 2 s in all."""
BEHIND_S = 600
"""An archivist that is so late is an alarm: Kafka may forget what it has not read."""


class AnotherKafka(PartylineError):
    """The history goes further than the topics."""

    code = "another_kafka"


class Reading:
    """All partitions of all topics, and what was read of them and not yet handed over."""

    def __init__(self, address: KafkaAddress, folder: Path) -> None:
        self._address = address
        self._names = {address.topic(topic): topic.name for topic in ALL}
        self._places = [TopicPartition(address.topic(topic), n) for topic in ALL for n in range(topic.partitions)]
        found = next_offsets(all_spans(folder))
        self._next: dict[Place, int] = {self._place(one): found.get(self._place(one), 0) for one in self._places}
        self._held: dict[Place, list[Any]] = {}
        self.held_bytes = 0

    def open(self) -> KafkaConsumer:
        """A consumer that goes on where reading stopped. Raises Away, AnotherKafka."""
        with reached(), ExitStack() as undo:
            # Nobody waits for the archivist, so an empty fetch may take its time.
            made = consumer(self._address, fetch_max_wait_ms=POLL_MS, max_poll_records=POLL_RECORDS)
            undo.callback(made.close)
            made.assign(self._places)
            self._check(made.end_offsets(self._places, timeout_ms=ENDS_WITHIN_MS))
            for one in self._places:
                made.seek(one, self._next[self._place(one)])
            undo.pop_all()
        return made

    def _check(self, ends: dict[TopicPartition, int]) -> None:
        for one, end in ends.items():
            expected = self._next[self._place(one)]
            if end < expected:
                raise AnotherKafka(
                    f"the history has {one.topic}/{one.partition} up to {expected - 1}, Kafka only up to {end - 1}: "
                    "this is another Kafka; give it a data folder of its own"
                )

    def poll(self, source: KafkaConsumer) -> None:
        """Hold what has come. Raises Away."""
        with reached():
            found = source.poll(timeout_ms=POLL_MS)
        for one, records in found.items():
            self._hold(self._place(one), records)

    def catch_up(self, source: KafkaConsumer, limit_s: float) -> None:
        """Read what stands in the topics now, for at most `limit_s`. Raises Away."""
        deadline_s = time.monotonic() + limit_s
        with reached():
            found = source.end_offsets(self._places, timeout_ms=round(limit_s * 1000))
        ends = {self._place(one): end for one, end in found.items()}
        while any(self._next[place] < end for place, end in ends.items()) and time.monotonic() < deadline_s:
            self.poll(source)

    def taken(self) -> dict[Place, list[Any]]:
        """What is held; it is held no longer."""
        held, self._held, self.held_bytes = self._held, {}, 0
        return held

    def give_back(self, held: dict[Place, list[Any]]) -> None:
        """Hold this again: nobody took it."""
        self._held = held
        self.held_bytes = sum(_size(one) for records in held.values() for one in records)

    def _hold(self, place: Place, records: list[Any]) -> None:
        expected, end = self._next[place], records[-1].offset + 1
        missing = end - expected - len(records)
        if missing:
            self._tell(place, missing, expected, end)
        self._next[place] = end
        self._held.setdefault(place, []).extend(records)
        self.held_bytes += sum(map(_size, records))

    def _tell(self, place: Place, missing: int, start: int, end: int) -> None:
        where = (missing, *place, start, end - 1)
        if place[0] in COMPACTED and not self._address.embedded:
            log.warning("%d rows of %s/%d between %d and %d were compacted away before they could be archived", *where)
        else:
            log.error("LOST: %d rows of %s/%d between %d and %d, which Kafka no longer has", *where)

    def _place(self, one: TopicPartition) -> Place:
        return self._names[one.topic], one.partition


class Archivist:
    """The loop: read, and hand over every few seconds or megabytes."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._reading = Reading(settings.kafka, folder)
        self._writer = Writer(folder, settings.secret)
        self._flush = Every(settings.archive_flush_ms / 1000)
        client = redis.Redis.from_url(settings.redis, socket_timeout=REDIS_TIMEOUT_S)
        self._ready = Ready(client, settings.redis_prefix, "archivist")
        self._say = Every(READY_EVERY_S, at_once=True)
        self._warn = Every(60.0, at_once=True)

    def run(self, stop: Stop) -> None:
        """Until told to stop; then everything that stands in the topics at that moment is read and written."""
        while not stop.asked:
            try:
                with closing(self._reading.open()) as source:
                    self._follow(source, stop)
            except Away as error:
                log.warning("%s; going on when it does", error)
                stop.wait(AWAY_PAUSE_S)
        self._hand_over(wait_s=LAST_WRITE_S)
        if not self._writer.close(LAST_WRITE_S):
            log.error("ended before everything was written; the next start reads it again")

    def _follow(self, source: KafkaConsumer, stop: Stop) -> None:
        while not stop.asked:
            self._reading.poll(source)
            now_s = time.monotonic()
            if self._reading.held_bytes >= FLUSH_BYTES or self._flush.due(now_s):
                self._hand_over(wait_s=0.0)
            while self._reading.held_bytes >= HELD_BYTES and not stop.asked:
                log.error("reading waits: the disk does not keep up, and Kafka may forget what is not read")
                self._hand_over(wait_s=WAIT_FOR_DISK_S)
            if self._say.due(now_s):
                self._ready.say()
        self._hand_over(wait_s=0.0)
        self._reading.catch_up(source, CATCH_UP_S)

    def _hand_over(self, wait_s: float) -> None:
        held = self._reading.taken()
        if not held:
            return
        self._look_at_lag(held)
        if not self._writer.take(held, wait_s=wait_s):
            self._reading.give_back(held)

    def _look_at_lag(self, held: dict[Place, list[Any]]) -> None:
        newest_ms = max(records[-1].timestamp for records in held.values())
        behind_s = datetime.now(UTC).timestamp() - newest_ms / 1000
        if behind_s > BEHIND_S and self._warn.due(time.monotonic()):
            log.error("the history is %d minutes behind", behind_s / 60)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder for one archivist; the lock goes with the process. Raises BadRequest if another holds it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # names and numbers stand in it
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BadRequest(f"another archivist writes to {folder}") from None
    else:
        yield
    finally:
        os.close(descriptor)


def run(settings: Settings) -> None:
    """Run until SIGTERM; waits for a broker that is away and says so. Raises BadRequest without a secret."""
    log_to_stderr(settings)
    if not settings.secret and not settings.demo:
        raise BadRequest("PARTYLINE_SECRET is not set: without it nobody who was erased could be told again")
    folder = settings.data / HISTORY
    stop = Stop()
    with alone_in(folder):
        wait_for_broker(settings.broker, BROKER_WAIT_S, log.warning)
        Archivist(settings, folder).run(stop)


def _size(record: Any) -> int:
    return RECORD_BYTES + len(record.key or b"") + len(record.value or b"")
