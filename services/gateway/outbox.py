"""Where the gateway says what happened: Kafka, without ever blocking the event loop; beside it the twin in memory.

Place in the flow: a write is accepted when the broker has it. kafka-python blocks while it knows no metadata, so each
send goes through a few threads; the acknowledgement comes back to the loop. Who waits is capped, and waits briefly.
"""

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from kafka import KafkaProducer
from kafka.errors import KafkaError

from matcher.errors import Away
from matcher.events import Event
from matcher.values import wire
from services.adapters.kafka import producer
from services.languages.speaking import _
from services.topics import CALLS, OUTCOMES, PERSON_EVENTS, POOL, RECEIPTS, KafkaAddress, Topic, wait_for_broker

TOPICS = (PERSON_EVENTS, POOL, CALLS, OUTCOMES, RECEIPTS)
SENDERS = 8
WAITING_LIMIT = 256
ACK_WITHIN_S = 1.3
CLOSE_WITHIN_S = 0.3
LOOK_FOR_BROKER_S = 1.0
SAY_EVERY = 10
"""Looks for the broker between two lines in the log."""
PROBE_WITHIN_S = 0.5

log = logging.getLogger(__name__)


class AsyncOutbox(Protocol):
    """Says what happened, and whether it could."""

    async def say(self, topic: Topic, key: str, event: Event) -> int:
        """The event's offset, once the broker has it. Raises Away."""

    async def answers(self) -> bool:
        """Whether the broker can be reached now."""

    def start(self) -> None:
        """Begin to look for the broker; returns at once."""

    def close(self) -> None:
        """Let go; what was not acknowledged was not accepted. May block for `CLOSE_WITHIN_S`."""


def away() -> Away:
    """What is said when the broker cannot be reached."""
    return Away(_("We cannot reach a part that we need. Nothing is lost: please try again."))


class AsyncKafkaOutbox:
    """The outbox on Kafka."""

    def __init__(self, kafka: KafkaAddress) -> None:
        self._kafka = kafka
        self._senders = ThreadPoolExecutor(SENDERS, thread_name_prefix="outbox")
        self._producer: KafkaProducer | None = None
        self._closed = threading.Event()
        self._waiting = 0

    def start(self) -> None:
        """Begin to look for the broker; returns at once."""
        threading.Thread(target=self._connect, name="outbox-connect", daemon=True).start()

    def close(self) -> None:
        """Let go."""
        self._closed.set()
        self._senders.shutdown(wait=False, cancel_futures=True)
        if self._producer is not None:
            self._producer.close(timeout=CLOSE_WITHIN_S)

    async def answers(self) -> bool:
        """Whether the broker can be reached now and our topics are there."""
        if self._producer is None:
            return False
        for server in self._kafka.bootstrap.split(","):
            host, _, port = server.strip().rpartition(":")
            try:
                async with asyncio.timeout(PROBE_WITHIN_S):
                    _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
                writer.close()
            except (OSError, TimeoutError):
                continue
            return True
        return False

    async def say(self, topic: Topic, key: str, event: Event) -> int:
        """The event's offset, once the broker has it. Raises Away, at once if too many wait already."""
        current = self._producer
        if current is None or self._waiting >= WAITING_LIMIT:
            raise away()
        self._waiting += 1
        try:
            async with asyncio.timeout(ACK_WITHIN_S):
                return await self._acknowledged(current, topic, key, event)
        except (TimeoutError, KafkaError):
            log.warning("event.not_acknowledged %s", event.id)
            raise away() from None
        finally:
            self._waiting -= 1

    async def _acknowledged(self, current: KafkaProducer, topic: Topic, key: str, event: Event) -> int:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()

        def settle(offset: int | None, error: BaseException | None) -> None:
            if done.done():
                return
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(offset or 0)

        def send() -> None:
            sent = current.send(self._kafka.topic(topic), key=key.encode(), value=wire(event))
            sent.add_callback(lambda meta: _on_loop(loop, settle, meta.offset, None))
            sent.add_errback(lambda error: _on_loop(loop, settle, None, error))

        try:
            await loop.run_in_executor(self._senders, send)
        except RuntimeError:  # closed meanwhile
            raise away() from None
        try:
            return await done
        except KafkaError as error:
            if not getattr(error, "retriable", False):
                self._replace(current)
            raise

    def _replace(self, broken: Any) -> None:
        # An idempotent producer that has failed for good never works again; ids tell what a new one sends twice.
        if self._producer is broken and not self._closed.is_set():
            log.warning("producer.replaced")
            self._producer = None
            threading.Thread(target=broken.close, kwargs={"timeout": CLOSE_WITHIN_S}, daemon=True).start()
            self.start()

    def _connect(self) -> None:
        looks = 0
        while not self._closed.is_set():
            try:
                wait_for_broker(self._kafka.bootstrap, LOOK_FOR_BROKER_S, lambda _: None)
                self._open()
                log.info("kafka.reached")
                return
            except (Away, KafkaError, OSError):
                if looks % SAY_EVERY == 0:
                    log.warning("kafka.awaited at %s", self._kafka.bootstrap)
                looks += 1

    def _open(self) -> None:
        made: Any = producer(self._kafka)
        try:
            for topic in TOPICS:  # so that the first request need not wait for metadata
                if not made.partitions_for(self._kafka.topic(topic)):
                    raise Away(f"topic {topic.name} is not there")
        except BaseException:
            made.close(timeout=CLOSE_WITHIN_S)
            raise
        self._producer = made
        if self._closed.is_set():
            made.close(timeout=CLOSE_WITHIN_S)


def _on_loop(loop: asyncio.AbstractEventLoop, call: Any, *args: Any) -> None:
    try:
        loop.call_soon_threadsafe(call, *args)
    except RuntimeError:
        return  # the loop has ended: nobody waits any more


@dataclass
class AsyncMemoryOutbox:
    """The twin in memory: keeps what was said; `away` makes the broker unreachable, `loses_answers` only ours to us."""

    said: list[tuple[str, str, Event]] = field(default_factory=list)
    away: bool = False
    loses_answers: bool = False

    def start(self) -> None:
        """Nothing to look for."""

    def close(self) -> None:
        """Nothing to let go."""

    async def answers(self) -> bool:
        """Whether the broker can be reached now."""
        return not self.away

    async def say(self, topic: Topic, key: str, event: Event) -> int:
        """The event's offset. Raises Away."""
        if self.away:
            raise away()
        self.said.append((topic.name, key, event))
        if self.loses_answers:
            raise away()
        return len(self.said) - 1
