"""The rows of one pool, and what follows from them: who is called, who rests, whom somebody was asked about.

Place in the flow: `waiting`, `invitations` -> **rows** -> pool, askable. What can be derived is not stored in a row.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from matcher.availability import KEEP_ROWS, Waiting
from matcher.invitation import GO_ON_KEPT, Invitation
from matcher.values import newer

BEFORE_ANY_TICK = datetime(1970, 1, 1, tzinfo=UTC)
REST_AFTER_NOT_NOW = timedelta(minutes=3)
"""Domain time for which somebody who said "not now" is left alone."""


class Rows:
    """The newest row of each person and each invitation, found by whatever is asked for."""

    def __init__(self, rows: Iterable[Waiting | Invitation]) -> None:
        """Of several rows with one key the newest counts."""
        self.now = BEFORE_ANY_TICK
        self.wall = BEFORE_ANY_TICK
        self.highest = -1
        self.waiting: dict[str, Waiting] = {}
        self.invitations: dict[str, Invitation] = {}
        self.touched: dict[str, None] = {}
        """Whose rows have changed since somebody last looked here."""
        self._open: dict[str, None] = {}
        self._going_on: dict[str, None] = {}
        self._live: dict[str, set[str]] = defaultdict(set)
        self._of: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            self.keep(row)

    def known(self, row: Waiting | Invitation) -> Waiting | Invitation | None:
        """The row that this one would replace."""
        return self.waiting.get(row.person) if isinstance(row, Waiting) else self.invitations.get(row.invitation)

    def keep(self, row: Waiting | Invitation) -> None:
        """Take this row in place of an older one."""
        if not newer(row, self.known(row)):
            return
        if isinstance(row, Waiting):
            self.waiting[row.person] = row
        else:
            self.invitations[row.invitation] = row
            self._index(row)
        self.highest = max(self.highest, row.offset)
        self.now = max(self.now, row.pool_now)
        self.wall = max(self.wall, row.pool_wall)
        for person in (row.person,) if isinstance(row, Waiting) else row.people:
            self._index_open(person)

    def forget_window(self, person: str) -> None:
        """Nobody needs this person's window any more."""
        del self.waiting[person]
        self._index_open(person)

    def forget_invitation(self, one: Invitation) -> None:
        """Nobody needs this invitation any more."""
        del self.invitations[one.invitation]
        for person in one.people:
            _unlink(self._of, one.availability_of(person), one.invitation)

    def taken_back(self, offset: int) -> list[Invitation]:
        """The offers that the tick at `offset` has written, which from here on stand here no more."""
        offers = [one for one in self.live() if one.offset == offset and one.state == "offered"]
        for one in offers:
            self.forget_invitation(one)
            for person in one.people:
                _unlink(self._live, person, one.invitation)
                self._index_open(person)
        return offers

    def passed(self, row: Waiting) -> bool:
        """Whether this window ended so long ago that nobody needs its row any more."""
        if row.until > self.now or not self.over(row):
            return False
        last = max([row.pool_wall, *(one.pool_wall for one in self.of_availability(row.availability))])
        return last + KEEP_ROWS <= self.wall

    def of_availability(self, availability: str) -> list[Invitation]:
        """The invitations under which this window was asked."""
        return [self.invitations[key] for key in sorted(self._of.get(availability, ()))]

    def over(self, row: Waiting) -> bool:
        """Whether this window has ended."""
        return row.end is not None or any(one.called for one in self.of_availability(row.availability))

    def live_of(self, person: str) -> list[Invitation]:
        """The invitations of this person that can still change."""
        return [self.invitations[key] for key in sorted(self._live.get(person, ()))]

    def live(self) -> list[Invitation]:
        """Every invitation that can still change."""
        return [self.invitations[key] for key in sorted({key for keys in self._live.values() for key in keys})]

    def open_row(self, person: str) -> Waiting | None:
        """This person's window, if it has not ended."""
        return self.waiting[person] if person in self._open else None

    def waited_in_vain(self) -> list[Waiting]:
        """The open windows under which nobody is asked any more to go on with a call that broke."""
        asks = (person for person in sorted(self._going_on) if not self.live_of(person))  # guard: in-vain-no-longer
        rows = (self.waiting[person] for person in asks)
        return [row for row in rows if not self._kept_for(self.invitations.get(row.goes_on or ""))]

    def _kept_for(self, call: Invitation | None) -> bool:
        return call is not None and call.ended_wall is not None and self.wall <= call.ended_wall + GO_ON_KEPT

    def asked(self, row: Waiting) -> tuple[str, ...]:
        """Whom this person was already asked about in their present window."""
        asked = (one for one in self.of_availability(row.availability) if one.rung or one.live)
        return tuple(sorted({one.other(row.person) for one in asked}))

    def rests(self, row: Waiting) -> bool:
        """Whether this person is to be left alone for now: they let it ring, said "not now", or are busy elsewhere."""
        for one in self.of_availability(row.availability):
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

    def _index(self, row: Invitation) -> None:
        for person in row.people:
            self._of[row.availability_of(person)].add(row.invitation)
            if row.live:
                self._live[person].add(row.invitation)
            else:
                _unlink(self._live, person, row.invitation)

    def _index_open(self, person: str) -> None:
        self.touched[person] = None
        row = self.waiting.get(person)
        if row is not None and not self.over(row):  # guard: ended-is-not-offered
            self._open[person] = None
        else:
            self._open.pop(person, None)
        if person in self._open and row and row.goes_on:
            self._going_on[person] = None
        else:
            self._going_on.pop(person, None)


def _unlink(index: dict[str, set[str]], key: str, value: str) -> None:
    index.get(key, set()).discard(value)
    if not index.get(key):
        index.pop(key, None)
