"""Live lines: who is on one in this process, and what wakes them.

Place in the flow: news in Redis -> **Hub** -> `lines.py` -> the page. One Redis subscription for the whole process; a
wake-up that is lost only delays, since every line also looks for itself.
"""

import asyncio
import logging
from collections import OrderedDict

import redis.asyncio

from matcher.errors import Away
from matcher.events import ReceiptGiven
from matcher.values import derived_id
from services.adapters.views import news_channel
from services.gateway.outbox import AsyncOutbox
from services.topics import RECEIPTS

LINES_PER_PERSON = 3
LISTEN_S = 1.0
RESUBSCRIBE_S = 0.5
RECEIPTS_WAITING = 2_000
RECEIPT_SENDERS = 4
RECEIPT_ATTEMPTS = 5
RECEIPT_PAUSE_S = 1.0
RECEIPTS_REMEMBERED = 20_000

log = logging.getLogger(__name__)


class Line:
    """One open line of a person, opened by a session."""

    def __init__(self, person: str, session: str) -> None:
        self.person = person
        self.session = session
        self.closed = False
        self.crowded = False
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """There is news."""
        self._woken.set()

    def close(self) -> None:
        """Let the line end."""
        self.closed = True
        self._woken.set()

    async def wait(self, timeout_s: float) -> None:
        """Until there is news, at most `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        except TimeoutError:
            return
        self._woken.clear()


class Hub:
    """All lines of this process."""

    def __init__(self, client: redis.asyncio.Redis, prefix: str) -> None:
        self._redis = client
        self._news = news_channel(prefix)
        self._ended = prefix + "ended"
        self._lines: dict[str, list[Line]] = {}
        self._closed = False

    def join(self, line: Line) -> None:
        """A line opens; of too many the oldest closes."""
        lines = self._lines.setdefault(line.person, [])
        lines.append(line)
        for oldest in lines[:-LINES_PER_PERSON]:
            oldest.crowded = True
            oldest.close()
        if self._closed:
            line.close()

    def leave(self, line: Line) -> None:
        """A line has ended."""
        lines = self._lines.get(line.person, [])
        if line in lines:
            lines.remove(line)
        if not lines:
            self._lines.pop(line.person, None)

    def close(self) -> None:
        """Let all lines end, also those that open now."""
        self._closed = True
        for line in self._all():
            line.close()

    async def say_ended(self, sessions: list[str]) -> None:
        """Close the lines of these sessions, in every gateway."""
        for session in sessions:
            self._close_session(session)
            await self._redis.publish(self._ended, session)

    async def listen(self) -> None:
        """Wake lines as news comes; for ever."""
        while True:
            try:
                await self._listen()
            except redis.RedisError:
                log.warning("redis.awaited for news")
            except Exception as error:  # if this ended, lines would stay open for people who have left
                log.error("news.fault %s", type(error).__name__)
            await asyncio.sleep(RESUBSCRIBE_S)

    async def _listen(self) -> None:
        async with self._redis.pubsub() as pubsub:
            await pubsub.subscribe(self._news, self._ended)
            for line in self._all():  # what was said while nobody listened
                line.wake()
            while True:
                message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=LISTEN_S)
                if message is not None:
                    self._heard(message["channel"].decode(), message["data"].decode())

    def _heard(self, channel: str, word: str) -> None:
        if channel == self._ended:
            self._close_session(word)
            return
        for line in self._lines.get(word, ()):
            line.wake()

    def _close_session(self, session: str) -> None:
        for line in self._all():
            if line.session == session:
                line.close()

    def _all(self) -> list[Line]:
        return [line for lines in self._lines.values() for line in lines]


class Receipts:
    """Says that a ring reached a page, without holding up any line."""

    def __init__(self, outbox: AsyncOutbox) -> None:
        self._outbox = outbox
        self._waiting: asyncio.Queue[ReceiptGiven] = asyncio.Queue(RECEIPTS_WAITING)
        self._given: OrderedDict[tuple[str, str], None] = OrderedDict()

    def give(self, receipt: ReceiptGiven) -> None:
        """Send this receipt soon, if it is the first for this person's ring."""
        ring = (receipt.invitation, receipt.person)
        if ring in self._given:
            return
        self._given[ring] = None
        if len(self._given) > RECEIPTS_REMEMBERED:
            self._given.popitem(last=False)
        if self._waiting.full():
            log.warning("receipt.dropped %s", receipt.id)
            return
        self._waiting.put_nowait(receipt)

    async def send(self) -> None:
        """Send what was given; for ever."""
        while True:
            receipt = await self._waiting.get()
            try:
                await self._send(receipt)
            except Exception as error:  # the next receipts have to go out all the same
                log.error("receipt.fault %s %s", receipt.id, type(error).__name__)

    async def _send(self, receipt: ReceiptGiven) -> None:
        for _ in range(RECEIPT_ATTEMPTS):
            try:
                await self._outbox.say(RECEIPTS, receipt.person, receipt)
            except Away:
                await asyncio.sleep(RECEIPT_PAUSE_S)
            else:
                return
        log.warning("receipt.dropped %s", receipt.id)


def receipt_id(invitation: str, person: str, result: str) -> str:
    """The id of a receipt: the same ring held twice is one receipt."""
    return derived_id("receipt", invitation, person, result)
