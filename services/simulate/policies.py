"""Who is offered to whom, by five policies that see the same people and the same calibrated scores.

Place in the flow: engine -> **policies** -> pool. `partyline` is the service's own patience; the others are what it is
measured against. Each is asked at every tick and told who can be asked and which pairs pass every hard rule.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from matcher.patience import Patience, Present, Recent, arrivals_per_min, recent_limit, surplus
from matcher.prices import Prices
from matcher.solve import edges, solve
from services.simulate.market import Market, Numbers

Pairs = list[tuple[int, int]]
BATCH_MIN = 3.0
"""How often the policy `batch` pairs everybody who waits."""
TOO_LATE_MIN = 3.5
"""Nobody is rung for less than three minutes of talk, and a ring takes up to half a minute."""
USUAL_CALLS, USUAL_OFFERS = 7, 10
"""What is taken for the share of offers that become calls before any was made."""


@dataclass(frozen=True, slots=True)
class Here:
    """Those who can be asked now: market windows, minutes waited and left, scores (-inf where not to be offered)."""

    now_min: float
    windows: NDArray[np.int64]
    waited_min: Numbers
    left_min: Numbers
    scores: Numbers
    offers: int
    calls: int


class Policy(Protocol):
    """Places of the pairs to be offered now."""

    def __call__(self, here: Here) -> Pairs: ...


class Partyline:
    """Offers what is worth more than waiting on, see `matcher.patience`."""

    def __init__(self, market: Market, prices: Prices) -> None:
        self._market, self._patience = market, Patience(prices)
        self._recent = np.zeros(0, dtype=np.int64)

    def __call__(self, here: Here) -> Pairs:
        keys = [self._market.windows[window] for window in here.windows]
        left = here.left_min - TOO_LATE_MIN
        a, b = np.nonzero(np.triu(np.isfinite(here.scores), 1))
        score = here.scores[a, b]
        if self._patience.due(here.now_min, len(keys)):
            self._recent = self._who_came(here)
            present = Present(left_min=left, to_recent=self._between(here.windows), a=a, b=b, score=score)
            answered = (here.calls + USUAL_CALLS) / (here.offers + USUAL_OFFERS)
            self._patience.look(here.now_min, keys, present, self._who_may_come(here.now_min), answered)
        elif new := self._patience.new(keys):
            self._patience.meet([keys[place] for place in new], self._between(here.windows[new]))
        present = Present(left_min=left, to_recent=np.zeros((0, 0)), a=a, b=b, score=score)
        return heaviest(a, b, surplus(present, self._patience.expects(keys, left)))

    def _who_came(self, here: Here) -> NDArray[np.int64]:
        came = int(np.searchsorted(self._market.from_min, here.now_min, side="right"))
        return np.arange(max(0, came - recent_limit(len(here.windows))), came)

    def _who_may_come(self, now_min: float) -> Recent:
        market, recent = self._market, self._recent
        came = market.from_min[: recent[-1] + 1] if len(recent) else np.zeros(0)
        stays = market.until_min[recent] - market.from_min[recent] - TOO_LATE_MIN
        per_min = arrivals_per_min(came, now_min)
        return Recent(stays_min=stays, scores=self._between(recent), per_min=per_min)

    def _between(self, windows: NDArray[np.int64]) -> Numbers:
        """Scores of the people of `windows` with those who came lately, -inf where a hard rule forbids."""
        places = np.ix_(self._market.person[windows], self._market.person[self._recent])
        return np.where(self._market.allowed[places], self._market.scores[places], -np.inf).astype(float)


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


POLICIES: dict[str, Callable[[Market, Prices, int], Policy]] = {
    "partyline": lambda market, prices, seed: Partyline(market, prices),
    "greedy": lambda market, prices, seed: best_now,
    "first_fit": lambda market, prices, seed: first_fit,
    "batch": lambda market, prices, seed: Batch(),
    "random": lambda market, prices, seed: AtRandom(seed),
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
