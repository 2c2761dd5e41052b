"""A demo that lives beside a test or a benchmark, which kills parts of it and watches for the flow to come again."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import redis

from matcher.errors import Away
from matcher.events import ReceiptGiven, read_event
from matcher.invitation import Invitation
from services.adapters.kafka import producer
from services.adapters.reading import Letters, RowReader
from services.clock import SystemClock
from services.settings import Settings
from services.topics import INVITATIONS, RECEIPTS, KafkaAddress
from tests.world import eventually

KILLED = ("processor", "notifier", "gateway", "bridge")
WIPE = "wipe"
ENDS_WITHIN_S = 90


class LivingDemo:
    """A demo in processes of its own."""

    def __init__(self, data: Path, people: int, play_s: int, seed: int, arguments: Sequence[str] = ()) -> None:
        self.data = data
        self._play_s = play_s
        command = [sys.executable, "-m", "services.cli", "demo", "--json", "--data", str(data), "--seed", str(seed)]
        command += ["--people", str(people), "--for", str(play_s), "--speed", "20", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.errors: list[str] = []
        self._reader = threading.Thread(target=self._read_errors, daemon=True)
        self._reader.start()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(iter(self.process.stderr.readline, ""))

    def pids(self) -> dict[str, int]:
        """Name and pid of everything that runs."""
        found: dict[str, int] = json.loads((self.data / "pids.json").read_text())
        return found

    def wait_for_town(self) -> dict[str, Any]:
        """Where the parts are, once people have moved in."""
        eventually(lambda: (self.data / "pids.json").exists() and "town" in self.pids())
        addresses: dict[str, Any] = json.loads((self.data / "addresses.json").read_text())
        return addresses

    def kill(self, name: str) -> None:
        """kill -9, and wait until it is there again."""
        pid = self.pids()[name]
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: self.pids().get(name, pid) != pid)

    def enough(self) -> None:
        """Let the town's day end now rather than when its time is over."""
        os.kill(self.pids()["town"], signal.SIGUSR1)

    def report(self) -> dict[str, Any]:
        """What the demo says at its end."""
        out, _ = self.process.communicate(timeout=self._play_s + ENDS_WITHIN_S)
        report: dict[str, Any] = json.loads(out)
        return report


@contextmanager
def living_demo(data: Path, people: int, play_s: int, seed: int, arguments: Sequence[str] = ()) -> Iterator[LivingDemo]:
    """A demo of `people` at 20 times life for `play_s` seconds, ended with the block."""
    made = LivingDemo(data, people, play_s, seed, arguments)
    try:
        yield made
    finally:
        if made.process.poll() is None:
            made.process.terminate()
            made.process.wait(15)


class Signs:
    """Follows the topics for signs that offers flow: decided, held by both pages, connected.

    A thread a topic, which does nothing but read: the embedded broker answers each fetch with one batch of a partition,
    so a reader that also does other things falls behind without a word, and takes the past for the present.
    """

    def __init__(self, addresses: dict[str, Any]) -> None:
        kafka = KafkaAddress(addresses["broker"], addresses["topic_prefix"], addresses["embedded"])
        letters = Letters(producer(kafka), kafka, SystemClock(Settings()))
        rows = RowReader(kafka, INVITATIONS, Invitation.model_validate_json, letters)
        receipts: RowReader[ReceiptGiven] = RowReader(kafka, RECEIPTS, partial(read_event, "receipts"), letters)
        self._decided: dict[str, float] = {}
        self._connected: dict[str, float] = {}
        self._held: dict[str, set[str]] = defaultdict(set)
        for reader, take in ((rows, self._take_row), (receipts, self._take_receipt)):
            threading.Thread(target=_follow, args=(reader, take), daemon=True).start()

    def _take_row(self, row: Invitation) -> None:
        self._decided[row.invitation] = row.decided_wall.timestamp()
        if row.connected_wall:
            self._connected[row.invitation] = row.connected_wall.timestamp()

    def _take_receipt(self, receipt: ReceiptGiven) -> None:
        if receipt.result == "held":
            self._held[receipt.invitation].add(receipt.person)

    def flow_after(self, wall: float, what: str) -> bool:
        """Whether `what` flows after this wall time: offers decided since and held by both pages, or calls."""
        if what == "calls":
            return any(at > wall for at in tuple(self._connected.values()))
        return any(at > wall and len(self._held[key]) == 2 for key, at in tuple(self._decided.items()))


def _follow(reader: RowReader[Any], take: Callable[[Any], None]) -> None:
    with suppress(Away):  # the demo is over
        while True:
            for one in reader.poll(100):
                take(one)


def hit(played: LivingDemo, addresses: dict[str, Any], signs: Signs, deed: str, limit_s: float) -> float:
    """Do one deed, wait until what it broke flows again; the seconds from the deed on.

    Offers are what must flow, and calls after a kill of the bridge. AssertionError after `limit_s`.
    """
    hit_at = time.time()
    if deed == WIPE:
        _wipe(addresses)
    else:
        played.kill(deed)
    flows = "calls" if deed == "bridge" else "offers"
    eventually(partial(signs.flow_after, hit_at, flows), limit_s, what=f"{flows} flow again after {deed}")
    return time.time() - hit_at


def _wipe(addresses: dict[str, Any]) -> None:
    client = redis.Redis.from_url(addresses["redis"])
    if addresses["embedded"]:
        client.flushall()
        return
    for key in client.scan_iter(match=addresses["redis_prefix"] + "*", count=1000):  # others may use this server
        client.delete(key)
