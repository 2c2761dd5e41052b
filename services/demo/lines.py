"""Talks with a process over its stdin and stdout, a line at a time, without ever waiting for ever.

Place in the flow: supervisor -> **lines** -> play: the embedded parts say their address, the checker answers reports,
the town tells how far it is.
"""

import contextlib
import json
import queue
import subprocess
import threading
from typing import Any

LINES_LIMIT = 1_000
"""Lines that nobody has read yet; a process that says more waits."""


class Lines:
    """The lines of one process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._heard: queue.Queue[str] = queue.Queue(LINES_LIMIT)
        threading.Thread(target=self._listen, daemon=True).start()

    def ask(self, line: str) -> None:
        """Write a line; a process that is gone hears nothing."""
        with contextlib.suppress(OSError, ValueError):
            assert self._process.stdin is not None
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def heard(self, timeout_s: float = 0.0) -> dict[str, Any] | None:
        """The next line that is a JSON object, or None if none came in time."""
        with contextlib.suppress(queue.Empty):
            line = self._heard.get(timeout=timeout_s) if timeout_s else self._heard.get_nowait()
            with contextlib.suppress(ValueError):
                found = json.loads(line)
                return found if isinstance(found, dict) else None
        return None

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            for line in self._process.stdout:
                self._heard.put(line)
