"""What the score may look at: features of a pair, the same whichever way round, and traits of a person.

Place in the flow: candidates -> **features** -> score. Sex and the other protected characteristics, age and a person's
situation are not here and may not be added (`matcher/fairness.py`): age and gender count only as hard rules that a
person wished for. Everything is computed for many pairs at once.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, repeat
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.effects import Counts
from matcher.person import COUNTS, TOPICS, Features

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bonds = NDArray[np.int8]
"""Of each pair how well they keep each other: `NO_BOND`, `BOND` or `FIRM`."""
NO_BOND, BOND, FIRM = range(3)

FEATURE_NAMES = ("near", "shared_likes", "spoiled", "bond", "firm")
TRAIT_NAMES = ("many_likes",)
SOURCES = {
    "near": ("cell",),
    "shared_likes": ("likes", "avoids"),
    "spoiled": ("likes", "avoids"),
    "bond": ("bonds",),
    "firm": ("firm",),
    "many_likes": ("likes",),
}
"""The fields of `Features` that each feature and trait is made of."""
NEVER_WORSE = ("near", "shared_likes", "bond", "firm")
"""Features of which more is never worse, all else equal: a learned weight is held at 0 or above."""
NEAR_KM = 10.0
KM_PER_DEGREE = 111.2
CELLS_KEPT = 10_000
HALF_AT = 2.0
"""How many shared topics are half of what sharing can do; the first says more than the tenth."""
_BIT = {topic: 1 << place for place, topic in enumerate(TOPICS)}
_TOLD = attrgetter("cell", "likes", "avoids", *COUNTS)


def distance_km(cell_a: str, cell_b: str) -> float:
    """Kilometres between two cells ("lat,lon" rounded to a tenth of a degree); flat-earth, good to 1 % in a country."""
    (lat_a, lon_a), (lat_b, lon_b) = _place(cell_a), _place(cell_b)
    east = (lon_a - lon_b) * math.cos(math.radians((lat_a + lat_b) / 2))
    return KM_PER_DEGREE * math.hypot(lat_a - lat_b, east)


def shared_topics(a: Features, b: Features) -> list[str]:
    """Topics that both like and neither would rather avoid, in the order of the curated list's names."""
    return sorted((set(a.likes) & set(b.likes)) - set(a.avoids) - set(b.avoids))


def saturating(count: Floats) -> Floats:
    """`count` things in common as a feature in [0, 1): more is never less."""
    return count / (count + HALF_AT)


@dataclass(frozen=True, slots=True)
class Crowd:
    """People as arrays, one place each: where they are, what they like, how they answered so far."""

    lat: Floats
    lon: Floats
    likes: Ints
    avoids: Ints
    counts: Counts

    def traits(self) -> dict[str, Floats]:
        """The traits of each person, by name."""
        return {"many_likes": saturating(np.bitwise_count(self.likes).astype(np.float64))}


def crowd(people: Sequence[Features]) -> Crowd:
    """`people` as arrays, in their order."""
    if not people:
        return Crowd(np.zeros(0), np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64), Counts.of([]))
    cells, likes, avoids, *counted = zip(*map(_TOLD, people), strict=True)
    lat, lon = np.array(list(map(_place, cells))).T
    counts = (np.array(column, dtype=np.float64) for column in counted)
    return Crowd(np.ascontiguousarray(lat), np.ascontiguousarray(lon), masks(likes), masks(avoids), Counts(*counts))


@lru_cache(CELLS_KEPT)
def _place(cell: str) -> tuple[float, float]:
    lat, lon = cell.split(",")
    return float(lat), float(lon)


def masks(lists: Sequence[tuple[str, ...]], bit_of: Mapping[Any, int] = _BIT) -> Ints:
    """Each list of words as bits; a word that has none does not count."""
    lengths = np.fromiter(map(len, lists), np.int64, len(lists))
    bits = codes(chain.from_iterable(lists), bit_of, int(lengths.sum()))
    some, found = lengths > 0, np.zeros(len(lists), np.int64)
    if some.any():
        found[some] = np.bitwise_or.reduceat(bits, (np.cumsum(lengths) - lengths)[some])
    return found


def codes(words: Iterable[str], code_of: Mapping[Any, int], count: int = -1) -> Ints:
    """The number of each word, 0 for a word that has none."""
    return np.fromiter(map(code_of.get, words, repeat(0)), np.int64, count)


def pair_columns(people: Crowd, left: Ints, right: Ints, bond: Bonds | None = None) -> dict[str, Floats]:
    """The features of the pairs (`left`, `right`) by name, each in [0, 1]; no `bond` means none between any of them."""
    bond = np.zeros(len(left), np.int8) if bond is None else bond
    lat_a, lat_b, likes_a, likes_b = people.lat[left], people.lat[right], people.likes[left], people.likes[right]
    avoids = people.avoids[left] | people.avoids[right]
    east = (people.lon[left] - people.lon[right]) * np.cos(np.radians((lat_a + lat_b) / 2))
    km = KM_PER_DEGREE * np.hypot(lat_a - lat_b, east)
    return {
        "near": np.exp(-km / NEAR_KM),
        "shared_likes": saturating(np.bitwise_count(likes_a & likes_b & ~avoids).astype(np.float64)),
        "spoiled": saturating(np.bitwise_count((likes_a | likes_b) & avoids).astype(np.float64)),
        "bond": (bond >= BOND).astype(np.float64),
        "firm": (bond >= FIRM).astype(np.float64),
    }


def bond_of(one: str, of_one: Features, other: str, of_other: Features) -> int:
    """How well two people keep each other: `NO_BOND`, `BOND` or `FIRM`, as far as both know of it."""
    if other not in of_one.bonds or one not in of_other.bonds:
        return NO_BOND
    return FIRM if other in of_one.firm and one in of_other.firm else BOND


def pair_features(a: Features, b: Features, bond: int) -> dict[str, float]:
    """The features of one pair, each in [0, 1]."""
    here, there = np.array([0]), np.array([1])
    columns = pair_columns(crowd([a, b]), here, there, np.array([bond], np.int8))
    return {name: float(column[0]) for name, column in columns.items()}
