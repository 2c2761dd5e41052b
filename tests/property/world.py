"""The harness: logs with offsets, the thin shells around the real core, and a crash between any two of their effects.

Place in the flow: machine -> **world** -> truths. Every shell does what its process does and no more: decode, decide,
write, send. Local tables survive a kill unless they are lost; then the changelog rebuilds them. Truths hears of
everything as it happens.
"""

import copy
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from matcher.enrich import apply_person
from matcher.errors import Away
from matcher.events import Event, PersonEvent, PoolEvent, Tick
from matcher.invitation import ANSWER, Invitation
from matcher.person import Person
from matcher.pool import Forgotten, Pool, write_order
from matcher.prices import Prices
from matcher.rules import free, refusal
from matcher.values import Row, derived_id, newer
from services.notifier.notify import Notifier
from tests.property.told import Violation
from tests.property.truths import Truths
from tests.property.watched import WatchedClaims

MARKET = "GB"
PATIENCE = Prices()
REMEMBER = 2
REST_STEPS, REST_STEPS_EACH = 1_000, 4
"""Steps to come to rest: at least, and for each event or row (a pool that starts again may read its whole log)."""
START = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)  # a summer's day: local time is an hour ahead


class Crash(Exception):
    """The process was killed here."""


class Fuse:
    """Counts a process's effects and kills it before the one that the machine chose."""

    def __init__(self) -> None:
        self.left: int | None = None

    def effect(self) -> None:
        """Called before each effect."""
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                raise Crash


class World:
    """One market with its logs, shells, clocks and claims."""

    def __init__(self) -> None:
        self.truths = Truths()
        self.now = self.wall = START
        self.person_log: list[PersonEvent] = []
        self.pool_log: list[PoolEvent] = []
        self.log_walls: list[datetime] = []
        self.changelog: dict[str, list[tuple[str, Any]]] = {"people": [], "waiting": [], "invitations": []}
        self.newest: dict[str, Invitation] = {}
        self.offered: dict[str, Invitation] = {}
        self.ticks = 0
        self.tick_wall = START
        self.claims = WatchedClaims(self.truths, lambda: self.wall)
        self.enrich = EnrichShell(self)
        self.pool = PoolShell(self)
        self.zombie: Zombie | None = None
        self.notifier = NotifierShell(self)
        self.slow_notifier: NotifierShell | None = None

    # --- logs ---

    def ask(self, event: PersonEvent) -> None:
        """Append to person-events."""
        self.truths.requests.asked(len(self.person_log), event.model_dump(mode="json"))
        self.person_log.append(event)

    def say(self, event: PoolEvent) -> None:
        """Append to the pool's log."""
        self.truths.told.logged(len(self.pool_log), event.model_dump(mode="json"))
        self.pool_log.append(event)
        self.log_walls.append(self.tick_wall)

    def publish(self, table: str, key: str, row: Row | None, *, zombie: bool = False, again: bool = False) -> None:
        """Append to a changelog."""
        self.changelog[table].append((key, row))
        if isinstance(row, Invitation) and newer_here(row, self.newest.get(key)):
            self.newest[key] = row
            self.offered.setdefault(key, row)
        self.truths.wrote(table, key, row.model_dump(mode="json") if row else None, zombie=zombie, again=again)

    def rebuilt(self, table: str) -> dict[str, Any]:
        """What recovery makes of a changelog."""
        rows: dict[str, Any] = {}
        for key, row in self.changelog[table]:
            if row is None:
                rows.pop(key, None)
            elif newer(row, rows.get(key)):
                rows[key] = row
        return rows

    # --- time ---

    def tick(self, wall_s: float, domain_s: float) -> None:
        """Time passes, and the timer says so."""
        self.wall += timedelta(seconds=wall_s)
        self.now += timedelta(seconds=domain_s)
        self.ticks += 1
        self.tick_wall = self.wall
        self.say(Tick(id=f"tick-{self.ticks}", at=self.wall, market=MARKET, now=self.now, wall=self.wall))

    # --- everything takes its course ---

    def offer_of_another_writer(self, a: str, b: str) -> None:
        """A writer that is gone chose differently at the last tick: its offer reaches the changelog late."""
        offset = max(index for index, event in enumerate(self.pool_log) if isinstance(event, Tick))
        known = [self.pool.pool.waiting.get(person) for person in (a, b)]
        rows = [row for row in known if row and row.features and not row.end and row.offset < offset]
        if len(rows) < 2 or refusal(free(rows[0], self.now), free(rows[1], self.now)):
            return
        row = Invitation(
            offset=offset, invitation=derived_id("inv", "another", str(offset), a, b), market=MARKET, a=a, b=b,
            availability_a=rows[0].availability, availability_b=rows[1].availability, topic="birds", reasons=(),
            score=0.5, decided_wall=self.tick_wall, answer_by_wall=self.tick_wall + ANSWER, until=rows[0].until,
            pool_now=self.now, pool_wall=self.tick_wall,
        )  # fmt: skip
        if row.invitation not in self.newest:
            self.publish("invitations", row.invitation, row, zombie=True)

    def drain(self) -> None:
        """Every shell handles all that lies before it; what a zombie does is the machine's choice."""
        behind = len(self.person_log) + len(self.pool_log) + len(self.changelog["invitations"])
        for _ in range(REST_STEPS + REST_STEPS_EACH * behind):
            before = self._standstill()
            if not (self.enrich.step() or self.pool.step() or self.notifier.step()):
                return
            if before and before == self._standstill():
                raise Violation("truth 6: the notifier starts in vain, and every further start will be the same")
        raise Violation("truth 6: the processes never come to rest")

    def settle_rows(self) -> None:
        """Every row is written; the notifier reads none of them yet."""
        while self.enrich.step() or self.pool.step():
            pass

    def read_rows(self) -> None:
        """The notifier reads every row; nobody else does anything."""
        while self.notifier.notifier and self.notifier.step():
            pass

    def _standstill(self) -> object:
        """All that the next start of the notifier depends on; None unless it is the notifier's turn to start."""
        if self.notifier.notifier or self.notifier.fuse.left is not None:
            return None
        claims = (set(self.claims.whole), set(self.claims.done), dict(self.claims.leases), self.claims.fence)
        return self.enrich.position, self.pool.position, len(self.pool_log), claims

    def bury(self) -> None:
        """No zombie outlives the time for which rows are kept."""
        self.zombie = self.slow_notifier = None


def newer_here(row: Invitation, current: Invitation | None) -> bool:
    """The view's own rule, whatever the core's has become."""
    return current is None or row.offset >= current.offset


class EnrichShell:
    """person-events -> people, pool: sends first, then the row."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fuse = Fuse()
        self.local: dict[str, Person] = {}
        self.position = self.committed = 0

    def step(self) -> bool:
        """Handle one event, if there is one."""
        if self.position >= len(self.world.person_log):
            return False
        event, offset = self.world.person_log[self.position], self.position
        old = self.local.get(event.person)
        row, sends = apply_person(old, event, offset, MARKET, REMEMBER)
        for send in sends:
            self.fuse.effect()
            _append(self.world, send.topic, send.event)
        if row != old:
            self.fuse.effect()
            self.world.publish("people", event.person, row)
            self.fuse.effect()
            self.local[event.person] = row
        self.position += 1
        return True

    def commit(self) -> None:
        """Events handled so far do not come again."""
        self.committed = self.position

    def restart(self) -> None:
        """After a kill: the rows as the changelog has them, and the events since the last commit."""
        self.local = self.world.rebuilt("people")
        self.position = self.committed


def _append(world: World, topic: str, event: Event) -> None:
    if isinstance(event, PersonEvent):
        assert topic == "person-events"
        world.ask(event)
    else:
        assert topic == "pool"
        assert isinstance(event, PoolEvent)
        world.say(event)


class PoolShell:
    """pool -> waiting, invitations: the one writer."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.fuse = Fuse()
        self.local: dict[str, dict[str, Any]] = {"waiting": {}, "invitations": {}}
        self.position = self.committed = 0
        self.pool = Pool(MARKET, patience=PATIENCE)
        self.under_way: list[tuple[str, str, Row | None]] = []

    def step(self) -> bool:
        """Handle one event, if there is one."""
        if self.position >= len(self.world.pool_log):
            return False
        offset = self.position
        self.under_way = list(as_writes(self.pool.apply(self.world.pool_log[offset], offset)))
        while self.under_way:
            table, key, row = self.under_way[0]
            self.fuse.effect()
            self.world.publish(table, key, row)
            self.fuse.effect()
            self._keep(table, key, row)
            self.under_way.pop(0)
        self.position += 1
        self.world.truths.applied(offset)
        return True

    def _keep(self, table: str, key: str, row: Row | None) -> None:
        if row is None:
            self.local[table].pop(key, None)
        else:
            self.local[table][key] = row

    def commit(self) -> None:
        """Events handled so far do not come again."""
        self.committed = self.position

    def restart(self, lost: bool) -> None:
        """After a kill or a move: the rows of the local store, or of the changelog where it is lost."""
        if lost:
            self.local = {table: self.world.rebuilt(table) for table in self.local}
        else:  # recovery reads on in the changelog; a late row of another writer may stand there
            for table, rows in self.local.items():
                for key, row in self.world.rebuilt(table).items():
                    if newer(row, rows.get(key)):
                        rows[key] = row
        rows = [row for kept in self.local.values() for row in kept.values()]
        self.pool = Pool(MARKET, rows, PATIENCE)
        self.position = self.committed


def as_writes(changes: list[Any]) -> Iterator[tuple[str, str, Row | None]]:
    """Each change as table, key and row."""
    for change in write_order(changes):
        if isinstance(change, Forgotten):
            yield change.table, change.key, None
        elif isinstance(change, Invitation):
            yield "invitations", change.invitation, change
        else:
            yield "waiting", change.person, change


class Zombie:
    """A pool's writer that lost its partition and does not know it: it goes on, and its rows come late.

    It deletes nothing: rows are kept for longer than any zombie lives.
    """

    def __init__(self, shell: PoolShell, stalled: bool) -> None:
        self.world = shell.world
        rows = [*shell.pool.waiting.values(), *shell.pool.invitations.values()]
        self.pool = copy.deepcopy(shell.pool, {id(row): row for row in rows})
        self.late = [write for write in shell.under_way if stalled and write[2] is not None]
        self.position = shell.position + stalled

    def step(self) -> None:
        """Apply the next event to the copy."""
        if self.position < len(self.world.pool_log):
            changes = self.pool.apply(self.world.pool_log[self.position], self.position)
            self.late += [write for write in as_writes(changes) if write[2] is not None]
            self.position += 1

    def publish(self, count: int) -> None:
        """Up to `count` late rows reach the changelog."""
        for table, key, row in self.late[:count]:
            self.world.publish(table, key, row, zombie=True)
        del self.late[:count]


class NotifierShell:
    """invitations -> claims, rings, pool. What it raises ends it; it starts again from the rows."""

    name = "page"

    def __init__(self, world: World) -> None:
        self.world = world
        self.fuse = Fuse()
        self.position = 0
        self.notifier: Notifier | None = None

    def step(self) -> bool:
        """Start, or read one row, if there is one."""
        if self.notifier is None:
            self._start()
            return True
        if self.position >= len(self.world.changelog["invitations"]):
            return False
        row = self.world.changelog["invitations"][self.position][1]
        self.position += 1
        if row is not None:
            self._live(lambda notifier: notifier.read(row))
        return True

    def renew(self) -> None:
        """The timer that renews."""
        self._live(lambda notifier: notifier.renew())

    def _start(self) -> None:
        self.notifier = Notifier(FusedClaims(self), [self], self, lambda: self.world.wall)
        self.position = 0
        while self.notifier and self.position < len(self.world.changelog["invitations"]):
            self.step()
        self._live(lambda notifier: notifier.start())

    def _live(self, act: Callable[[Notifier], None]) -> None:
        try:
            if self.notifier:
                act(self.notifier)
        except (Crash, Away):
            self.notifier = None

    def ring(self, row: Invitation, person: str) -> None:
        """The port Channel."""
        self.fuse.effect()
        self.world.truths.rang(row.model_dump(mode="json"), person, self.world.wall)

    def hush(self, row: Invitation, person: str) -> None:
        """The port Channel."""
        self.fuse.effect()

    def say(self, topic: str, key: str, event: Event) -> None:
        """The port Outbox."""
        self.fuse.effect()
        _append(self.world, topic, event)


class FusedClaims:
    """The port Claims with a crash before any of its effects."""

    def __init__(self, shell: NotifierShell) -> None:
        self._shell = shell

    def __getattr__(self, op: str) -> Callable[..., Any]:
        self._shell.fuse.effect()
        done: Callable[..., Any] = getattr(self._shell.world.claims, op)
        return done
