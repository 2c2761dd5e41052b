"""The score of many pairs in one loop: what `matcher/score.py` says of one pair, without an array for every step.

Place in the flow: features, effects, score -> **scored** -> match. What the score needs of a person is one record, a
line of the processor's cache. A test holds the loop to the formula in `Model`. Whoever only reads or writes a model
does not need the loop, and does not carry the compiler.
"""

import math

import numpy as np
from numpy.typing import NDArray

from matcher.compiled import compiled, leaf
from matcher.effects import LOGIT_LIMIT, PROBIT, Effect, Effects
from matcher.features import BOND, FIRM, HALF_AT, KM_PER_DEGREE, NEAR_KM, Bonds, Crowd, Floats, Ints
from matcher.score import DEPENDENCE_LIMIT, Model, Weights

SCORED = np.dtype(
    [
        ("lat", "f8"), ("lon", "f8"), ("likes", "i8"), ("avoids", "i8"),
        ("gives", "f8"), ("gives_var", "f8"), ("gets", "f8"), ("gets_var", "f8"),
    ]
)  # fmt: skip
Scored = NDArray[np.void]


def scored_of(people: Crowd) -> Scored:
    """`people` as the score sees them, of whom nothing is believed yet."""
    scored = np.zeros(len(people.lat), SCORED)
    scored["lat"], scored["lon"] = people.lat, people.lon
    scored["likes"], scored["avoids"] = people.likes, people.avoids
    return scored


def scored_with(scored: Scored, effects: Effects) -> Scored:
    """The same people, of whom this is believed."""
    other = scored.copy()
    other["gives"], other["gives_var"] = effects.gives.mean, effects.gives.var
    other["gets"], other["gets_var"] = effects.gets.mean, effects.gets.var
    return other


def effects_in(scored: Scored) -> Effects:
    """What is believed of these people."""
    gives, gets = Effect(scored["gives"], scored["gives_var"]), Effect(scored["gets"], scored["gets_var"])
    return Effects(gives, gets)


@leaf
def _saturating(things: int) -> float:
    count = 0
    while things:
        things &= things - 1
        count += 1
    return count / (count + HALF_AT)


@leaf
def _near(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    if lat_a == lat_b and lon_a == lon_b:
        return 1.0
    east = (lon_a - lon_b) * math.cos(math.radians((lat_a + lat_b) / 2))
    return math.exp(-KM_PER_DEGREE * math.hypot(lat_a - lat_b, east) / NEAR_KM)


@leaf
def _chance(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(max(logit, -LOGIT_LIMIT), LOGIT_LIMIT)))


@leaf
def _logit(odds: float, var: float, bond: int, weights: Weights) -> float:
    """One side's log odds, calibrated, from all that speaks for a yes but the bond."""
    _, bond_counts, firm_counts, _, _, _, slope, shift, bond_slope, bond_shift, _, _ = weights
    scale = slope / math.sqrt(1.0 + PROBIT * var)
    apart = scale * odds + shift
    if bond < BOND:
        return apart
    more = bond_counts + firm_counts * (bond >= FIRM)
    return max(apart, bond_slope * (apart + scale * more) + bond_shift)


@leaf
def _ratio(dependence: float, of_unknown: float, unknown: float) -> float:
    return math.exp(min(max(dependence + of_unknown * unknown, -DEPENDENCE_LIMIT), DEPENDENCE_LIMIT))


@leaf
def _both(there: float, back: float, ratio: float) -> float:
    product = there * back
    total = 1.0 + (there + back) * (ratio - 1.0)
    root = math.sqrt(max(total * total - 4.0 * ratio * (ratio - 1.0) * product, 0.0))
    return 2.0 * ratio * product / (total + root)


@compiled
def scores_of(left: Ints, right: Ints, bond: Bonds, scored: Scored, weights: Weights, out: Floats) -> None:
    """Write the chance that both would talk again, for each pair; exactly the same whichever way round."""
    intercept, _, _, near, shared_likes, spoiled, _, _, _, _, dependence, of_unknown = weights
    for i in range(len(left)):
        a, b = scored[left[i]], scored[right[i]]
        avoids = a.avoids | b.avoids
        pair = intercept + near * _near(a.lat, a.lon, b.lat, b.lon)
        pair += shared_likes * _saturating(a.likes & b.likes & ~avoids)
        pair += spoiled * _saturating((a.likes | b.likes) & avoids)
        there = _logit(pair + a.gives + b.gets, a.gives_var + b.gets_var, bond[i], weights)
        back = _logit(pair + b.gives + a.gets, b.gives_var + a.gets_var, bond[i], weights)
        unknown = math.sqrt(a.gives_var * a.gets_var) + math.sqrt(b.gives_var * b.gets_var)
        out[i] = _both(_chance(there), _chance(back), _ratio(dependence, of_unknown, unknown))


def score_pairs(
    model: Model, people: Crowd, effects: Effects, left: Ints, right: Ints, bond: Bonds | None = None
) -> Floats:
    """The chance that both would talk again, for each pair (`left`, `right`); the same whichever way round."""
    bond = np.zeros(len(left), np.int8) if bond is None else bond
    return score_records(model, scored_with(scored_of(people), effects), left, right, bond)


def score_records(model: Model, scored: Scored, left: Ints, right: Ints, bond: Bonds) -> Floats:
    """The same, of people who are kept as the score sees them."""
    scores = np.empty(len(left))
    scores_of(left, right, bond, scored, model.numbers(), scores)
    return scores
