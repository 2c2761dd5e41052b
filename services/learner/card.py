"""The model's card: what it was learned from, how good it is and for whom, on one page and as JSON, with a plot.

Place in the flow: fit, judge, compare -> **card** -> files beside the model. Age bands stand here so that somebody sees
whether one is served worse; no score looks at them.
"""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from matcher.effects import sigmoid
from matcher.features import Floats
from matcher.model_file import ModelFile
from matcher.person import AGE_BANDS
from matcher.score import joined
from services.learner.answers import Answers, directed, joint, of_both
from services.learner.compare import TEST, Comparison
from services.learner.fit import log_losses
from services.learner.history import History
from services.learner.judge import calibration_slope, calibration_table, judged
from services.learner.together import dependence_interval


def card(history: History, made: ModelFile, later: Answers, found: Comparison, seed: int) -> dict[str, Any]:
    """Everything that the card says; `later` are the answers after those that the model was learned from."""
    model = made.model()
    chance, true = joint(model, later), later.both()
    first = later.talks()
    report: dict[str, Any] = {
        "version": made.version, "learned_from": made.learned_from.isoformat(),
        "learned_until": made.learned_until.isoformat(), "answers": made.answers, "later_answers": len(later),
        "later_talks": len(first), "people": len(history.people), "left_out": dict(history.left_out),
        "promotion": {"test": TEST, "finding": found.sentence, "not_worse": found.not_worse},
    }  # fmt: skip
    report["metrics"] = judged(true, chance, later.group[first], seed) if len(first) > 1 else None
    report["calibration"] = calibration_table(true, chance) if len(first) else []
    report["calibration_slope"] = calibration_slope(true, chance) if len(first) > 1 else None
    report["answers_together"] = _together(made, later)
    report["by_age_band"] = _by(history, later, chance, lambda place: history.people[place].age_band, AGE_BANDS)
    markets = tuple(sorted(set(history.markets)))
    report["by_market"] = _by(history, later, chance, lambda place: history.markets[place], markets)
    return report


def _together(made: ModelFile, later: Answers) -> dict[str, Any] | None:
    """Whether the two answers of a talk hang together, and what saying so gains, in nats a talk."""
    if not len(later.talks()):
        return None
    model = made.model()
    chance, first, both = sigmoid(directed(model, later)), later.talks(), later.both()
    there, back = chance[first], chance[later.back[first]]
    tied = model.tied(*of_both(model, later))
    apart = log_losses(both, there * back) - log_losses(both, joined(there, back, tied))
    low, high = dependence_interval(later, chance)
    return {"log_odds_ratio": float(tied.mean()), "later_interval": [low, high], "gain_nats": float(apart.mean())}


def _by(
    history: History, later: Answers, chance: Floats, group_of: Callable[[int], str], groups: tuple[str, ...]
) -> dict[str, dict[str, float | int | None]]:
    """Of each group: people who waited, the share who were called, mean score, and share of talks that went well."""
    of = [group_of(place) for place in range(len(history.people))]
    first, true = later.talks(), later.both()
    scores: dict[str, list[float]] = {group: [] for group in groups}
    came: Counter[str] = Counter()
    for at, talk in enumerate(first.tolist()):
        for place in (int(later.giver[talk]), int(later.getter[talk])):
            scores[of[place]].append(float(chance[at]))
            came[of[place]] += int(true[at])
    table: dict[str, dict[str, float | int | None]] = {}
    for group in groups:
        here = np.array([one == group for one in of], dtype=np.bool_)
        count = len(scores[group])
        table[group] = {
            "people": int(here.sum()), "called_share": float(history.called[here].mean()) if here.any() else None,
            "talks": count, "mean_score": float(np.mean(scores[group])) if count else None,
            "both_yes_share": came[group] / count if count else None,
        }  # fmt: skip
    return table


def write(report: dict[str, Any], model_path: Path) -> list[Path]:
    """The card beside the model: `.card.json`, `.card.md` and `.calibration.svg`."""
    paths = [model_path.with_suffix(end) for end in (".card.json", ".card.md", ".calibration.svg")]
    paths[0].write_text(json.dumps(report, indent=2) + "\n")
    paths[1].write_text(_page(report, paths[2].name))
    _plot(report["calibration"], paths[2])
    return paths


def _page(report: dict[str, Any], plot: str) -> str:
    lines = [
        f"# Model {report['version']}", "",
        f"Learned from {report['answers']} answers, {report['learned_from']} to {report['learned_until']}.",
        f"Judged on {report['later_talks']} later talks about which both answered.", "",
        f"Promotion ({report['promotion']['test']}): {report['promotion']['finding']}.", "",
        "| measure | value | 95 % interval |", "|---|---|---|",
    ]  # fmt: skip
    metrics = report["metrics"] or {}
    for name in (one for one in metrics if not one.endswith("_ci")):
        lines.append(f"| {name} | {_short(metrics[name])} | {_short(metrics[f'{name}_ci'])} |")
    lines.append(f"| calibration slope | {_short(report['calibration_slope'])} | |")
    together = report["answers_together"]
    if together:
        ratio, later, gain = map(_short, (together[name] for name in ("log_odds_ratio", "later_interval", "gain_nats")))
        lines += ["", f"The two answers' log odds ratio: {ratio} (later talks: {later}); it gains {gain} nats a talk."]
    for name, title in (("by_age_band", "age band"), ("by_market", "market")):
        lines += ["", f"| {title} | people | called | talks | mean score | both yes |", "|---|---|---|---|---|---|"]
        lines += [f"| {group} | " + " | ".join(map(_short, row.values())) + " |" for group, row in report[name].items()]
    return "\n".join([*lines, "", f"![Calibration: what was said against what came true]({plot})", ""])


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"{_short(value[0])} to {_short(value[1])}"
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _plot(table: list[dict[str, float]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5))
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":")
    axes.plot([one["chance"] for one in table], [one["came_true"] for one in table], marker="o")
    axes.set(xlabel="score", ylabel="share in which both would talk again", xlim=(0, 1), ylim=(0, 1))
    figure.savefig(path, metadata={"Date": None})
