"""Which pairs to offer now, about what, and why.

Place in the flow: matching -> **match** -> invitation. Each pair is asked of the hard rules once more, as they stand at
this moment: what is offered is right even where a kept candidate is not.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from matcher.candidates import Believed, Candidates
from matcher.features import distance_km, shared_topics
from matcher.invitation import ANY_TOPIC
from matcher.matching import Made
from matcher.rules import Free, refusal

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
    propensity: float = 1.0
    """The probability with which this pair was made, and, below, with which this topic was named for it."""
    topic_propensity: float = 1.0
    believed: Believed = ((0.0, 0.0), (0.0, 0.0))
    """What is believed of a and of b, each before the other."""


def choose(
    candidates: Candidates, made: Iterable[Made], as_now: Callable[[Free], Free], seed: str
) -> tuple[list[Match], list[str]]:
    """Of the pairs `made` those to offer, by weight, and whoever stood in one that the rules refuse after all.

    `as_now` says how somebody is at this moment; `seed` picks among equally good topics.
    """
    chosen, wrong, made = [], [], list(made)
    beliefs = candidates.believed([one[:2] for one in made])
    for (slot_a, slot_b, weight, chance), (of_one, of_other) in zip(made, beliefs, strict=True):
        one, other = (as_now(candidates.standing.free_at(slot)) for slot in (slot_a, slot_b))
        a, b, believed = one, other, (of_one, of_other)
        if b.person < a.person:
            a, b, believed = other, one, (of_other, of_one)
        if refusal(a, b):
            wrong += [a.person, b.person]
            continue
        score, bond = candidates.linked(slot_a, slot_b)
        topic, topic_chance = _topic(a, b, seed)
        reasons = ("goes_on",) if going_on(a, b) else _reasons(a, b, bond)
        chosen.append(Match(a, b, score, weight, topic, reasons, chance, topic_chance, believed))
    return sorted(chosen, key=lambda match: (-match.weight, match.a.person)), wrong


def going_on(a: Free, b: Free) -> str | None:
    """The call that both want to go on with, if they do."""
    return a.row.goes_on if a.row.goes_on == b.row.goes_on else None


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
