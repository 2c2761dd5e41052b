"""How likely it is that both would talk again.

Place in the flow: features -> **score** -> match. A logistic model of one side's yes over the pair's symmetric
features; both sides' answers are taken as independent given the pair, so the score is its square. The coefficients
come in a `ModelPromoted` event; until one comes the fallback stands.
"""

import math
from dataclasses import dataclass, field

from matcher.errors import BadEvent
from matcher.features import FEATURE_NAMES

LOGIT_LIMIT = 30.0
"""Beyond it a chance is 0 or 1 to thirteen digits, and the exponential would soon overflow."""


@dataclass(frozen=True, slots=True)
class Model:
    """Coefficients of one side's yes, by feature name."""

    version: str = "fallback"
    intercept: float = -0.2
    weights: dict[str, float] = field(default_factory=lambda: {"near": 0.5, "shared_likes": 1.0, "bond": 2.0})

    def __post_init__(self) -> None:
        """Raises BadEvent for a feature that is not known or a number that is not finite."""
        unknown = set(self.weights) - set(FEATURE_NAMES)
        if unknown:
            raise BadEvent(f"unknown feature: {min(unknown)}")
        if not all(map(math.isfinite, (self.intercept, *self.weights.values()))):
            raise BadEvent("a coefficient is not finite")

    def score(self, features: dict[str, float]) -> float:
        """The chance in [0, 1] that both say yes."""
        logit = self.intercept + sum(weight * features[name] for name, weight in sorted(self.weights.items()))
        logit = max(-LOGIT_LIMIT, min(LOGIT_LIMIT, logit))
        one_side = 1.0 / (1.0 + math.exp(-logit))
        return one_side * one_side
