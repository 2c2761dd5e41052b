"""The one thread that touches the history: writes what was read, and between two batches erases and merges.

Place in the flow: app -> **writer** -> files. Reading does not wait for it as long as memory lasts: the embedded broker
keeps only the newest 5 MB of a partition, so a reader that waits loses rows.
"""

import logging
import queue
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from services.archivist.erased import Book
from services.archivist.erasure import Erasures
from services.archivist.files import Place, Span, tidy
from services.archivist.merging import merge_one
from services.archivist.rows import row, write

log = logging.getLogger(__name__)

AGAIN_S = 5.0
"""After the disk refused a write, before it is tried again."""
LOOK_EVERY_S = 0.2

Batch = Mapping[Place, Sequence[Any]]
"""Kafka's records of each place, in the order of their offsets."""


class Writer:
    """Writes batches in the order in which they come, one at a time."""

    def __init__(self, folder: Path, secret: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        tidy(folder)
        self._folder = folder
        self._book = Book(folder, secret)
        self._erasures = Erasures(folder, self._book)
        self._batches: queue.Queue[Batch] = queue.Queue(maxsize=1)
        self._ending = threading.Event()
        self._upkeep = True
        self.failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def take(self, batch: Batch, *, wait_s: float = 0.0) -> bool:
        """Hand over a batch; False if the writer did not take it within `wait_s`. Raises what has ended the writer."""
        if self.failed is not None:
            raise self.failed
        try:
            self._batches.put(batch, block=wait_s > 0, timeout=wait_s or None)
        except queue.Full:
            return False
        return True

    @property
    def idle(self) -> bool:
        """Whether all that was handed over is written, and nothing is left to erase or merge."""
        return not self._upkeep and self._batches.unfinished_tasks == 0

    def close(self, limit_s: float) -> bool:
        """Write what was handed over and end; whether that was done within `limit_s`."""
        self._ending.set()
        self._thread.join(limit_s)
        return not self._thread.is_alive() and self.failed is None

    def _run(self) -> None:
        try:
            while not (self._ending.is_set() and self._batches.empty()):
                self._turn()
        except BaseException as error:  # told to whoever hands over the next batch
            log.exception("the writer has ended")
            self.failed = error

    def _turn(self) -> None:
        try:
            batch = self._batches.get(timeout=LOOK_EVERY_S if not self._upkeep else 0.001)
        except queue.Empty:
            if not self._ending.is_set():
                self._keep_up()
            return
        for place, records in batch.items():
            self._write(place, records)
        self._upkeep = True
        self._batches.task_done()

    def _write(self, place: Place, records: Sequence[Any]) -> None:
        span = Span(*place, records[0].offset, records[-1].offset)
        rows = [row(*place, one.offset, one.timestamp, one.key, one.value) for one in records]
        while True:
            try:
                clean = [self._book.clean(one) for one in rows]
                write(self._folder / span.name, clean)
                break
            except OSError as error:
                log.error("cannot write %s: %s; trying again", span.name, error.strerror)
                if self._ending.wait(AGAIN_S):
                    raise
        self._erasures.saw(clean)

    def _keep_up(self) -> None:
        """One step of what is not urgent."""
        try:
            if self._erasures.pending:
                self._erasures.step()
            else:
                self._upkeep = merge_one(self._folder)
        except OSError as error:
            log.error("cannot rewrite the history: %s; trying again", error.strerror)
            self._ending.wait(AGAIN_S)
