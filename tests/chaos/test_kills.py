"""A demo whose processes are killed while the town lives in it: nothing is lost, nobody is booked twice."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis

from matcher.events import ReceiptGiven, read_event
from matcher.invitation import Invitation
from services.adapters.kafka import producer
from services.adapters.reading import Letters, RowReader
from services.clock import SystemClock
from services.settings import Settings
from services.topics import INVITATIONS, RECEIPTS, KafkaAddress
from tests.world import eventually

PEOPLE = 250
PLAY_S = 120
AGAIN_S = 60.0
"""Flow must come again; how soon is told by the failure, and measured rather than asserted."""
KILLED = ("processor", "notifier", "gateway", "bridge")
SEED = 7


class Demo:
    """A demo that runs beside the test."""

    def __init__(self, data: Path, arguments: list[str]) -> None:
        self.data = data
        command = [sys.executable, "-m", "services.cli", "demo", "--json", "--data", str(data), "--seed", str(SEED)]
        command += ["--people", str(PEOPLE), "--for", str(PLAY_S), "--speed", "20", *arguments]
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

    def report(self) -> dict[str, Any]:
        """What the demo says at its end."""
        out, _ = self.process.communicate(timeout=PLAY_S + 90)
        report: dict[str, Any] = json.loads(out)
        return report


@contextmanager
def demo(data: Path, arguments: list[str]) -> Iterator[Demo]:
    """A demo, ended with the test."""
    made = Demo(data, arguments)
    try:
        yield made
    finally:
        if made.process.poll() is None:
            made.process.terminate()
            made.process.wait(15)


class Signs:
    """Watches the topics for signs that offers flow: decided, rung, held by both pages, connected."""

    def __init__(self, addresses: dict[str, Any]) -> None:
        kafka = KafkaAddress(addresses["broker"], addresses["topic_prefix"], addresses["embedded"])
        letters = Letters(producer(kafka), kafka, SystemClock(Settings()))
        self._rows = RowReader(kafka, INVITATIONS, Invitation.model_validate_json, letters)
        self._receipts: RowReader[ReceiptGiven] = RowReader(kafka, RECEIPTS, partial(read_event, "receipts"), letters)
        self._decided: dict[str, float] = {}
        self._connected: set[str] = set()
        self._held: dict[str, set[str]] = defaultdict(set)

    def flow_after(self, wall: float, what: str) -> bool:
        """Whether `what` flows after this wall time: offers decided since and held by both pages, or calls."""
        for row in self._rows.poll(100):
            self._decided[row.invitation] = row.decided_wall.timestamp()
            if row.connected_wall and row.connected_wall.timestamp() > wall:
                self._connected.add(row.invitation)
        for receipt in self._receipts.poll(100):
            if receipt.result == "held":
                self._held[receipt.invitation].add(receipt.person)
        new = [key for key, people in self._held.items() if len(people) == 2 and self._decided.get(key, 0.0) > wall]
        return bool(self._connected if what == "calls" else new)

    def forget_calls(self) -> None:
        """From now on only new calls count."""
        self._connected.clear()


def _wipe(addresses: dict[str, Any]) -> None:
    client = redis.Redis.from_url(addresses["redis"])
    if addresses["embedded"]:
        client.flushall()
        return
    for key in client.scan_iter(match=addresses["redis_prefix"] + "*", count=1000):  # others may use this server
        client.delete(key)


@pytest.fixture(params=["embedded", "real"])
def arguments(request: pytest.FixtureRequest) -> list[str]:
    """What the demo is told of its parts."""
    if request.param == "embedded":
        return []
    parts = request.getfixturevalue("real_parts")
    return ["--broker", parts.kafka.bootstrap, "--redis", parts.redis.url]


@pytest.mark.timeout(PLAY_S + 200)
def test_killed_processes_and_a_wiped_redis_lose_nothing_and_offers_flow_again(
    arguments: list[str], tmp_path: Path
) -> None:
    deeds = [*KILLED, *KILLED, "wipe"]
    random.Random(SEED).shuffle(deeds)
    told: list[str] = []
    with demo(tmp_path / "demo", arguments) as played:
        addresses = played.wait_for_town()
        signs = Signs(addresses)
        eventually(partial(signs.flow_after, 0.0, "calls"), what="the town is alive")
        for deed in deeds:
            hit_at = time.time()
            signs.forget_calls()
            told.append(deed)
            if deed == "wipe":
                _wipe(addresses)
            else:
                played.kill(deed)
            flows = "calls" if deed == "bridge" else "offers"
            eventually(partial(signs.flow_after, hit_at, flows), AGAIN_S, what=f"{flows} flow after {told}")
            told.append(f"{flows} again after {time.time() - hit_at:.1f} s")
        report = played.report()
    told += played.errors
    shown = ("double_booked", "lost", "lost_of", "violations", "restarts", "connected")
    broken = {name: report[name] for name in shown}
    assert report["double_booked"] == 0, json.dumps([broken, told])
    assert report["lost"] == 0, json.dumps([broken, told])
    assert report["violations"] == [], json.dumps([broken, told])
    assert report["restarts"] == len(deeds) - 1, json.dumps([broken, told])
    assert report["connected"] > 0, json.dumps([broken, told])
