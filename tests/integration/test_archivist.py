"""The archivist as a process: whatever happens to it, the history holds every message once, as it came."""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from services.archivist.files import HISTORY
from tests.archive import archived, ends, has_come_to, messages, on_kafka, stream
from tests.conftest import Parts
from tests.world import World, eventually, settings_for, world

SEED = 20261125
KILLS = 10
FLUSH_MS = 100


@pytest.fixture
def archivist(parts: Parts, tmp_path: Path) -> Iterator[Callable[[], World]]:
    """Starts an archivist that flushes often; its history is in `tmp_path`."""
    with ExitStack() as stack:
        settings = settings_for(parts, tmp_path, archive_flush_ms=FLUSH_MS, secret="for tests")
        yield lambda: stack.enter_context(world(settings, ("archivist",)))


@pytest.mark.timeout(240)
def test_killed_ten_times_in_a_living_stream_it_loses_and_doubles_no_row(
    parts: Parts, archivist: Callable[[], World], tmp_path: Path
) -> None:
    dice = random.Random(SEED)
    history = tmp_path / HISTORY
    with stream(parts.kafka, SEED) as living:
        running = archivist()
        for _ in range(KILLS):
            more = living.sent + dice.randrange(1, 1_000)
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
