"""The checker as a process: follows a broker from the start, reads the town's record, answers reports."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services import topics
from services.adapters import kafka as connections
from services.settings import Settings
from services.topics import PEOPLE, PERSON_EVENTS, WAITING, KafkaAddress, Topic

SEND_TIMEOUT_S = 10
END_TIMEOUT_S = 10
NOW = datetime.now(UTC).isoformat()


@pytest.fixture
def address(kafka: KafkaAddress) -> KafkaAddress:
    topics.create(kafka.bootstrap, kafka.prefix, kafka.embedded)
    return kafka


@pytest.fixture
def checker(address: KafkaAddress, tmp_path: Path) -> "Iterator[subprocess.Popen[str]]":
    settings = Settings(
        broker=address.bootstrap, embedded=address.embedded, topic_prefix=address.prefix, data=tmp_path
    )  # fmt: skip
    command = [sys.executable, "-m", "services.checker.app"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=settings.environment()
    ) as process:
        yield process
        process.kill()


def say(address: KafkaAddress, topic: Topic, **value: Any) -> int:
    with connections.producer(address) as producer:
        sent = producer.send(address.topic(topic), key=b"person-1", value=json.dumps(value).encode())
        return int(sent.get(timeout=SEND_TIMEOUT_S).offset)


def report(checker: "subprocess.Popen[str]") -> dict[str, Any]:
    assert checker.stdin is not None
    assert checker.stdout is not None
    checker.stdin.write("report\n")
    checker.stdin.flush()
    found: dict[str, Any] = json.loads(checker.stdout.readline())
    return found


def wait(address: KafkaAddress, availability: str, **row: Any) -> None:
    say(address, WAITING, person="person-1", availability=availability, also=[], features=None, **row)


def test_what_was_said_before_and_after_its_start_is_in_the_report(
    address: KafkaAddress, checker: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    event = {"type": "availability.opened.v1", "id": "e-1", "person": "person-1", "availability": "one", "at": NOW}
    say(address, PEOPLE, person="person-1", offset=say(address, PERSON_EVENTS, **event), recent=["e-1"])
    wait(address, "one", offset=0, end=None)
    assert (found := report(checker))["lost"] == 1, found
    wait(address, "one", offset=1, end="closed")
    assert (found := report(checker))["lost"] == 0, found
    assert found["opened"] == 1
    assert found["intake_ms"]["p50"] is not None


def test_what_the_town_was_promised_is_looked_for(checker: "subprocess.Popen[str]", tmp_path: Path) -> None:
    town = tmp_path / "town-availabilities.jsonl"
    town.write_text(json.dumps({"availability": "one", "posted_at": NOW}) + '\n{"availabi')
    found = report(checker)
    assert (found["opened"], found["lost"]) == (1, 1)
    with town.open("a") as more:
        more.write('lity": "two"}\n')
    assert report(checker)["opened"] == 2


def test_it_ends_when_its_stdin_closes(checker: "subprocess.Popen[str]") -> None:
    report(checker)
    assert checker.stdin is not None
    checker.stdin.close()
    assert checker.wait(END_TIMEOUT_S) == 0


def test_it_ends_when_told(checker: "subprocess.Popen[str]") -> None:
    report(checker)
    checker.terminate()
    assert checker.wait(END_TIMEOUT_S) == 0
