"""Faust's way to the broker: the stock aiokafka driver with a fetch wait of our own.

Every process of `services.stream` reads Kafka through this transport. The stock driver asks the broker to hold an empty
fetch for up to 1,500 ms. A real broker answers the moment a record arrives; the embedded one sleeps the whole time, and
an event then needs 1.5 s for each topic it crosses. The wait travels in the broker URL, so that it is seen where the
address is seen: `partyline://127.0.0.1:9092?fetch_wait_ms=20`.

When tables have recovered, Faust seeks its source partitions to what was committed, so that events which were fetched
and thrown away meanwhile come again. aiokafka passes over a partition without a commit there, and the first events of
a topic that had none before a kill were lost for good (seen with `outcomes` on real Kafka): here it starts over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import cast

import aiokafka
from faust.transport.drivers import TRANSPORTS, aiokafka as stock
from faust.types import TP
from yarl import URL

__all__ = ["SCHEME", "PromptConsumer", "PromptTransport", "broker_urls"]

SCHEME = "partyline"
FETCH_WAIT_PARAMETER = "fetch_wait_ms"


class PromptConsumerThread(stock.AIOKafkaConsumerThread):
    """The thread that owns the aiokafka consumer of one worker."""

    def _create_worker_consumer(self, transport: stock.Transport) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        if not hasattr(consumer, "_fetch_max_wait_ms"):
            raise RuntimeError("this aiokafka keeps its fetch wait elsewhere: events would take 1.5 s a hop")
        # Read by aiokafka once, in start(), which comes after this. The stock method passes 1500 as a literal, and to
        # build the consumer here instead would copy thirty arguments that change from release to release.
        consumer._fetch_max_wait_ms = cast(PromptTransport, transport).fetch_wait_ms
        return consumer

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek source partitions to where their group last committed, or to their start."""
        committed: Mapping[TP, int] = await super().seek_to_committed()
        unread = [tp for tp, offset in committed.items() if not offset and not self._is_changelog(tp)]
        if unread:
            await self.call_thread(self._ensure_consumer().seek_to_beginning, *unread)
        return committed

    def _is_changelog(self, tp: TP) -> bool:
        return tp.topic in self.app.tables.changelog_topics


class PromptConsumer(stock.Consumer):
    """Faust's consumer on a `PromptConsumerThread`."""

    def _new_consumer_thread(self) -> PromptConsumerThread:
        return PromptConsumerThread(self, loop=self.loop, beacon=self.beacon)


class PromptTransport(stock.Transport):
    """The transport behind `partyline://` broker URLs."""

    Consumer = PromptConsumer

    def __init__(self, url: list[URL], app: object, loop: asyncio.AbstractEventLoop | None = None) -> None:
        super().__init__(url, app, loop)
        self.fetch_wait_ms = int(url[0].query[FETCH_WAIT_PARAMETER])


def broker_urls(bootstrap: str, fetch_wait_ms: int) -> Sequence[URL]:
    """Return Faust's broker setting for `host:port[,host:port…]` and a fetch wait in milliseconds."""
    if fetch_wait_ms < 1:
        raise ValueError(f"fetch_wait_ms must be at least 1, not {fetch_wait_ms}")
    servers = [server.strip() for server in bootstrap.split(",") if server.strip()]
    return [URL(f"{SCHEME}://{server}").with_query({FETCH_WAIT_PARAMETER: fetch_wait_ms}) for server in servers]


# Faust looks a broker URL's scheme up in this registry; the entry is a name, imported when an app first connects.
TRANSPORTS[SCHEME] = f"{__name__}:PromptTransport"
