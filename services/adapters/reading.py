"""Reading topics for processes that block: every partition, without a group, bad messages dead-lettered.

A group would make a killed reader's partitions wait for its session to end. Two readers side by side are safe instead:
whatever they do is safe to do twice. `RowReader` goes on from the rows; `EventReader` from its committed place.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from kafka import KafkaProducer, TopicPartition
from kafka.errors import KafkaError
from pydantic import ValidationError

from matcher.errors import Away, BadEvent
from matcher.ports import Clock
from matcher.values import wire
from services.adapters.dead_letters import letter
from services.adapters.kafka import consumer
from services.topics import DEAD_LETTERS, PARTITIONS, KafkaAddress, Topic

log = logging.getLogger(__name__)

T = TypeVar("T")
BURIED_WITHIN_S = 10.0


@contextmanager
def reached() -> Iterator[None]:
    """A block that speaks with Kafka. Raises Away if it does not answer."""
    try:
        yield
    except KafkaError as error:
        raise Away(f"Kafka does not answer: {type(error).__name__}") from error


class Letters:
    """Writes dead letters for messages that cannot be read."""

    def __init__(self, producer: KafkaProducer, address: KafkaAddress, clock: Clock) -> None:
        self._producer = producer
        self._topic = address.topic(DEAD_LETTERS)
        self._clock = clock

    def bury(self, record: Any, error: str) -> None:
        """Write a dead letter for `record`; returns once the broker has it. Raises Away."""
        log.error("dead-lettered %s/%d/%d: %s", record.topic, record.partition, record.offset, error)
        dead = letter(
            source_topic=record.topic, partition=record.partition, offset=record.offset, key=record.key,
            value=record.value, error=error, attempts=1, at=self._clock.wall(),
        )  # fmt: skip
        with reached():
            self._producer.send(self._topic, key=record.topic.encode(), value=wire(dead)).get(timeout=BURIED_WITHIN_S)


class Reader(Generic[T]):
    """One topic, all partitions; `decode` may raise BadEvent or ValidationError."""

    def __init__(
        self, address: KafkaAddress, topic: Topic, decode: Callable[[bytes], T], letters: Letters, group: str | None
    ) -> None:
        self._decode = decode
        self._letters = letters
        self._partitions = [TopicPartition(address.topic(topic), number) for number in range(PARTITIONS)]
        with reached():
            self._consumer = consumer(address, group=group)
            self._consumer.assign(self._partitions)

    def poll(self, timeout_ms: int) -> Iterator[T]:
        """What has come, oldest first within a partition; waits `timeout_ms` for the first. Passes over tombstones.

        Raises Away.
        """
        with reached():
            found = self._consumer.poll(timeout_ms=timeout_ms)
        for records in found.values():
            for record in records:
                if record.value is None:
                    continue
                try:
                    value = self._decode(record.value)
                except BadEvent as error:
                    self._letters.bury(record, error.message)
                except ValidationError:
                    self._letters.bury(record, "not a row")
                else:
                    yield value

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()


class RowReader(Reader[T]):
    """A changelog from its start."""

    def __init__(self, address: KafkaAddress, topic: Topic, decode: Callable[[bytes], T], letters: Letters) -> None:
        super().__init__(address, topic, decode, letters, None)
        with reached():
            self._consumer.seek_to_beginning(*self._partitions)
            self._ends = self._consumer.end_offsets(self._partitions)

    def at_end(self) -> bool:
        """Whether everything that stood in the topic at the start has been read. Raises Away."""
        with reached():
            return all(self._consumer.position(one) >= self._ends[one] for one in self._partitions)


class EventReader(Reader[T]):
    """A topic of events from where the process with this name last committed."""

    def __init__(
        self, address: KafkaAddress, topic: Topic, decode: Callable[[bytes], T], letters: Letters, name: str
    ) -> None:
        super().__init__(address, topic, decode, letters, name)

    def commit(self) -> None:
        """Everything that was polled is done. Raises Away."""
        with reached():
            self._consumer.commit()
