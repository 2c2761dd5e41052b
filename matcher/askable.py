"""Who can be asked at this moment, and with whom each would be matched.

Place in the flow: rows -> **askable** -> candidates, matching, match. In each tick it looks again only at those whose
rows changed, whose hour came (a window too short, quiet hours that begin or end), or who rest. All of it is made again
from the rows, and none of it stored.
"""

import heapq
from collections import Counter
from datetime import datetime, timedelta
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from matcher.availability import MIN_TALK, Waiting
from matcher.candidates import Candidates
from matcher.match import Match, choose
from matcher.matching import Matching
from matcher.newcomers import CROWD, Newcomers
from matcher.person import local_minute
from matcher.prices import Prices
from matcher.rows import Rows
from matcher.rules import Free, free, own_refusal
from matcher.score import Model

DAY_MIN = 24 * 60
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
INSTANT = timedelta(microseconds=1)
STANDING_LIMIT = 250_000
"""Setting: how many are looked for at once. More wait outside, the earliest first, and are counted: a bound on memory
(about 2 kB each) and on the length of a tick."""


class Askable:
    """Those of one pool who can be asked now."""

    def __init__(self, rows: Rows, model: Model, patience: Prices | None = None) -> None:
        """Of the people in `rows`, who are looked at in the first `update`; `patience` as in `Pool`."""
        self._rows = rows
        self._candidates = Candidates(model)
        self._matching = Matching(self._candidates)
        self._model = model
        self._newcomers = Newcomers(rows, patience) if patience else None
        self._kept_back: dict[str, str] = {}
        self._resting: dict[str, None] = {}
        self._outside: dict[str, None] = {}
        self._wakes: list[tuple[datetime, str]] = []
        self._wake_of: dict[str, datetime] = {}

    @property
    def refused(self) -> Counter[str]:
        """How often each rule ruled somebody out: a person at this hour, or a pair when it was last looked at."""
        kept_back = Counter(self._kept_back.values()) + Counter(crowded=len(self._outside))
        return self._candidates.refused + kept_back

    def promote(self, model: Model) -> None:
        """Score with this model from here on."""
        self._candidates.promote(model)
        self._model = model

    def ran_out(self) -> list[Waiting]:
        """The open windows, of those to look at in this tick, whose time is up while nobody is being asked."""
        rows = (self._rows.open_row(person) for person in self._to_look_at())
        return [row for row in rows if row and row.until <= self._rows.now and not self._rows.live_of(row.person)]

    def matches(self, seed: str) -> list[Match]:
        """Whom to offer to each other now; `seed` decides what is left to chance."""
        self._update(seed)
        self._matching.update(self._rows.now, self._expects())
        explores = self._model.draws > 1
        made = self._matching.explored(self._rows.now, self._hour()) if explores else self._matching.pairs()
        chosen, wrong = choose(self._candidates, made, self._as_now, seed)
        self._rows.touched.update(dict.fromkeys(wrong))
        return chosen

    def _hour(self) -> str:
        """The seed of what is tried out: drawn anew in each tick, a pair held back would soon be lucky once."""
        return f"{self._rows.now:%Y-%m-%dT%H}"

    def _expects(self) -> NDArray[np.float64] | None:
        """What an offer must bring each of those who can be asked, by slot."""
        standing = self._candidates.standing
        if self._newcomers is None or not 0 < len(standing) <= CROWD:
            return None
        slots, expects = standing.slots, np.zeros(len(standing.people))
        place = np.zeros(len(standing.people), np.int64)
        place[slots] = np.arange(len(slots))
        u, v, weight = self._matching.weights()
        people = [self._as_now(standing.free_at(slot)) for slot in slots.tolist()]
        expects[slots] = self._newcomers.expects(people, place[u], place[v], weight, self._model)
        return expects

    def _to_look_at(self) -> list[str]:
        """In one order, whatever the order in which rows came; who is due stays due until `_update`."""
        while self._wakes and self._wakes[0][0] < self._rows.now:
            at, person = heapq.heappop(self._wakes)
            if self._wake_of.get(person) == at:
                del self._wake_of[person]
                self._rows.touched[person] = None
        room = max(0, STANDING_LIMIT - len(self._candidates.standing))
        return sorted({*self._rows.touched, *self._resting, *islice(self._outside, room)})

    def _update(self, seed: str) -> None:
        gone: list[str] = []
        come: list[Free] = []
        for person in self._to_look_at():
            was, now = self._standing(person), self._look_at(person)
            if was and now and _same(was, now):
                continue
            if was:
                gone.append(person)
            if now:
                come.append(now)
        self._rows.touched.clear()
        come.sort(key=lambda one: (one.row.since, one.person))
        room = STANDING_LIMIT - len(self._candidates.standing) + len(gone)
        self._outside.update(dict.fromkeys(one.person for one in come[room:]))
        self._candidates.update(gone, come[:room], seed)

    def _standing(self, person: str) -> Free | None:
        slot = self._candidates.standing.slot_of(person)
        return None if slot is None else self._candidates.standing.free_at(slot)

    def _look_at(self, person: str) -> Free | None:
        self._kept_back.pop(person, None)
        self._resting.pop(person, None)
        self._outside.pop(person, None)
        row = self._rows.open_row(person)
        if row is None:
            return None
        self._wake(row)
        if row.features is None or self._rows.live_of(person):
            return None
        if self._rows.rests(row):
            self._resting[person] = None
            return None
        one = free(row, self._rows.now, self._rows.asked(row))
        rule = own_refusal(one)
        if rule:
            self._kept_back[person] = rule
            return None
        return one

    def _as_now(self, one: Free) -> Free:
        return free(self._rows.waiting[one.person], self._rows.now, one.asked)

    def _wake(self, row: Waiting) -> None:
        """Look again when the hour may change what holds: just after the next of `_hours`."""
        at = min((hour for hour in self._hours(row) if hour >= self._rows.now), default=None)
        if at and self._wake_of.get(row.person) != at:
            self._wake_of[row.person] = at
            heapq.heappush(self._wakes, (at, row.person))

    def _hours(self, row: Waiting) -> list[datetime]:
        hours = [row.until - MIN_TALK, row.until - INSTANT]
        quiet = row.features.quiet if row.features else None
        if quiet:
            local = local_minute(row.market, self._rows.now)
            left = min((bound - local) % DAY_MIN or DAY_MIN for bound in (quiet.start_min, quiet.end_min))
            minute = self._rows.now.replace(second=0, microsecond=0)
            hour = minute.replace(minute=0) + HOUR  # where local time may jump
            hours.append(min(minute + left * MINUTE, hour) - INSTANT)
        return hours


def _same(was: Free, now: Free) -> bool:
    """Whether nothing has changed that candidates depend on."""
    return (
        was.row.company == now.row.company
        and was.row.since == now.row.since
        and was.asked == now.asked
        and was.features == now.features
    )
