"""How likely it is that both would talk again.

Place in the flow: features, effects -> **score** -> match. A logistic model of each side's yes: what the pair has in
common (the same both ways), how readily the one says yes, how readily others say yes to the other. What is not known of
a person pulls the chance towards the mean. The two answers may hang together: an odds ratio, learned, joins them
(Plackett 1965). The model comes in a `model.promoted` event; until one comes the fallback stands.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from matcher.effects import PROBIT, Counts, Effect, Effects, Floats, posterior, sigmoid
from matcher.errors import BadEvent
from matcher.fairness import check_allowed
from matcher.features import FEATURE_NAMES, NEVER_WORSE, TRAIT_NAMES, Crowd

SD_LIMIT = 10.0
DEPENDENCE_LIMIT = 3.0
"""Log odds ratios are held within."""
Weights = tuple[float, float, float, float, float, float, float, float, float, float, float, float]
"""Of a model: intercept, bond, firm, near, shared likes, spoiled; slope, shift; both of a bond; what joins answers."""


@dataclass(frozen=True, slots=True)
class Trait:
    """A trait's weights on both effects, per standard deviation; a trait that is not known counts as the mean."""

    mean: float
    sd: float
    gives: float
    gets: float


@dataclass(frozen=True, slots=True)
class Level:
    """The log odds of a yes in the talks that counts come from, without one's own effect and the ease that is kept."""

    gave: float
    got: float


@dataclass(frozen=True, slots=True)
class Model:
    """Coefficients of one side's yes, by feature name, and what joins the two answers.

    `gives_sd` and `gets_sd` are how much people differ; `usual` is what pairs that talk have in common (`pair_logit`),
    and counts are judged against `level` (`usual` if it is None); `slope` and `shift` calibrate the log odds,
    `bond_slope` and `bond_shift` do it once more for two who keep each other, of whom all else says less; `dependence`
    is the log of the answers' odds ratio, and `of_unknown` what is added for all that is not known of the two; `draws`
    is how many ways to explore (1: none); `names` are the features and traits that may carry a weight.
    """

    version: str = "fallback"
    intercept: float = -0.2
    weights: dict[str, float] = field(default_factory=lambda: {"near": 0.5, "shared_likes": 1.0, "bond": 2.0})
    traits: dict[str, Trait] = field(default_factory=dict)
    gives_sd: float = 0.5
    gets_sd: float = 0.5
    level: Level | None = None
    usual: float = 0.4
    slope: float = 1.0
    shift: float = 0.0
    bond_slope: float = 1.0
    bond_shift: float = 0.0
    dependence: float = 0.0
    of_unknown: float = 0.0
    draws: int = 1
    names: tuple[str, ...] = (*FEATURE_NAMES, *TRAIT_NAMES)

    def __post_init__(self) -> None:
        """Raises BadEvent for a feature that is not known or may not count, or a number that is out of bounds."""
        unknown = {*self.weights, *self.traits} - set(self.names)
        if unknown:
            raise BadEvent(f"unknown feature: {min(unknown)}")
        check_allowed(self.names)
        level = () if self.level is None else (self.level.gave, self.level.got)
        traits = [number for one in self.traits.values() for number in (one.mean, one.sd, one.gives, one.gets)]
        numbers = (self.intercept, self.usual, *self.weights.values(), *level, *traits, self.gives_sd, self.gets_sd)
        calibration = (self.slope, self.shift, self.bond_slope, self.bond_shift)
        if not all(map(math.isfinite, (*numbers, *calibration, self.dependence, self.of_unknown))):
            raise BadEvent("a coefficient is not finite")
        if any(one.sd <= 0 for one in self.traits.values()) or min(self.slope, self.bond_slope, self.draws) <= 0:
            raise BadEvent("a trait's sd, the slopes and the number of draws are more than 0")
        if not 0 <= min(self.gives_sd, self.gets_sd) <= max(self.gives_sd, self.gets_sd) <= SD_LIMIT:
            raise BadEvent(f"people differ by an sd of 0 to {SD_LIMIT:g}")
        if max(abs(self.dependence), abs(self.of_unknown)) > DEPENDENCE_LIMIT:
            raise BadEvent(f"the dependence, and what is added to it, lies within ±{DEPENDENCE_LIMIT:g}")
        if any(self.weights.get(name, 0.0) < 0 for name in NEVER_WORSE):
            raise BadEvent("nearer, more in common and a bond, or a firm one, are never worse")

    def priors(self, traits: Mapping[str, Floats], people: int) -> Effects:
        """What is believed of `people` before anybody answered: from their traits alone."""
        gives, gets = np.zeros(people), np.zeros(people)
        for name, trait in sorted(self.traits.items()):
            value = np.nan_to_num((traits[name] - trait.mean) / trait.sd)
            gives, gets = gives + trait.gives * value, gets + trait.gets * value
        sds = (np.full(people, self.gives_sd**2), np.full(people, self.gets_sd**2))
        return Effects(Effect(gives, sds[0]), Effect(gets, sds[1]))

    def effects(self, traits: Mapping[str, Floats], counts: Counts) -> Effects:
        """What is believed of people with these traits who answered and were answered so often."""
        prior = self.priors(traits, len(counts.gave))
        level = self.level or Level(self.usual, self.usual)
        gave = level.gave + counts.gave_ease / np.maximum(counts.gave, 1.0)
        got = level.got + counts.got_ease / np.maximum(counts.got, 1.0)
        return Effects(
            posterior(counts.gave, counts.gave_yes, prior.gives.mean, self.gives_sd, gave, self.gets_sd),
            posterior(counts.got, counts.got_yes, prior.gets.mean, self.gets_sd, got, self.gives_sd),
        )

    def pair_logit(self, columns: Mapping[str, Floats]) -> Floats:
        """What the pair itself says, the same both ways."""
        start = np.asarray(self.intercept, dtype=np.float64)
        return sum((weight * columns[name] for name, weight in sorted(self.weights.items())), start)

    def numbers(self) -> Weights:
        """The coefficients of a pair, as `matcher/scored.py` takes them."""
        bond, firm, near, shared, spoiled = (self.weights.get(name, 0.0) for name in sorted(FEATURE_NAMES))
        calibration = (self.slope, self.shift, self.bond_slope, self.bond_shift)
        return self.intercept, bond, firm, near, shared, spoiled, *calibration, self.dependence, self.of_unknown

    def one_way(self, columns: Mapping[str, Floats], gives: Effect, gets: Effect) -> Floats:
        """The log odds that who gives says yes to who gets, calibrated, with what is not known averaged over.

        Two who keep each other have shown that they fit, and what else is known then says less: `bond_slope`.
        """
        bond = columns.get("bond", np.zeros(1))
        scale = self.slope / np.sqrt(1.0 + PROBIT * (gives.var + gets.var))
        more = sum(self.weights.get(name, 0.0) * columns.get(name, np.zeros(1)) for name in ("bond", "firm"))
        apart = scale * (self.pair_logit(columns) - more + gives.mean + gets.mean) + self.shift
        kept = self.bond_slope * (apart + scale * more) + self.bond_shift
        return np.where(bond > 0, np.maximum(apart, kept), apart)

    def both(self, there: Floats, back: Floats, one: Effects, other: Effects) -> Floats:
        """The chance that both say yes, from the chances of each and what is believed of the two."""
        return joined(there, back, self.tied(one, other))

    def tied(self, one: Effects, other: Effects) -> Floats:
        """The log odds ratio of the answers of two people.

        Two who fit both say yes. Who is often said yes to may say it less often: among strangers that works against it.
        """
        added = self.of_unknown * (unknown(one) + unknown(other))
        return np.clip(self.dependence + added, -DEPENDENCE_LIMIT, DEPENDENCE_LIMIT)

    def score(self, features: Mapping[str, float]) -> float:
        """The chance that two people of whom nothing is known both say yes."""
        columns = {name: np.array([value]) for name, value in features.items()}
        cold = self.priors({name: np.array([np.nan]) for name in self.traits}, 1)
        chance = sigmoid(self.one_way(columns, cold.gives, cold.gets))
        return float(self.both(chance, chance, cold, cold)[0])


def unknown(effects: Effects) -> Floats:
    """How much is open of how both effects of each person hang together."""
    return np.asarray(np.sqrt(effects.gives.var * effects.gets.var))


def joined(there: Floats, back: Floats, dependence: float | Floats) -> Floats:
    """The chance of both of two answers with these chances and this log odds ratio; exactly symmetric (Plackett)."""
    product, ratio = there * back, np.exp(dependence)
    total = 1.0 + (there + back) * (ratio - 1.0)
    root = np.sqrt(np.maximum(total * total - 4.0 * ratio * (ratio - 1.0) * product, 0.0))
    return np.asarray(2.0 * ratio * product / (total + root))


def believed(model: Model, people: Crowd) -> Effects:
    """The effects of `people` under `model`."""
    return model.effects(people.traits(), people.counts)
