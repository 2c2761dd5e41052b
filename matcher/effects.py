"""How a person differs from the mean: how readily they say yes, how readily others say yes to them.

Place in the flow: outcomes -> person -> **effects** -> score. Only counts are kept of a person; what they mean is
computed against the model's prior whenever a score is asked for, so each outcome counts at once and no retraining is
needed. Method: empirical Bayes, a normal prior on the log odds whose spread was learned, and the mode and curvature of
the posterior by Newton's method (Laplace); the unknown other side is averaged over by MacKay's approximation (1992).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PROBIT = np.pi / 8
"""MacKay: the mean of sigmoid(x) for x ~ N(m, v) is about sigmoid(m / sqrt(1 + PROBIT v))."""
STEPS = 12
STEP_LIMIT = 2.0
SD_LEAST = 1e-6
"""People who differ by less are taken as all the same."""
LOGIT_LIMIT = 30.0
"""Beyond it a chance is 0 or 1 to thirteen digits, and the exponential would soon overflow."""


def sigmoid(logit: Floats) -> Floats:
    """The chance for log odds, without overflow."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logit, -LOGIT_LIMIT, LOGIT_LIMIT))))


@dataclass(frozen=True, slots=True)
class Counts:
    """For each of many people: answers they gave and got so far, how many were yes, and how easy a yes was.

    `gave_ease` sums up what spoke for a yes in those talks beside the giver: who the other was, and what the two had in
    common; `got_ease` likewise beside the getter. They are log odds, as they were believed at the offers.
    """

    gave: Floats
    gave_yes: Floats
    got: Floats
    got_yes: Floats
    gave_ease: Floats
    got_ease: Floats

    @staticmethod
    def of(people: Iterable[tuple[float, float, float, float]]) -> "Counts":
        """From (gave, gave_yes, got, got_yes) of each person, whose partners were like any others."""
        table = np.array(list(people), dtype=np.float64).reshape(-1, 4)
        gave, gave_yes, got, got_yes = (np.ascontiguousarray(column) for column in table.T)
        return Counts(gave, gave_yes, got, got_yes, np.zeros(len(table)), np.zeros(len(table)))

    @property
    def columns(self) -> tuple[Floats, ...]:
        """All of them, in their order."""
        return (self.gave, self.gave_yes, self.got, self.got_yes, self.gave_ease, self.got_ease)

    def take(self, places: NDArray[np.int64] | NDArray[np.bool_]) -> "Counts":
        """The counts of the people at these places."""
        return Counts(*(column[places] for column in self.columns))


@dataclass(frozen=True, slots=True)
class Effect:
    """What is believed of many people's effect on the log odds: mean and variance."""

    mean: Floats
    var: Floats

    def take(self, places: NDArray[np.int64]) -> "Effect":
        """The effects of the people at these places."""
        return Effect(self.mean[places], self.var[places])


@dataclass(frozen=True, slots=True)
class Effects:
    """Both effects of many people."""

    gives: Effect
    gets: Effect

    def take(self, places: NDArray[np.int64]) -> "Effects":
        """The effects of the people at these places."""
        return Effects(self.gives.take(places), self.gets.take(places))


def posterior(
    asked: Floats, yes: Floats, prior_mean: Floats, prior_sd: float, level: Floats, other_sd: float
) -> Effect:
    """The effect of people who were `asked` so often and said `yes` so often.

    `level` is the log odds that somebody without effect had in the talks of each; `other_sd` is how much the partners
    differ, who are not known one by one.
    """
    if prior_sd < SD_LEAST:
        return Effect(prior_mean, np.zeros_like(prior_mean))
    shrink, precision = 1.0 / np.sqrt(1.0 + PROBIT * other_sd**2), 1.0 / prior_sd**2
    mean = prior_mean.copy()
    for _ in range(STEPS):
        chance = sigmoid(shrink * (level + mean))
        slope = shrink * (yes - asked * chance) - precision * (mean - prior_mean)
        curve = shrink**2 * asked * chance * (1.0 - chance) + precision
        mean = mean + np.clip(slope / curve, -STEP_LIMIT, STEP_LIMIT)
    chance = sigmoid(shrink * (level + mean))
    return Effect(mean, 1.0 / (shrink**2 * asked * chance * (1.0 - chance) + precision))
