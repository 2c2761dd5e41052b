"""What a month of learning was worth: shares of calls day by day, beside the control, and whether scores came true.

Place in the flow: month -> **month_report** -> cli, plot. Intervals draw towns again. The scores that are judged were
recorded with the offers of the last days, before anybody had answered: what came true later taught none of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from services.learner.fit import calibrated
from services.learner.judge import calibration_table
from services.simulate.market import Numbers
from services.simulate.month import Talk
from services.simulate.report import interval, mean

FIRST_DAYS, LAST_DAYS = 3, 7
"""The days from which the cold start is read, and those from which the end is."""
TABLE_BINS = 10


@dataclass(frozen=True, slots=True)
class Lived:
    """One town that learned, or did not: its calls, the days after which a model was promoted, broken truths.

    `bonds` is how many a person has at the end; `wait_min` the mean wait for a call, in minutes.
    """

    talks: tuple[Talk, ...]
    promoted: tuple[int, ...] = ()
    violations: tuple[str, ...] = ()
    bonds: float = 0.0
    wait_min: float = 0.0


@dataclass(frozen=True, slots=True)
class Days:
    """The same town twice."""

    seed: int
    learns: Lived
    never: Lived


def month_report(towns: list[Days], days: int, signal: str) -> dict[str, Any]:
    """The one object that is printed."""
    learns, never = [town.learns for town in towns], [town.never for town in towns]
    last = range(max(0, days - LAST_DAYS), days)
    over = [_share(one.learns, last) - _share(one.never, last) for one in towns]
    over_of_chance = [_chance(one.learns, last) - _chance(one.never, last) for one in towns]
    more_bonds = [one.learns.bonds - one.never.bonds for one in towns]
    return {
        "signal": signal, "days": days, "seeds": len(towns), "learns": _arm(learns, days), "never": _arm(never, days),
        "over_never": mean(over), "over_never_ci": interval(over),
        "over_never_of_chance": mean(over_of_chance), "over_never_of_chance_ci": interval(over_of_chance),
        "bonds_over_never": mean(more_bonds), "bonds_over_never_ci": interval(more_bonds),
        "calibration": _calibration(learns, last), "calibration_never": _calibration(never, last),
        "promotions": [list(one.promoted) for one in learns],
        "violations": sum(len(one.violations) for one in (*learns, *never)),
        "violations_shown": [sentence for one in (*learns, *never) for sentence in one.violations][:20],
    }  # fmt: skip


def _arm(lived: list[Lived], days: int) -> dict[str, Any]:
    """Shares of calls after which both would talk again: at first, at the end, and on each day."""
    first, last = range(min(FIRST_DAYS, days)), range(max(0, days - LAST_DAYS), days)
    rise = [_share(one, last) - _share(one, first) for one in lived]
    rise_of_chance = [_chance(one, last) - _chance(one, first) for one in lived]
    daily = [[_share(one, range(day, day + 1)) for one in lived] for day in range(days)]
    return {
        "calls": sum(len(one.talks) for one in lived),
        "share_first": mean([_share(one, first) for one in lived]),
        "share_last": mean([_share(one, last) for one in lived]),
        "share_last_of_strangers": mean([_share(one, last, strangers=True) for one in lived]),
        "rise": mean(rise), "rise_ci": interval(rise),
        "rise_of_chance": mean(rise_of_chance), "rise_of_chance_ci": interval(rise_of_chance),
        "bond_calls_last": mean([_bond_share(one, last) for one in lived]),
        "bonds_a_person": mean([one.bonds for one in lived]), "wait_mean_min": mean([one.wait_min for one in lived]),
        "share_by_day": [mean(one) for one in daily],
        "share_by_day_ci": [interval(one) for one in daily],
    }  # fmt: skip


def _share(lived: Lived, days: range, strangers: bool = False) -> float:
    return _mean([talk.both for talk in lived.talks if talk.day in days and not (strangers and talk.bond)])


def _chance(lived: Lived, days: range) -> float:
    """The share of calls to be expected, from the hidden chances: the same with less noise."""
    return _mean([talk.chance for talk in lived.talks if talk.day in days])


def _bond_share(lived: Lived, days: range) -> float:
    return _mean([talk.bond for talk in lived.talks if talk.day in days])


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0


def _calibration(lived: list[Lived], days: range) -> dict[str, Any]:
    """Slope and intercept of the log odds under which the scores of these days came true: 1 and 0 at best.

    Those `of_chance` hold the scores against the hidden chances instead of against how the dice fell: of the same slope
    they tell with less noise.
    """
    towns = [_scored(one, days) for one in lived]
    scores, both, chance = np.concatenate(towns, axis=1)
    drawn = np.random.default_rng(0).integers(len(towns), size=(200, len(towns)))
    again = [np.concatenate([towns[one] for one in row], axis=1) for row in drawn]
    return {
        "calls": len(scores), "mean_score": mean(list(scores)), "came_true": mean(list(both)),
        **_line_of("", scores, both, [(one[0], one[1]) for one in again]),
        **_line_of("_of_chance", scores, chance, [(one[0], one[2]) for one in again]),
        "table": calibration_table(both, scores, TABLE_BINS),
    }  # fmt: skip


def _scored(lived: Lived, days: range) -> Numbers:
    """Of each call its score, whether it came true, and its chance: a row each."""
    talks = [talk for talk in lived.talks if talk.day in days]
    return np.array([(talk.score, talk.both, talk.chance) for talk in talks], dtype=float).reshape(-1, 3).T


def _line_of(name: str, scores: Numbers, came: Numbers, again: list[tuple[Numbers, Numbers]]) -> dict[str, Any]:
    """Slope and intercept, with the intervals that draws of `again` give; none if they are all the same town's."""
    slope, intercept = _line(scores, came)
    slopes, intercepts = zip(*(_line(*one) for one in again), strict=True)
    several = min(slopes) < max(slopes)
    return {
        f"slope{name}": slope, f"slope{name}_ci": _middle(slopes) if several else None,
        f"intercept{name}": intercept, f"intercept{name}_ci": _middle(intercepts) if several else None,
    }  # fmt: skip


def _line(scores: Numbers, both: Numbers) -> tuple[float, float]:
    if len(scores) < 2 or not 0 < both.sum() < len(both):
        return 1.0, 0.0
    slope, intercept = calibrated(np.log(scores / (1 - scores)), both, slope_sd=np.inf, shift_sd=np.inf)
    return round(slope, 4), round(intercept, 4)


def _middle(values: tuple[float, ...]) -> list[float]:
    low, high = np.quantile(np.array(values), [0.025, 0.975])
    return [round(float(low), 4), round(float(high), 4)]
