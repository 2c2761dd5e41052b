"""The reader: a thread that follows the topics from their start and does nothing but read and count.

Place in the flow: Kafka -> **Reader** -> figures. The embedded broker answers each fetch with one batch of a partition,
so a reader that also did other things would fall behind without a word, and take the past for the present.
"""

import logging
import threading
import time
from contextlib import closing

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from services.adapters.kafka import consumer
from services.dashboard.figures import TOPICS, Figures
from services.process import AWAY_PAUSE_S, Every
from services.topics import KafkaAddress

POLL_MS = 100
RECORDS_PER_POLL = 2_000
NOTE_EVERY_S = 0.5

log = logging.getLogger(__name__)


class Reader:
    """All partitions of the topics that are counted."""

    def __init__(self, address: KafkaAddress, figures: Figures) -> None:
        self._address = address
        self._figures = figures
        self._names = {address.topic(topic): topic.name for topic in TOPICS}
        self.places = [
            TopicPartition(address.topic(topic), number) for topic in TOPICS for number in range(topic.partitions)
        ]
        self.positions: dict[TopicPartition, int] = {}
        """The offset that is read next, by place. The thread's alone to write."""
        self._stop = threading.Event()

    def run(self) -> None:
        """Follow until told to stop; a broker that is away is asked again, from where reading had come to."""
        while not self._stop.is_set():
            try:
                with closing(consumer(self._address, fetch_max_wait_ms=POLL_MS)) as found:
                    self._follow(found)
            except KafkaError as error:
                log.warning("kafka.awaited %s", type(error).__name__)
                self._stop.wait(AWAY_PAUSE_S)

    def stop(self) -> None:
        """Let the thread end."""
        self._stop.set()

    def _follow(self, found: KafkaConsumer) -> None:
        found.assign(self.places)
        for place in self.places:
            if place in self.positions:
                found.seek(place, self.positions[place])
            else:
                found.seek_to_beginning(place)
        note = Every(NOTE_EVERY_S)
        while not self._stop.is_set():
            for place, records in found.poll(timeout_ms=POLL_MS, max_records=RECORDS_PER_POLL).items():
                name = self._names[place.topic]
                self._figures.see([(name, one) for one in records])
                self.positions[place] = records[-1].offset + 1
            if note.due(time.monotonic()):
                self._note(found)

    def _note(self, found: KafkaConsumer) -> None:
        # Of a compacted partition all records before its end may be gone: only the client knows that it is read.
        for place in self.places:
            position = found.position(place, timeout_ms=POLL_MS)
            if position is not None:
                self.positions[place] = position
