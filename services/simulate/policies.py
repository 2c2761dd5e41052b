"""Who is offered to whom: the service's own choice, and the four policies that it is measured against.

Place in the flow: engine -> **policies** -> pool. Of `partyline` there are only the prices here: the pool chooses as it
does in service, see `engine`. Each of the others is asked at every tick, and told who can be asked and how all pairs
score that pass every hard rule.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from matcher.prices import Prices
from matcher.solve import edges, solve
from services.simulate.market import Numbers

Pairs = list[tuple[int, int]]
BATCH_MIN = 3.0
"""How often the policy `batch` pairs everybody who waits."""


@dataclass(frozen=True, slots=True)
class Here:
    """Those who can be asked now: the minutes each has waited, and scores (-inf where not to be offered)."""

    now_min: float
    waited_min: Numbers
    scores: Numbers


class Policy(Protocol):
    """Places of the pairs to be offered now."""

    def __call__(self, here: Here) -> Pairs: ...


def best_now(here: Here) -> Pairs:
    """The best pair of those who wait, then the best of the rest, at every tick: as FlexMatch and Nakama do."""
    return _in_order(here, here.scores)


def first_fit(here: Here) -> Pairs:
    """Whoever waits longest gets whoever of the rest waits longest and fits."""
    waited = here.waited_min
    longest = np.maximum(waited[:, None], waited) * 1e6 + np.minimum(waited[:, None], waited)
    return _in_order(here, longest)


class AtRandom:
    """Any pair that fits, at every tick."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng([seed, 2])

    def __call__(self, here: Here) -> Pairs:
        return _in_order(here, self._rng.random(here.scores.shape))


class Batch:
    """Everybody who waits is paired as well as can be, every few minutes."""

    def __init__(self) -> None:
        self._next_min = 0.0

    def __call__(self, here: Here) -> Pairs:
        if here.now_min < self._next_min:
            return []
        self._next_min = here.now_min + BATCH_MIN
        a, b = np.nonzero(np.triu(np.isfinite(here.scores), 1))
        return heaviest(a, b, here.scores[a, b])


POLICIES: dict[str, Callable[[Prices, int], Prices | Policy]] = {
    "partyline": lambda prices, seed: prices,
    "greedy": lambda prices, seed: best_now,
    "first_fit": lambda prices, seed: first_fit,
    "batch": lambda prices, seed: Batch(),
    "random": lambda prices, seed: AtRandom(seed),
}


def heaviest(a: NDArray[np.int64], b: NDArray[np.int64], weight: Numbers) -> Pairs:
    """The service's own matching of the pairs with a weight above nothing."""
    if not len(a):
        return []
    mate = solve(edges(int(max(a.max(), b.max())) + 1, a, b, weight), "best")
    return [(one, int(other)) for one, other in enumerate(mate) if one < other]


def _in_order(here: Here, preference: Numbers) -> Pairs:
    a, b = np.nonzero(np.triu(np.isfinite(here.scores), 1))
    return _one_by_one(a, b, preference[a, b])


def _one_by_one(a: NDArray[np.int64], b: NDArray[np.int64], preference: Numbers) -> Pairs:
    taken: set[int] = set()
    chosen: Pairs = []
    for pair in np.lexsort((b, a, -preference)):
        one, other = int(a[pair]), int(b[pair])
        if one not in taken and other not in taken:
            taken |= {one, other}
            chosen.append((one, other))
    return chosen
