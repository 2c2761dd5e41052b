"""How an embedded part lives and ends: started as a process that prints its address, gone when its parent is gone.

`started` is the parent's side, `Lifeline` the part's own.
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

READY_TIMEOUT_S = 15.0
END_TIMEOUT_S = 2.0
LOOK_EVERY_S = 0.2  # well inside the second in which a part must be gone


class PartFailed(RuntimeError):
    """An embedded part did not start."""


class Lifeline:
    """Knows when this part has to end: on SIGTERM or Ctrl-C, or when the process that started it has died."""

    def __init__(self, parent_pid: int | None = None) -> None:
        self._parent_pid = parent_pid or os.getppid()
        self._told = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._told.set())

    def holds(self) -> bool:
        """Wait a moment; False once the part has to end."""
        told = self._told.wait(LOOK_EVERY_S)
        return not told and os.getppid() == self._parent_pid


def end_with_parent() -> None:
    """For `preexec_fn`: the kernel ends this child should its parent be killed; outside Linux it does nothing."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def announce(**address: str) -> None:
    """Print the part's address as the one line that its parent waits for."""
    print(json.dumps(address), flush=True)


@contextmanager
def started(module: str, *arguments: str) -> Iterator[dict[str, str]]:
    """Run a part as a process of its own, yield the address that it announced, and end it."""
    command = [sys.executable, "-m", module, "--parent", str(os.getpid()), *arguments]
    part = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    try:
        yield _announced(part, module)
    finally:
        _end(part)


def _announced(part: "subprocess.Popen[str]", module: str) -> dict[str, str]:
    assert part.stdout is not None
    readable, _, _ = select.select([part.stdout], [], [], READY_TIMEOUT_S)
    line = part.stdout.readline() if readable else ""
    if not line:
        raise PartFailed(f"{module} did not announce its address within {READY_TIMEOUT_S:g} s")
    address: dict[str, str] = json.loads(line)
    return address


def _end(part: "subprocess.Popen[str]") -> None:
    part.terminate()
    try:
        part.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        part.kill()
        part.wait()
    if part.stdout is not None:
        part.stdout.close()
