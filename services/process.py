"""What every process of ours does alike: stops when asked, logs to stderr, does something every few seconds."""

import asyncio
import logging
import signal
import sys
import threading
from collections.abc import Iterable

from services.settings import Settings

BROKER_WAIT_S = 3600.0
"""How long a process waits for a broker that is away when it starts."""
REDIS_TIMEOUT_S = 2.0
AWAY_PAUSE_S = 0.5
"""After a part went away, before everything begins again from the rows."""
CANCEL_AGAIN_S = 0.2


class Stop:
    """Whether this process was asked to stop, by SIGTERM or SIGINT."""

    def __init__(self) -> None:
        self._event = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def _ask(self, *_: object) -> None:
        if self._event.is_set():  # asked twice: something hangs, as when the broker is away
            sys.exit(1)
        self._event.set()

    @property
    def asked(self) -> bool:
        """True from the signal on."""
        return self._event.is_set()

    def wait(self, seconds: float) -> None:
        """Wait, but not past the signal."""
        self._event.wait(seconds)


async def end(tasks: Iterable["asyncio.Task[None]"]) -> None:
    """Cancel until all have ended: up to Python 3.11 `asyncio.wait_for`, which redis-py sends through, may lose one."""
    going = {*tasks}
    while going:
        for task in going:
            task.cancel()
        _, going = await asyncio.wait(going, timeout=CANCEL_AGAIN_S)


class Every:
    """Tells when it is time again."""

    def __init__(self, seconds: float, at_once: bool = False) -> None:
        self._seconds = seconds
        self._next_s: float | None = 0.0 if at_once else None

    def due(self, now_s: float) -> bool:
        """Whether `seconds` have passed since the last time this was true."""
        if self._next_s is None:
            self._next_s = now_s + self._seconds
        if now_s < self._next_s:
            return False
        self._next_s = now_s + self._seconds
        return True


def log_to_stderr(settings: Settings) -> None:
    """Event names and ids on stderr; the Kafka client's own chatter only when it is an error."""
    logging.basicConfig(
        stream=sys.stderr, level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("kafka").setLevel(logging.ERROR)
