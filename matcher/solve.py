"""The heaviest matching of a graph, or nearly: exact where that is fast, else within a fraction of a percent.

Place in the flow: weights -> **solve** -> match; also `partyline bench match --graph`. The same edges in any order
give the same matching. `upper_bound` says what no matching can exceed.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matcher.alternating import improve, shake, state_of
from matcher.auction import Floats, Graph, Ints, auction, potentials, rounded
from matcher.errors import BadRequest
from matcher.regions import Regions, mend

Effort = Literal["fast", "best"]
EXACT_PEOPLE: dict[Effort, int] = {"fast": 128, "best": 400}
"""Of so many who wait a pool's matching is always the exact one."""
EXACT_WORK: dict[Effort, float] = {"fast": 2e6, "best": 2e7}
"""People times edges up to which the exact matching is fast: measured, 2 to 4 hundredths of a second a million."""
SHAKES: dict[Effort, int] = {"fast": 2, "best": 40}
"""Edges that are forced in, for each person,"""
SHAKES_LIMIT: dict[Effort, int] = {"fast": 20_000, "best": 4_000_000}
"""and in all. Measured: of 100,000 people all 200,000 would bring 0.02 % of the weight."""
SHAKE_WORK = 2e7
"""Edges that all of this may look at, about: of hubs with thousands of edges each fewer are forced in."""
REGIONS: dict[Effort, Regions] = {"fast": Regions(9_000, 150, 1_000), "best": Regions(40_000, 300, 2_000)}
"""Around people who are left alone; measured: a chain of triangles of nearly equal weights gains 3 % by it."""
STEP, BOUND_STEP = 3e-3, 3e-4
"""The auction's step as a share of the mean best edge: for a matching, and for a bound."""
LARGE, LARGE_STEP = 30_000, 1e-2
"""For more people than that a coarser step is enough: measured, 99.74 % of the bound instead of 99.79 % at 100,000, in
half the time; at 10,000 the finer one reaches 99.5 %."""
BIDS_EACH, BOUND_BIDS_EACH = 200, 2_000
BOUND_ROUNDS = 200
EXACT_SCALE = 2.0**50


@dataclass(frozen=True, slots=True)
class Edges:
    """A graph of `count` people: u < v, sorted, each pair once, every weight finite and more than nothing."""

    count: int
    u: Ints
    v: Ints
    w: Floats

    def half_edges(self) -> Graph:
        """The same with both directions of each edge, sorted by person and then by partner."""
        whose = np.concatenate([self.u, self.v])
        order = np.argsort(whose, kind="stable")
        ends = np.cumsum(np.bincount(whose, minlength=self.count)).astype(np.int64)
        start = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
        both = np.concatenate([self.v, self.u])[order]
        return start, ends, both, np.concatenate([self.w, self.w])[order]


def edges(count: int, u: ArrayLike, v: ArrayLike, w: ArrayLike) -> Edges:
    """Edges in their one order; of parallel ones the heaviest, and none that weighs nothing or less.

    Raises:
        BadRequest: an edge joins somebody to themselves or names nobody, or a weight is not finite.
    """
    ends = np.asarray([u, v], dtype=np.int64).reshape(2, -1)
    weight = np.asarray(w, dtype=np.float64).reshape(-1)
    low, high = ends.min(axis=0), ends.max(axis=0)
    if not np.isfinite(weight).all():
        raise BadRequest(f"edge {int(np.flatnonzero(~np.isfinite(weight))[0])}: the weight is not finite")
    if weight.size and (low.min() < 0 or high.max() >= count):
        raise BadRequest(f"an edge names somebody outside 0 to {count - 1}")
    if (low == high).any():
        raise BadRequest(f"edge {int(np.flatnonzero(low == high)[0])}: joins somebody to themselves")
    some = np.flatnonzero(weight > 0)
    key = low[some] * count + high[some]
    order = some[np.lexsort((-weight[some], key))]
    key = low[order] * count + high[order]
    order = order[np.append(True, key[1:] != key[:-1])] if order.size else order
    return Edges(count, low[order].astype(np.int32), high[order].astype(np.int32), weight[order])


def solve(graph: Edges, effort: Effort = "fast") -> Ints:
    """Everybody's mate, or -1: a heavy matching, the heaviest if that is fast to find."""
    if graph.count * graph.w.size <= EXACT_WORK[effort]:
        return exact(graph)
    return nearly(graph, effort)


def nearly(graph: Edges, effort: Effort) -> Ints:
    """A heavy matching of a graph that is too large for the exact one."""
    if not graph.w.size:
        return np.full(graph.count, -1, np.int32)
    start, stop, nbr, wt = graph.half_edges()
    halves = (start, stop, nbr, wt / graph.w.max())
    mate = solve_half_edges(halves, effort)
    mend(halves, mate, REGIONS[effort], lambda u, v, w, count: exact(Edges(count, u, v, w)))
    return mate


def solve_half_edges(halves: Graph, effort: Effort) -> Ints:
    """A heavy matching of half edges, the heaviest of which weighs about 1."""
    count = len(halves[0])
    step = (LARGE_STEP if effort == "fast" and count > LARGE else STEP) * mean_best(halves)
    _, holder, weight = auction(halves, step, BIDS_EACH * count)
    state = state_of(*rounded(holder, weight))
    everybody = np.arange(count, dtype=np.int32)
    improve(everybody, halves, state)
    before = state[0].copy()
    shake(everybody, min(SHAKES[effort] * count, SHAKES_LIMIT[effort], shakes_in_time(halves)), halves, state)
    improve(np.flatnonzero(state[0] != before).astype(np.int32), halves, state)
    return state[0]


def shakes_in_time(halves: Graph) -> int:
    """How many edges can be forced in with `SHAKE_WORK`: each walks over the edges of people who have many."""
    start, stop, _, _ = halves
    degree = (stop - start).astype(np.float64)
    return int(SHAKE_WORK * degree.sum() / max(float((degree**2).sum()), 1.0))


def mean_best(halves: Graph) -> float:
    """The mean, over all who have an edge, of their heaviest."""
    start, stop, _, wt = halves
    some = stop > start
    if not some.any():
        return 1.0
    return float(np.maximum.reduceat(wt, start[some]).mean())


def exact(graph: Edges) -> Ints:
    """The heaviest matching, by rustworkx (Galil's blossom algorithm); of equal ones that which a fixed lot favours."""
    import rustworkx

    mate = np.full(graph.count, -1, np.int32)
    if not graph.w.size:
        return mate
    lot = (np.arange(graph.w.size, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(44)
    scaled = np.round(graph.w / graph.w.max() * EXACT_SCALE).astype(np.int64)
    weights = [(int(a) << 32) + int(b) for a, b in zip(scaled, lot, strict=True)]
    made = rustworkx.PyGraph(multigraph=False)
    made.add_nodes_from(range(graph.count))
    made.add_edges_from(list(zip(graph.u.tolist(), graph.v.tolist(), weights, strict=True)))
    for a, b in rustworkx.max_weight_matching(made, weight_fn=int):
        mate[a], mate[b] = b, a
    return mate


def upper_bound(graph: Edges) -> tuple[float, Floats]:
    """A weight that no matching exceeds, and its proof: a potential a person, two of which cover each edge."""
    if not graph.w.size:
        return 0.0, np.zeros(graph.count)
    halves = graph.half_edges()
    price, _, _ = auction(halves, BOUND_STEP * mean_best(halves), BOUND_BIDS_EACH * graph.count)
    y = potentials(halves, price, BOUND_ROUNDS)
    return float(y.sum()), y


def weight_of(graph: Edges, mate: NDArray[np.int32]) -> float:
    """What a matching weighs."""
    return float(graph.w[mate[graph.u] == graph.v].sum())
