"""A dashboard for tests: the real process on given parts, an operator without a browser, and a hand on the topics."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import redis
from kafka import KafkaProducer

from matcher.values import Value, wire
from services.adapters.kafka import producer
from services.dashboard.board import merged
from services.demo.options import free_port
from services.settings import Settings
from services.topics import Topic
from tests.gateway_desk import Listener
from tests.world import eventually, settings_for

PASSWORD = "open sesame, please"
WAIT_S = 10.0


class Operator(httpx.Client):
    """Somebody with a cookie jar who sends forms as a browser would, from the dashboard's own origin."""

    def form(self, path: str, data: Mapping[str, str], **headers: str) -> httpx.Response:
        """Send a form; `headers` over those of a browser."""
        return self.post(path, data=data, headers={"Origin": str(self.base_url), "Accept": "text/html", **headers})

    def sign_in(self, password: str = PASSWORD) -> httpx.Response:
        """Sign in."""
        return self.form("/sign-in", {"password": password})

    def figures(self) -> dict[str, Any]:
        """The state as JSON."""
        found: dict[str, Any] = self.get("/figures").raise_for_status().json()
        return found


@dataclass
class DashboardDesk:
    """A dashboard that runs as a process of its own."""

    settings: Settings
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    operators: list[Operator] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.url = f"http://{self.settings.dashboard_host}:{self.settings.dashboard_port}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        command = [sys.executable, "-m", "services.cli", "run", "dashboard"]
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(command, env=os.environ | self.settings.environment(), stderr=out)
        eventually(self._listens, what="the dashboard listens")

    def operator(self) -> Operator:
        """Somebody who is not signed in."""
        self.operators.append(Operator(base_url=self.url, timeout=WAIT_S))
        return self.operators[-1]

    def signed_in(self) -> Operator:
        """Somebody who is."""
        operator = self.operator()
        assert operator.sign_in().status_code == 303
        return operator

    def producer(self) -> KafkaProducer:
        """A hand on the topics."""
        return producer(self.settings.kafka)

    def redis(self) -> "redis.Redis":
        """A hand on Redis."""
        return redis.Redis.from_url(self.settings.redis)

    def send(self, to: KafkaProducer, topic: Topic, key: str, value: Value | bytes | None) -> None:
        """Write a message and wait until Kafka has it."""
        encoded = wire(value) if isinstance(value, Value) else value
        to.send(self.settings.kafka.topic(topic), key=key.encode(), value=encoded).get(timeout=WAIT_S)

    def stop(self) -> None:
        """End it, and all who look at it."""
        for operator in self.operators:
            operator.close()
        if self.process is not None:
            self.process.terminate()
            self.process.wait(WAIT_S)

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return httpx.get(self.url + "/health").status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def dashboard(parts: Any, folder: Path, **change: Any) -> Iterator[DashboardDesk]:
    """A running dashboard on a test's parts."""
    settings = settings_for(parts, folder, dashboard_port=free_port(), dashboard_password=PASSWORD, **change)
    made = DashboardDesk(settings, folder / "dashboard.log")
    try:
        made.start()
        yield made
    finally:
        made.stop()


def agree(operator: Operator, changes: int = 3) -> Mapping[str, Any]:
    """Assert that the snapshot of a line and the changes after it make what a fresh look shows; returns that state."""
    line = Listener(operator)
    (kind, id_, state), *_ = line.wait_for(1)
    assert kind == "snapshot"
    seen = {id_: state}
    for _, id_, change in line.wait_for(1 + changes)[1:]:
        state = merged(state, change)
        seen[id_] = state
    fresh = eventually(lambda: (found := operator.figures())["id"] in seen and found, WAIT_S, "a look at the same time")
    assert {"id": fresh["id"], **seen[fresh["id"]]} == fresh
    return seen[fresh["id"]]
