"""The best that is possible: somebody who knows every arrival and departure and all calibrated scores, but no answer.

Place in the flow: market -> **clairvoyant** -> report. A pair of windows is worth its score minus the price of both
waits at the earliest moment when both are there. Two figures:
- `matching`: each window in at most one pair, and every ring answered; exact where that is quick, otherwise the dual of
  the linear programme.
- `bound`: no policy that does not know the answers can exceed it in expectation. A pair comes about at most as often as
  both answer, and a person at most as often as they do not drop out at their first ring; both are constraints of the
  same programme (as for stochastic probing: Chen, Immorlica, Karlin, Mahdian and Rudra 2009; Bansal et al. 2012).
Only the best pairs of each window enter the programme; the bound is then evaluated over all pairs with the prices that
it gave, and so holds whatever was left out and however well it was solved.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

from matcher.solve import edges, exact
from services.simulate.market import Market, Numbers

PAIRS_A_WINDOW = 30
EXACT_PAIRS = 20_000
LEAST_TALK_MIN = 3.0
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Clairvoyant:
    """Utility that cannot be exceeded: by any policy in expectation, and if every ring were answered."""

    bound: float
    matching: float
    exact: bool


@dataclass(frozen=True, slots=True)
class Pairs:
    """Windows that could meet, earlier first, with what they are worth."""

    a: Indices
    b: Indices
    worth: Numbers

    def only(self, kept: NDArray[np.bool_]) -> "Pairs":
        """Those that are kept."""
        return Pairs(self.a[kept], self.b[kept], self.worth[kept])


def clairvoyant(market: Market, minute_costs: float) -> Clairvoyant:
    """Both figures for this market."""
    pairs = possible_pairs(market, minute_costs * market.mean_value)
    windows, quick = len(market.windows), len(pairs.a) <= EXACT_PAIRS
    matching = _exact(pairs, windows) if quick else _bound(pairs, np.ones(len(pairs.a)), np.ones(windows))
    answers = market.answer_yes()[market.person]
    both = answers[pairs.a] * answers[pairs.b]
    if (both == 1).all():
        return Clairvoyant(matching, matching, quick)
    return Clairvoyant(min(matching, _bound(pairs, both, market.stay_on()[market.person])), matching, quick)


def possible_pairs(market: Market, price: float) -> Pairs:
    """Every pair of windows of two people that pass the hard rules and overlap by long enough, if worth anything."""
    start, until = market.from_min, market.until_min
    first, second, worth = [], [], []
    for a in range(len(market.windows)):
        last = np.searchsorted(start, min(until[a] - LEAST_TALK_MIN, market.leaves_min[a]), side="right")
        b = np.arange(a + 1, max(a + 1, last))
        people = market.person[a], market.person[b]
        long_enough = np.minimum(until[b], until[a]) - start[b] >= LEAST_TALK_MIN
        b = b[long_enough & market.allowed[people]]
        value = market.scores[market.person[a], market.person[b]] - price * (start[b] - start[a])
        first.append(np.full(len(b), a)[value > 0])
        second.append(b[value > 0])
        worth.append(value[value > 0])
    if not first:
        return Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    return Pairs(np.concatenate(first), np.concatenate(second), np.concatenate(worth).astype(float))


def _exact(pairs: Pairs, windows: int) -> float:
    mate = exact(edges(windows, pairs.a, pairs.b, pairs.worth))
    return float(pairs.worth[mate[pairs.a] == pairs.b].sum())


def _bound(pairs: Pairs, at_most: Numbers, room: Numbers) -> float:
    """Most that pairs, each taken at most so often, can be worth if each window has so much room."""
    if not len(pairs.a):
        return 0.0
    kept = _best_of_each(pairs)
    few, number = pairs.only(kept), np.arange(int(kept.sum()))
    touches = csr_matrix(
        (np.ones(2 * len(number)), (np.concatenate([few.a, few.b]), np.concatenate([number, number]))),
        shape=(len(room), len(number)),
    )
    limits = np.stack([np.zeros(len(number)), at_most[kept]], axis=1)
    solved = linprog(-few.worth, A_ub=touches, b_ub=room, bounds=limits, method="highs-ipm")
    prices = np.maximum(-solved.ineqlin.marginals, 0.0)
    over = np.maximum(pairs.worth - prices[pairs.a] - prices[pairs.b], 0.0)
    return float(prices @ room + over @ at_most)


def _best_of_each(pairs: Pairs) -> NDArray[np.bool_]:
    kept = np.zeros(len(pairs.a), dtype=bool)
    for side in (pairs.a, pairs.b):
        order = np.lexsort((-pairs.worth, side))
        new = np.diff(side[order], prepend=-1) != 0
        first = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
        kept[order[np.arange(len(order)) - first < PAIRS_A_WINDOW]] = True
    return kept
