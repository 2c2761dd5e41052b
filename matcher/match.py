"""Which pairs to offer now.

Place in the flow: score -> **match** -> invitation. Weight is the score plus continuity (bonds) and equity (the wait
so far), never below a floor; pairs are taken greedily by weight, ties by id, so that one pool gives one answer.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from matcher.candidates import Free
from matcher.features import distance_km, pair_features, shared_topics
from matcher.score import Model

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
    weighed = [match for a, b in pairs if (match := _weigh(a, b, now, model, seed)).weight >= FLOOR]
    weighed.sort(key=lambda match: (-match.weight, match.a.person, match.b.person))
    taken: set[str] = set()
    chosen = []
    for match in weighed:
        if match.a.person in taken or match.b.person in taken:
            continue
        taken |= {match.a.person, match.b.person}
        chosen.append(match)
    return chosen


def _weigh(a: Free, b: Free, now: datetime, model: Model, seed: str) -> Match:
    bond = b.person in a.features.bonds
    score = model.score(pair_features(a.features, b.features, bond))
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
