"""What a worker fetched and threw away while its tables recovered comes again, also where nothing was committed yet."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from services.adapters.kafka import producer
from services.stream.driver import PromptConsumerThread
from services.topics import OUTCOMES, PAIRS, KafkaAddress, create

PATIENCE_MS = 20_000
SAID = (b"first", b"second")


class Inline(PromptConsumerThread):
    """The thread's dealings with its consumer, without the thread."""

    def __init__(self, consumer: AIOKafkaConsumer, changelogs: set[str]) -> None:
        self._consumer = consumer
        self.app = SimpleNamespace(tables=SimpleNamespace(changelog_topics=changelogs))

    async def call_thread(self, do: Any, *arguments: Any) -> Any:
        return await do(*arguments)


async def _read_twice(address: KafkaAddress, topic: str, changelogs: set[str], commit: bool) -> list[list[bytes]]:
    """What is read at first, and after a seek to what was committed, up to something new that is said meanwhile."""
    place = TopicPartition(address.topic(OUTCOMES), 0)
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=address.bootstrap, group_id=address.prefix + "seek", auto_offset_reset="earliest",
        enable_auto_commit=False, fetch_max_wait_ms=20,
    )  # fmt: skip
    await consumer.start()
    try:
        first = await _read(consumer, SAID[-1])
        if commit:
            await consumer.commit({place: 1})
        await Inline(consumer, changelogs).seek_to_committed()
        await asyncio.to_thread(_say, address, topic, b"new")
        return [first, await _read(consumer, b"new")]
    finally:
        await consumer.stop()


async def _read(consumer: AIOKafkaConsumer, until: bytes) -> list[bytes]:
    found: list[bytes] = []
    while until not in found:
        for records in (await consumer.getmany(timeout_ms=PATIENCE_MS)).values():
            found += [one.value for one in records]
    return found


def _say(address: KafkaAddress, topic: str, *values: bytes) -> None:
    sender = producer(address)
    for value in values:
        sender.send(topic, key=b"any", value=value, partition=0).get(PATIENCE_MS / 1000)
    sender.close()


@pytest.mark.parametrize(("commit", "again"), [(False, [*SAID, b"new"]), (True, [SAID[1], b"new"])])
def test_a_source_goes_back_to_its_commit_or_its_start(kafka: KafkaAddress, commit: bool, again: list[bytes]) -> None:
    create(kafka.bootstrap, kafka.prefix, kafka.embedded)
    topic = kafka.topic(OUTCOMES)
    _say(kafka, topic, *SAID)
    assert asyncio.run(_read_twice(kafka, topic, set(), commit)) == [list(SAID), again]


def test_a_changelog_is_left_where_recovery_put_it(kafka: KafkaAddress) -> None:
    create(kafka.bootstrap, kafka.prefix, kafka.embedded)
    topic = kafka.topic(PAIRS)
    _say(kafka, topic, *SAID)
    assert asyncio.run(_read_twice(kafka, topic, {topic}, commit=False)) == [list(SAID), [b"new"]]
