"""Runs one module as a process that never outlives the demo, not even when the demo is killed with -9.

Place in the flow: supervisor -> **child** -> the process. Run as `python -m services.demo.child PARENT_PID MODULE ...`.
"""

import os
import runpy
import signal
import sys
import threading
import time

from services.embedded.lifeline import end_with_parent

LOOK_EVERY_S = 0.5


def main() -> None:
    """Tie this process to its parent and become the module."""
    parent, module, *arguments = sys.argv[1:]
    end_with_parent()
    if os.getppid() != int(parent):
        sys.exit(1)  # the demo died before this process was tied to it
    if sys.platform != "linux":
        threading.Thread(target=_watch, args=(int(parent),), daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY_S)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
