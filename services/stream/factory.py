"""Builds and runs the Faust apps of the stream processor: one place for every setting that keeps rows safe.

Agents are closures over what `build_app` returns, so each test gets an app of its own. An agent reads

    async for event in settled(stream):
        await table.write({key: row})

and rebuilds what it holds in memory in a function registered with `after_recovery`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NoReturn, cast

import faust
from faust.types import EventT, StreamT, TopicT
from mode.utils.objects import cached_property
from mode.utils.queues import FlowControlEvent

from services.stream.driver import broker_urls
from services.stream.store import STORE_URL, RowTable
from services.topics import PARTITIONS, KafkaAddress

__all__ = [
    "PARTITIONS",
    "after_recovery",
    "assigned_partitions",
    "build_app",
    "raw_topic",
    "ready_partitions",
    "row_table",
    "settled",
    "start_worker",
]

# A killed worker's partitions rest until its session runs out, and so does the same worker started again: the embedded
# broker gives the dead member (session - 1 s) to come back. Real Kafka allows no less than 6 s.
EMBEDDED_TIMES = {"broker_session_timeout": 4.0, "broker_rebalance_timeout": 4.0, "broker_heartbeat_interval": 1.0}
KAFKA_TIMES = {"broker_session_timeout": 6.0, "broker_rebalance_timeout": 30.0, "broker_heartbeat_interval": 1.0}

# Faust's defaults are for a store that fills a machine: 64 MB of write buffer a partition and a 2 GB cache.
ROCKSDB_OPTIONS = {"write_buffer_size": 4 << 20, "block_cache_size": 16 << 20, "max_open_files": 64}


class SteadyFlow(FlowControlEvent):
    """Faust's flow control, without the loss of what a stream holds when flow is resumed that already flows.

    `resume` empties every stream's queue. Recovery calls it once more at its very end, when source partitions have
    been read for some milliseconds already; their read offsets stand behind the emptied events, which therefore never
    come again and are committed past. Seen on real Kafka: some dozen events at one kill in ten.
    """

    def resume(self) -> None:
        """Let events flow; empties queues only after a suspension."""
        if not self.is_active():
            super().resume()


class App(faust.App):
    """Faust's app with a `SteadyFlow`."""

    @cached_property
    def flow_control(self) -> FlowControlEvent:
        """What streams wait for while partitions move."""
        return SteadyFlow(loop=self.loop)


def build_app(name: str, kafka: KafkaAddress, datadir: Path, fetch_wait_ms: int) -> faust.App:
    """Return a Faust app: consumer group `prefix + name`, tables under `datadir`, which no other worker may share."""
    return App(
        kafka.prefix + name,
        broker=list(broker_urls(kafka.bootstrap, fetch_wait_ms)),
        datadir=datadir,
        store=STORE_URL,
        Table=RowTable,
        processing_guarantee="at_least_once",
        agent_supervisor="mode.supervisors:CrashingSupervisor",  # see settled()
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=0.5,  # what a killed worker handles again
        topic_partitions=PARTITIONS,
        topic_allow_declare=False,  # infra creates topics; the embedded broker knows no CreateTopics
        topic_disable_leader=True,
        web_enabled=False,  # it serves table data, and two workers would fight for its port
        stream_wait_empty=False,  # an event under way when a partition moves is handled again by its new owner
        table_standby_replicas=0,  # on one machine a standby is a second copy on the same disk
        worker_redirect_stdouts=False,
        **(EMBEDDED_TIMES if kafka.embedded else KAFKA_TIMES),
    )


def raw_topic(app: faust.App, name: str) -> TopicT:
    """Return the topic `name` (prefix included by the caller) with keys and values as plain bytes."""
    return app.topic(
        name,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        partitions=PARTITIONS,
    )


def row_table(app: faust.App, name: str) -> RowTable:
    """Return the table whose changelog is the topic `name`: its readers see each row, byte for byte."""
    table = app.Table(
        name,
        key_type=bytes,
        value_type=bytes,
        partitions=PARTITIONS,
        changelog_topic=raw_topic(app, name),
        options=dict(ROCKSDB_OPTIONS),  # Faust takes keys out of the mapping it is given
    )
    return cast(RowTable, table)


async def settled(stream: StreamT) -> AsyncIterator[EventT]:
    """Yield a stream's events, each acknowledged only when its handler came back for the next one.

    A plain `async for` also acknowledges an event whose handler raised, or was cancelled in the middle because the
    worker is stopping; that event would be half done and never come again. What a handler raises here ends the
    worker, and its next start gets the event again: Faust would commit past one missing acknowledgement as soon as
    the next event had its own (`Consumer._new_offset` allows a gap of one), so nothing may follow it.
    """
    manual = stream.noack()
    async for event in manual.events():
        yield event
        await manual.ack(event)


def assigned_partitions(app: faust.App, topic: str) -> frozenset[int]:
    """Return this worker's partitions of `topic`, recovered or not."""
    return frozenset(tp.partition for tp in app.consumer.assignment() if tp.topic == topic)


def ready_partitions(app: faust.App, topic: str) -> frozenset[int]:
    """Return this worker's partitions of `topic`, or none while partitions move or tables recover.

    Timers go on while both happen; one that sends ticks asks here each time.
    """
    if app.rebalancing or not app.tables.actives_ready:
        return frozenset()
    return assigned_partitions(app, topic)


def after_recovery(app: faust.App, table: RowTable, rebuild: Callable[[], Awaitable[None]]) -> None:
    """Call `rebuild` at every assignment, after all tables are recovered and before the first event is delivered.

    It may be called again before it returned, when partitions move once more. Faust drops what such a callback
    raises and would go on with half-built state, so here it ends the worker.
    """

    async def guarded() -> None:
        try:
            await rebuild()
        except Exception as error:
            await app.crash(error)
            raise

    table.on_recover(guarded)


def start_worker(app: faust.App, loglevel: str = "WARNING", **worker: Any) -> NoReturn:
    """Run the app in this process until SIGTERM or SIGINT, then leave the group and exit; a crash exits with 1."""
    process = faust.Worker(app, loglevel=loglevel, quiet=True, **worker)
    process.spinner = None  # it draws on stdout
    process.execute_from_commandline()
