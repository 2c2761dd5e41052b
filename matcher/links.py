"""The candidates of each person, both ways: at most `bound` a person, changed one by one.

Place in the flow: search, score -> **links** -> alternating. A table: who is linked with whom (`nbr`, slot × bound),
with what score, by what bond; `degree` says how many of a row count. Somebody new may push out the worst link of a
person whose row is full, but only if the one pushed out keeps a third of the bound: who is popular with nobody is still
somebody's candidate.
"""

import numpy as np
from numpy.typing import NDArray

from matcher.compiled import compiled, leaf
from matcher.features import BOND, Bonds

Slots = NDArray[np.int64]
Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Keys = NDArray[np.uint64]
Links = tuple[Ints, Floats, Bonds, Slots]
LOTS = np.uint64(0x9E3779B97F4A7C15)
LOT_WEIGHS = 1e-9
"""Scores that differ by less are taken for equal."""


@leaf
def _place_of(a: int, b: int, links: Links) -> int:
    nbr, _, _, degree = links
    for i in range(degree[a]):
        if nbr[a, i] == b:
            return i
    return -1


@leaf
def _drop(a: int, place: int, links: Links) -> None:
    """The last link of a takes this place."""
    nbr, score, bond, degree = links
    last = degree[a] - 1
    nbr[a, place], score[a, place], bond[a, place] = nbr[a, last], score[a, last], bond[a, last]
    degree[a] = last


@leaf
def _add(a: int, b: int, its_score: float, its_bond: int, links: Links) -> None:
    nbr, score, bond, degree = links
    for x, y in ((a, b), (b, a)):
        nbr[x, degree[x]], score[x, degree[x]], bond[x, degree[x]] = y, its_score, its_bond
        degree[x] += 1


@leaf
def _make_room(b: int, below: float, links: Links) -> bool:
    """Drop the worst link of b that scores less than `below` and whose other end can spare it."""
    nbr, score, bond, degree = links
    bound = nbr.shape[1]
    worst, at = below, -1
    for i in range(bound):
        if score[b, i] < worst and bond[b, i] < BOND and degree[nbr[b, i]] > bound // 3:
            worst, at = score[b, i], i
    if at < 0:
        return False
    other = nbr[b, at]
    _drop(b, at, links)
    _drop(other, _place_of(other, b, links), links)
    return True


@leaf
def _lot(one: int, other: int) -> float:
    """From 0 to 1: by it pairs of equal scores are put in an order that is another for each person."""
    return float(((np.uint64(one) ^ np.uint64(other)) * LOTS) >> np.uint64(11)) / 2.0**53


@compiled
def link(
    who: Slots, starts: Slots, others: Slots, kept: Flags, scores: Floats, bonds: Bonds, keys: Keys, links: Links
) -> None:  # fmt: skip
    """Link each of `who` with the best of those found: first those to be kept, then by score, as far as there is room.

    Up to half the bound, a better score makes room in a full row; up to a third of it, any score does. Of equal scores
    that counts which the lot of the two `keys` favours: were it one order for all, they would fall apart into cliques.
    """
    nbr, _, _, degree = links
    bound = nbr.shape[1]
    for i in range(len(who)):
        a = who[i]
        first, end = starts[i], starts[i + 1]
        rank = scores[first:end] + 10.0 * kept[first:end]
        for j in range(end - first):
            rank[j] += LOT_WEIGHS * _lot(keys[a], keys[others[first + j]])
        order = np.argsort(-rank, kind="mergesort")
        for pass_by_any in (False, True):
            if pass_by_any and degree[a] >= bound // 3:
                break
            for j in order:
                if degree[a] >= bound or (pass_by_any and degree[a] >= bound // 3):
                    break
                b, its_score = others[first + j], scores[first + j]
                if _place_of(a, b, links) >= 0:
                    continue
                if degree[b] >= bound:
                    below = its_score if not pass_by_any and not kept[first + j] else np.inf
                    if (not pass_by_any and 2 * degree[a] >= bound) or not _make_room(b, below, links):
                        continue
                _add(a, b, its_score, bonds[first + j], links)


@compiled
def unlink(who: Slots, links: Links) -> Slots:
    """Take these people out; those who lost a link by it (some more than once)."""
    nbr, _, _, degree = links
    total = 0
    for a in who:
        total += degree[a]
    left = np.empty(total, np.int64)
    at = 0
    for a in who:
        for i in range(degree[a]):
            b = nbr[a, i]
            _drop(b, _place_of(b, a, links), links)
            left[at] = b
            at += 1
        degree[a] = 0
    return left[:at]


@compiled
def pairs(everybody: Slots, links: Links) -> tuple[Slots, Slots, Floats, Bonds]:
    """Every link once: the lower slot, the higher, score, bond."""
    nbr, score, bond, degree = links
    total = 0
    for a in everybody:
        total += degree[a]
    total //= 2
    u, v, s, k = np.empty(total, np.int64), np.empty(total, np.int64), np.empty(total), np.empty(total, np.int8)
    at = 0
    for a in everybody:
        for i in range(degree[a]):
            if nbr[a, i] > a:
                u[at], v[at], s[at], k[at] = a, nbr[a, i], score[a, i], bond[a, i]
                at += 1
    return u, v, s, k


@compiled
def rescored(u: Slots, v: Slots, scores: Floats, links: Links) -> None:
    """Give each link (u, v) its new score, both ways."""
    _, score, _, _ = links
    for i in range(len(u)):
        score[u[i], _place_of(u[i], v[i], links)] = scores[i]
        score[v[i], _place_of(v[i], u[i], links)] = scores[i]


@compiled
def weigh(
    everybody: Slots, links: Links, bond_bonus: float, bonus: Floats, expects: Floats, floor: float, mate: Ints,
    held: Floats, wt: Floats,
) -> None:  # fmt: skip
    """The weight of each link now (0 below the floor), and of each pair; a pair that has none any more is parted.

    A link's weight is its score, a bonus for a bond, and the larger bonus of its two ends, less what both expect of
    waiting on (see `matcher.patience`).
    """
    nbr, score, bond, degree = links
    bound = nbr.shape[1]
    for a in everybody:
        held[a] = 0.0
        for i in range(degree[a]):
            weight = score[a, i] + bond_bonus * (bond[a, i] >= BOND) + max(bonus[a], bonus[nbr[a, i]])
            more = weight - (expects[a] + expects[nbr[a, i]])
            wt[a * bound + i] = max(more, 0.0) if weight >= floor else 0.0
            if nbr[a, i] == mate[a]:
                held[a] = wt[a * bound + i]
        if mate[a] >= 0 and held[a] <= 0.0:
            mate[mate[a]] = -1
            mate[a] = -1
