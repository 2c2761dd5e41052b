"""A small Partyline for tests: real processes on given parts, and a hand on both ends of the pipeline."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import redis
from kafka import KafkaProducer

from matcher.availability import Waiting
from matcher.events import (
    AvailabilityClosed,
    AvailabilityOpened,
    Event,
    InvitationAnswered,
    LegHeard,
    LegHungUp,
    PersonRegistered,
)
from matcher.invitation import Invitation
from matcher.person import Profile
from matcher.values import derived_id
from services.adapters.kafka import producer
from services.adapters.outbox import BlockingOutbox
from services.adapters.reading import Letters, RowReader
from services.clock import SystemClock
from services.settings import Settings
from services.topics import INVITATIONS

DEADLINE_S = 60.0
PAUSE_S = 0.05
STOPS_WITHIN_S = 30
PROCESSES = ("processor", "notifier", "bridge")


def eventually(true: Callable[[], Any], deadline_s: float = DEADLINE_S, what: str = "it") -> Any:
    """The first true value; an AssertionError that says `what` did not come true if none comes in time."""
    end_s = time.monotonic() + deadline_s
    while True:
        value = true()
        if value:
            return value
        assert time.monotonic() < end_s, f"{what}: not within {deadline_s} s"
        time.sleep(PAUSE_S)


def profile(**change: Any) -> Profile:
    """Somebody ordinary."""
    usual: dict[str, Any] = {
        "first_name": "Ann", "adult": True, "area": "SE", "cell": "51.5,-0.1", "languages": ("en",),
        "age_band": "35-49", "likes": ("books",),
    }  # fmt: skip
    return Profile(**{**usual, **change})


@dataclass
class World:
    """Processes under test and what was seen of the invitations so far."""

    settings: Settings
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    seen: dict[str, Invitation] = field(default_factory=dict)
    people: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = SystemClock(self.settings)
        self.redis = redis.Redis.from_url(self.settings.redis)
        self.producer: KafkaProducer = producer(self.settings.kafka)
        self.outbox = BlockingOutbox(self.producer, self.settings.topic_prefix)
        letters = Letters(self.producer, self.settings.kafka, self.clock)
        self._rows = RowReader(self.settings.kafka, INVITATIONS, Invitation.model_validate_json, letters)

    def start(self, name: str) -> None:
        """Start one process."""
        environment = {**os.environ, **self.settings.environment()}
        command = [sys.executable, "-m", "services.cli", "run", name]
        self.processes[name] = subprocess.Popen(command, env=environment)

    def wait_ready(self, *names: str) -> None:
        """Wait until the running processes of these names say that they are ready."""
        for name in names:
            key = f"{self.settings.redis_prefix}ready:{name}"
            eventually(lambda key=key, name=name: self.redis.get(key) == str(self.processes[name].pid).encode())

    def kill(self, name: str) -> None:
        """kill -9."""
        self.processes[name].kill()
        self.processes[name].wait()

    def close(self) -> None:
        """End everything."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(STOPS_WITHIN_S)
        self._rows.close()
        self.producer.close(timeout=1)

    def say(self, topic: str, key: str, event: Event) -> None:
        """Send an event as a process of ours would."""
        self.outbox.say(topic, key, event)

    def register(self, person: str, **change: Any) -> None:
        """Somebody comes in."""
        event = PersonRegistered(
            id=f"reg-{person}", at=self.clock.wall(), person=person, phone="+447700900000", profile=profile(**change)
        )
        self.say("person-events", person, event)

    def open(self, person: str, availability: str, minutes: float = 30, **change: Any) -> None:
        """Somebody is free for some minutes of domain time."""
        now = self.clock.now()
        event = AvailabilityOpened(
            id=f"open-{availability}", at=self.clock.wall(), person=person, availability=availability, opened_at=now,
            until=now + timedelta(minutes=minutes), **change,
        )  # fmt: skip
        self.say("person-events", person, event)

    def arrive(self, count: int) -> list[str]:
        """So many new people come in and are free."""
        new = [f"p-{uuid4().hex}" for _ in range(count)]
        for person in new:
            self.register(person)
            self.open(person, f"av-{person}")
        self.people += new
        return new

    def is_gone(self, person: str) -> bool:
        """Whether this person's window is over."""
        self.look()
        if any(row.called for row in self.seen.values() if person in row.people):
            return True
        row = self.redis.hget(f"{self.settings.redis_prefix}waiting:{person}", "row")
        return row is not None and Waiting.model_validate_json(row).end is not None

    def leave(self, person: str) -> None:
        """Somebody is no longer free."""
        at = self.clock.wall()
        event = AvailabilityClosed(id=derived_id("left", person, at.isoformat()), at=at, person=person)
        self.say("person-events", person, event)

    def answer(self, row: Invitation, person: str, answer: str) -> None:
        """One of the two answers."""
        event = InvitationAnswered(
            id=derived_id("answer", row.invitation, person, answer), at=self.clock.wall(), market=row.market,
            invitation=row, person=person, answer=answer,
        )  # fmt: skip
        self.say("pool", row.market, event)

    def hear(self, row: Invitation, person: str, connected: bool = True) -> None:
        """One side's page says that it hears the other."""
        at = self.clock.wall()
        event = LegHeard(id=derived_id("heard", row.invitation, person, at.isoformat()), at=at, invitation=row,
                         person=person, connected=connected)  # fmt: skip
        self.say("calls", row.invitation, event)

    def hang_up(self, row: Invitation, person: str) -> None:
        """One side hangs up."""
        event = LegHungUp(
            id=derived_id("hung", row.invitation, person), at=self.clock.wall(), invitation=row, person=person
        )
        self.say("calls", row.invitation, event)

    def look(self) -> None:
        """Take in what has come to the invitations."""
        for row in self._rows.poll(100):
            if row.invitation not in self.seen or self.seen[row.invitation].offset <= row.offset:
                self.seen[row.invitation] = row

    def wait_for(self, wanted: Callable[[Invitation], bool]) -> Invitation:
        """The first invitation, as it stands, that is wanted."""

        def found() -> Invitation | None:
            self.look()
            return next((row for row in self.seen.values() if wanted(row)), None)

        row: Invitation = eventually(found)
        return row

    def send_raw(self, topic: str, key: bytes, value: bytes) -> None:
        """Bytes that no process of ours would send."""
        self.producer.send(self.settings.topic_prefix + topic, key=key, value=value).get(timeout=10)


@contextmanager
def world(settings: Settings, names: tuple[str, ...] = PROCESSES) -> Iterator[World]:
    """Processes of these names on `settings`, ready."""
    made = World(settings)
    try:
        for name in names:
            made.start(name)
        made.wait_ready(*names)
        yield made
    finally:
        made.close()


def settings_for(parts: Any, data: Path, **change: Any) -> Settings:
    """Settings for processes on a test's parts."""
    return Settings(
        broker=parts.kafka.bootstrap, embedded=parts.kafka.embedded, topic_prefix=parts.kafka.prefix,
        redis=parts.redis.url, redis_prefix=parts.redis.prefix, data=data, demo=True, log_level="WARNING", **change,
    )  # fmt: skip
