"""The agents enrich, pool and pairs: each decodes, decides, sends, writes.

Place in the flow: person-events -> **enrich** -> people, pool -> **pool** -> waiting, invitations; outcomes ->
**pairs**. Every row written goes on to the projector. What must be sent goes out before the row that says it was done.
"""

import logging
from datetime import timedelta
from itertools import groupby
from typing import Any
from uuid import uuid4

import faust
from aiokafka.partitioner import DefaultPartitioner
from faust.types import EventT, StreamT

from matcher.availability import Waiting
from matcher.enrich import Send, apply_person
from matcher.errors import BadEvent
from matcher.events import OutcomeGiven, PersonEvent, PoolEvent, Tick, read_event
from matcher.invitation import Invitation
from matcher.model_file import PromotedModel
from matcher.outcome import Pair, apply_outcome, met
from matcher.person import Market, Person
from matcher.pool import Change, Forgotten, Pool, write_order
from matcher.ports import Clock
from matcher.values import wire
from services import topics
from services.adapters.dead_letters import letter
from services.settings import Settings
from services.stream.factory import PARTITIONS, after_recovery, raw_topic, ready_partitions, row_table, settled
from services.stream.handling import handle, send, write_rows
from services.stream.projector import Projector
from services.stream.recovery import Stored, pools_from
from services.stream.rewriting import Rewriter
from services.stream.store import RowTable, row_offset

log = logging.getLogger(__name__)

TICK_AHEAD = timedelta(minutes=5)
"""How far a tick may be ahead of this machine's clock."""


def partition_of(key: str) -> int:
    """The partition that every producer here gives this key."""
    partitions = list(range(PARTITIONS))
    return int(DefaultPartitioner()(key.encode(), partitions, partitions))


class Processor:
    """The stream processor's agents and what they hold in memory; wiring is in app.py."""

    def __init__(self, app: faust.App, settings: Settings, clock: Clock, projector: Projector) -> None:
        self._app = app
        self._settings = settings
        self._clock = clock
        self._projector = projector
        self._pools: dict[Market, Pool] = {}
        address = settings.kafka
        self._person_events = raw_topic(app, address.topic(topics.PERSON_EVENTS))
        self._pool_events = raw_topic(app, address.topic(topics.POOL))
        self._outcomes = raw_topic(app, address.topic(topics.OUTCOMES))
        self._letters = raw_topic(app, address.topic(topics.DEAD_LETTERS))
        self.people = row_table(app, address.topic(topics.PEOPLE))
        self.waiting = row_table(app, address.topic(topics.WAITING))
        self.invitations = row_table(app, address.topic(topics.INVITATIONS))
        self.pairs = row_table(app, address.topic(topics.PAIRS))
        self.models = row_table(app, address.topic(topics.MODELS))
        self._rewriter = Rewriter(needed=settings.embedded)

    def attach(self) -> None:
        """Register agents, timer and recovery with the app."""
        self._app.agent(self._person_events, name="enrich")(self._enrich)
        self._app.agent(self._pool_events, name="pool")(self._pool)
        self._app.agent(self._outcomes, name="pairs")(self._pair)
        self._app.timer(interval=self._settings.tick_ms / 1000, name="ticks")(self._tick)
        after_recovery(self._app, self.invitations, self._recovered)

    @property
    def ready(self) -> frozenset[int]:
        """The partitions that this worker owns and has recovered."""
        return ready_partitions(self._app, self._pool_events.get_topic_name())

    def refused(self) -> dict[Market, dict[str, int]]:
        """Why nobody was found at the last tick, for each market whose pool is here."""
        here = (one for one in self._pools.items() if partition_of(one[0]) in self.ready)
        return {market: dict(pool.refused) for market, pool in here}

    # --- enrich ---

    async def _enrich(self, stream: StreamT) -> None:
        async for event in settled(stream):
            await handle(event, lambda event=event: self._enrich_one(event), self._letters, self._clock)

    async def _enrich_one(self, event: EventT) -> None:
        fact: PersonEvent = read_event("person-events", event.value)
        key = fact.person.encode()
        known = self.people.get(key)
        row = Person.model_validate_json(known) if known else None
        changed, sends = apply_person(row, fact, event.message.offset, self._settings.markets[0])
        for message in sends:
            await self._send(message)
        if changed != row:
            await self._write(self.people, {fact.person: changed})

    async def _send(self, message: Send) -> None:
        to = {"pool": self._pool_events, "person-events": self._person_events}[message.topic]
        await send(to, message.key.encode(), wire(message.event))

    # --- pool ---

    async def _pool(self, stream: StreamT) -> None:
        async for event in settled(stream):
            await handle(event, lambda event=event: self._pool_one(event), self._letters, self._clock)

    async def _pool_one(self, event: EventT) -> None:
        fact: PoolEvent = read_event("pool", event.value)
        if isinstance(fact, Tick):
            self._refuse_the_future(fact)
        try:
            changes = self._pools[fact.market].apply(fact, event.message.offset)
            for row in changes:
                if isinstance(row, Invitation):
                    for news in met(row):
                        await send(self._person_events, news.person.encode(), wire(news))
            await self._write_changes(changes)
        except Exception:
            await self._rebuild()  # the pool may hold what was never written
            raise

    def _refuse_the_future(self, tick: Tick) -> None:
        """The pool's time never goes back, so one tick from far ahead would end everything. Raises BadEvent."""
        wall_ahead, domain_ahead = tick.wall - self._clock.wall(), tick.now - self._clock.now()
        if wall_ahead > TICK_AHEAD or domain_ahead > TICK_AHEAD * max(self._settings.speed, 1.0):
            raise BadEvent("a tick from the future")

    async def _write_changes(self, changes: list[Change]) -> None:
        for kind, some in groupby(write_order(changes), key=type):
            rows = list(some)
            if kind is Invitation:
                await self._write(self.invitations, {row.invitation: row for row in rows})
            elif kind is Waiting:
                await self._write(self.waiting, {row.person: row for row in rows})
            elif kind is PromotedModel:
                await self._write(self.models, {row.market: row for row in rows})
            else:
                await self._forget(rows)

    async def _forget(self, gone: list[Forgotten]) -> None:
        for table in (self.waiting, self.invitations):
            kind = "waiting" if table is self.waiting else "invitations"
            await write_rows(table, {row.key.encode(): None for row in gone if row.table == kind})

    async def _tick(self) -> None:
        for market in self._settings.markets:
            if partition_of(market) in self.ready:
                tick = Tick(
                    id=f"tick-{uuid4().hex}", at=self._clock.wall(), market=market,
                    now=self._clock.now(), wall=self._clock.wall(),
                )  # fmt: skip
                await send(self._pool_events, market.encode(), wire(tick))

    # --- pairs ---

    async def _pair(self, stream: StreamT) -> None:
        async for event in settled(stream):
            await handle(event, lambda event=event: self._pair_one(event), self._letters, self._clock)

    async def _pair_one(self, event: EventT) -> None:
        fact: OutcomeGiven = read_event("outcomes", event.value)
        known = self.pairs.get(event.key)
        row = Pair.model_validate_json(known) if known else None
        changed, told = apply_outcome(row, fact, event.message.offset)
        for news in told:
            await send(self._person_events, news.person.encode(), wire(news))
        if changed != row:
            await self._write(self.pairs, {event.key.decode(): changed})

    # --- rows ---

    async def _write(self, table: RowTable, rows: dict[str, Any]) -> None:
        if not rows:
            return
        encoded = {key.encode(): wire(row) for key, row in rows.items()}
        await write_rows(table, encoded)
        for row in rows.values():
            self._projector.offer(row)
        await self._rewriter.wrote(table, sum(map(len, encoded.values())), self._live)

    async def _recovered(self) -> None:
        """All rows are here: the pools as they were, the views as they must be."""
        await self._rebuild()
        self._projector.project_all()

    async def _rebuild(self) -> None:
        """Every pool from its rows; a row that cannot be read is dead-lettered and passed over."""
        self._pools, unreadable = pools_from(self.stored(), self._pools, self._settings.patience)
        for stored in unreadable:
            await self._bury(stored)

    async def _bury(self, stored: Stored) -> None:
        log.error("dead-lettered a row of %s that cannot be read", stored.table)
        partition, offset = partition_of(stored.key.decode(errors="replace")), row_offset(stored.value)
        dead = letter(
            source_topic=stored.table, partition=partition, offset=offset, key=stored.key, value=stored.value,
            error="not a row", attempts=1, at=self._clock.wall(),
        )  # fmt: skip
        await send(self._letters, stored.table.encode(), wire(dead))

    def _live(self, table: RowTable, partition: int) -> dict[bytes, bytes]:
        """The rows of a table's partition that somebody who starts to read now must still find."""
        if table in (self.people, self.pairs, self.models):
            return {key: value for key, value in table.items() if partition_of(key.decode()) == partition}
        pools = [pool for market, pool in self._pools.items() if partition_of(market) == partition]
        rows = [row for pool in pools for row in pool.live_rows()]
        if table is self.waiting:
            return {row.person.encode(): wire(row) for row in rows if isinstance(row, Waiting)}
        return {row.invitation.encode(): wire(row) for row in rows if isinstance(row, Invitation)}

    def stored(self) -> list[Stored]:
        """Every row of a person, an availability, an invitation or a model that this worker keeps, unread."""
        kinds: list[tuple[RowTable, Any]] = [
            (self.people, Person), (self.waiting, Waiting), (self.invitations, Invitation),
            (self.models, PromotedModel),
        ]  # fmt: skip
        return [Stored(table.name, key, value, kind) for table, kind in kinds for key, value in table.items()]
