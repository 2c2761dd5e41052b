"""How the two answers of a talk hang together: who fits fits both ways, and so neither answer tells all about both.

Place in the flow: answers -> **together** -> fit, card. Fitted to what both said of each talk (both, one, the other,
neither), given the chance of each answer: that says more of how they hang together than whether both said yes, and a
chance that is a little off misleads it less.
"""

import numpy as np

from matcher.effects import Floats
from matcher.features import Ints
from matcher.score import DEPENDENCE_LIMIT, Model, joined, unknown
from services.learner.answers import Answers, of_both

LEAST_TALKS = 50
DEPENDENCE_SD, OF_UNKNOWN_SD = 0.5, 0.25
"""Prior spreads of what joins the two answers of a talk, around independence."""
DEPENDENCE_STEPS, DEPENDENCE_DRAWS, DEPENDENCE_SEED = 121, 500, 1
TINY = 1e-9


def dependence(answers: Answers, chance: Floats, model: Model) -> tuple[float, float]:
    """What joins the two answers of a talk, given each side's `chance`: `dependence` and `of_unknown` of a model.

    Both are drawn towards 0, independence, by a prior.
    """
    from scipy.optimize import minimize

    said, there, back = _of_talks(answers, chance)
    if len(there) < LEAST_TALKS:
        return 0.0, 0.0
    open_of_both = sum(map(unknown, of_both(model, answers)), np.zeros(len(there)))

    def loss(found: Floats) -> float:
        held = np.clip(found[0] + found[1] * open_of_both, -DEPENDENCE_LIMIT, DEPENDENCE_LIMIT)
        prior = (found[0] / DEPENDENCE_SD) ** 2 + (found[1] / OF_UNKNOWN_SD) ** 2
        return float(_both_losses(said, there, back, held).sum() + prior / 2)

    best = np.clip(minimize(loss, np.zeros(2), method="Nelder-Mead").x, -DEPENDENCE_LIMIT, DEPENDENCE_LIMIT)
    return float(best[0]), float(best[1])


def dependence_interval(answers: Answers, chance: Floats) -> tuple[float, float]:
    """The 95 % interval of the one log odds ratio under which what both said is likeliest: whole groups drawn again."""
    said, there, back = _of_talks(answers, chance)
    if len(there) < LEAST_TALKS:
        return -DEPENDENCE_LIMIT, DEPENDENCE_LIMIT
    grid = np.linspace(-DEPENDENCE_LIMIT, DEPENDENCE_LIMIT, DEPENDENCE_STEPS)
    names, group = np.unique(answers.group[answers.talks()], return_inverse=True)
    losses = np.array([np.bincount(group, _both_losses(said, there, back, tied), len(names)) for tied in grid])
    dice = np.random.default_rng(DEPENDENCE_SEED)
    weights = dice.multinomial(len(names), np.full(len(names), 1 / len(names)), DEPENDENCE_DRAWS)
    low, high = np.percentile(grid[np.argmin(losses @ weights.T, axis=0)], (2.5, 97.5))
    return float(low), float(high)


def _of_talks(answers: Answers, chance: Floats) -> tuple[Ints, Floats, Floats]:
    """What both said of each talk (0 to 3: neither, the other, the one, both said yes), and the chance of each."""
    first = answers.talks()
    said = 2 * answers.yes[first] + answers.yes[answers.back[first]]
    return said.astype(np.int64), chance[first], chance[answers.back[first]]


def _both_losses(said: Ints, there: Floats, back: Floats, tied: float | Floats) -> Floats:
    """The loss, in nats, of what both said of each talk, with this log odds ratio."""
    both = joined(there, back, tied)
    all_four = np.stack([1 - there - back + both, back - both, there - both, both])
    return np.asarray(-np.log(np.maximum(all_four[said, np.arange(len(said))], TINY)))
