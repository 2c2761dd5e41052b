"""The judgement on evenings of talks: strangers, people half known, and who would be paired with whom.

Place in the flow: speed dating -> **evenings** -> report. Cold: the evening was never seen, and nobody in it. Warm: its
first half is known, as counts, and the second is judged. Pairing: of a random 70 % of each evening everybody is paired.
A model judged on an evening was never fitted to it, except for the level and the counts of its first half when warm.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.effects import Counts
from matcher.features import Floats, Ints
from matcher.score import Model
from services.evaluate.pairing import full_pairing
from services.evaluate.speed_dating import NAMES, Evenings
from services.learner.answers import Answers, joint, knowing
from services.learner.fit import counted, learn, levelled
from services.learner.judge import finite, interval, judged, resampled

SUB_POOLS = 60
SHARE = 0.7
ModelOf = Callable[[int], Model]


@dataclass(frozen=True, slots=True)
class Scored:
    """Talks of several evenings with the chance that both say yes, and whether they did."""

    left: Ints
    right: Ints
    wave: Ints
    chance: Floats
    true: Floats

    @staticmethod
    def joined(parts: list["Scored"]) -> "Scored":
        """All of `parts`."""
        fields = ("left", "right", "wave", "chance", "true")
        return Scored(*(np.concatenate([getattr(part, name) for part in parts]) for name in fields))


def leave_one_out(evenings: Evenings, say: Callable[[str], None]) -> ModelOf:
    """For each evening, the model that all the others teach."""
    models = {}
    for wave in evenings.waves:
        say(f"learning without evening {wave}")
        models[wave] = learned(evenings.answers.take(evenings.wave != wave))
    return models.__getitem__


def learned(answers: Answers) -> Model:
    """What `answers` teach, by the service's learner."""
    return learn(answers, "evenings", NAMES)


def judge(evenings: Evenings, model_of: ModelOf, seed: int) -> dict[str, Any]:
    """What the command prints."""
    cold = _cold(evenings, model_of)
    warm = _warm(evenings, model_of) if evenings.order is not None else None
    report: dict[str, Any] = {"waves": len(evenings.waves), "pairs": len(cold.true)}
    report["cold"] = judged(cold.true, cold.chance, cold.wave, seed)
    report["warm"] = {"pairs": len(warm.true), **judged(warm.true, warm.chance, warm.wave, seed)} if warm else None
    report["assignment"] = pairings(cold, seed)
    report["assignment_warm"] = pairings(warm, seed, share=1.0) if warm else None
    return report | {"said": list(evenings.said), "seed": seed}


def _cold(evenings: Evenings, model_of: ModelOf) -> Scored:
    nothing = Counts.of([(0, 0, 0, 0)] * evenings.answers.people)
    parts = []
    for wave in evenings.waves:
        answers = knowing(evenings.answers.take(evenings.wave == wave), nothing)
        parts.append(_scored(model_of(wave), answers, wave))
    return Scored.joined(parts)


def _warm(evenings: Evenings, model_of: ModelOf) -> Scored | None:
    assert evenings.order is not None
    parts = []
    for wave in evenings.waves:
        here = (evenings.wave == wave) & np.isfinite(evenings.order)
        middle = float(np.median(evenings.order[here])) if here.any() else 0.0
        known = evenings.answers.take(here & (evenings.order <= middle))
        later = evenings.answers.take(here & (evenings.order > middle))
        if len(known) and len(later.talks()):
            parts.append(_scored(levelled(model_of(wave), known), knowing(later, counted(known)), wave))
    return Scored.joined(parts) if parts else None


def _scored(model: Model, answers: Answers, wave: int) -> Scored:
    first = answers.talks()
    return Scored(
        answers.giver[first], answers.getter[first], np.full(len(first), wave), joint(model, answers), answers.both()
    )


def pairings(scored: Scored, seed: int, share: float = SHARE) -> dict[str, Any]:
    """The share of full pairings in which both say yes, for a random pairing, the model's, and the best possible."""
    waves = np.unique(scored.wave)
    sums = {name: np.zeros((len(waves), 2)) for name in ("random", "model", "oracle")}
    for draw in range(SUB_POOLS):
        dice = np.random.default_rng([seed, draw])
        for at, wave in enumerate(waves):
            rows = _sub_pool(scored, scored.wave == wave, share, dice)
            weights = {"random": dice.random(len(rows)), "model": scored.chance[rows], "oracle": scored.true[rows]}
            for name, weight in weights.items():
                chosen = rows[full_pairing(scored.left[rows], scored.right[rows], weight)]
                sums[name][at] += scored.true[chosen].sum(), len(chosen)
    shares = {name: finite(_share(table)) for name, table in sums.items()}
    drawn = resampled(np.arange(len(waves)), seed)
    gains = [_share(sums["model"][rows]) - _share(sums["random"][rows]) for rows in drawn]
    return {**shares, "gain_ci": interval(gains), "sub_pools": SUB_POOLS}


def _sub_pool(scored: Scored, here: NDArray[np.bool_], share: float, dice: np.random.Generator) -> Ints:
    people = np.unique(np.concatenate([scored.left[here], scored.right[here]]))
    kept = dice.choice(people, max(2, round(share * len(people))), replace=False)
    return np.flatnonzero(here & np.isin(scored.left, kept) & np.isin(scored.right, kept))


def _share(table: NDArray[np.float64]) -> float:
    true, pairs = table.sum(axis=0)
    return float(true / pairs) if pairs else float("nan")
