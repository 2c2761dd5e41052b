"""The projector: every row that was written goes on to the live views in Redis.

Place in the flow: rows -> **projector** -> views, waits. It follows the tables inside the processor, so nothing is sent
twice over Kafka. A view can always be written again from the rows: when the processor starts, when Redis was wiped, and
when Redis was away for a while.
"""

import asyncio
import logging
from collections.abc import Callable

import redis
from pydantic import ValidationError

from matcher.availability import Waiting
from matcher.invitation import Invitation
from matcher.person import Person
from matcher.values import Row
from services.adapters.views import ViewWriter
from services.adapters.waits import WaitWriter
from services.stream.recovery import Stored

log = logging.getLogger(__name__)

QUEUE_LIMIT = 10_000
BATCH_LIMIT = 200
LOOK_EVERY_S = 1.0


def put(views: ViewWriter, row: Row) -> None:
    """Write one row into its view; rows without a view are passed over."""
    match row:
        case Person():
            views.put_person(row)
        case Waiting():
            views.put_waiting(row)
        case Invitation():
            views.put_invitation(row)


class Projector:
    """Writes rows to the views in the order in which they were written to the tables."""

    def __init__(self, views: ViewWriter, waits: WaitWriter) -> None:
        self._views = views
        self._waits = waits
        self._queue: asyncio.Queue[Row] = asyncio.Queue(QUEUE_LIMIT)
        self._stale = True

    def offer(self, row: Row) -> None:
        """Take a row that was written; never waits, since the tables can tell everything again."""
        try:
            self._queue.put_nowait(row)
        except asyncio.QueueFull:
            self._stale = True

    def project_all(self) -> None:
        """Write every row again at the next step."""
        self._stale = True

    async def run(self, stored: Callable[[], list[Stored]], ready: Callable[[], frozenset[int]]) -> None:
        """Follow for ever; `stored` are all rows of this worker, of the partitions that are `ready`."""
        while True:
            batch = await self._next()
            try:
                mine = ready()
                if mine and (self._stale or not await asyncio.to_thread(self._views.whole, mine)):
                    self._stale = False
                    await asyncio.to_thread(self._write_all, stored())
                    await asyncio.to_thread(self._views.set_whole, mine)
                await asyncio.to_thread(self._write, batch)
            except redis.RedisError as error:
                log.warning("Redis is away, the views wait: %s", type(error).__name__)
                self._stale = True
                await asyncio.sleep(LOOK_EVERY_S)

    async def _next(self) -> list[Row]:
        try:
            batch = [await asyncio.wait_for(self._queue.get(), LOOK_EVERY_S)]
        except TimeoutError:
            return []
        while len(batch) < BATCH_LIMIT and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        return batch

    def _write_all(self, stored: list[Stored]) -> None:
        for one in stored:
            try:
                self._write([one.row()])
            except ValidationError:
                continue  # the processor has dead-lettered it

    def _write(self, rows: list[Row]) -> None:
        for row in rows:
            put(self._views, row)
            self._waits.note(row)
