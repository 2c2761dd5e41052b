"""The one hidden truth of the town: whether two people get on, how long they talk, and what each says afterwards.

Place in the flow: people -> **truth** -> meeting. Pure, seeded, and known to nobody else: the matching sees only what
people say. One side's inclination is a sum of what both like, nearness, what the other is like to talk to, and how the
two happen to fit; the last is the largest part and cannot be seen beforehand. Shares of "yes" are an assumption: no
figure about talks of strangers was found.
"""

import hashlib
from math import exp, log
from statistics import NormalDist

from matcher.features import distance_km
from services.simulator.figures import figures
from services.simulator.habits import call_sigma
from services.simulator.people import TownPerson

BASE = -0.15
PER_SHARED_LIKE, SHARED_LIKES_LIMIT = 0.3, 3
SPOILED_BY_AVOIDED = 0.3
NEAR, NEAR_KM = 0.5, 15.0
GIVES_SD, GETS_SD, FIT_SD, OWN_SD = 0.4, 0.5, 0.9, 0.4
MAYBE_OF_REST_AT_EVEN = 0.55
LENGTH_PER_FIT = 0.25

_NORMAL = NormalDist()


class Truth:
    """What holds between any two people of the town with this seed."""

    def __init__(self, seed: int, known: float = 1.0, base: float = BASE) -> None:
        """Of the town with this seed; `known` is how much more than usual counts what can be known of two people."""
        self._seed, self._known, self._base = seed, known, base

    def inclination(self, one: TownPerson, other: TownPerson) -> float:
        """The log odds that `one` would say yes about a talk with `other`."""
        by_chance = FIT_SD * self.fit(one, other) + OWN_SD * self._normal("own", one.number, other.number)
        return self._base + self._known * self.knowable(one, other) + by_chance

    def knowable(self, one: TownPerson, other: TownPerson) -> float:
        """The part of it that could be known beforehand: what both told, and what each is like with everybody."""
        shared = len(set(one.likes) & set(other.likes))
        avoided = len(set(one.avoids) & set(other.likes))
        near = exp(-distance_km(one.area.cell, other.area.cell) / NEAR_KM)
        return (
            PER_SHARED_LIKE * min(shared, SHARED_LIKES_LIMIT)
            - SPOILED_BY_AVOIDED * avoided
            + NEAR * near
            + GIVES_SD * self._normal("gives", one.number)
            + GETS_SD * self._normal("gets", other.number)
        )

    def fit(self, one: TownPerson, other: TownPerson) -> float:
        """How the two happen to fit, the same both ways; standard normal over pairs."""
        return self._normal("fit", *sorted((one.number, other.number)))

    def both(self, one: TownPerson, other: TownPerson) -> float:
        """The chance that both would say yes about a talk of these two."""
        return self._yes(one, other) * self._yes(other, one)

    def says(self, one: TownPerson, other: TownPerson, call: str) -> str:
        """What `one` says of `call` with `other`: yes, maybe or no."""
        yes = self._yes(one, other)
        drawn = self._share("says", one.number, other.number, call)
        if drawn < yes:
            return "yes"
        maybe = (1 - yes) * min(1.0, 2 * MAYBE_OF_REST_AT_EVEN * yes)
        return "maybe" if drawn < yes + maybe else "no"

    def call_min(self, one: TownPerson, other: TownPerson, call: str) -> float:
        """Domain minutes that the two would talk: who fits talks longer; median and limit are the sourced ones."""
        known = figures()
        own = (1 - LENGTH_PER_FIT**2) ** 0.5 * self._normal("length", *sorted((one.number, other.number)), call)
        spread = call_sigma(known) * (LENGTH_PER_FIT * self.fit(one, other) + own)
        return min(exp(log(known.call_median_min) + spread), known.call_max_min)

    def hangs_up_first(self, one: TownPerson, other: TownPerson, call: str) -> bool:
        """Whether it is `one` who says goodbye; it is always exactly one of the two."""
        first = sorted((one.number, other.number))[self._share("goodbye", call) < 0.5]
        return first == one.number

    def _yes(self, one: TownPerson, other: TownPerson) -> float:
        return 1 / (1 + exp(-self.inclination(one, other)))

    def _normal(self, *about: object) -> float:
        return _NORMAL.inv_cdf(self._share(*about))

    def _share(self, *about: object) -> float:
        digest = hashlib.sha256("|".join(map(str, (self._seed, *about))).encode()).digest()
        return (int.from_bytes(digest[:6], "big") + 0.5) / 2**48
