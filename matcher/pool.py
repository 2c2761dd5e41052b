"""The pool of one market: everybody who waits, every invitation that lives, one writer.

Place in the flow: enrich, notifier, gateway, bridge, ticks -> **pool** -> the rows of `waiting` and `invitations`.
`apply(event, offset)` returns the rows that changed and keeps them; the same log gives the same rows. A row is its
own announcement: there is no second message. What can be derived from the rows is not stored: who is free, who was
called, who rests. Method: one serial writer over an ordered log, idempotent by the offset that each row carries.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from matcher import invitation as life
from matcher.availability import KEEP_ROWS, PAST_LIMIT, Waiting
from matcher.candidates import LASTING, Free, candidates, free, refusal
from matcher.events import (
    CallEnded,
    CallHeartbeat,
    InvitationAnswered,
    InvitationEvent,
    InvitationRung,
    InvitationVoided,
    ModelPromoted,
    ModelPromoted2,
    PersonEdited,
    PersonLeft,
    PersonMoved,
    PersonPoolEvent,
    PersonWaiting,
    PoolEvent,
    Tick,
)
from matcher.invitation import Invitation
from matcher.match import Match, choose
from matcher.model_file import PromotedModel
from matcher.person import Market
from matcher.score import Model
from matcher.values import derived_id, newer

BEFORE_ANY_TICK = datetime(1970, 1, 1, tzinfo=UTC)
REST_AFTER_NOT_NOW = timedelta(minutes=3)
"""Domain time for which somebody who said "not now" is left alone."""
PAIRS_PER_TICK = 20_000
"""What a tick may cost, about a tenth of a second, however many wait."""
TIDY_EVERY = timedelta(seconds=30)
"""Wall time between two looks for rows to forget."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A row that nobody needs any more."""

    table: str
    key: str


Change = Waiting | Invitation | Forgotten | PromotedModel


def write_order(changes: list[Change]) -> list[Change]:
    """The order in which the changes of one event are written, so that a kill after any of them does no harm.

    Invitations first: a window's row says that its event was applied. A forgotten window goes before the invitations
    that it was asked under, which tell that it was called.
    """

    def place(change: Change) -> int:
        if isinstance(change, Forgotten):
            return 2 if change.table == "waiting" else 3
        return 0 if isinstance(change, Invitation) else 1

    return sorted(changes, key=place)


class Pool:
    """The state of one market and the only way to change it."""

    def __init__(self, market: Market, rows: Iterable[Waiting | Invitation] = ()) -> None:
        """A pool as the rows left it; of several rows with one key the newest counts."""
        self.market = market
        self.model = Model()
        self.now = BEFORE_ANY_TICK
        self.wall = BEFORE_ANY_TICK
        self.refused: Counter[str] = Counter()
        self._waiting: dict[str, Waiting] = {}
        self._invitations: dict[str, Invitation] = {}
        self._open: dict[str, None] = {}
        self._looked_at: dict[str, datetime] = {}
        self._live: dict[str, set[str]] = defaultdict(set)
        self._of: dict[str, set[str]] = defaultdict(set)
        self._highest = -1
        self._tidied: datetime | None = None
        self._promoted: PromotedModel | None = None
        self._changes: list[Change] = []
        for row in rows:
            self._keep(row)

    @property
    def waiting(self) -> dict[str, Waiting]:
        """The newest availability of each person."""
        return self._waiting

    @property
    def invitations(self) -> dict[str, Invitation]:
        """Every invitation that is not yet forgotten."""
        return self._invitations

    def live_rows(self) -> list[Waiting | Invitation]:
        """Rows that somebody who starts to read now must still find."""
        waiting = [row for row in self._waiting.values() if row.end is None]
        return [*waiting, *(row for row in self._invitations.values() if row.live)]

    def apply(self, event: PoolEvent, offset: int) -> list[Change]:
        """The rows that `event`, at `offset` of the pool's log, changes; each row at most once."""
        self._changes = []
        match event:
            case Tick():
                self._tick(event, offset)
            case PersonPoolEvent():
                self._about_person(event, offset)
            case InvitationEvent():
                self._about_invitation(event, offset)
            case ModelPromoted():
                self.model = Model(event.version, event.intercept, dict(event.weights))
            case ModelPromoted2():
                self.take(PromotedModel(offset=offset, market=self.market, promoted=event.promoted))
        return self._changes

    def take(self, row: PromotedModel) -> None:
        """Score with this model from here on, unless a newer one is in service. Raises BadEvent: the old one stays."""
        if newer(row, self._promoted):
            self.model = row.promoted.model()
            self._promoted = row
            self._changes.append(row)

    # --- keeping rows ---

    def _keep(self, row: Waiting | Invitation) -> None:
        table: dict[str, Waiting] | dict[str, Invitation]
        table, key = (self._waiting, row.person) if isinstance(row, Waiting) else (self._invitations, row.invitation)
        if not newer(row, table.get(key)):
            return
        table[key] = row  # type: ignore[assignment]
        self._highest = max(self._highest, row.offset)
        self.now = max(self.now, row.pool_now)
        self.wall = max(self.wall, row.pool_wall)
        if isinstance(row, Invitation):
            self._index(row)
        for person in (row.person,) if isinstance(row, Waiting) else row.people:
            self._index_open(person)

    def _index_open(self, person: str) -> None:
        row = self._waiting.get(person)
        if row is not None and not self._over(row):  # guard: ended-is-not-offered
            self._open[person] = None
        else:
            self._open.pop(person, None)

    def _index(self, row: Invitation) -> None:
        for person in row.people:
            self._of[row.availability_of(person)].add(row.invitation)
            if row.live:
                self._live[person].add(row.invitation)
            else:
                _unlink(self._live, person, row.invitation)

    def _put(self, row: Waiting | Invitation, offset: int) -> None:
        """Write `row` as changed by the event at `offset`, unless a later event has changed it already."""
        known = self._waiting.get(row.person) if isinstance(row, Waiting) else self._invitations.get(row.invitation)
        if row == known:
            return
        if known is not None and offset <= known.offset:  # guard: event-redelivered
            return
        row = row.model_copy(update={"offset": offset, "pool_now": self.now, "pool_wall": self.wall})
        self._keep(row)
        self._changes.append(row)

    # --- what is derived ---

    def _of_availability(self, availability: str) -> list[Invitation]:
        return [self._invitations[key] for key in sorted(self._of.get(availability, ()))]

    def _called(self, row: Waiting) -> bool:
        return any(one.called for one in self._of_availability(row.availability))

    def _over(self, row: Waiting) -> bool:
        return row.end is not None or self._called(row)

    def _live_of(self, person: str) -> list[Invitation]:
        return [self._invitations[key] for key in sorted(self._live.get(person, ()))]

    def _rests(self, row: Waiting) -> bool:
        """Whether this person is to be left alone for now: they let it ring, said "not now", or are busy elsewhere."""
        for one in self._of_availability(row.availability):
            asked_since = row.asked > one.offset
            if one.unanswered_by(row.person) and not asked_since:  # guard: rest-after-no-answer
                return True
            declined = one.answer_of(row.person) == "decline" and one.ended_at
            if declined and self.now < declined + REST_AFTER_NOT_NOW and not asked_since:  # guard: rest-after-not-now
                return True
            held = row.person in one.busy and one.busy_until_wall
            if held and held > self.wall:  # guard: rest-while-busy
                return True
        return False

    def _asked_before(self, a: str, b: str) -> bool:
        """Whether these two were already asked about each other in either's present window."""
        windows = (self._waiting[a].availability, self._waiting[b].availability)
        asked = (one for window in windows for one in self._of_availability(window))
        return any(set(one.people) == {a, b} and (one.rung or one.live) for one in asked)  # guard: asked-before

    def _can_be_asked(self, row: Waiting) -> bool:
        return row.features is not None and not self._live_of(row.person) and not self._rests(row)

    def waiting_now(self) -> list[Free]:
        """Everybody who could be offered a call at the pool's own time."""
        rows = [self._waiting[person] for person in self._open]
        return [free(row, self.now) for row in rows if self._can_be_asked(row)]

    # --- people ---

    def _about_person(self, event: PersonPoolEvent, offset: int) -> None:
        row = self._waiting.get(event.person)
        if row is None:
            if isinstance(event, PersonWaiting):
                self._put(self._opened(None, event, offset), offset)
            return
        if event.seq > row.seq:  # guard: duplicate-from-enrich
            changed = self._person_changed(row, event, offset)
            self._put(changed.model_copy(update={"seq": event.seq}), offset)
        self._sweep(event.person, offset)

    def _person_changed(self, row: Waiting, event: PersonPoolEvent, offset: int) -> Waiting:
        match event:
            case PersonWaiting():
                if row.knows(event.availability):  # guard: ended-never-reopens
                    return row
                if self._over(row):
                    return self._opened(row, event, offset)
                row = row.also_for(event.availability)
                if event.refused:
                    return row
                return row.moved(event.until, offset).model_copy(update={"company": event.company})
            case PersonMoved() if not self._over(row):
                return row.moved(event.until, offset)
            case PersonLeft():
                left = row if self._over(row) else self._left(row, event, offset)
                return left.forgotten() if event.reason == "erased" else left
            case PersonEdited():
                return row.model_copy(update={"features": event.features})
        return row

    def _opened(self, row: Waiting | None, event: PersonWaiting, offset: int) -> Waiting:
        opened = Waiting(
            offset=offset, person=event.person, market=self.market, availability=event.availability,
            past=(*row.past, *row.ids)[-PAST_LIMIT:] if row else (), opened_at=event.opened_at, since=self.now,
            until=event.until, company=event.company, features=event.features, seq=event.seq, asked=offset,
            posted_at=event.posted_at, pool_now=self.now, pool_wall=self.wall,
        )  # fmt: skip
        return opened.ended(event.refused) if event.refused else opened

    def _left(self, row: Waiting, event: PersonLeft, offset: int) -> Waiting:
        talking = [one for one in self._live_of(row.person) if one.connected_wall and self._stands_under(row, one)]
        if not talking:
            return row.ended(event.reason)
        if event.reason != "closed":  # a call that has begun ends as called; a closed window lets it go on
            for one in talking:
                self._put(life.withdrawn(one, event.reason, self.now, self.wall), offset)
        return row

    @staticmethod
    def _stands_under(row: Waiting, one: Invitation) -> bool:
        return one.availability_of(row.person) == row.availability

    def _sweep(self, person: str, offset: int) -> None:
        """End what this person's change made impossible."""
        for one in self._live_of(person):
            reason = self._impossible(one)
            if reason:  # guard: change-reaches-live-invitations
                self._put(life.withdrawn(one, reason, self.now, self.wall), offset)

    def _impossible(self, one: Invitation) -> str | None:
        rows = [self._waiting.get(person) for person in one.people]
        for row in rows:
            if row is None or not self._stands_under(row, one):
                return "left"
            if row.end is not None or row.features is None:  # erased in a call: the call's end is the window's
                return row.end or "erased"
        a, b = (free(row, self.now) for row in rows if row and row.features)
        return refusal(a, b, LASTING)

    # --- invitations ---

    def _about_invitation(self, event: InvitationEvent, offset: int) -> None:
        row = self._invitations.get(event.invitation.invitation, event.invitation)
        if row.invitation not in self._invitations:  # guard: offer-of-another-writer
            self._put(life.over(row, "voided", "another writer's", self.now, self.wall), offset)
            return
        self._put(self._invitation_changed(row, event), offset)

    def _invitation_changed(self, row: Invitation, event: InvitationEvent) -> Invitation:
        now, wall = self.now, self.wall
        match event:
            case InvitationRung():
                return life.rang(row, event.token)
            case InvitationAnswered():
                return life.answered(row, event.person, event.answer, now, wall)
            case InvitationVoided():
                return life.refused(row, event.reason, event.busy, event.busy_until, now, wall)
            case CallHeartbeat():
                return life.heard(row, event.heard, event.connected, wall)
            case CallEnded():
                return life.hung_up(row, event.reason, now, wall)
        return row

    # --- time ---

    def _tick(self, tick: Tick, offset: int) -> None:
        self.now = max(self.now, tick.now)
        self.wall = max(self.wall, tick.wall)
        if offset < self._highest:  # guard: tick-redelivered
            return  # one that was half written is completed: what it had chosen already changes nothing else
        for key in sorted({key for keys in self._live.values() for key in keys}):
            self._age(self._invitations[key], offset)
        for row in [self._waiting[person] for person in self._open]:
            if row.until <= self.now and not self._live_of(row.person):
                self._put(row.ended("ran_out"), offset)
        for match in self._choose(tick):
            self._offer(match, tick, offset)
        self._tidy()

    def _age(self, one: Invitation, offset: int) -> None:
        rows = (self._waiting.get(person) for person in one.people)
        until = min((row.until for row in rows if row and self._stands_under(row, one)), default=one.until)
        aged = life.overdue(one, until, self.now, self.wall)
        reason = self._impossible(one)
        self._put(life.withdrawn(one, reason, self.now, self.wall) if reason else aged, offset)

    def _askers(self, people: list[Free]) -> list[Free]:
        """Whose pairs are looked at in this tick: everybody's, or of very many those not looked at for longest."""
        count = max(1, PAIRS_PER_TICK // max(1, len(people)))
        if count >= len(people):
            self._looked_at.clear()
            return people
        order = sorted(people, key=lambda one: (self._looked_at.get(one.person, BEFORE_ANY_TICK), one.person))
        present = {one.person for one in people}
        self._looked_at = {key: at for key, at in self._looked_at.items() if key in present}
        self._looked_at.update((one.person, self.wall) for one in order[:count])
        return order[:count]

    def _choose(self, tick: Tick) -> list[Match]:
        self.refused = Counter()
        people = self.waiting_now()
        pairs = candidates(self._askers(people), people, self._asked_before, self.refused)
        return choose(pairs, self.now, self.model, tick.id)

    def _offer(self, match: Match, tick: Tick, offset: int) -> None:
        a, b = match.a.row, match.b.row
        key = derived_id("inv", tick.id, str(offset), a.person, b.person)  # a tick sent twice is two causes
        self._put(
            Invitation(
                offset=offset, invitation=key, market=self.market,
                a=a.person, b=b.person, availability_a=a.availability, availability_b=b.availability, topic=match.topic,
                reasons=match.reasons, score=match.score, decided_wall=tick.wall,
                answer_by_wall=self.wall + life.ANSWER, until=min(a.until, b.until),
                pool_now=self.now, pool_wall=self.wall,
            ),
            offset,
        )  # fmt: skip

    def _tidy(self) -> None:
        """Forget windows that passed long ago, and then the invitations that no kept window was asked under."""
        if self._tidied and self.wall < self._tidied + TIDY_EVERY:
            return
        self._tidied = self.wall
        for row in list(self._waiting.values()):
            last = max([row.pool_wall, *(one.pool_wall for one in self._of_availability(row.availability))])
            if self._over(row) and row.until <= self.now and last + KEEP_ROWS <= self.wall:
                del self._waiting[row.person]
                self._index_open(row.person)
                self._changes.append(Forgotten("waiting", row.person))
        for one in list(self._invitations.values()):
            kept = [self._waiting[person] for person in one.people if person in self._waiting]
            if one.live or any(row.knows(one.availability_of(row.person)) for row in kept):
                continue
            if one.pool_wall + KEEP_ROWS <= self.wall:
                self._forget(one)

    def _forget(self, one: Invitation) -> None:
        del self._invitations[one.invitation]
        for person in one.people:
            _unlink(self._of, one.availability_of(person), one.invitation)
        self._changes.append(Forgotten("invitations", one.invitation))


def _unlink(index: dict[str, set[str]], key: str, value: str) -> None:
    index.get(key, set()).discard(value)
    if not index.get(key):
        index.pop(key, None)
