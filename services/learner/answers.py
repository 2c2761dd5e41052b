"""What people said after their talks, as arrays: what every model is learned from and judged on.

Place in the flow: history, or a file of another study -> **answers** -> fit, judge. Each direction is an observation
of its own: a talk about which only one side spoke, or both said different things, counts for what was said.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from matcher.effects import Counts, Effects, sigmoid
from matcher.features import Floats, Ints
from matcher.score import Model

NOBODY = -1


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers, one place each; the people they are about have places of their own.

    `back` is the place of the other side's answer about the same talk, or -1. `columns` are the pair's features;
    `giver_before` and `getter_before` are the counts of both as they stood before the talk; `gives` and `gets` what its
    offer believed of the giver and of the getter. `at` orders the talks in
    time; answers of one `group` are held out and resampled together.
    """

    traits: dict[str, Floats]
    giver: Ints
    getter: Ints
    yes: Floats
    back: Ints
    columns: dict[str, Floats]
    giver_before: Counts
    getter_before: Counts
    gives: Floats
    gets: Floats
    at: Floats
    group: Ints

    def __len__(self) -> int:
        return len(self.yes)

    @property
    def people(self) -> int:
        """How many people have a place, whether or not they answered."""
        return len(next(iter(self.traits.values()))) if self.traits else int(self.giver.max(initial=-1)) + 1

    def take(self, keep: NDArray[np.bool_]) -> "Answers":
        """Those that `keep` marks; a talk of which one side is dropped is then one-sided."""
        place = np.where(keep, np.cumsum(keep) - 1, NOBODY)
        back = np.where(self.back >= 0, place[self.back], NOBODY)[keep]
        columns = {name: column[keep] for name, column in self.columns.items()}
        return replace(
            self, giver=self.giver[keep], getter=self.getter[keep], yes=self.yes[keep], back=back, columns=columns,
            giver_before=self.giver_before.take(keep), getter_before=self.getter_before.take(keep),
            gives=self.gives[keep], gets=self.gets[keep], at=self.at[keep], group=self.group[keep],
        )  # fmt: skip

    def counted(self) -> "Answers":
        """The answers that count: of those that one person gave about another the first."""
        first = np.unique(self.giver * (self.people + 1) + self.getter, return_index=True)[1]
        return self.take(np.isin(np.arange(len(self)), first))

    def talks(self) -> Ints:
        """The places of one answer for each talk about which both answered."""
        return np.flatnonzero(self.back > np.arange(len(self)))

    def both(self) -> Floats:
        """For each of `talks`, whether both said yes."""
        first = self.talks()
        return self.yes[first] * self.yes[self.back[first]]


def before_each(giver: Ints, getter: Ints, yes: Floats, at: Floats, people: int) -> tuple[Counts, Counts]:
    """The counts of each answer's giver and getter from all answers with an earlier `at`."""
    table = np.zeros((people, 4))
    givers, getters = np.zeros((len(yes), 4)), np.zeros((len(yes), 4))
    moments = np.unique(at[np.isfinite(at)])
    for rows in (np.flatnonzero(at == moment) for moment in moments):
        givers[rows], getters[rows] = table[giver[rows]], table[getter[rows]]
        np.add.at(table, (giver[rows], 0), 1.0)
        np.add.at(table, (giver[rows], 1), yes[rows])
        np.add.at(table, (getter[rows], 2), 1.0)
        np.add.at(table, (getter[rows], 3), yes[rows])
    return Counts.of(map(tuple, givers)), Counts.of(map(tuple, getters))


def knowing(answers: Answers, counts: Counts) -> Answers:
    """The same answers, with `counts` as what was known of each person before."""
    return replace(answers, giver_before=counts.take(answers.giver), getter_before=counts.take(answers.getter))


def directed(model: Model, answers: Answers) -> Floats:
    """The log odds that the giver says yes, from what was known before the talk."""
    gives = _effects(model, answers, answers.giver, answers.giver_before).gives
    gets = _effects(model, answers, answers.getter, answers.getter_before).gets
    return model.one_way(answers.columns, gives, gets)


def _effects(model: Model, answers: Answers, who: Ints, before: Counts) -> Effects:
    return model.effects({name: answers.traits[name][who] for name in model.traits}, before)


def joint(model: Model, answers: Answers) -> Floats:
    """For each of `talks`, the chance that both say yes: the score as the service computes it."""
    chance, first = sigmoid(directed(model, answers)), answers.talks()
    return model.both(chance[first], chance[answers.back[first]], *of_both(model, answers))


def of_both(model: Model, answers: Answers) -> tuple[Effects, Effects]:
    """For each of `talks`, what was believed of its two people before."""
    first = answers.talks()
    giver = _effects(model, answers, answers.giver[first], answers.giver_before.take(first))
    return giver, _effects(model, answers, answers.getter[first], answers.getter_before.take(first))
