"""Makes a matching better where somebody is left alone: the region around them is solved exactly, the rest stays.

Place in the flow: alternating -> **regions** -> solve. A short alternating path ends at odd cycles, and on a sparse
graph of nearly equal weights two who are left alone may lie further apart than it reaches. A region is closed under
mates, so that a heavier matching of it is a heavier one of the whole. Method: large neighbourhood search (Shaw 1998).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matcher.auction import Graph, Ints
from matcher.compiled import compiled

Exactly = Callable[[Ints, Ints, NDArray[np.float64], int], Ints]
"""Solves a graph of so many people, given by its edges (u, v, weight)."""


@dataclass(frozen=True, slots=True)
class Regions:
    """Of how many people at most in all, and of how many people and ends of edges each."""

    total: int
    people: int
    ends: int


def mend(graph: Graph, mate: Ints, regions: Regions, exactly: Exactly) -> None:
    """Solve the regions around those who are left alone, changing `mate`.

    In one round nobody is the middle of a region who was in another. Rounds go on while they help.
    """
    start, stop, _, _ = graph
    place, left, helped = np.full(len(mate), -1, np.int32), regions.total, True
    while helped:
        seen, helped = np.zeros(len(mate), np.bool_), False
        for alone in np.flatnonzero((mate < 0) & (stop > start)).tolist():
            if seen[alone] or mate[alone] >= 0:
                continue
            who = around(alone, regions, graph, mate, place)
            left -= len(who)
            if left < 0:
                return
            seen[who] = True
            helped |= _solved(who, graph, mate, place, exactly)
            place[who] = -1


def _solved(who: Ints, graph: Graph, mate: Ints, place: Ints, exactly: Exactly) -> bool:
    u, v, w = within(who, place, graph)
    was = mate[who]
    now = exactly(u, v, w, len(who))
    new = np.where(now >= 0, who[now], -1).astype(np.int32)
    before = np.where(was >= 0, place[was], -1)
    if w[now[u] == v].sum() <= w[before[u] == v].sum() * (1 + 1e-12):
        return False
    mate[who] = new
    return True


def around(alone: int, regions: Regions, graph: Graph, mate: Ints, place: Ints) -> Ints:
    """Somebody alone and those who are nearest to them, each with their mate; `place` says where each stands then."""
    return _around(alone, regions.people, regions.ends, graph, mate, place)


@compiled
def _around(alone: int, people: int, ends: int, graph: Graph, mate: Ints, place: Ints) -> Ints:
    start, stop, nbr, _ = graph
    found = np.empty(people + 1, np.int32)
    found[0] = alone
    place[alone] = 0
    count, at, looked = 1, 0, 0
    while at < count and looked < ends:
        x = found[at]
        at += 1
        for k in range(start[x], stop[x]):
            looked += 1
            y = nbr[k]
            if place[y] >= 0 or count >= people:
                continue
            place[y] = count
            found[count] = y
            count += 1
            z = mate[y]
            if z >= 0:
                place[z] = count
                found[count] = z
                count += 1
    return found[:count].copy()


@compiled
def within(who: Ints, place: Ints, graph: Graph) -> tuple[Ints, Ints, NDArray[np.float64]]:
    """The edges between those of `who`, whose places in it are `place` (-1: not among them)."""
    start, stop, nbr, wt = graph
    total = 0
    for x in who:
        total += stop[x] - start[x]
    u, v, w = np.empty(total, np.int32), np.empty(total, np.int32), np.empty(total)
    count = 0
    for x in who:
        for k in range(start[x], stop[x]):
            if place[nbr[k]] > place[x] and wt[k] > 0.0:
                u[count], v[count], w[count] = place[x], place[nbr[k]], wt[k]
                count += 1
    return u[:count].copy(), v[:count].copy(), w[:count].copy()
