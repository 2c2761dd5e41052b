"""Which pairs to offer now.

Place in the flow: score -> **match** -> invitation. Weight is the score plus continuity (bonds) and equity (the wait
so far), never below a floor; pairs are taken greedily by weight, ties by id, so that one pool gives one answer.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from matcher.candidates import Free
from matcher.features import Floats, crowd, distance_km, shared_topics
from matcher.score import Model, believed, score_pairs

FLOOR = 0.05
BOND_BONUS = 0.25
WAIT_BONUS_PER_MIN = 0.005
WAIT_BONUS_LIMIT_MIN = 30.0
ANY_TOPIC = "anything"
NEAR_REASON_KM = 8.0


@dataclass(frozen=True, slots=True)
class Match:
    """Two people to be offered to each other, and why."""

    a: Free
    b: Free
    score: float
    weight: float
    topic: str
    reasons: tuple[str, ...]


def choose(pairs: Iterable[tuple[Free, Free]], now: datetime, model: Model, seed: str) -> list[Match]:
    """A matching of `pairs`, greedy by weight; `seed` picks among equally good topics."""
    found = list(pairs)
    scores = scored(found, model)
    weighed = [_weigh(a, b, float(score), now, seed) for (a, b), score in zip(found, scores, strict=True)]
    weighed = [match for match in weighed if match.weight >= FLOOR]
    weighed.sort(key=lambda match: (-match.weight, match.a.person, match.b.person))
    taken: set[str] = set()
    chosen = []
    for match in weighed:
        if match.a.person in taken or match.b.person in taken:
            continue
        taken |= {match.a.person, match.b.person}
        chosen.append(match)
    return chosen


def scored(pairs: Sequence[tuple[Free, Free]], model: Model) -> Floats:
    """The score of each pair."""
    people = {one.person: one for pair in pairs for one in pair}
    place = {person: at for at, person in enumerate(people)}
    everybody = crowd([one.features for one in people.values()])
    left = np.array([place[a.person] for a, _ in pairs], dtype=np.int64)
    right = np.array([place[b.person] for _, b in pairs], dtype=np.int64)
    bond = np.array([b.person in a.features.bonds for a, b in pairs], dtype=np.bool_)
    return score_pairs(model, everybody, believed(model, everybody), left, right, bond)


def _weigh(a: Free, b: Free, score: float, now: datetime, seed: str) -> Match:
    bond = b.person in a.features.bonds
    waited_min = max((now - min(a.row.since, b.row.since)).total_seconds() / 60, 0.0)
    weight = score + BOND_BONUS * bond + WAIT_BONUS_PER_MIN * min(waited_min, WAIT_BONUS_LIMIT_MIN)
    return Match(a, b, score, weight, _topic(a, b, seed), _reasons(a, b, bond))


def _topic(a: Free, b: Free, seed: str) -> str:
    shared = shared_topics(a.features, b.features)
    if not shared:
        return ANY_TOPIC
    digest = hashlib.sha256(f"{seed}|{a.person}|{b.person}".encode()).digest()
    return shared[int.from_bytes(digest[:4], "big") % len(shared)]


def _reasons(a: Free, b: Free, bond: bool) -> tuple[str, ...]:
    reasons = ["bond"] if bond else []
    if distance_km(a.features.cell, b.features.cell) <= NEAR_REASON_KM:
        reasons.append("near")
    reasons += [f"topic:{topic}" for topic in shared_topics(a.features, b.features)[:3]]
    return tuple(reasons) or ("free_now",)
