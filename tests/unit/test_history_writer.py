"""The thread that writes the history: a disk that refuses costs time and no row, and reading does not wait for it."""

import threading
from pathlib import Path
from typing import Any

import pytest

from services.archivist import writer as module
from services.archivist.writer import Writer
from tests.archive import archived
from tests.unit.test_erasure import Told
from tests.world import eventually


def told(number: int) -> Any:
    made = Told()
    for _ in range(number):
        made.say("receipts", "key", b"{}")
    return made.batch()


def three_messages() -> list[list[Any]]:
    (records,) = told(3).values()
    return [[one] for one in records]


def test_a_disk_that_refuses_costs_time_and_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    refusals, write = [28, 28, 5], module.write

    def refused(*wanted: Any) -> None:
        if refusals:
            raise OSError(refusals.pop(), "the disk is full")
        write(*wanted)

    monkeypatch.setattr(module, "AGAIN_S", 0.01)
    monkeypatch.setattr(module, "write", refused)
    writer = Writer(tmp_path, "secret")
    assert writer.take(told(7), wait_s=5)
    eventually(lambda: writer.idle, 10)
    assert writer.close(10)
    assert len(archived(tmp_path)) == 7
    assert caplog.text.count("cannot write") == 3


def test_reading_does_not_wait_for_a_busy_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free, write = threading.Event(), module.write

    def slow(*wanted: Any) -> None:
        assert free.wait(20)
        write(*wanted)

    monkeypatch.setattr(module, "write", slow)
    writer = Writer(tmp_path, "secret")
    first, second, third = ({("calls", 0): one} for one in three_messages())
    assert writer.take(first, wait_s=5)
    eventually(lambda: writer.take(second), 10)
    assert not writer.take(third)
    free.set()
    assert writer.take(third, wait_s=10)
    assert writer.close(10)
    assert len(archived(tmp_path)) == 3


def test_what_ends_the_writer_is_told_to_whoever_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "write", lambda *_: [].pop())
    writer = Writer(tmp_path, "secret")
    writer.take(told(1), wait_s=5)
    eventually(lambda: writer.failed, 10)
    with pytest.raises(IndexError):
        writer.take(told(1))
    assert not writer.close(10)
