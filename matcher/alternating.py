"""Makes a matching better along alternating paths and cycles, until no short one helps.

Place in the flow: auction -> **alternating** -> solve. Two people lose their partners and each goes on to whom they
gain most with, whose partner goes on in turn, up to `REACH` times (Lin and Kernighan's idea, on the paths of Drake and
Hougardy): whatever prefix gains most is kept. Afterwards edges by lot are forced in and mended in the same way; what
neither gains nor loses is accepted too, since only so are plateaus of equal weights crossed.
`State` is a matching (mates, weights held) and what the walks write down; a mark of the present `clock` is a person on
the path.
"""

import numpy as np
from numpy.typing import NDArray

from matcher.auction import Floats, Graph, Ints, Places
from matcher.compiled import compiled, leaf

State = tuple[Ints, Floats, Places, Places, Ints, Ints, Floats]

REACH = 10
"""Partners that one side of a path may change. Measured: 2 loses up to 1 % of the weight, 30 wins nothing."""
TINY = 1e-12
"""Less than this is no gain (the heaviest edge weighs 1)."""
ROUNDS_LIMIT = 50
MULTIPLIER, INCREMENT = np.uint64(6364136223846793005), np.uint64(1442695040888963407)
"""Knuth's MMIX generator: any die will do, so long as it is the same everywhere."""


@compiled
def state_of(mate: Ints, held: Floats) -> State:
    """A matching, ready to be changed in place."""
    steps = 2 * REACH
    return (
        mate, held, np.zeros(len(mate), np.int64), np.zeros(1, np.int64),
        np.empty(steps, np.int32), np.empty(steps, np.int32), np.empty(steps),
    )  # fmt: skip


@leaf
def _walk(x: int, gain: float, at: int, home: int, graph: Graph, state: State) -> tuple[int, float, int, float, float]:
    """From x, who is alone, along the best alternating path, written from `at`; `home` is who else is alone, or -1.

    Returns how many steps gain most and that gain; the same if the path closes at `home`, and the weight of that edge.
    """
    start, stop, nbr, wt = graph
    mate, held, mark, clock, path_from, path_to, path_weight = state
    steps, best = 0, gain
    closed_steps, closed, closing = 0, -1.0e300, 0.0
    for step in range(1, REACH + 1):
        y, rise, weight = -1, -1.0e300, 0.0
        for k in range(start[x], stop[x]):
            if wt[k] > 0.0 and wt[k] - held[nbr[k]] > rise and mark[nbr[k]] != clock[0]:
                y, rise, weight = nbr[k], wt[k] - held[nbr[k]], wt[k]
        if y < 0:
            break
        path_from[at + step - 1], path_to[at + step - 1], path_weight[at + step - 1] = x, y, weight
        gain += rise
        mark[y] = clock[0]
        if gain > best:
            steps, best = step, gain
        x = mate[y]
        if x < 0:
            break
        mark[x] = clock[0]
        if home >= 0:
            weight = _between(x, home, graph)
            if weight > 0.0 and gain + weight > closed:
                closed_steps, closed, closing = step, gain + weight, weight
    return steps, best, closed_steps, closed, closing


@leaf
def _between(x: int, y: int, graph: Graph) -> float:
    start, stop, nbr, wt = graph
    for k in range(start[x], stop[x]):
        if nbr[k] == y:
            return float(wt[k])
    return 0.0


@leaf
def _take(at: int, steps: int, state: State) -> int:
    """Match along the path; who is left alone at its end, or -1."""
    mate, held, _, _, path_from, path_to, path_weight = state
    alone = -1
    for i in range(at, at + steps):
        alone = mate[path_to[i]]
        if alone >= 0:
            mate[alone], held[alone] = -1, 0.0
        _pair(path_from[i], path_to[i], path_weight[i], state)
    return alone


@leaf
def _pair(x: int, y: int, weight: float, state: State) -> None:
    mate, held = state[0], state[1]
    mate[x], mate[y] = y, x
    held[x] = held[y] = weight


@leaf
def _mark_anew(a: int, b: int, p: int, q: int, state: State) -> None:
    mark, clock = state[2], state[3]
    clock[0] += 1
    if a >= 0:
        mark[a] = mark[b] = clock[0]
    if p >= 0:
        mark[p] = clock[0]
    if q >= 0:
        mark[q] = clock[0]


@leaf
def _rewired(p: int, q: int, a: int, b: int, weight: float, least: float, graph: Graph, state: State) -> float:
    """Cut p and q (-1: nobody) from their partners: each other, or a and b, who are then paired. What is gained by it.

    Unless that is more than `least` it is 0, and nothing has changed.
    """
    mate, held, mark, clock, _, path_to, _ = state
    gain = weight - held[a] - held[b] if a >= 0 else -held[p]
    if p < 0:
        p, q = q, p
    _mark_anew(a, b, p, q, state)
    steps, best, closed_steps, closed, closing = 0, gain, 0, -1.0e300, 0.0
    if p >= 0:
        steps, best, closed_steps, closed, closing = _walk(p, gain, 0, q, graph, state)
        if q >= 0 and a >= 0:
            direct = _between(p, q, graph)
            if direct > 0.0 and gain + direct > closed:
                closed_steps, closed, closing = 0, gain + direct, direct
    at, more = max(steps, closed_steps), 0
    if q >= 0:
        _mark_anew(a, b, p, q, state)
        for i in range(steps):
            mark[path_to[i]] = clock[0]
            if mate[path_to[i]] >= 0:
                mark[mate[path_to[i]]] = clock[0]
        more, best, _, _, _ = _walk(q, best, at, -1, graph, state)
    if max(best, closed) <= least:
        return 0.0
    if p >= 0:
        mate[p], held[p] = -1, 0.0
    if q >= 0:
        mate[q], held[q] = -1, 0.0
    if a >= 0:
        _pair(a, b, weight, state)
    if closed > best:
        alone = _take(0, closed_steps, state)
        _pair(alone if closed_steps else p, q, closing, state)
        return float(closed)
    _take(0, steps, state)
    _take(at, more, state)
    return float(best)


@compiled
def improve(who: Ints, graph: Graph, state: State) -> None:
    """Rewire around each of `who`, then around those who hold less by it, until nobody gains."""
    mate, held = state[0], state[1]
    for _ in range(ROUNDS_LIMIT):
        before = held.copy()
        for x in who:
            _rewired(x, mate[x], -1, -1, 0.0, TINY, graph, state)
        who = np.flatnonzero(held < before - TINY).astype(np.int32)
        if len(who) == 0:
            break


@compiled
def shake(who: Ints, tries: int, graph: Graph, state: State) -> None:
    """Force in `tries` edges, of `who` in turn and by lot, wherever what follows loses nothing.

    In turn, since neighbours lie near each other in memory: half the time for a large crowd.
    """
    start, stop, nbr, wt = graph
    mate = state[0]
    dice = np.full(1, 88172645463325252, np.uint64)
    for turn in range(tries if len(who) else 0):
        x = who[turn * len(who) // tries]
        if stop[x] == start[x]:
            continue
        k = start[x] + _roll(dice, stop[x] - start[x])
        y = nbr[k]
        if wt[k] > 0.0 and mate[x] != y:
            _rewired(mate[x], mate[y], x, y, wt[k], -TINY, graph, state)


@leaf
def _roll(dice: NDArray[np.uint64], sides: int) -> int:
    dice[0] = dice[0] * MULTIPLIER + INCREMENT
    return int(dice[0] >> np.uint64(33)) % sides
