"""Keeps the demo's processes alive: starts them, restarts those that die, ends them all.

Place in the flow: play -> **supervisor** -> child. It has no thread of its own: whoever plays calls `look` often. Each
process writes to a log of its own; which one has which pid stands in `pids.json`, so that a test can kill it.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from matcher.errors import PartylineError
from services.demo.lines import Lines

BACKOFF_FIRST_S = 0.2
BACKOFF_LIMIT_S = 2.0
RESTART_LIMIT = 8
RESTART_WINDOW_S = 60.0
"""A process may be restarted `RESTART_LIMIT` times within this; one more ends the demo."""
TERM_S = 2.0
PARTS_TERM_S = 1.0
"""Time to end by itself, for the processes and then for the broker and Redis below them: together within 5 s."""
LOG_TAIL = 8


class DemoFailed(PartylineError):
    """The demo cannot go on."""

    code = "demo_failed"


@dataclass
class Child:
    """One process and how to start it again.

    `essential` ones hold state that a restart would lose; a `once` one may end by itself; the others stand on a `part`.
    """

    name: str
    module: str
    arguments: Sequence[str]
    essential: bool = False
    part: bool = False
    once: bool = False
    process: "subprocess.Popen[str] | None" = None
    lines: Lines | None = None
    restarts: deque[float] = field(default_factory=lambda: deque(maxlen=RESTART_LIMIT))
    start_again_s: float | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self.process.pid if self.process is not None and self.process.poll() is None else None


class Supervisor:
    """All processes of one demo."""

    def __init__(self, data: Path, environment: Mapping[str, str], say: Callable[[str], None]) -> None:
        self._data = data
        self._say = say
        self.environment = dict(environment)
        self.children: dict[str, Child] = {}
        self.restarts = 0
        (data / "logs").mkdir(parents=True, exist_ok=True)

    def start(self, child: Child, *, talks: bool = False) -> Child:
        """Start a process; with `talks` its lines on stdout can be read and its stdin written."""
        self.children[child.name] = child
        self._spawn(child, talks)
        return child

    def look(self) -> None:
        """Restart what has died. Raises DemoFailed if an essential process did, or one does so again and again."""
        for child in self.children.values():
            if child.once or child.process is None or child.process.poll() is None:
                continue
            if child.start_again_s is None:
                self._died(child, child.process.returncode)
            elif time.monotonic() >= child.start_again_s:
                child.start_again_s = None
                self.restarts += 1
                self._spawn(child, child.lines is not None)

    def forget(self, name: str) -> int | None:
        """No longer watch a process that has ended by itself, as it should; its exit code."""
        child = self.children.pop(name)
        self._write_pids()
        return child.process.poll() if child.process else None

    def end(self) -> None:
        """End everything, first the processes and then the parts that they stand on; nothing is left after 5 s."""
        children = list(self.children.values())
        _end([child for child in children if not child.part], TERM_S)
        _end([child for child in children if child.part], PARTS_TERM_S)

    def tail(self, name: str) -> str:
        """The last lines that a process wrote."""
        with contextlib.suppress(OSError):
            lines = self._log(name).read_text(errors="replace").splitlines()[-LOG_TAIL:]
            return "".join(f"\n    {line}" for line in lines)
        return ""

    def _died(self, child: Child, code: int) -> None:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        details = self.tail(child.name) if code > 0 else ""
        if child.essential:
            raise DemoFailed(f"{child.name} died ({how}); without it the demo cannot go on{details}")
        now_s = time.monotonic()
        if len(child.restarts) == RESTART_LIMIT and now_s - child.restarts[0] < RESTART_WINDOW_S:
            raise DemoFailed(f"{child.name} died again ({how}), {RESTART_LIMIT} restarts within a minute{details}")
        recent = sum(now_s - one < RESTART_WINDOW_S for one in child.restarts)
        child.start_again_s = now_s + min(BACKOFF_LIMIT_S, BACKOFF_FIRST_S * 2**recent)
        child.restarts.append(now_s)
        self._say(f"{child.name} died ({how}), restarted{details}")

    def _spawn(self, child: Child, talks: bool) -> None:
        command = [sys.executable, "-m", "services.demo.child", str(os.getpid()), child.module, *child.arguments]
        with self._log(child.name).open("ab") as log:
            child.process = subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else log,
                stderr=log,
                text=True,
                start_new_session=True,  # Ctrl-C reaches the demo alone, which ends its processes in order
            )
        child.lines = Lines(child.process) if talks else None
        self._write_pids()

    def _log(self, name: str) -> Path:
        return self._data / "logs" / f"{name}.log"

    def _write_pids(self) -> None:
        pids = {child.name: child.pid for child in self.children.values() if child.pid is not None}
        new = self._data / "pids.json.new"
        new.write_text(json.dumps(pids))
        new.replace(self._data / "pids.json")


def _end(children: Sequence[Child], patience_s: float) -> None:
    running = [child.process for child in children if child.process is not None]
    for process in running:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    deadline_s = time.monotonic() + patience_s
    for process in running:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline_s - time.monotonic()))
    for process in running:
        if process.poll() is None:
            process.kill()
            process.wait()
