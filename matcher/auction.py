"""An auction in which every person bids for a partner: prices that prove how good any matching can be, and a first one.

Place in the flow: solve -> **auction** -> alternating. The matching problem is relaxed to one between bidders and a
copy of themselves; Bertsekas' auction (*The auction algorithm*, 1988) solves that to within a chosen step a person.
Its prices are a feasible dual, hence a bound; its pairs form paths and cycles, in which the best edges are taken.
Graphs are half edges: those of x are `start[x]:stop[x]` of `nbr` and `wt`; edges of no weight are never looked at.
"""

import numpy as np
from numpy.typing import NDArray

from matcher.compiled import compiled, leaf

Ints = NDArray[np.int32]
Places = NDArray[np.int64]
Floats = NDArray[np.float64]
Graph = tuple[Places, Places, Ints, Floats]
Bids = tuple[Floats, Ints, Floats]


@compiled
def auction(graph: Graph, step: float, bids_limit: int) -> Bids:
    """Prices, who holds each person, and the weight for which: nobody gains more than `step` by bidding elsewhere.

    Prices are feasible with the bidders' best profits (`potentials`) even if `bids_limit` stopped the auction early.
    """
    start, stop, nbr, wt = graph
    count = len(start)
    price, held = np.zeros(count), np.zeros(count)
    holder = np.full(count, -1, np.int32)
    bidders = np.arange(count - 1, -1, -1).astype(np.int32)
    top = count
    while top > 0 and bids_limit > 0:
        top -= 1
        x = bidders[top]
        best, first, second, weight = -1, 0.0, 0.0, 0.0
        for k in range(start[x], stop[x]):
            profit = wt[k] - price[nbr[k]]
            if wt[k] > 0.0 and profit > first:
                second, first, best, weight = first, profit, nbr[k], wt[k]
            elif wt[k] > 0.0 and profit > second:
                second = profit
        if best < 0:
            continue
        bids_limit -= 1
        price[best] += first - second + step
        if holder[best] >= 0:
            bidders[top] = holder[best]
            top += 1
        holder[best] = x
        held[best] = weight
    return price, holder, held


@compiled
def potentials(graph: Graph, price: Floats, rounds: int) -> Floats:
    """A potential a person, two of which cover each edge between them; their sum bounds the weight of every matching.

    The mean of price and best profit is feasible; then each is lowered as far as its edges allow, round after round.
    """
    start, stop, nbr, wt = graph
    count = len(start)
    y = np.empty(count)
    for x in range(count):
        profit = 0.0
        for k in range(start[x], stop[x]):
            if wt[k] > 0.0:
                profit = max(profit, wt[k] - price[nbr[k]])
        y[x] = (price[x] + profit) / 2.0
    for _ in range(rounds):
        for x in range(count):
            least = 0.0
            for k in range(start[x], stop[x]):
                if wt[k] > 0.0:
                    least = max(least, wt[k] - y[nbr[k]])
            y[x] = least
    return y


@compiled
def rounded(holder: Ints, weight: Floats) -> tuple[Ints, Floats]:
    """A matching out of the auction's pairs: mates (-1: none) and the weight that each person's own pair has."""
    count = len(holder)
    wants = np.full(count, -1, np.int32)
    for x in range(count):
        if holder[x] >= 0:
            wants[holder[x]] = x
    mate, held = np.full(count, -1, np.int32), np.zeros(count)
    seen = np.zeros(count, np.bool_)
    chain, worth = np.empty(count + 1, np.int32), np.empty(count + 1)
    sums, taken = np.empty(count + 1), np.empty(count + 1, np.bool_)
    for ends_only in (True, False):  # first the paths, from their ends; what is left are cycles
        for first in range(count):
            if seen[first] or (ends_only and holder[first] >= 0):
                continue
            length, x = 0, first
            while x >= 0 and not seen[x]:
                seen[x] = True
                chain[length] = x
                x = wants[x]
                if x >= 0:
                    worth[length] = weight[x]
                length += 1
            if ends_only:
                _take_of_path(chain, worth, length - 1, sums, taken, mate, held)
            else:
                chain[length] = first
                _take_of_cycle(chain, worth, length, mate, held)
    return mate, held


@leaf
def _take_of_path(
    chain: Ints, worth: Floats, edges: int, sums: Floats, taken: NDArray[np.bool_], mate: Ints, held: Floats
) -> None:
    for i in range(edges):
        with_it = worth[i] + (sums[i - 2] if i >= 2 else 0.0)
        without = sums[i - 1] if i >= 1 else 0.0
        taken[i] = with_it > without
        sums[i] = max(with_it, without)
    i = edges - 1
    while i >= 0:
        if taken[i]:
            _pair(chain[i], chain[i + 1], worth[i], mate, held)
            i -= 1
        i -= 1


@compiled
def _take_of_cycle(chain: Ints, worth: Floats, length: int, mate: Ints, held: Floats) -> None:
    best_at = 0
    total = 0.0
    for i in range(0, length - 1, 2):
        total += worth[i]
    if length % 2 == 0:
        best_at = int(worth[:length].sum() - total > total)
    else:  # one person is left out; two further on, the edge at the front goes and the one before the gap comes
        best, at = total, 0
        for _ in range(1, length):
            total += worth[(at + length - 1) % length] - worth[at]
            at = (at + 2) % length
            if total > best:
                best, best_at = total, at
    for i in range(0, length - 1, 2):
        edge = (best_at + i) % length
        _pair(chain[edge], chain[(edge + 1) % length], worth[edge], mate, held)


@leaf
def _pair(a: int, b: int, weight: float, mate: Ints, held: Floats) -> None:
    mate[a], mate[b] = b, a
    held[a] = held[b] = weight
