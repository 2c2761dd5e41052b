"""The pool of one market: everybody who waits, every invitation that lives, one writer.

Place in the flow: enrich, notifier, gateway, bridge, ticks -> **pool** -> the rows of `waiting` and `invitations`.
`apply(event, offset)` returns the rows that changed and keeps them; the same log gives the same rows. A row is its
own announcement: there is no second message. What can be derived from the rows is not stored: who is free, who was
called, who rests. Method: one serial writer over an ordered log, idempotent by the offset that each row carries.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from matcher import invitation as life
from matcher.askable import Askable
from matcher.availability import KEEP_ROWS, PAST_LIMIT, Waiting
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
from matcher.match import Match, going_on
from matcher.model_file import PromotedModel
from matcher.person import Market
from matcher.prices import Prices
from matcher.rows import Rows
from matcher.rules import LASTING, free, refusal
from matcher.score import Model
from matcher.values import derived_id, newer

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

    def __init__(
        self, market: Market, rows: Iterable[Waiting | Invitation] = (), patience: Prices | None = None
    ) -> None:
        """A pool as the rows left it; of several rows with one key the newest counts.

        At the prices of `patience` a pair is held back while both may expect more by waiting on; without, never.
        """
        self.market = market
        self._rows = Rows(rows)
        self._model = Model()
        self._askable = Askable(self._rows, self._model, patience)
        self._tidied: datetime | None = None
        self._promoted: PromotedModel | None = None
        self._changes: list[Change] = []

    @property
    def now(self) -> datetime:
        """Domain time: the largest that a tick has told."""
        return self._rows.now

    @property
    def wall(self) -> datetime:
        """Wall time: the largest that a tick has told."""
        return self._rows.wall

    @property
    def model(self) -> Model:
        """The model in service."""
        return self._model

    @model.setter
    def model(self, model: Model) -> None:
        self._model = model
        self._askable.promote(model)

    @property
    def refused(self) -> Counter[str]:
        """Why nobody is found: how often each rule ruled out a person at this hour, or a pair."""
        return self._askable.refused

    @property
    def waiting(self) -> dict[str, Waiting]:
        """The newest availability of each person."""
        return self._rows.waiting

    @property
    def invitations(self) -> dict[str, Invitation]:
        """Every invitation that is not yet forgotten."""
        return self._rows.invitations

    def live_rows(self) -> list[Waiting | Invitation]:
        """Rows that somebody who starts to read now must still find."""
        waiting = [row for row in self.waiting.values() if row.end is None]
        return [*waiting, *(row for row in self.invitations.values() if row.live)]

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

    def _put(self, row: Waiting | Invitation, offset: int) -> None:
        """Write `row` as changed by the event at `offset`, unless a later event has changed it already."""
        known = self._rows.known(row)
        if row == known:
            return
        if known is not None and offset <= known.offset:  # guard: event-redelivered
            return
        row = row.model_copy(update={"offset": offset, "pool_now": self.now, "pool_wall": self.wall})
        self._rows.keep(row)
        self._changes.append(row)

    # --- people ---

    def _about_person(self, event: PersonPoolEvent, offset: int) -> None:
        row = self.waiting.get(event.person)
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
                if self._rows.over(row):
                    return self._opened(row, event, offset)
                row = row.also_for(event.availability)
                if event.refused:
                    return row
                wanted = {"company": event.company, "hopes_for": event.hopes_for, "goes_on": self._goes_on(event)}
                return row.moved(event.until, offset).model_copy(update=wanted)
            case PersonMoved() if not self._rows.over(row):
                return row.moved(event.until, offset)
            case PersonLeft():
                left = row if self._rows.over(row) else self._left(row, event, offset)
                return left.forgotten() if event.reason == "erased" else left
            case PersonEdited():
                return row.model_copy(update={"features": event.features})
        return row

    def _opened(self, row: Waiting | None, event: PersonWaiting, offset: int) -> Waiting:
        opened = Waiting(
            offset=offset, person=event.person, market=self.market, availability=event.availability,
            past=(*row.past, *row.ids)[-PAST_LIMIT:] if row else (), opened_at=event.opened_at, since=self.now,
            until=event.until, company=event.company, hopes_for=event.hopes_for, goes_on=self._goes_on(event),
            features=event.features, seq=event.seq, asked=offset, posted_at=event.posted_at, pool_now=self.now,
            pool_wall=self.wall,
        )  # fmt: skip
        return opened.ended(event.refused) if event.refused else opened

    def _goes_on(self, event: PersonWaiting) -> str | None:
        """The broken call that this person asks to go on with; whether in time, the next tick tells."""
        call = self.invitations.get(event.goes_on or "")
        if call is None or {event.person, event.hopes_for} != {*call.people}:  # guard: only-with-the-same
            return None
        return call.invitation if life.broke(call) else None  # guard: only-after-a-broken-line

    def _left(self, row: Waiting, event: PersonLeft, offset: int) -> Waiting:
        talking = [one for one in self._rows.live_of(row.person) if one.connected_wall and self._stands_under(row, one)]
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
        for one in self._rows.live_of(person):
            reason = self._impossible(one)
            if reason:  # guard: change-reaches-live-invitations
                self._put(life.withdrawn(one, reason, self.now, self.wall), offset)

    def _impossible(self, one: Invitation) -> str | None:
        rows = [self.waiting.get(person) for person in one.people]
        for row in rows:
            if row is None or not self._stands_under(row, one):
                return "left"
            if row.end is not None or row.features is None:  # erased in a call: the call's end is the window's
                return row.end or "erased"
        a, b = (free(row, self.now) for row in rows if row and row.features)
        return refusal(a, b, LASTING)

    # --- invitations ---

    def _about_invitation(self, event: InvitationEvent, offset: int) -> None:
        row = self.invitations.get(event.invitation.invitation, event.invitation)
        if row.invitation not in self.invitations:  # guard: offer-of-another-writer
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
        self._rows.now = max(self.now, tick.now)
        self._rows.wall = max(self.wall, tick.wall)
        if offset < self._rows.highest:  # guard: tick-redelivered
            return
        written = self._rows.taken_back(offset) if offset == self._rows.highest else []
        for one in self._rows.live():
            self._age(one, offset)
        for row in (*self._rows.waited_in_vain(), *self._askable.ran_out()):
            self._put(row.ended("ran_out"), offset)
        self._offer(tick, offset, written)
        self._tidy()

    def _age(self, one: Invitation, offset: int) -> None:
        rows = (self.waiting.get(person) for person in one.people)
        until = min((row.until for row in rows if row and self._stands_under(row, one)), default=one.until)
        aged = life.overdue(one, until, self.now, self.wall)
        reason = self._impossible(one)
        self._put(life.withdrawn(one, reason, self.now, self.wall) if reason else aged, offset)

    def _offer(self, tick: Tick, offset: int, written: list[Invitation]) -> None:
        """Make this tick's offers; of one that was half written those of before stand again, and the rest is added.

        It chose as if none of its offers stood yet, and so the same.
        """
        chosen = [self._offered(match, tick, offset) for match in self._askable.matches(tick.id)]
        for one in written:
            self._rows.keep(one)
        for one in chosen:
            if not any(self._rows.live_of(person) for person in one.people):
                self._put(one, offset)

    def _offered(self, match: Match, tick: Tick, offset: int) -> Invitation:
        a, b = match.a.row, match.b.row
        key = derived_id("inv", tick.id, str(offset), a.person, b.person)  # a tick sent twice is two causes
        return Invitation(
            offset=offset, invitation=key, market=self.market,
            a=a.person, b=b.person, availability_a=a.availability, availability_b=b.availability,
            goes_on=going_on(match.a, match.b), topic=match.topic, reasons=match.reasons, score=match.score,
            propensity=match.propensity, topic_propensity=match.topic_propensity, believed=match.believed,
            decided_wall=tick.wall,
            answer_by_wall=self.wall + life.ANSWER, until=min(a.until, b.until),
            pool_now=self.now, pool_wall=self.wall,
        )  # fmt: skip

    def _tidy(self) -> None:
        """Forget windows that passed long ago, and then the invitations that no kept window was asked under."""
        if self._tidied and self.wall < self._tidied + TIDY_EVERY:
            return
        self._tidied = self.wall
        for row in list(self.waiting.values()):
            if self._rows.passed(row):
                self._rows.forget_window(row.person)
                self._changes.append(Forgotten("waiting", row.person))
        for one in list(self.invitations.values()):
            kept = [self.waiting[person] for person in one.people if person in self.waiting]
            if one.live or any(row.knows(one.availability_of(row.person)) for row in kept):
                continue
            if one.pool_wall + KEEP_ROWS <= self.wall:
                self._rows.forget_invitation(one)
                self._changes.append(Forgotten("invitations", one.invitation))
