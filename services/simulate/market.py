"""What a simulated day is made of: windows, who is whose, calibrated scores, and how people answer.

Place in the flow: town_day or market_file -> **market** -> engine, clairvoyant. Every policy runs on the same market.
Minutes are counted from the start of the day that is played.
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from matcher.person import Features
from services.simulator.habits import Habit
from services.simulator.people import TownPerson

Numbers = NDArray[np.float64]

SURE = Habit(
    commutes=False, answers=1.0, not_now=0.0, reply_s=0.5, closes_early=0.0, pauses=0.0, hangs_up_early=0.0
)  # fmt: skip
"""The habit of somebody who always answers, at once, and says yes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Windows `[from_min, until_min]` of `person` (an index), who really leaves at `leaves_min`, maybe earlier.

    `scores` (people × people, symmetric) is the calibrated chance that both would talk again; `allowed` says which
    pairs pass the hard rules that do not depend on the hour. `groups` names each person's group by way of grouping.
    """

    start: datetime
    windows: tuple[str, ...]
    person: NDArray[np.int64]
    from_min: Numbers
    until_min: Numbers
    leaves_min: Numbers
    company: tuple[str, ...]
    scores: NDArray[np.float32]
    allowed: NDArray[np.bool_]
    habits: tuple[Habit, ...]
    features: tuple[Features, ...]
    groups: dict[str, tuple[str, ...]]
    town: tuple[TownPerson, ...] = ()
    seed: int = 0
    auc: float | None = None

    @property
    def mean_value(self) -> float:
        """The mean pair's value: what a waited minute costs is a share of it."""
        return float(self.scores[self.allowed].mean()) if self.allowed.any() else 0.0

    @property
    def people(self) -> int:
        """How many there are."""
        return len(self.habits)

    def answer_yes(self) -> Numbers:
        """For each person, the chance that a ring is answered with yes."""
        return np.array([one.answers * (1 - one.not_now) for one in self.habits])

    def stay_on(self) -> Numbers:
        """For each person, the chance that they do not miss their first ring and then give up."""
        return np.array([1 - (1 - one.answers) * (1 - one.asks_again_after_miss) for one in self.habits])
