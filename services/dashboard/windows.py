"""Who is free to talk, and how long people wait until they are rung and until they talk.

Place in the flow: rows of `waiting`, what invitations reached -> **Windows** -> figures. Waits are domain time: what
passes in people's lives, which a demo speeds up.
"""

import math
from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from matcher.availability import Waiting

SAMPLES = 2_000
"""The newest waits, of which percentiles are taken."""
PENDING_LIMIT = 5_000
"""Windows of which something was read before their row: topics are read side by side."""
CALLED = "called"


@dataclass(slots=True)
class Window:
    """The newest window of one person."""

    offset: int
    ids: frozenset[str]
    availability: str
    since: datetime
    until: datetime
    end: str | None


class Waits:
    """How long it took from a person's place in the queue until something was reached, once for each window."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=SAMPLES)
        self._pending: OrderedDict[str, datetime] = OrderedDict()
        self._done: OrderedDict[str, None] = OrderedDict()

    def reached(self, availability: str, at: datetime, since: datetime | None) -> None:
        """This window got so far `at`; `since` is None while its row has not been read."""
        if availability in self._done:
            return
        if since is None:
            self._pending[availability] = min(at, self._pending.get(availability, at))
            _bound(self._pending)
            return
        self._seconds.append(max(0.0, (at - since).total_seconds()))
        self._done[availability] = None
        _bound(self._done)

    def known(self, availability: str, since: datetime) -> None:
        """The row of this window has been read."""
        at = self._pending.pop(availability, None)
        if at is not None:
            self.reached(availability, at, since)

    def shown(self) -> dict[str, Any]:
        """Half and nine of ten are not longer than this, in whole seconds of domain time."""
        ordered = sorted(self._seconds)
        return {"p50_s": _share(ordered, 0.5), "p90_s": _share(ordered, 0.9), "count": len(ordered)}


class Windows:
    """The newest window of everybody whom the pool still remembers."""

    def __init__(self) -> None:
        self.opened = 0
        self.ends: Counter[str] = Counter()
        self.until_rung, self.until_call = Waits(), Waits()
        self._windows: dict[str, Window] = {}
        self._of: dict[str, str] = {}
        self._called: OrderedDict[str, None] = OrderedDict()

    def row(self, row: Waiting) -> None:
        """A row: the highest offset counts."""
        known = self._windows.get(row.person)
        if known is not None and row.offset < known.offset:
            return
        self.opened += len(set(row.ids) - (known.ids if known else frozenset()))
        same = known is not None and known.availability == row.availability
        before = known.end if known and same else None
        if row.end is not None and before is None:
            self.ends[row.end] += 1
        self._keep(row, known, row.end or before)
        for waits in (self.until_rung, self.until_call):
            waits.known(row.availability, row.since)
        if row.availability in self._called:
            del self._called[row.availability]
            self.called(row.availability)

    def forget(self, person: str) -> None:
        """The pool needs this row no more."""
        known = self._windows.pop(person, None)
        if known is not None:
            self._of.pop(known.availability, None)

    def rang(self, availability: str, at: datetime) -> None:
        """Whoever stands under this window was rung."""
        self.until_rung.reached(availability, at, self._since(availability))

    def confirmed(self, availability: str, at: datetime) -> None:
        """Both said yes."""
        self.until_call.reached(availability, at, self._since(availability))

    def called(self, availability: str) -> None:
        """A call under this window has ended, and the window with it: its own row does not say so."""
        person = self._of.get(availability)
        if person is None:
            self._called[availability] = None
            _bound(self._called)
        elif self._windows[person].end is None:
            self._windows[person].end = CALLED
            self.ends[CALLED] += 1

    def open_now(self, busy: set[str], now: datetime) -> dict[str, Window]:
        """Every window that has no end; one whose time has passed only while its person is still `busy`."""
        return {
            person: one
            for person, one in self._windows.items()
            if one.end is None and (one.until > now or person in busy)
        }

    def _keep(self, row: Waiting, known: Window | None, end: str | None) -> None:
        if known is not None and known.availability != row.availability:
            self._of.pop(known.availability, None)
        self._of[row.availability] = row.person
        self._windows[row.person] = Window(row.offset, frozenset(row.ids), row.availability, row.since, row.until, end)

    def _since(self, availability: str) -> datetime | None:
        person = self._of.get(availability)
        return self._windows[person].since if person is not None else None


def _share(ordered: Sequence[float], share: float) -> int | None:
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)]) if ordered else None


def _bound(book: "OrderedDict[str, Any]") -> None:
    if len(book) > PENDING_LIMIT:
        book.popitem(last=False)
