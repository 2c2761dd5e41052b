"""The demo as a command: it plays, tells, and never leaves anything behind, however it ends."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from services import cli
from services.demo.options import SECONDS_LIMIT, add_arguments, eight_in_the_morning, options
from services.demo.screen import summary
from tests.thorough import IN_CI

READY_LIMIT_S = 100.0
END_LIMIT_S = 60.0
PAUSE_S = 0.05
PEOPLE, PLAY_S = (200, 60) if IN_CI else (100, 40)
OPENED_LEAST, CONNECTED_LEAST = 0.9 * PEOPLE, 0.2 * PEOPLE
PARTS = {"broker", "redis"}
PROCESSES = {
    "broker", "redis", "processor", "notifier", "gateway", "bridge", "archivist", "dashboard", "checker", "town",
}  # fmt: skip
PROMISED_KEYS = {
    "ready_s", "opened", "offered", "rung", "accepted_both", "connected", "both_would_talk_again", "expired",
    "declined", "double_booked", "lost", "dead_letters", "offer_delivery_ms", "intake_ms", "peak_pss_mb", "processes",
    "town",
}  # fmt: skip


class Played:
    """A demo that runs in a process of its own."""

    def __init__(self, data: Path, *arguments: str) -> None:
        self.data = data
        command = [sys.executable, "-m", "services.cli", "demo", "--data", str(data), "--json", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def pids(self) -> dict[str, int]:
        try:
            found: dict[str, int] = json.loads((self.data / "pids.json").read_text())
        except OSError:
            return {}
        return found

    def until(self, done: Callable[[], bool], limit_s: float = READY_LIMIT_S) -> None:
        deadline_s = time.monotonic() + limit_s
        while not done():
            assert time.monotonic() < deadline_s
            time.sleep(PAUSE_S)

    def until_the_town_lives(self) -> list[psutil.Process]:
        """Wait; all processes of the demo, itself left out."""
        self.until(lambda: "town" in self.pids() or self.process.poll() is not None)
        assert set(self.pids()) == PROCESSES
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=END_LIMIT_S)


@pytest.fixture
def played(tmp_path: Path) -> Iterator[Callable[..., Played]]:
    demos: list[Played] = []

    def start(*arguments: str) -> Played:
        demos.append(Played(tmp_path / "data", *arguments))
        return demos[-1]

    yield start
    for demo in demos:
        demo.end()


def gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.timeout(READY_LIMIT_S + PLAY_S + END_LIMIT_S + 30)
def test_a_town_of_any_seed_is_paired_and_nothing_is_lost(
    demo_arguments: list[str], played: Callable[..., Played]
) -> None:
    seed = random.SystemRandom().randrange(2**31)
    demo = played("--people", str(PEOPLE), "--for", str(PLAY_S), "--speed", "20", "--seed", str(seed), *demo_arguments)
    out, err = demo.process.communicate(timeout=READY_LIMIT_S + PLAY_S + END_LIMIT_S)
    told = f"seed {seed}: {out} {err}"
    assert demo.process.returncode == 0, told
    result = json.loads(out)
    assert set(result) >= PROMISED_KEYS, told
    assert [result[name] for name in ("double_booked", "lost", "dead_letters", "violations")] == [0, 0, 0, []], told
    assert result["opened"] >= OPENED_LEAST, told
    assert result["connected"] >= CONNECTED_LEAST, told
    assert result["seed"] == seed, told
    assert result["town"]["did"]["opened"] == result["opened"], told
    assert result["peak_pss_mb"] > 0, told
    assert result["processes"] >= len(PROCESSES if not demo_arguments else PROCESSES - PARTS), told
    assert "Lost: 0." in summary(result), told


def test_ctrl_c_ends_every_process(played: Callable[..., Played]) -> None:
    demo = played("--people", "4", "--for", "600")
    children = demo.until_the_town_lives()
    demo.process.send_signal(signal.SIGINT)
    out, _ = demo.process.communicate(timeout=END_LIMIT_S)
    assert demo.process.returncode == 128 + signal.SIGINT
    assert out == ""
    assert [one for one in children if not gone(one)] == []


def test_no_process_outlives_a_demo_killed_with_9(played: Callable[..., Played]) -> None:
    demo = played("--people", "4", "--for", "600")
    children = demo.until_the_town_lives()
    demo.process.kill()
    demo.until(lambda: all(map(gone, children)))


def test_the_death_of_the_embedded_broker_ends_the_demo_loudly(played: Callable[..., Played]) -> None:
    demo = played("--people", "4", "--for", "600")
    children = demo.until_the_town_lives()
    os.kill(demo.pids()["broker"], signal.SIGKILL)
    out, err = demo.process.communicate(timeout=END_LIMIT_S)
    assert demo.process.returncode == 2
    assert out == ""
    assert "broker died (signal 9); without it the demo cannot go on" in err
    assert all(map(gone, children))


def test_a_broker_that_never_answers_is_waited_for_and_then_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("services.demo.play.BROKER_WAIT_S", 0.2)
    assert cli.main(["demo", "--broker", "127.0.0.1:1", "--data", str(tmp_path / "data")]) == 2
    said = capsys.readouterr()
    assert "waiting for Kafka at 127.0.0.1:1" in said.err
    assert "Kafka at 127.0.0.1:1 did not answer" in said.err
    assert said.out == ""


def test_for_zero_seconds_means_until_somebody_stops_it() -> None:
    parser = ArgumentParser()
    add_arguments(parser)
    assert options(parser.parse_args(["--for", "0"])).play_s == SECONDS_LIMIT
    assert options(parser.parse_args(["--for", "7"])).play_s == 7


@pytest.mark.parametrize(
    "arguments",
    [["--people", "1"], ["--for", "-1"], ["--speed", "0.5"], ["--seed", "x"], ["--port", "0"], ["--broker", "nowhere"],
     ["--redis", "127.0.0.1:6379"], ["--data", "."]],
)  # fmt: skip
def test_a_bad_argument_is_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    add_arguments(parser)
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(arguments)
    assert ended.value.code == 2
    assert f"argument {arguments[0]}" in capsys.readouterr().err


@pytest.mark.parametrize(("month", "utc_hour"), [(1, 8), (7, 7)])
def test_life_starts_at_eight_where_the_town_is(month: int, utc_hour: int) -> None:
    start = eight_in_the_morning(datetime(2026, month, 10, 23, 30, tzinfo=UTC))
    assert (start.hour, start.minute) == (utc_hour, 0)
