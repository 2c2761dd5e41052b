"""A demo whose archivist is killed again and again: its history is what a reader beside it saw on the topics."""

import random
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaError

from services.adapters.kafka import consumer
from services.archivist.files import HISTORY
from services.topics import ALL, PARTITIONS, KafkaAddress
from tests.archive import Message, Spot, archived, ends, has_come_to, messages
from tests.living_demo import living_demo
from tests.world import eventually

KILLS = 10
PEOPLE = 160
PLAY_S = 100
SEED = 11
SOONEST_S, LATEST_S = 7.6, 9.0
"""From one kill to the next: the demo gives up on a process that dies more than eight times in a minute."""


class Beside:
    """Follows every topic of a demo in a thread that does nothing else."""

    def __init__(self, addresses: dict[str, Any]) -> None:
        address = KafkaAddress(addresses["broker"], addresses["topic_prefix"], addresses["embedded"])
        self._names = {address.topic(topic): topic.name for topic in ALL}
        self._consumer = consumer(address)
        places = [TopicPartition(name, number) for name in self._names for number in range(PARTITIONS)]
        self._consumer.assign(places)
        self._consumer.seek_to_beginning(*places)
        self.seen: dict[Spot, Message] = {}
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        with suppress(KafkaError):  # the demo is over
            while True:
                for place, records in self._consumer.poll(timeout_ms=100).items():
                    for one in records:
                        spot = (self._names[place.topic], place.partition, one.offset)
                        self.seen[spot] = (one.timestamp, one.key, one.value)

    def has_seen_more(self, than: int, from_s: float) -> bool:
        return time.monotonic() >= from_s and len(self.seen) > than


@pytest.mark.timeout(PLAY_S + 200)
def test_an_archivist_killed_ten_times_in_a_living_demo_has_every_row_once(
    demo_arguments: list[str], tmp_path: Path
) -> None:
    dice = random.Random(SEED)
    history = tmp_path / "demo" / HISTORY
    with living_demo(tmp_path / "demo", PEOPLE, PLAY_S, SEED, demo_arguments) as played:
        beside = Beside(played.wait_for_town())
        for _ in range(KILLS):
            seen, next_s = len(beside.seen), time.monotonic() + dice.uniform(SOONEST_S, LATEST_S)
            played.kill("archivist")
            eventually(partial(beside.has_seen_more, seen, next_s), what="life goes on")
        said = dict(beside.seen)
        eventually(lambda: has_come_to(history, ends(said)), what="the history has come so far")
        report = played.report()
    there = messages(archived(history))
    assert {spot: there.get(spot) for spot in said} == said
    assert set(there) >= set(said)
    assert (report["restarts"], report["lost"], report["violations"]) == (KILLS, 0, [])
