"""Calibrated scores of a chosen strength: how much of who gets on with whom can be known beforehand.

Place in the flow: people -> **signal** -> market. The strength is the best possible AUC for "both would talk again",
reached by the score itself: an outcome is drawn with exactly that chance. The make-up of a pair (shared likes,
nearness, manner, fit) is that of `services.simulator.truth`, whose weights are used; the strength sets its scale.
"""

from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray

from matcher.effects import PROBIT
from services.simulator import truth
from services.simulator.people import TownPerson

AUC: Final = {"weak": 0.60, "medium": 0.70, "strong": 0.80}
BOTH_WOULD = 0.32
"""The share of talks after which both would talk again, as in the town of the demo."""
QUANTILES = 4_000
STEPS = 40
STEEPEST = 12.0
KM_PER_DEGREE = 111.2
PAIRS_DRAWN = 4_000

Numbers = NDArray[np.float64]


def pair_scores(people: list[TownPerson], strength: str, seed: int) -> tuple[NDArray[np.float32], float]:
    """People × people of calibrated scores, symmetric, and the AUC that they reach."""
    leaning = _leaning(people, np.random.default_rng([seed, 1]))
    upper = leaning[np.triu_indices(len(people), 1)]
    typical = np.quantile(upper, np.linspace(0.0, 1.0, QUANTILES)) if len(upper) else np.zeros(1)
    centre, spread = float(typical.mean()), float(typical.std()) or 1.0
    slope, base = _scale((typical - centre) / spread, AUC[strength])
    scores = _sigmoid(base + slope * (leaning - centre) / spread).astype(np.float32)
    return scores, auc_of(_sigmoid(base + slope * (typical - centre) / spread))


def hidden_truth(people: list[TownPerson], strength: str, seed: int) -> truth.Truth:
    """The town's truth, of such a strength that whoever knew all that can be known would reach this AUC.

    Unlike the scores above, which know how two happen to fit, nobody can know that here: it stays as large as it is.
    """
    plain, dice = truth.Truth(seed), Random(f"{seed}|truth")
    pairs = [dice.sample(people, 2) for _ in range(PAIRS_DRAWN)] if len(people) > 1 else []
    both_ways = np.array([(plain.knowable(a, b), plain.knowable(b, a)) for a, b in pairs]).reshape(-1, 2)
    usual = float(both_ways.mean()) if len(pairs) else 0.0
    chance_sd = float(np.hypot(truth.FIT_SD, truth.OWN_SD))
    shrink = float(np.sqrt(1 + PROBIT * chance_sd**2))
    low, high = 0.0, STEEPEST
    for _ in range(STEPS if pairs else 0):
        known = (low + high) / 2
        there, back = _sigmoid((known * (both_ways - usual) + usual + truth.BASE) / shrink).T
        low, high = (known, high) if auc_of(there * back) < AUC[strength] else (low, known)
    return truth.Truth(seed, low, truth.BASE + (1 - low) * usual) if pairs else plain


def auc_of(scores: Numbers) -> float:
    """The AUC of calibrated scores for outcomes drawn with just these chances; .5 if all are the same."""
    ordered = np.sort(scores)
    _, first, count = np.unique(ordered, return_index=True, return_counts=True)
    yes, no = np.add.reduceat(ordered, first), np.add.reduceat(1 - ordered, first)
    below = np.cumsum(no) - no
    assert count.sum() == len(scores)
    return float((yes * (below + no / 2)).sum() / (yes.sum() * no.sum()))


def _leaning(people: list[TownPerson], rng: np.random.Generator) -> NDArray[np.float32]:
    """What the town's truth says of each pair, the mean of both sides' inclinations."""
    n = len(people)
    topics = sorted({topic for one in people for topic in (*one.likes, *one.avoids)})
    likes = np.array([[topic in one.likes for topic in topics] for one in people], dtype=np.float32).reshape(n, -1)
    avoids = np.array([[topic in one.avoids for topic in topics] for one in people], dtype=np.float32).reshape(n, -1)
    spoiled = avoids @ likes.T
    manner = (truth.GIVES_SD * rng.standard_normal(n) + truth.GETS_SD * rng.standard_normal(n)) / 2
    fit = np.triu(rng.standard_normal((n, n), dtype=np.float32), 1)
    fit_sd = float(np.hypot(truth.FIT_SD, truth.OWN_SD / np.sqrt(2)))
    leaning = truth.PER_SHARED_LIKE * np.minimum(likes @ likes.T, truth.SHARED_LIKES_LIMIT)
    leaning -= truth.SPOILED_BY_AVOIDED * (spoiled + spoiled.T) / 2
    leaning += truth.NEAR * np.exp(-distances_km([one.area.cell for one in people]) / truth.NEAR_KM)
    leaning += (manner[:, None] + manner[None, :]).astype(np.float32)
    leaning += fit_sd * (fit + fit.T)
    return leaning.astype(np.float32, copy=False)


def distances_km(cells: list[str]) -> NDArray[np.float32]:
    """Kilometres between all cells, as `matcher.features.distance_km` has them."""
    place = np.array([[float(part) for part in cell.split(",")] for cell in cells], dtype=np.float32).reshape(-1, 2)
    lat, lon = place[:, 0], place[:, 1]
    east = (lon[:, None] - lon) * np.cos(np.radians((lat[:, None] + lat) / 2))
    return (KM_PER_DEGREE * np.hypot(lat[:, None] - lat, east)).astype(np.float32)


def _scale(typical: Numbers, auc: float) -> tuple[float, float]:
    """Slope and base of the log odds that give this AUC and the usual share of yes."""
    low, high = 0.0, STEEPEST
    for _ in range(STEPS):
        slope = (low + high) / 2
        base = _base(typical, slope)
        low, high = (slope, high) if auc_of(_sigmoid(base + slope * typical)) < auc else (low, slope)
    return slope, base


def _base(typical: Numbers, slope: float) -> float:
    low, high = -30.0, 30.0
    for _ in range(STEPS):
        base = (low + high) / 2
        low, high = (base, high) if _sigmoid(base + slope * typical).mean() < BOTH_WOULD else (low, base)
    return base


def _sigmoid(odds: NDArray[np.floating]) -> Numbers:
    return 1.0 / (1.0 + np.exp(-odds))
