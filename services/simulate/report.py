"""The figures of all towns: shares of the clairvoyant's utility, coverage, waits, who was never asked, by group.

Place in the flow: run -> **report** -> cli, plot. A share or a wait is worked out for each seed and then averaged;
intervals are the 2.5 and 97.5 % points of bootstrap over seeds, the same draws for every figure.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.simulate.clairvoyant import Clairvoyant
from services.simulate.market import Market, Numbers

DAY_MIN = 24 * 60
WINDOWS_A_DAY = 3
"""Whoever offered so many windows in a day should have been asked."""
RESAMPLES = 2_000
DIGITS = 4


@dataclass(frozen=True, slots=True)
class Under:
    """One town under one policy, by window: minutes waited until the offer that led to a call (or nan), and asked."""

    waited_min: Numbers
    asked: NDArray[np.bool_]
    utility: float
    offers: int
    calls: int
    violations: tuple[str, ...]
    violation_count: int


@dataclass(frozen=True, slots=True)
class Town:
    """One town: its clairvoyant, what became of it under each policy, and which group each window belongs to."""

    seed: int
    best: Clairvoyant
    auc: float | None
    policies: dict[str, Under]
    groups: dict[str, NDArray[np.str_]]
    person_day: NDArray[np.int64]


def groups_of(market: Market) -> tuple[dict[str, NDArray[np.str_]], NDArray[np.int64]]:
    """For each window its groups, and a number for its person and day."""
    day = (market.from_min // DAY_MIN).astype(np.int64)
    _, person_day, offered = np.unique(day * market.people + market.person, return_inverse=True, return_counts=True)
    groups = {name: np.array(of)[market.person] for name, of in market.groups.items()}
    several = np.minimum(offered[person_day], WINDOWS_A_DAY)
    groups["windows_a_day"] = np.array(["", "1", "2", "3 or more"])[several]
    return groups, person_day


def report(towns: list[Town], signal: str | None) -> dict[str, Any]:
    """The one object that is printed."""
    over = _ratios([(town.policies["partyline"].utility, town.policies["greedy"].utility) for town in towns])
    every = [one for town in towns for one in town.policies.values()]
    return {
        "signal": signal,
        "auc": mean([town.auc for town in towns if town.auc is not None]),
        "seeds": len(towns),
        "windows": sum(len(town.person_day) for town in towns),
        "clairvoyant": _clairvoyant(towns),
        "policies": {name: _policy(towns, name) for name in towns[0].policies},
        "utility_over_greedy": mean(over),
        "utility_over_greedy_ci": interval(over),
        "never_asked_share": _never_asked(towns, "partyline", None, None),
        "groups": {name: _group(towns, name) for name in towns[0].groups},
        "violations": sum(one.violation_count for one in every),
        "violations_shown": [sentence for one in every for sentence in one.violations][:20],
    }


def _clairvoyant(towns: list[Town]) -> dict[str, Any]:
    return {
        "utility": mean([town.best.bound for town in towns]),
        "utility_if_all_answer": mean([town.best.matching for town in towns]),
        "how": "exact" if all(town.best.exact for town in towns) else "dual of the linear programme: an upper bound",
    }


def _policy(towns: list[Town], name: str) -> dict[str, Any]:
    ran = [(town, town.policies[name]) for town in towns]
    share = _ratios([(under.utility, town.best.bound) for town, under in ran])
    covered = [_share(np.isfinite(under.waited_min)) for _, under in ran]
    waits = [under.waited_min[np.isfinite(under.waited_min)] for _, under in ran]
    mean_wait = [float(one.mean()) if len(one) else 0.0 for one in waits]
    return {
        "utility_share": mean(share),
        "utility_share_ci": interval(share),
        "utility_share_if_all_answer": mean(_ratios([(under.utility, town.best.matching) for town, under in ran])),
        "coverage": mean(covered),
        "coverage_ci": interval(covered),
        "wait_p50_min": _quantile(waits, 0.5),
        "wait_p90_min": _quantile(waits, 0.9),
        "wait_mean_min": mean(mean_wait),
        "wait_mean_min_ci": interval(mean_wait),
        "never_asked_share": _never_asked(towns, name, None, None),
        "utility": mean([under.utility for _, under in ran]),
        "offers": sum(under.offers for _, under in ran),
        "calls": sum(under.calls for _, under in ran),
    }


def _group(towns: list[Town], name: str) -> dict[str, Any]:
    found = sorted({str(value) for town in towns for value in np.unique(town.groups[name])})
    return {value: _of_group(towns, name, value) for value in found}


def _of_group(towns: list[Town], name: str, value: str) -> dict[str, Any]:
    covered, waits, windows = [], [], 0
    for town in towns:
        waited = town.policies["partyline"].waited_min[town.groups[name] == value]
        windows += len(waited)
        if len(waited):
            covered.append(_share(np.isfinite(waited)))
            waits.append(waited[np.isfinite(waited)])
    middle = [float(np.median(one)) for one in waits if len(one)]
    return {
        "windows": windows,
        "coverage": mean(covered),
        "coverage_ci": interval(covered),
        "wait_p50_min": _quantile(waits, 0.5),
        "wait_p50_min_ci": interval(middle),
        "wait_p90_min": _quantile(waits, 0.9),
        "never_asked_share": _never_asked(towns, "partyline", name, value),
    }


def _never_asked(towns: list[Town], policy: str, name: str | None, value: str | None) -> float | None:
    """Of the people who offered several windows in a day, the share that nobody was rung for; None without any."""
    asked, people = 0, 0
    for town in towns:
        offered = np.bincount(town.person_day)
        rung = np.bincount(town.person_day, weights=town.policies[policy].asked)
        counted = offered >= WINDOWS_A_DAY
        if name is not None:
            counted &= np.bincount(town.person_day, weights=town.groups[name] == value) > 0
        people += int(counted.sum())
        asked += int((counted & (rung > 0)).sum())
    return round(1 - asked / people, DIGITS) if people else None


# --- leaves ---


def _ratios(towns: list[tuple[float, float]]) -> list[float]:
    """Part of whole, for the towns that have a whole: of nothing, and of less, there is no share."""
    return [part / whole for part, whole in towns if whole > 0]


def _share(holds: NDArray[np.bool_]) -> float:
    return float(holds.mean()) if len(holds) else 0.0


def mean(values: list[float]) -> float | None:
    """The mean, rounded; None of nothing."""
    return round(float(np.mean(values)), DIGITS) if values else None


def interval(values: list[float]) -> list[float] | None:
    """95 % bootstrap interval of the mean; None for a single value."""
    if len(values) < 2:
        return None
    drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(np.array(values)[drawn].mean(axis=1), [0.025, 0.975])
    return [round(float(low), DIGITS), round(float(high), DIGITS)]


def _quantile(waits: list[Numbers], share: float) -> float | None:
    together = np.concatenate(waits) if waits else np.zeros(0)
    return round(float(np.quantile(together, share)), DIGITS) if len(together) else None
