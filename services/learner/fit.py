"""Learns a model from answers: crossed random effects, calibration, and whether the two answers hang together.

Place in the flow: answers -> **fit** -> model. One side's yes is a logistic regression on the pair's features and both
people's traits, with a normal effect for each person who says yes and each who is said yes to; a ridge penalty on those
is their prior, and its spread is learned (EM with the posterior's curvature: Breslow & Clayton 1993). What cannot be
worse, such as being nearer, keeps no weight below 0. Calibration and dependence are fitted on answers held out.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.effects import Counts, sigmoid
from matcher.features import NEVER_WORSE, Floats, Ints
from matcher.score import SD_LIMIT, Level, Model, Trait
from services.learner.answers import Answers, directed
from services.learner.together import dependence

PAIR_SD = 1.0
"""Prior spread of a pair feature's weight over its whole range from 0 to 1."""
TRAIT_SD = 0.1
"""Prior spread of a trait's weight per standard deviation: no single trait of a stranger says much."""
FIRST_SD = 1.0
ROUNDS = 12
SETTLED = 0.01
FOLDS = 5
SLOPE_SD = 0.5
"""Prior spread around "calibrated as it is": little data changes little."""
BOND_SLOPE, BOND_SLOPE_SD = 0.7, 0.25
"""How much what else is known counts between two who have both said yes, before talks of such pairs tell: computed."""
WIDER = (0.5, 0.7, 0.85, 1.0, 1.15, 1.3, 1.5, 1.75)
"""By how much people may differ more than EM says, which is known to say too little of yes and no answers."""
LEVEL_ROUNDS = 10
FOLD_STEP = 7919
"""A prime, so that neighbouring groups come into different folds."""
TINY = 1e-9


class Design:
    """The answers as a sparse table: pair features, traits of both sides, and who answered whom."""

    def __init__(self, answers: Answers, names: tuple[str, ...]) -> None:
        """`names` are the pair features to use."""
        seen = np.unique(np.concatenate([answers.giver, answers.getter]))
        values = {name: trait[seen] for name, trait in sorted(answers.traits.items())}
        values = {name: value for name, value in values.items() if _differs(value)}
        self.names, self.trait_names, self.people = names, tuple(values), answers.people
        self.mean = {name: float(np.nanmean(value)) for name, value in values.items()}
        self.sd = {name: float(np.nanstd(value)) for name, value in values.items()}
        standard = [
            np.nan_to_num((answers.traits[name] - self.mean[name]) / self.sd[name]) for name in self.trait_names
        ]
        columns = [PAIR_SD * answers.columns[name] for name in names]
        columns += [TRAIT_SD * trait[answers.giver] for trait in standard]
        columns += [TRAIT_SD * trait[answers.getter] for trait in standard]
        self.fixed = np.column_stack(columns) if columns else np.zeros((len(answers), 0))
        self.answers = answers

    def table(self, gives_sd: float, gets_sd: float) -> Any:
        """Rows of the regression, scaled so that every coefficient's prior is standard normal."""
        from scipy import sparse  # comes with scikit-learn

        answers, rows = self.answers, np.arange(len(self.answers))
        shape = (len(rows), self.people)
        gives = sparse.csr_matrix((np.full(len(rows), gives_sd), (rows, answers.giver)), shape)
        gets = sparse.csr_matrix((np.full(len(rows), gets_sd), (rows, answers.getter)), shape)
        return sparse.hstack([sparse.csr_matrix(self.fixed), gives, gets]).tocsr()


def _differs(value: Floats) -> bool:
    known = value[np.isfinite(value)]
    return len(known) > 0 and float(np.ptp(known)) > TINY


@dataclass(frozen=True, slots=True)
class Solution:
    """What one regression found."""

    intercept: float
    fixed: Floats
    gives: Floats
    gets: Floats
    chance: Floats


def learn(answers: Answers, version: str, names: tuple[str, ...], draws: int = 1) -> Model:
    """The model that `answers` teach; `names` are all features and traits that may carry a weight."""
    answers = _earned(answers, _regress(answers, version, names))
    bare = _regress(answers, version, names)
    parts = _without_each_fold(answers, bare)
    tried = [_wider(bare, times) for times in WIDER]
    model = min(tried, key=lambda one: _loss(answers, _held_out(answers, parts, one)))
    odds, bond = _held_out(answers, parts, model), answers.columns.get("bond", np.zeros(len(answers))) > 0
    slope, shift = calibrated(odds[~bond], answers.yes[~bond])
    odds = slope * odds + shift
    bond_slope, bond_shift = calibrated(odds[bond], answers.yes[bond], BOND_SLOPE, BOND_SLOPE_SD)
    odds[bond] = bond_slope * odds[bond] + bond_shift
    tied, of_unknown = dependence(answers, sigmoid(odds), model)
    return replace(
        model, slope=slope, shift=shift, bond_slope=bond_slope, bond_shift=bond_shift, dependence=tied,
        of_unknown=of_unknown, draws=draws,
    )  # fmt: skip


def _earned(answers: Answers, model: Model) -> Answers:
    """The answers with only those pair features that foretell talks held out.

    For what common sense says is never worse any gain will do: where little can be known it is better than nothing,
    though no month's talks can prove it. Anything else must gain by more than the gain's standard error. In a full
    pairing what holds of a person cancels out, and a feature that only looks like something decides. A bond is not
    asked.
    """
    losses = _held_out_losses(answers, model)
    for name in [one for one in answers.columns if one != "bond"]:
        others = {one: column for one, column in answers.columns.items() if one != name}
        without = replace(answers, columns=others)
        less = _held_out_losses(without, replace(model, weights={one: model.weights[one] for one in others}))
        gain = np.bincount(np.unique(answers.group, return_inverse=True)[1], less - losses)
        if gain.sum() <= (0.0 if name in NEVER_WORSE else np.sqrt(np.sum(gain**2))):
            answers, losses = without, less
    return answers


def _held_out_losses(answers: Answers, like: Model) -> Floats:
    return log_losses(answers.yes, sigmoid(_held_out(answers, _without_each_fold(answers, like), like)))


def _wider(model: Model, times: float) -> Model:
    return replace(
        model, gives_sd=min(times * model.gives_sd, SD_LIMIT), gets_sd=min(times * model.gets_sd, SD_LIMIT)
    )  # fmt: skip


def _loss(answers: Answers, logits: Floats) -> float:
    return float(np.mean(log_losses(answers.yes, sigmoid(logits))))


def _without_each_fold(answers: Answers, like: Model) -> list[tuple[NDArray[np.bool_], Model]]:
    """For each fold of the groups, which answers it holds and a model that did not see them."""
    groups = np.unique(answers.group)
    fold = np.searchsorted(groups, answers.group) * FOLD_STEP % max(len(groups), 1) % FOLDS
    if len(groups) < 2:
        return [(np.ones(len(answers), dtype=np.bool_), like)]
    sds = (like.gives_sd, like.gets_sd)
    outs = [fold == number for number in np.unique(fold)]
    return [(out, _regress(answers.take(~out), like.version, like.names, sds, rounds=1)) for out in outs]


def _held_out(answers: Answers, parts: list[tuple[NDArray[np.bool_], Model]], spread: Model) -> Floats:
    """Log odds for each answer from the model that did not see its group, with people as different as in `spread`."""
    logits = np.zeros(len(answers))
    for out, part in parts:
        model = replace(part, gives_sd=spread.gives_sd, gets_sd=spread.gets_sd)
        logits[out] = directed(model, answers.take(out))
    return logits


def _regress(
    answers: Answers, version: str, names: tuple[str, ...], sds: tuple[float, float] = (FIRST_SD, FIRST_SD),
    rounds: int = ROUNDS,
) -> Model:  # fmt: skip
    """Coefficients and spreads, uncalibrated; a weight of the wrong sign is taken out and the rest fitted anew."""
    used = tuple(name for name in sorted(answers.columns) if np.ptp(answers.columns[name]) > 0)
    while True:
        design = Design(answers, used)
        found, sds = _spread(design, sds, rounds)
        weights = dict(zip(used, (PAIR_SD * found.fixed[: len(used)]).tolist(), strict=True))
        wrong = {name for name in NEVER_WORSE if weights.get(name, 0.0) < 0}
        if not wrong:
            break
        used = tuple(name for name in used if name not in wrong)
    weights |= {name: 0.0 for name in answers.columns if name not in weights}
    model = Model(
        version=version, intercept=found.intercept, weights=weights, traits=_traits(design, found), gives_sd=sds[0],
        gets_sd=sds[1], names=names,
    )  # fmt: skip
    return levelled(model, answers)


def _spread(design: Design, sds: tuple[float, float], rounds: int) -> tuple[Solution, tuple[float, float]]:
    gives_sd, gets_sd = sds
    for _ in range(rounds):
        found = _solve(design, gives_sd, gets_sd)
        if rounds == 1:
            break
        before = (gives_sd, gets_sd)
        weight = found.chance * (1 - found.chance)
        gives_sd = _sd(found.gives, design.answers.giver, weight, gives_sd)
        gets_sd = _sd(found.gets, design.answers.getter, weight, gets_sd)
        if abs(gives_sd - before[0]) + abs(gets_sd - before[1]) < SETTLED:
            break
    return found, (gives_sd, gets_sd)


def _sd(effects: Floats, who: Ints, weight: Floats, sd: float) -> float:
    """The spread of people's effects: that of the estimates and what each leaves open."""
    if sd == 0.0:
        return 0.0
    known = np.bincount(who, weight, len(effects))
    seen = known > 0
    return float(np.sqrt(np.mean(effects[seen] ** 2 + 1 / (known[seen] + 1 / sd**2))))


def _solve(design: Design, gives_sd: float, gets_sd: float) -> Solution:
    from sklearn.linear_model import LogisticRegression

    table, yes, people = design.table(gives_sd, gets_sd), design.answers.yes, design.people
    if np.ptp(yes) == 0:  # all said the same: nothing but the intercept can be learned
        share = (yes.sum() + 0.5) / (len(yes) + 1)
        nothing = np.zeros(people)
        fixed = np.zeros(design.fixed.shape[1])
        return Solution(math.log(share / (1 - share)), fixed, nothing, nothing, np.full(len(yes), share))
    fitted = LogisticRegression(C=1.0, solver="newton-cg", max_iter=200).fit(table, yes)
    found, width = fitted.coef_[0], design.fixed.shape[1]
    gives, gets = gives_sd * found[width : width + people], gets_sd * found[width + people :]
    return Solution(float(fitted.intercept_[0]), found[:width], gives, gets, fitted.predict_proba(table)[:, 1])


def _traits(design: Design, found: Solution) -> dict[str, Trait]:
    count = len(design.trait_names)
    first = len(design.names)
    gives = (TRAIT_SD * found.fixed[first : first + count]).tolist()
    gets = (TRAIT_SD * found.fixed[first + count :]).tolist()
    return {
        name: Trait(design.mean[name], design.sd[name], gives[at], gets[at])
        for at, name in enumerate(design.trait_names)
    }


def levelled(model: Model, answers: Answers) -> Model:
    """`model` with counts judged against the level of just these talks, be they a market's or an evening's.

    Where more yeses are given than the model expects, that is shared between both sides of every talk, and not counted
    as everybody's own readiness twice.
    """
    if len(answers) == 0:
        return replace(model, level=Level(model.intercept, model.intercept), usual=model.intercept)
    answers = answers.counted()
    counts = counted(answers)
    pair = float(np.mean(model.pair_logit(answers.columns) * np.ones(len(answers))))
    level = Level(pair, pair)
    traits = {name: answers.traits[name] for name in model.traits}
    for _ in range(LEVEL_ROUNDS):
        effects = replace(model, level=level).effects(traits, counts)
        gets, gives = effects.gets.mean[answers.getter], effects.gives.mean[answers.giver]
        level = Level(pair + float(np.mean(gets - answers.gets)), pair + float(np.mean(gives - answers.gives)))
    return replace(model, level=level, usual=pair)


def counted(answers: Answers) -> Counts:
    """What each person gave and got in all these answers."""
    each = np.ones(len(answers))
    gave, gave_yes, gave_ease = (
        np.bincount(answers.giver, one, answers.people) for one in (each, answers.yes, answers.gets)
    )
    got, got_yes, got_ease = (
        np.bincount(answers.getter, one, answers.people) for one in (each, answers.yes, answers.gives)
    )
    return Counts(gave, gave_yes, got, got_yes, gave_ease, got_ease)


def calibrated(
    logits: Floats, yes: Floats, usual: float = 1.0, slope_sd: float = SLOPE_SD, shift_sd: float = SLOPE_SD
) -> tuple[float, float]:
    """Slope and shift of the log odds under which these chances came true (Platt 1999), drawn towards `usual` and 0.

    With endless spreads they are drawn nowhere.
    """
    slope, shift = 1.0, 0.0
    for _ in range(30):
        chance = sigmoid(slope * logits + shift)
        error, weight = yes - chance, chance * (1 - chance)
        push = np.array([error @ logits - (slope - usual) / slope_sd**2, error.sum() - shift / shift_sd**2])
        cross = weight @ logits
        curve = np.array([[weight @ logits**2 + 1 / slope_sd**2, cross], [cross, weight.sum() + 1 / shift_sd**2]])
        step = np.clip(np.linalg.solve(curve, push), -1.0, 1.0)
        slope, shift = max(slope + step[0], 0.05), shift + step[1]
    return float(slope), float(shift)


def log_losses(true: Floats, chance: Floats) -> Floats:
    """The loss of each chance, in nats."""
    safe = np.clip(chance, TINY, 1 - TINY)
    return np.asarray(-(true * np.log(safe) + (1 - true) * np.log(1 - safe)))
