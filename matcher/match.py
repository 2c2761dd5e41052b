"""Which pairs to offer now.

Place in the flow: score -> **match** -> invitation. Weight is the score plus continuity (bonds) and equity (the wait
so far), never below a floor; pairs are taken greedily by weight, ties by id, so that one pool gives one answer.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from matcher.candidates import Free
from matcher.explore import acted_upon, drawn, propensity
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
    """Two people to be offered to each other, and why.

    `propensity` is the probability with which this pair was offered, given the draws of exploration; 1 without it.
    `topic_propensity` is that of the topic among those that both like.
    """

    a: Free
    b: Free
    score: float
    weight: float
    topic: str
    reasons: tuple[str, ...]
    propensity: float = 1.0
    topic_propensity: float = 1.0


def choose(pairs: Iterable[tuple[Free, Free]], now: datetime, model: Model, seed: str) -> list[Match]:
    """A matching of `pairs`, greedy by weight; `seed` picks among equally good topics, and what to explore."""
    found = list(pairs)
    made = [_greedy(found, scores, now, seed) for scores in scored(found, model, seed)]
    if len(made) == 1:
        return made[0]
    pairs_made = [{(match.a.person, match.b.person) for match in one} for one in made]
    return [
        replace(match, propensity=propensity((match.a.person, match.b.person), pairs_made))
        for match in made[acted_upon(seed, len(made))]
    ]


def _greedy(pairs: Sequence[tuple[Free, Free]], scores: Floats, now: datetime, seed: str) -> list[Match]:
    weighed = [_weigh(a, b, float(score), now, seed) for (a, b), score in zip(pairs, scores, strict=True)]
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


def scored(pairs: Sequence[tuple[Free, Free]], model: Model, seed: str) -> list[Floats]:
    """The score of each pair; as often as the model draws, from what might be true of people, if it explores."""
    people = {one.person: one for pair in pairs for one in pair}
    place = {person: at for at, person in enumerate(people)}
    everybody = crowd([one.features for one in people.values()])
    left = np.array([place[a.person] for a, _ in pairs], dtype=np.int64)
    right = np.array([place[b.person] for _, b in pairs], dtype=np.int64)
    bond = np.array([b.person in a.features.bonds for a, b in pairs], dtype=np.bool_)
    beliefs = [believed(model, everybody)]
    if model.draws > 1:
        beliefs = drawn(beliefs[0], list(people), seed, model.draws)
    return [score_pairs(model, everybody, one, left, right, bond) for one in beliefs]


def _weigh(a: Free, b: Free, score: float, now: datetime, seed: str) -> Match:
    bond = b.person in a.features.bonds
    waited_min = max((now - min(a.row.since, b.row.since)).total_seconds() / 60, 0.0)
    weight = score + BOND_BONUS * bond + WAIT_BONUS_PER_MIN * min(waited_min, WAIT_BONUS_LIMIT_MIN)
    topic, chance = _topic(a, b, seed)
    return Match(a, b, score, weight, topic, _reasons(a, b, bond), topic_propensity=chance)


def _topic(a: Free, b: Free, seed: str) -> tuple[str, float]:
    """One of the topics that both like, each as likely as the other, and how likely that was."""
    shared = shared_topics(a.features, b.features)
    if not shared:
        return ANY_TOPIC, 1.0
    digest = hashlib.sha256(f"{seed}|{a.person}|{b.person}".encode()).digest()
    return shared[int.from_bytes(digest[:4], "big") % len(shared)], 1.0 / len(shared)


def _reasons(a: Free, b: Free, bond: bool) -> tuple[str, ...]:
    reasons = ["bond"] if bond else []
    if distance_km(a.features.cell, b.features.cell) <= NEAR_REASON_KM:
        reasons.append("near")
    reasons += [f"topic:{topic}" for topic in shared_topics(a.features, b.features)[:3]]
    return tuple(reasons) or ("free_now",)
