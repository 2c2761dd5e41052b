"""The archivist as a process: whatever happens to it, the history holds every message once, as it came."""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaAdminClient, TopicPartition

from matcher.errors import BadRequest
from matcher.events import PersonErased
from services.adapters.kafka import consumer
from services.archivist.app import AnotherKafka, Reading, alone_in, run
from services.archivist.erased import BOOK
from services.archivist.files import HISTORY, Span, all_spans
from services.archivist.rows import row, write
from services.report.figures import Time, figures
from services.settings import Settings
from services.topics import OUTCOMES
from tests.archive import archived, ends, everything_in, has_come_to, messages, on_kafka, stream
from tests.conftest import Parts
from tests.world import World, eventually, settings_for, world

SEED = 20261125
KILLS = 4
FLUSH_MS = 100


@pytest.fixture
def archivist(parts: Parts, tmp_path: Path) -> Iterator[Callable[[], World]]:
    """Starts an archivist that flushes often; its history is in `tmp_path`."""
    with ExitStack() as stack:
        settings = settings_for(parts, tmp_path, archive_flush_ms=FLUSH_MS, secret="for tests")
        yield lambda: stack.enter_context(world(settings, ("archivist",)))


@pytest.mark.timeout(300)
def test_killed_again_and_again_in_a_living_stream_it_loses_and_doubles_no_row(
    parts: Parts, archivist: Callable[[], World], tmp_path: Path
) -> None:
    dice = random.Random(SEED)
    history = tmp_path / HISTORY
    with stream(parts.kafka, SEED) as living:
        running = archivist()
        for _ in range(KILLS):
            more = living.sent + dice.randrange(1, 700)
            eventually(lambda more=more: living.sent >= more)
            running.kill("archivist")
            running.start("archivist")
            running.wait_ready("archivist")
    said = on_kafka(parts.kafka)
    eventually(lambda: has_come_to(history, ends(said)))
    running.processes["archivist"].terminate()
    assert running.processes["archivist"].wait(20) == 0
    assert messages(archived(history)) == said
    assert len(said) == living.sent
    assert list(history.glob("*.unfinished")) == []


@pytest.mark.timeout(300)
def test_an_erasure_outlives_kills_and_nothing_of_the_person_is_left(
    parts: Parts, archivist: Callable[[], World], tmp_path: Path
) -> None:
    history = tmp_path / HISTORY
    planted = f"p-{uuid4().hex}"
    running = archivist()
    running.register(planted, first_name="Zebulonia")
    running.open(planted, f"av-{planted}")
    for number in range(400):
        key = planted if number % 7 == 0 else f"p-{number}"
        running.send_raw("receipts", key.encode(), b'{"person":"%s"}' % key.encode())
    said = on_kafka(parts.kafka)
    eventually(lambda: has_come_to(history, ends(said)))
    assert planted in everything_in(history)
    erased = PersonErased(id="erased", at=running.clock.wall(), person=planted)
    running.say("person-events", planted, erased)
    for _ in range(3):
        eventually(lambda: (history / BOOK).exists())
        running.kill("archivist")
        running.start("archivist")
    running.wait_ready("archivist")
    running.send_raw("receipts", planted.encode(), b'{"late":"%s"}' % planted.encode())
    said = on_kafka(parts.kafka)
    eventually(lambda: has_come_to(history, ends(said)))
    eventually(lambda: not any(word in everything_in(history) for word in (planted, "Zebulonia", "07700900000")))
    running.processes["archivist"].terminate()
    assert running.processes["archivist"].wait(20) == 0
    assert set(messages(archived(history))) == set(said)


def test_what_was_said_just_before_the_end_is_in_the_history(parts: Parts, tmp_path: Path) -> None:
    settings = settings_for(parts, tmp_path, archive_flush_ms=600_000)
    with world(settings, ("archivist",)) as running:
        for number in range(50):
            running.send_raw("outcomes", b"key", b'{"n":%d}' % number)
        running.processes["archivist"].terminate()
        assert running.processes["archivist"].wait(20) == 0
    assert messages(archived(tmp_path / HISTORY)) == on_kafka(parts.kafka)


def test_rows_that_kafka_forgot_are_told_and_counted(
    parts: Parts, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    history = tmp_path / HISTORY
    settings = settings_for(parts, tmp_path, archive_flush_ms=FLUSH_MS)
    with world(settings, ("archivist",)) as running:
        running.send_raw("outcomes", b"key", b'{"n":0}')
        eventually(lambda: all_spans(history))
        running.processes["archivist"].terminate()
        running.processes["archivist"].wait(20)
        partition = all_spans(history)[0].partition
        first = forget_the_oldest(parts, running, partition)
        reading = Reading(parts.kafka, history)
        with closing(reading.open()) as source:
            eventually(lambda: reading.poll(source) or reading.held_bytes)
        assert f"LOST: {first - 1} rows of outcomes/{partition} between 1 and " in caplog.text
        running.start("archivist")
        eventually(lambda: len(all_spans(history)) > 1)
    assert figures(history, Time())["history"]["rows_lost"] == first - 1


def forget_the_oldest(parts: Parts, running: World, partition: int) -> int:
    """Let Kafka forget what stood first in a partition of `outcomes`; the offset that it begins with now."""
    place = TopicPartition(parts.kafka.topic(OUTCOMES), partition)
    for number in range(90):
        value = b'{"n":%d,"long":"%s"}' % (number, b"x" * 100_000)
        running.producer.send(place.topic, key=b"key", value=value, partition=partition).get(timeout=10)
    if not parts.kafka.embedded:  # the embedded one keeps 5 MB
        with closing(KafkaAdminClient(**parts.kafka.client_options())) as admin:
            admin.delete_records({place: 40})
    with closing(consumer(parts.kafka)) as source:
        first: int = source.beginning_offsets([place])[place]
    assert first > 1
    return first


def test_a_second_archivist_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with alone_in(tmp_path), pytest.raises(BadRequest, match="another archivist"), alone_in(tmp_path):
        pass


def test_a_history_of_another_kafka_is_not_gone_on_with(parts: Parts, tmp_path: Path) -> None:
    write(tmp_path / Span("pool", 0, 0, 7).name, [row("pool", 0, n, n, None, b"{}") for n in range(8)])
    with pytest.raises(AnotherKafka, match="pool/0 up to 7, Kafka only up to -1"):
        Reading(parts.kafka, tmp_path).open()


def test_outside_a_demo_it_wants_a_secret(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="PARTYLINE_SECRET"):
        run(Settings(data=tmp_path))
