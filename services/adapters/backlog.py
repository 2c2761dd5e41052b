"""Everything that stands in a topic right now, read once from the start; for commands that list and then end.

Nothing is committed and nothing is followed: a process that goes on reading has a consumer of its own.
"""

import time
from collections.abc import Iterator
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError

from matcher.errors import Away
from services.adapters import kafka as connections
from services.topics import KafkaAddress, Topic

POLL_MS = 500
STALL_LIMIT_S = 15.0
"""Without a message for this long the topic is not read any further, and that is an error."""


def backlog(address: KafkaAddress, topic: Topic) -> Iterator[Any]:
    """Each record (`partition`, `offset`, `key`, `value` as bytes) up to the present end, oldest first in a partition.

    Raises Away if Kafka cannot be reached.
    """
    try:
        consumer = connections.consumer(address)
    except KafkaError as error:
        raise Away(f"Kafka at {address.bootstrap} does not answer", retry_after_s=5) from error
    try:
        places = [TopicPartition(address.topic(topic), number) for number in range(topic.partitions)]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        yield from _to_the_end(consumer, places)
    except KafkaError as error:
        raise Away(f"Kafka stopped answering: {type(error).__name__}", retry_after_s=5) from error
    finally:
        consumer.close()


def record_at(address: KafkaAddress, topic: str, partition: int, offset: int) -> Any | None:
    """The one record at this place, or None if Kafka no longer has it; `topic` with its prefix."""
    consumer = connections.consumer(address, max_poll_records=1)
    try:
        place = TopicPartition(topic, partition)
        consumer.assign([place])
        first, end = consumer.beginning_offsets([place])[place], consumer.end_offsets([place])[place]
        if not first <= offset < end:
            return None
        consumer.seek(place, offset)
        deadline_s = time.monotonic() + STALL_LIMIT_S
        while time.monotonic() < deadline_s:
            for record in consumer.poll(timeout_ms=POLL_MS).get(place, []):
                return record if record.offset == offset else None
        return None
    finally:
        consumer.close()


def _to_the_end(consumer: Any, places: list[TopicPartition]) -> Iterator[Any]:
    ends = consumer.end_offsets(places)
    deadline_s = time.monotonic() + STALL_LIMIT_S
    while any(consumer.position(place) < ends[place] for place in places):
        for records in consumer.poll(timeout_ms=POLL_MS).values():
            deadline_s = time.monotonic() + STALL_LIMIT_S
            yield from records
        if time.monotonic() > deadline_s:
            raise Away("Kafka answers, but sends no messages", retry_after_s=5)
