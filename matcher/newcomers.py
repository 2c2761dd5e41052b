"""Who came lately, taken for who may come: what those who wait may expect, from the rows of one pool.

Place in the flow: rows, score -> **newcomers** -> patience -> matching. Nothing of it is stored: it is made again from
the rows, at most once a minute of domain time for all, and at once for whoever comes in between.
"""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from matcher.availability import MIN_TALK, Waiting
from matcher.features import crowd
from matcher.invitation import ANSWER, Invitation
from matcher.patience import (
    RECENT_LEAST,
    Indices,
    Numbers,
    Patience,
    Present,
    Recent,
    arrivals_per_min,
    recent_limit,
)
from matcher.prices import Prices
from matcher.rows import Rows
from matcher.rules import LASTING, Free, free, refusal
from matcher.score import Model, believed, score_pairs

TOO_LATE = MIN_TALK + ANSWER
"""With less of a window left than that, a ring comes too late."""
PAIRS_LIMIT = 20_000
"""Pairs asked of the hard rules in one look, about a tenth of a second."""
RULES_OF_ANY_HOUR = (*LASTING, "company")
USUAL_CALLS, USUAL_OFFERS = 7, 10
"""What is taken for the share of offers that become calls before any was made."""


class Newcomers:
    """The outlook of one pool."""

    def __init__(self, rows: Rows, prices: Prices) -> None:
        """Of the people in `rows`, at these prices."""
        self._rows = rows
        self._patience = Patience(prices)
        self._recent: list[Free] = []
        self._fits = Fits()

    def expects(self, people: Sequence[Free], a: Indices, b: Indices, weight: Numbers, model: Model) -> Numbers:
        """What an offer must bring each of `people`; `a`, `b` (indices) could be offered now and weigh so much."""
        keys = [one.row.availability for one in people]
        now_min = self._rows.now.timestamp() / 60
        left = np.array([_minutes(one.row.until - self._rows.now - TOO_LATE) for one in people])
        if self._patience.due(now_min):
            self._fits.grow_old()
            self._recent = self._who_came(len(people))
            to_recent = scores_between(people, self._recent, model, self._fits)
            present = Present(left_min=left, to_recent=to_recent, a=a, b=b, score=weight)
            self._patience.look(now_min, keys, present, self._who_may_come(now_min, model), self._answered())
        elif new := self._patience.new(keys):
            to_recent = scores_between([people[place] for place in new], self._recent, model, self._fits)
            self._patience.meet([keys[place] for place in new], to_recent)
        return self._patience.expects(keys, left)

    def _who_came(self, waiting: int) -> list[Free]:
        limit = max(RECENT_LEAST, min(recent_limit(waiting), PAIRS_LIMIT // max(1, waiting)))
        rows = sorted(self._known(), key=lambda row: (row.since, row.person))[-limit:]
        return [free(row, self._rows.now) for row in rows]

    def _who_may_come(self, now_min: float, model: Model) -> Recent:
        came = np.array([row.since.timestamp() / 60 for row in self._known()])
        stays = np.array([_minutes(one.row.until - one.row.since - TOO_LATE) for one in self._recent])
        among = scores_between(self._recent, self._recent, model, self._fits)
        return Recent(stays_min=stays, scores=among, per_min=arrivals_per_min(came, now_min))

    def _known(self) -> list[Waiting]:
        return [row for row in self._rows.waiting.values() if row.features is not None]

    def _answered(self) -> float:
        over = [one for one in self._rows.invitations.values() if one.rung and not _undecided(one)]
        called = sum(one.confirmed_wall is not None for one in over)
        return (called + USUAL_CALLS) / (len(over) + USUAL_OFFERS)


class Fits:
    """Which pairs pass the hard rules that hold at any hour: most of one look were asked in the look before."""

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self._asked: dict[tuple[str, str], bool] = {}
        self._before: dict[tuple[str, str], bool] = {}

    def grow_old(self) -> None:
        """Forget what was not asked since the last time."""
        self._before, self._asked = self._asked, {}

    def between(self, people: Sequence[Free], others: Sequence[Free]) -> NDArray[np.bool_]:
        """People × others."""
        keys = [[f"{one.person}|{one.row.seq}" for one in side] for side in (people, others)]
        left, right = (list(zip(side, of, strict=True)) for side, of in zip((people, others), keys, strict=True))
        told = [self._fit(a, b, x, y) for a, x in left for b, y in right]
        return np.array(told).reshape(len(people), len(others))

    def _fit(self, a: Free, b: Free, key_a: str, key_b: str) -> bool:
        key = (key_a, key_b) if key_a < key_b else (key_b, key_a)
        fits = self._asked.get(key)
        if fits is None:
            fits = self._before.get(key)
            if fits is None:
                fits = a.person != b.person and refusal(a, b, RULES_OF_ANY_HOUR) is None
            self._asked[key] = fits
        return fits


def scores_between(people: Sequence[Free], others: Sequence[Free], model: Model, fits: Fits) -> Numbers:
    """People × others of scores; -inf for oneself and where a hard rule that holds at any hour forbids."""
    if not people or not others:
        return np.zeros((len(people), len(others)))
    here = crowd([one.features for one in (*people, *others)])
    left, right = (places.reshape(-1) for places in np.indices((len(people), len(others))))
    bonded = np.array([other.person in one.features.bonds for one in people for other in others])
    scores = score_pairs(model, here, believed(model, here), left, right + len(people), bonded)
    return np.where(fits.between(people, others), scores.reshape(len(people), len(others)), -np.inf)


def _undecided(one: Invitation) -> bool:
    return one.live and one.confirmed_wall is None


def _minutes(time: timedelta) -> float:
    return time.total_seconds() / 60
