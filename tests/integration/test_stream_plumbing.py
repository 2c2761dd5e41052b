"""A real worker on the embedded broker, killed with -9: what it believes afterwards is what the changelog says.

Run as a program, this file is that worker: one agent that writes a row for each event of its source topic.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer, TopicPartition

from services.adapters import kafka as connections
from services.stream.factory import after_recovery, build_app, raw_topic, row_table, settled, start_worker
from services.stream.store import newer
from services.topics import PARTITIONS, KafkaAddress

REPOSITORY = Path(__file__).resolve().parents[2]
PATIENCE_S = 40
FETCH_WAIT_MS = 20
PARTITION = 1
REFUSED = "refused"


def serve(kafka: KafkaAddress, datadir: Path) -> None:
    """Be the worker: print the recovered rows once, then write `{"offset", "said"}` for each event."""
    app = build_app("plumbing", kafka, datadir, FETCH_WAIT_MS)
    source, rows = raw_topic(app, kafka.prefix + "source"), row_table(app, kafka.prefix + "rows")

    async def report() -> None:
        recovered = {key.decode(): json.loads(row) for key, row in rows.items()}
        sys.stdout.write(json.dumps(recovered) + "\n")
        sys.stdout.flush()

    @app.agent(source, name="plumbing")
    async def plumb(stream: Any) -> None:
        async for event in settled(stream):
            if event.value == REFUSED.encode() and not (datadir / "mended").exists():
                raise ValueError("this event cannot be handled yet")
            row = {"offset": event.message.offset, "said": event.value.decode()}
            await rows.write({event.key: json.dumps(row).encode()})

    after_recovery(app, rows, report)
    start_worker(app, loglevel="CRITICAL")


@dataclass
class Worker:
    """The program above as a process that a test starts, kills and reads from."""

    kafka: KafkaAddress
    datadir: Path
    process: subprocess.Popen[str] | None = field(default=None, init=False)

    def start(self) -> dict[str, Any]:
        """Start it and return the rows that it recovered."""
        command = [sys.executable, __file__, self.kafka.bootstrap, self.kafka.prefix, str(self.datadir)]
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def address(one_embedded_broker: KafkaAddress, request: pytest.FixtureRequest) -> KafkaAddress:
    return replace(one_embedded_broker, prefix=f"plumbing-{time.time_ns()}-")


@pytest.fixture
def worker(address: KafkaAddress, tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(address, tmp_path / "rows")
    yield worker
    worker.end(signal.SIGKILL)


@pytest.fixture
def say(address: KafkaAddress) -> Iterator[Callable[[str, str, bytes | None], None]]:
    """Append a record to a topic in the one partition that these tests use."""
    producer: KafkaProducer = connections.producer(address)
    for topic in ("source", "rows"):
        producer.partitions_for(address.prefix + topic)  # the embedded broker makes a topic when first asked for it

    def send(topic: str, key: str, value: bytes | None) -> None:
        producer.send(address.prefix + topic, key=key.encode(), value=value, partition=PARTITION).get(PATIENCE_S)

    yield send
    producer.close(timeout=1)


def rows_until(address: KafkaAddress, key: str, said: str) -> dict[str, bytes]:
    """Read the changelog as any other process does, up to the row of `key` that says `said`."""
    found: dict[str, bytes] = {}
    consumer = connections.consumer(address, consumer_timeout_ms=PATIENCE_S * 1000)
    consumer.assign([TopicPartition(address.prefix + "rows", number) for number in range(PARTITIONS)])
    for record in consumer:
        assert record.partition == PARTITION, "a row lies in its event's partition"
        if newer(record.value, found.get(record.key.decode())):
            found[record.key.decode()] = record.value
        if record.key.decode() == key and said.encode() in record.value:
            break
    else:
        raise AssertionError(f"no row of {key} says {said}: {found}")
    consumer.close()
    return found


@pytest.mark.integration
@pytest.mark.parametrize("files_are_lost", [False, True], ids=["files kept", "files lost"])
def test_after_a_kill_the_row_with_the_highest_offset_is_recovered(
    address: KafkaAddress, worker: Worker, say: Callable[..., None], files_are_lost: bool
) -> None:
    assert worker.start() == {}
    for key in ("ann", "bob", "cy"):
        say("source", key, b"first")
    say("source", "ann", b"second")
    published = rows_until(address, "ann", "second")
    worker.end(signal.SIGKILL)

    say("rows", "ann", b'{"offset": 0, "said": "late, from a worker that lost its partition"}')
    say("rows", "bob", b'{"offset": 99, "said": "from the worker that took over"}')
    say("rows", "cy", None)
    say("rows", "dot", b"no row at all")
    if files_are_lost:
        shutil.rmtree(worker.datadir)

    recovered = worker.start()
    assert recovered == {
        "ann": json.loads(published["ann"]),
        "bob": {"offset": 99, "said": "from the worker that took over"},
    }
    assert recovered["ann"] == {"offset": 3, "said": "second"}


@pytest.mark.integration
def test_an_event_whose_handler_raised_ends_the_worker_and_comes_again(
    address: KafkaAddress, worker: Worker, say: Callable[..., None]
) -> None:
    worker.start()
    say("source", "ann", REFUSED.encode())
    say("source", "bob", b"waits behind it")
    assert worker.process is not None
    assert worker.process.wait(PATIENCE_S) != 0

    (worker.datadir / "mended").touch()
    assert worker.start() == {}
    assert set(rows_until(address, "bob", "waits")) == {"ann", "bob"}
    assert worker.end(signal.SIGTERM) == 0


if __name__ == "__main__":
    serve(KafkaAddress(sys.argv[1], sys.argv[2], embedded=True), Path(sys.argv[3]))
