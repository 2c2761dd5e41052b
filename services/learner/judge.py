"""How good chances are: ranking, calibration and their intervals.

Place in the flow: fit -> **judge** -> card, compare, eval. Intervals come from drawing whole groups (evenings, calls,
days) again with replacement, since what happened in one group hangs together; the draws are fixed by a seed.
"""

from collections.abc import Callable, Mapping

import numpy as np

from matcher.features import Floats, Ints
from services.learner.fit import calibrated, log_losses

DRAWS = 1_000
INTERVAL = (2.5, 97.5)
CLIP = 1e-9

Measure = Callable[[Floats, Floats], float]


def _auc(true: Floats, chance: Floats) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(true, chance)) if np.ptp(true) else float("nan")


def _ap(true: Floats, chance: Floats) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(true, chance)) if true.any() else float("nan")


def calibration_slope(true: Floats, chance: Floats) -> float:
    """1 when chances are as far apart as what came true; below 1 they were too sure."""
    safe = np.clip(chance, CLIP, 1 - CLIP)
    return calibrated(np.log(safe / (1 - safe)), true)[0]


MEASURES: dict[str, Measure] = {
    "auc": _auc,
    "ap": _ap,
    "brier": lambda true, chance: float(np.mean((true - chance) ** 2)),
    "log_loss": lambda true, chance: float(np.mean(log_losses(true, chance))),
}


def judged(true: Floats, chance: Floats, group: Ints, seed: int) -> dict[str, float | list[float] | None]:
    """Every measure and its interval, as `auc` and `auc_ci`; None where there is nothing to judge."""
    found: dict[str, float | list[float] | None] = {}
    drawn = resampled(group, seed)
    for name, measure in MEASURES.items():
        found[name] = finite(measure(true, chance)) if len(true) else None
    for name, measure in MEASURES.items():
        found[f"{name}_ci"] = interval([measure(true[rows], chance[rows]) for rows in drawn])
    return found


def resampled(group: Ints, seed: int) -> list[Ints]:
    """Rows of as many groups as there are, drawn with replacement; nothing where there is but one group."""
    names = np.unique(group)
    if len(names) < 2:
        return []
    rows = _grouped(group)
    dice = np.random.default_rng(seed)
    return [np.concatenate([rows[one] for one in dice.choice(names, len(names)).tolist()]) for _ in range(DRAWS)]


def _grouped(group: Ints) -> Mapping[int, Ints]:
    order = np.argsort(group, kind="stable")
    names, starts = np.unique(group[order], return_index=True)
    return dict(zip(names.tolist(), np.split(order, starts[1:]), strict=True))


def interval(values: list[float]) -> list[float] | None:
    """The middle 95 % of `values`, or None without any."""
    kept = [value for value in values if np.isfinite(value)]
    return [float(edge) for edge in np.percentile(kept, INTERVAL)] if kept else None


def finite(value: float) -> float | None:
    """`value`, or None where it is none."""
    return value if np.isfinite(value) else None


def calibration_table(true: Floats, chance: Floats, bins: int = 10) -> list[dict[str, float]]:
    """Mean chance, share that came true and count, in bins of equal size."""
    parts = [part for part in np.array_split(np.argsort(chance, kind="stable"), bins) if len(part)]
    return [
        {"chance": float(chance[part].mean()), "came_true": float(true[part].mean()), "count": len(part)}
        for part in parts
    ]
