"""A demo whose archivist is killed again and again, counted at its end by code that shares nothing.

By a reader beside it, by the checker, the dashboard, the report and the learner.
"""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from kafka import TopicPartition
from kafka.errors import KafkaError

from services import cli
from services.adapters.kafka import consumer
from services.archivist.files import HISTORY
from services.dashboard.health import WATCHED
from services.learner.history import read
from services.topics import ALL, PARTITIONS, KafkaAddress
from tests.archive import Message, Spot, archived, ends, has_come_to, messages
from tests.dashboard_desk import Operator
from tests.living_demo import LivingDemo, living_demo
from tests.world import eventually

KILLS = 10
PEOPLE = 70
PLAY_S = 95
SEED = 11
SOONEST_S, LATEST_S = 7.6, 9.0
"""From one kill to the next: the demo gives up on a process that dies more than eight times in a minute."""
ENDS_WITHIN_S = 90.0
ALL_THREE = (
    "opened", "offered", "rung", "accepted_both", "connected", "both_would_talk_again", "expired", "declined", "voided",
)  # fmt: skip

pytestmark = pytest.mark.timeout(PLAY_S + 240)


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


@dataclass(frozen=True)
class Counted:
    """What the checker and the dashboard said at the end, what passed on the topics, and where the history is."""

    checked: dict[str, Any]
    shown: dict[str, Any]
    said: dict[Spot, Message]
    history: Path


@pytest.fixture(scope="module")
def counted(demo_arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    """A demo that has ended; its archivist was killed on the way."""
    dice = random.Random(SEED)
    data = tmp_path_factory.mktemp("counted") / "demo"
    with living_demo(data, PEOPLE, PLAY_S, SEED, demo_arguments) as played:
        addresses = played.wait_for_town()
        beside = Beside(addresses)
        for _ in range(KILLS):
            seen, next_s = len(beside.seen), time.monotonic() + dice.uniform(SOONEST_S, LATEST_S)
            played.kill("archivist")
            eventually(partial(beside.has_seen_more, seen, next_s), what="life goes on")
        with Operator(base_url=addresses["dashboard"]) as operator:
            assert operator.sign_in(addresses["dashboard_password"]).status_code == 303
            shown = figures_when_the_town_has_ended(played, operator)
        said = dict(beside.seen)
        eventually(lambda: has_come_to(data / HISTORY, ends(said)), what="the history has come so far")
        yield Counted(played.report(), shown, said, data / HISTORY)


def test_every_row_is_in_the_history_once(counted: Counted) -> None:
    there = messages(archived(counted.history))
    assert {spot: there.get(spot) for spot in counted.said} == counted.said
    assert set(there) >= set(counted.said)
    checked = counted.checked
    assert (checked["restarts"], checked["lost"], checked["violations"]) == (KILLS, 0, [])


def test_the_dashboards_figures_equal_the_checkers(counted: Counted) -> None:
    checked, shown = counted.checked, counted.shown
    assert {name: shown["totals"][name] for name in ALL_THREE} == {name: checked[name] for name in ALL_THREE}
    assert shown["letters"]["count"] == checked["dead_letters"]
    assert checked["open_now"] == {"windows": shown["now"]["open"], "invitations": 0, "calls": shown["now"]["calls"]}
    assert checked["connected"] > 0
    assert shown["waits"]["until_rung"]["count"] > 0
    assert shown["unreadable"] == {}
    assert {one["name"]: one["state"] for one in shown["processes"]} == dict.fromkeys(WATCHED, "well")
    assert shown["refused"] is not None
    assert shown["reading"]["caught_up"]
    assert len(shown["points"]) > 1


def test_the_reports_figures_equal_the_checkers(counted: Counted, capsys: pytest.CaptureFixture[str]) -> None:
    checked = counted.checked
    assert cli.main(["report", "--json", "--history", str(counted.history)]) == 0
    told = json.loads(capsys.readouterr().out)
    compared = (*ALL_THREE, "dead_letters")
    assert {name: told[name] for name in compared} == {name: checked[name] for name in compared}
    assert told["history"]["rows_lost"] == 0
    assert told["people"]["offered_time"] == PEOPLE


def test_the_learner_finds_every_answer_of_the_same_history(counted: Counted) -> None:
    history = read(counted.history)
    answers = history.answers
    assert not history.left_out
    assert len(history.people) == PEOPLE
    both = [place for place, back in enumerate(answers.back) if back >= 0 and answers.yes[place] and answers.yes[back]]
    assert len(both) == 2 * counted.checked["both_would_talk_again"]
    assert 0 < len(set(answers.group)) <= counted.checked["connected"]


def figures_when_the_town_has_ended(played: LivingDemo, operator: Operator) -> dict[str, Any]:
    """The last figures. The demo itself is halted meanwhile, since it ends all its processes when the town has."""
    town = psutil.Process(played.pids()["town"])
    os.kill(played.process.pid, signal.SIGSTOP)
    try:
        eventually(lambda: town.status() == psutil.STATUS_ZOMBIE, ENDS_WITHIN_S, "the town ends")
        return eventually(lambda: steady(operator), what="all is read")
    finally:
        os.kill(played.process.pid, signal.SIGCONT)


def steady(operator: Operator) -> dict[str, Any] | None:
    """The figures, once nothing is open or unread and two looks in a row say the same."""
    before = operator.figures()
    after = eventually(lambda: (found := operator.figures())["id"] != before["id"] and found, what="a newer look")
    same = all(before[name] == after[name] for name in ("totals", "now", "letters"))
    return after if same and after["now"]["open"] == 0 and after["reading"]["behind"] == 0 else None
