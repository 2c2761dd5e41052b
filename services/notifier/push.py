"""The push channel: rings telephones whose page is closed, on a thread of its own beside the notifier's loop.

Place in the flow: notifier -> **push** -> errands, pushing -> push service. The loop writes an errand down and goes on:
however slow a push service is, no live ring waits for it.
"""

import asyncio
import logging
import ssl
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import redis
import redis.asyncio

from matcher.events import ReceiptGiven
from matcher.invitation import Invitation
from services.notifier.errands import Errand, ErrandBook, Kind
from services.notifier.pushing import Pushing, Signer
from services.process import REDIS_TIMEOUT_S, end
from services.settings import Settings

TELL_END = timedelta(seconds=60)
"""For so long after an end it is worth telling whoever was rung."""
AT_ONCE_LIMIT = 2_000
LOOK_AGAIN_S = 5.0
"""How often errands are looked for that nobody works on, as after Redis was away."""
STARTS_WITHIN_S = 10.0
REDIS_CONNECTIONS, REDIS_TURN_S = 32, 10.0
"""Of many errands at once each waits its turn for one of these."""

log = logging.getLogger(__name__)

Key = tuple[str, str]


class PushChannel:
    """The port `matcher.ports.Channel` for whoever has no page open."""

    name = "push"

    def __init__(
        self, settings: Settings, client: "redis.Redis", wall: Callable[[], datetime],
        say: Callable[[ReceiptGiven], None], trust: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._book = ErrandBook(client, settings.redis_prefix)
        self._wall = wall
        self._say = say
        self._trust = trust
        self._signer = Signer(settings.push_key, settings.push_contact)
        self._work: _Work | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="push", daemon=True)
        self._thread.start()

    def ring(self, row: Invitation, person: str) -> None:
        """Write down that this person's telephones are to ring."""
        self._note(Errand(kind="ring", invitation=row.invitation, person=person, until=row.answer_by_wall))

    def hush(self, row: Invitation, person: str) -> None:
        """Write down that they are to say how it ended, or that it was answered on another one."""
        kind: Kind = "answered" if row.answer_of(person) else "missed" if row.unanswered_by(person) else "gone"
        until = row.pool_wall + TELL_END
        self._note(Errand(kind=kind, invitation=row.invitation, person=person, until=until))

    def close(self) -> None:
        """Stop; what is not done stays written down."""
        if self._ready.wait(STARTS_WITHIN_S) and self._work is not None and self._thread.is_alive():
            self._work.loop.call_soon_threadsafe(self._work.stopped.set)
            self._thread.join(STARTS_WITHIN_S)

    def _note(self, errand: Errand) -> None:
        if errand.until <= self._wall():
            return
        self._book.note(errand)
        if self._work is not None and self._thread.is_alive():
            self._work.loop.call_soon_threadsafe(self._work.begin, errand)

    async def _run(self) -> None:
        settings = self._settings
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            settings.redis, max_connections=REDIS_CONNECTIONS, timeout=REDIS_TURN_S, socket_timeout=REDIS_TIMEOUT_S
        )
        client = redis.asyncio.Redis.from_pool(pool)
        pushing = Pushing(
            client, settings.redis_prefix, self._signer, settings.push_hosts, self._wall, self._say, self._trust
        )
        self._work = _Work(pushing)
        self._ready.set()
        try:
            await self._work.until_stopped()
        finally:
            await pushing.close()
            await client.aclose()


class _Work:
    """The errands under way, one task each, on the loop of the channel's thread."""

    def __init__(self, pushing: Pushing) -> None:
        self.loop = asyncio.get_running_loop()
        self.stopped = asyncio.Event()
        self._pushing = pushing
        self._under_way: dict[Errand, asyncio.Task[None]] = {}
        self._overs: dict[Key, asyncio.Event] = {}

    async def until_stopped(self) -> None:
        """Begin what was left undone, now and from time to time."""
        while not self.stopped.is_set():
            try:
                for errand in await self._pushing.desk.open():
                    self.begin(errand)
            except Exception as error:  # whatever it is: if this ended, no locked telephone would ring any more
                log.warning("push.not_looked %s", type(error).__name__)
            try:
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await self.stopped.wait()
            except TimeoutError:
                continue
        await end(self._under_way.values())

    def begin(self, errand: Errand) -> None:
        """Carry this errand out, unless that is under way; an end stops its ring."""
        if errand in self._under_way:
            return
        if len(self._under_way) >= AT_ONCE_LIMIT:
            log.warning("push.too_many %s", errand.invitation)  # it is still written down
            return
        over = self._overs.setdefault((errand.invitation, errand.person), asyncio.Event())
        if errand.kind != "ring":
            over.set()
        task = self.loop.create_task(self._carry(errand, over))
        self._under_way[errand] = task
        task.add_done_callback(lambda done: self._finish(errand, done))

    async def _carry(self, errand: Errand, over: asyncio.Event) -> None:
        if errand.kind == "ring":
            await self._pushing.carry(errand, over)
            return
        ringing = [task for one, task in self._under_way.items() if _rings(one, errand)]
        await asyncio.gather(*ringing, return_exceptions=True)  # what is on its way arrives first
        await self._pushing.carry(errand, asyncio.Event())

    def _finish(self, errand: Errand, task: "asyncio.Task[None]") -> None:
        self._under_way.pop(errand, None)
        key = (errand.invitation, errand.person)
        if not any((one.invitation, one.person) == key for one in self._under_way):
            self._overs.pop(key, None)
        if not task.cancelled() and task.exception() is not None:
            log.error("push.fault %s %s", errand.invitation, type(task.exception()).__name__)


def _rings(one: Errand, end: Errand) -> bool:
    return one.kind == "ring" and (one.invitation, one.person) == (end.invitation, end.person)
