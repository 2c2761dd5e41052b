"""The supervisor over small real processes: restarted when they die, ended with the demo, never left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from services.demo import supervisor as module
from services.demo.supervisor import Child, DemoFailed, Supervisor

DEADLINE_S = 20.0
PAUSE_S = 0.02
SLEEPER = "import signal, time\nwhile True: time.sleep(1)\n"
STUBBORN = "import signal, sys, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('{\"up\": 1}', flush=True)\n"
CRASHER = "import sys\nsys.exit('cannot go on')\n"
ECHO = "import json, sys\nfor line in sys.stdin: print(json.dumps({'heard': line.strip()}), flush=True)\n"


class World:
    """A supervisor whose children are small modules in a folder of this test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path]), "PYTHONUNBUFFERED": "1"}
        self.supervisor = Supervisor(folder / "data", environment, self.said.append)

    def start(self, name: str, code: str, *, essential: bool = False, once: bool = False, talks: bool = False) -> Child:
        (self.folder / f"child_{name}.py").write_text(code)
        child = Child(name, f"child_{name}", (), essential=essential, once=once)
        return self.supervisor.start(child, talks=talks)

    def pids(self) -> dict[str, int]:
        found: dict[str, int] = json.loads((self.folder / "data" / "pids.json").read_text())
        return found

    def until(self, done: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + DEADLINE_S
        while not done():
            assert time.monotonic() < deadline_s, self.said
            self.supervisor.look()
            time.sleep(PAUSE_S)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.supervisor.end()


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_killed_process_is_restarted_and_said_to_be(world: World) -> None:
    child = world.start("sleeper", SLEEPER)
    before = world.pids()["sleeper"]
    os.kill(before, signal.SIGKILL)
    world.until(lambda: child.pid not in (None, before))
    assert world.said == ["sleeper died (signal 9), restarted"]
    assert world.pids() == {"sleeper": child.pid}
    assert world.supervisor.restarts == 1


def test_a_process_that_dies_again_and_again_ends_the_demo_with_its_last_words(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BACKOFF_LIMIT_S", 0.01)
    world.start("crasher", CRASHER)
    with pytest.raises(DemoFailed, match=r"crasher died again .exit code 1.*\n.*cannot go on"):
        world.until(lambda: False)
    assert world.supervisor.restarts == module.RESTART_LIMIT


def test_the_death_of_an_essential_process_ends_the_demo(world: World) -> None:
    child = world.start("broker", SLEEPER, essential=True)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    with pytest.raises(DemoFailed, match=r"broker died .signal 9."):
        world.until(lambda: False)


def test_a_process_that_may_end_by_itself_is_not_restarted(world: World) -> None:
    child = world.start("crasher", CRASHER, once=True)
    assert child.process is not None
    world.until(lambda: child.pid is None)
    world.supervisor.look()
    assert world.supervisor.forget("crasher") == 1
    assert (world.said, world.pids()) == ([], {})


def test_one_that_does_not_hear_sigterm_is_ended_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TERM_S", 0.2)
    child = world.start("stubborn", STUBBORN + SLEEPER, talks=True)
    assert child.lines is not None
    assert child.lines.heard(DEADLINE_S) == {"up": 1}
    pid = child.pid
    assert pid is not None
    world.supervisor.end()
    assert gone(pid)


def test_lines_go_both_ways(world: World) -> None:
    lines = world.start("echo", ECHO, talks=True).lines
    assert lines is not None
    lines.ask("report")
    assert lines.heard(DEADLINE_S) == {"heard": "report"}
    assert lines.heard() is None


def test_no_process_outlives_a_demo_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "child_sleeper.py").write_text(SLEEPER)
    parent = (
        "import os, sys, time\nfrom pathlib import Path\nfrom services.demo.supervisor import Child, Supervisor\n"
        f"supervisor = Supervisor(Path({str(tmp_path)!r}), os.environ, print)\n"
        "child = supervisor.start(Child('sleeper', 'child_sleeper', ()))\n"
        "print(child.pid, flush=True)\ntime.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, env=environment) as demo:
        assert demo.stdout is not None
        pid = int(demo.stdout.readline())
        demo.kill()
    deadline_s = time.monotonic() + DEADLINE_S
    while not gone(pid):
        assert time.monotonic() < deadline_s
        time.sleep(PAUSE_S)
