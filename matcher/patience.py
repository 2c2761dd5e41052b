"""Whether to offer now or to wait for a better partner: what waiting on is worth to each person, and to a pair.

Place in the flow: score -> **patience** -> match. The utility is the calibrated chance that both would talk again minus
the price of both waits (`matcher/prices.py`). A pair is worth offering when its score is more than what both could
expect by waiting on. A person's expectation follows from the score of those who came lately, taken for those who will
come, from how often they come, and from the time left: with `t` minutes to go

    dV/dt = rate * mean(max(0, score - V - what the other could have instead)) - price,    V(0) = 0

so it rises with the spread of the scores and the arrivals, and falls to nothing as the window ends. "What the other
could have instead" is their own expectation, or the best offer of somebody else who waits now: it is what makes the
expectations of all agree with each other, and is found by going round a few times. No number belongs to any town. Where
all scores are alike, or nobody comes, waiting is worth nothing and the offer is made at once.
Method: bid prices (Talluri and van Ryzin) from a mean-field optimal stopping problem (as McCall's search), on an
empirical distribution; compare Akbarpour, Li and Oveis Gharan, Thickness and Information in Dynamic Matching Markets.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from matcher.compiled import compiled, leaf
from matcher.prices import Prices

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]

RECENT_LEAST, RECENT_LIMIT = 12, 128
"""With fewer recent arrivals nothing is known about who may come; more than so many say little more."""
WORK_LIMIT = 400_000
"""People who wait × recent arrivals in one look ahead: of very many people, fewer arrivals are looked at."""
FEW = 128
"""Of so few who wait the outlook is made in every tick, so that it follows from the rows and not from a process's past;
of more, in the first tick of each minute of domain time."""
RATE_OVER_MIN, RATE_LEAST_MIN = 20.0, 5.0
"""Arrivals are counted over so long; a rush of less than the second says nothing about how many will come."""
ROUNDS = 8
GRID_MIN = np.array([0.0, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 144, 240, 480, 1440])
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """Who came lately: `stays_min` (r), `scores` among them (r × r, -inf where never), and how many come a minute."""

    stays_min: Numbers
    scores: Numbers
    per_min: float

    def __len__(self) -> int:
        return len(self.stays_min)


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """Who waits: `left_min` (n) until it is too late to ring them; `to_recent` (n × r) scores, -inf where never.

    The pairs that may be offered now are `a`, `b` (indices) with their `score`.
    """

    left_min: Numbers
    to_recent: Numbers
    a: Indices
    b: Indices
    score: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What may come: `elsewhere` (r) is what each recent arrival could have instead, `rate` that of one of them."""

    elsewhere: Numbers
    rate: float
    price: float
    call: float

    def curves(self, to_recent: Numbers) -> Numbers:
        """Worth of waiting (k × grid) of newcomers with these scores (k × r)."""
        nobody, longest = np.zeros(len(to_recent)), np.full(len(to_recent), GRID_MIN[-1])
        return _curves(to_recent + self.call - self.elsewhere, self.rate, self.price, nobody, longest)


USUAL_PRICES = Prices()


class Patience:
    """The outlook of one pool, from who waits and who came; of a crowd kept between two looks, but never stored."""

    def __init__(self, prices: Prices = USUAL_PRICES) -> None:
        """At these prices; nothing is known yet."""
        self._prices = prices
        self._looked_min: int | None = None
        self._outlook: Outlook | None = None
        self._curves: dict[str, Numbers] = {}

    def due(self, now_min: float, waiting: int) -> bool:
        """Whether it is time to look ahead again while so many wait."""
        return waiting <= FEW or self._looked_min != math.floor(now_min)

    def look(self, now_min: float, keys: Sequence[str], present: Present, recent: Recent, answered: float) -> None:
        """Look ahead for the people with these `keys`."""
        curves, self._outlook = look_ahead(present, recent, answered, self._prices)
        self._looked_min = math.floor(now_min)
        self._curves = dict(zip(keys, curves, strict=True))

    def new(self, keys: Sequence[str]) -> list[int]:
        """Which of `keys` came after the last look."""
        return [place for place, key in enumerate(keys) if key not in self._curves]

    def meet(self, keys: Sequence[str], to_recent: Numbers) -> None:
        """Take in people who came after the last look, by their scores with those who were recent then."""
        if self._outlook is not None:
            self._curves |= dict(zip(keys, self._outlook.curves(to_recent), strict=True))

    def expects(self, keys: Sequence[str], left_min: Numbers) -> Numbers:
        """What an offer must bring each of `keys`, with so many minutes left, to be worth more than waiting on."""
        if self._outlook is None or not keys:
            return np.zeros(len(keys))
        nothing = np.zeros(len(GRID_MIN))
        curves = np.stack([self._curves.get(key, nothing) for key in keys])
        return asked_of_offers(curves, left_min, self._outlook)


def asked_of_offers(curves: Numbers, left_min: Numbers, outlook: Outlook) -> Numbers:
    """Each person's part of what an offer must bring: their expectation, less half of what a call itself counts."""
    return worth_at(curves, left_min) - outlook.call / 2 - ROUNDING


def look_ahead(
    present: Present, recent: Recent, answered: float, prices: Prices = USUAL_PRICES
) -> tuple[Numbers, Outlook | None]:
    """What waiting on is worth to each person present, over the grid of minutes left, and the outlook it follows from.

    `answered` is the share of offers that become a call. All is worth nothing if too little is known.
    """
    people = len(present.left_min)
    if len(recent) < RECENT_LEAST:
        return np.zeros((people, len(GRID_MIN))), None
    seen = np.isfinite(recent.scores)
    mean = float(recent.scores[seen].mean()) if seen.any() else 0.0
    rate, price, call = answered * recent.per_min / len(recent), prices.minute_costs * mean, prices.call_counts * mean
    present = replace(present, to_recent=present.to_recent + call, score=present.score + call)
    even = (mean + call) / 2  # as if every pair were the mean one and both gave up the same
    curves, fresh = np.full((people, len(GRID_MIN)), even), np.full(len(recent), even)
    for _ in range(ROUNDS):
        values = worth_at(curves, present.left_min)
        best, instead, first = _offers(present, values, fresh)
        end = answered * _at_hand(present, values)
        curves = (curves + _curves(present.to_recent - instead, rate, price, end, present.left_min)) / 2
        end = answered * np.maximum(first, 0.0)
        new = _curves(recent.scores + call - best, rate, price, end, recent.stays_min)
        fresh = (fresh + worth_at(new, recent.stays_min)) / 2
    elsewhere, _, _ = _offers(present, worth_at(curves, present.left_min), fresh)
    return curves, Outlook(elsewhere=elsewhere, rate=rate, price=price, call=call)


def recent_limit(waiting: int) -> int:
    """How many recent arrivals to look at while so many wait."""
    return max(RECENT_LEAST, min(RECENT_LIMIT, WORK_LIMIT // max(1, waiting)))


def arrivals_per_min(came_min: Numbers, now_min: float) -> float:
    """How many come a minute: in the last `RATE_OVER_MIN`, or over as long as it took the last few to come."""
    if not len(came_min):
        return 0.0
    ordered = np.sort(came_min)
    count = max(min(RECENT_LEAST, len(ordered)), int((ordered > now_min - RATE_OVER_MIN).sum()))
    return count / max(now_min - float(ordered[-count]), RATE_LEAST_MIN)


def _at_hand(present: Present, values: Numbers) -> Numbers:
    """What each could count on having when their window ends: the best of those present, less what these expect."""
    best = np.zeros(len(present.left_min))
    np.maximum.at(best, present.a, present.score - values[present.b])
    np.maximum.at(best, present.b, present.score - values[present.a])
    return best


def _offers(present: Present, values: Numbers, fresh: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """For each recent arrival: what they could have; that without this person (n × r); the best offer of those here."""
    offer = present.to_recent - values[:, None]
    if not len(offer):
        return fresh, offer, np.zeros(len(fresh))
    who, column = offer.argmax(axis=0), np.arange(offer.shape[1])
    first = offer[who, column]
    offer[who, column] = -np.inf
    instead = np.broadcast_to(np.maximum(fresh, first), offer.shape).copy()
    instead[who, column] = np.maximum(fresh, offer.max(axis=0))
    return np.maximum(fresh, first), instead, first


def _curves(gain: Numbers, rate: float, price: float, at_hand: Numbers, left_min: Numbers) -> Numbers:
    """Worth of waiting (k × grid) for people whose gain from each recent arrival is `gain` (k × r).

    Beyond the minutes that each has left nothing is worked out; the curve goes on level.
    """
    curves = np.empty((len(gain), len(GRID_MIN)))
    last = np.clip(np.searchsorted(GRID_MIN, left_min, side="right"), 1, len(GRID_MIN) - 1)
    _rise(np.ascontiguousarray(gain), rate, price, at_hand.astype(np.float64), last, GRID_MIN, curves)
    return curves


@leaf
def _better(gain: Numbers, one: int, value: float) -> tuple[float, float]:
    """How many of somebody's gains exceed `value`, and by how much in all; in four sums, which are faster than one."""
    n0 = n1 = n2 = n3 = t0 = t1 = t2 = t3 = 0.0
    whole = gain.shape[1] // 4 * 4
    for k in range(0, whole, 4):
        d0, d1 = gain[one, k] - value, gain[one, k + 1] - value
        d2, d3 = gain[one, k + 2] - value, gain[one, k + 3] - value
        t0, t1, t2, t3 = t0 + max(d0, 0.0), t1 + max(d1, 0.0), t2 + max(d2, 0.0), t3 + max(d3, 0.0)
        n0, n1, n2, n3 = n0 + (d0 > 0.0), n1 + (d1 > 0.0), n2 + (d2 > 0.0), n3 + (d3 > 0.0)
    for k in range(whole, gain.shape[1]):
        d0 = gain[one, k] - value
        t0, n0 = t0 + max(d0, 0.0), n0 + (d0 > 0.0)
    return (n0 + n1) + (n2 + n3), (t0 + t1) + (t2 + t3)


@compiled
def _rise(
    gain: Numbers, rate: float, price: float, at_hand: Numbers, last: Indices, grid: Numbers, curves: Numbers
) -> None:  # fmt: skip
    """One step of an exponential integrator a cell: exact while the same arrivals stay better than waiting."""
    for one in range(len(gain)):
        value = at_hand[one]
        curves[one, 0] = value
        for cell in range(1, last[one] + 1):
            better, total = _better(gain, one, value)
            slope = rate * better + ROUNDING
            rise = rate * total - price
            value = max(value - rise * math.expm1(-slope * (grid[cell] - grid[cell - 1])) / slope, 0.0)
            curves[one, cell] = value
        curves[one, last[one] + 1 :] = value


def worth_at(curves: Numbers, left_min: Numbers) -> Numbers:
    """Each person's curve at their own time left; nothing once it is too late."""
    left = np.clip(left_min, 0.0, GRID_MIN[-1])
    cell = np.clip(np.searchsorted(GRID_MIN, left, side="right") - 1, 0, len(GRID_MIN) - 2)
    share = (left - GRID_MIN[cell]) / (GRID_MIN[cell + 1] - GRID_MIN[cell])
    row = np.arange(len(left))
    inside: Numbers = curves[row, cell] * (1 - share) + curves[row, cell + 1] * share
    return np.where(left_min <= 0, 0.0, inside)
