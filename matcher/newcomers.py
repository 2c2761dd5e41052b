"""Who came lately, taken for who may come: what those who wait may expect, from the rows of one pool.

Place in the flow: rows, score -> **newcomers** -> patience -> matching. Nothing of it is stored: it is made again from
the rows, and follows from them alone while few wait. It must not matter which rows a process has forgotten already: a
writer that lost its partition without noticing and the one that took over choose alike.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

import numpy as np

from matcher.availability import KEEP_ROWS, MIN_TALK, Waiting
from matcher.features import BOND, bond_of, crowd
from matcher.invitation import ANSWER, Invitation
from matcher.matching import BOND_BONUS
from matcher.patience import (
    FEW,
    RECENT_LEAST,
    Indices,
    Numbers,
    Patience,
    Present,
    Recent,
    arrivals_per_min,
    recent_limit,
)
from matcher.prices import Prices
from matcher.rows import Rows
from matcher.rules import LASTING, Free, free, refusal
from matcher.score import Model, believed
from matcher.scored import score_pairs

TOO_LATE = MIN_TALK + ANSWER
"""With less of a window left than that, a ring comes too late."""
PAIRS_LIMIT = 20_000
"""Pairs asked of the hard rules in one look, about a tenth of a second."""
CROWD = PAIRS_LIMIT // RECENT_LEAST
"""Of more people who can be asked, nobody waits for a better one: whoever is best for them is mostly there already, and
to look ahead for all would hold up every offer for seconds."""
RULES_OF_ANY_HOUR = (*LASTING, "company")
USUAL_CALLS, USUAL_OFFERS = 7, 10
"""What is taken for the share of offers that become calls before any was made."""


Between = Callable[[Sequence[Free], Sequence[Free], Model], Numbers]


class Newcomers:
    """The outlook of one pool."""

    def __init__(self, rows: Rows, prices: Prices, between: Between | None = None) -> None:
        """Of the people in `rows`, at these prices; `between` says how people score (`scores_between`)."""
        self._rows = rows
        self._patience = Patience(prices)
        self._recent: list[Free] = []
        self._between = between or scores_between
        self._scores = Scores(self._between)

    def expects(self, people: Sequence[Free], a: Indices, b: Indices, weight: Numbers, model: Model) -> Numbers:
        """What an offer must bring each of `people`; `a`, `b` (indices) could be offered now and weigh so much."""
        keys = [one.row.availability for one in people]
        now_min = self._rows.now.timestamp() / 60
        left = np.array([_minutes(one.row.until - self._rows.now - TOO_LATE) for one in people])
        if self._patience.due(now_min, len(people)):
            self._recent = self._who_came(len(people))
            to_recent, among = self._scored(people, model)
            present = Present(left_min=left, to_recent=to_recent, a=a, b=b, score=weight)
            self._patience.look(now_min, keys, present, self._who_may_come(now_min, among), self._answered())
        elif new := self._patience.new(keys):
            to_recent = self._between([people[place] for place in new], self._recent, model)
            self._patience.meet([keys[place] for place in new], to_recent)
        return self._patience.expects(keys, left)

    def _scored(self, people: Sequence[Free], model: Model) -> tuple[Numbers, Numbers]:
        """Scores of `people` with those who came lately, and of these among themselves; of few they are kept."""
        if len(people) > FEW:
            return self._between(people, self._recent, model), self._between(self._recent, self._recent, model)
        self._scores.keep([*people, *self._recent], model)
        return self._scores.between(people, self._recent), self._scores.between(self._recent, self._recent)

    def _who_came(self, waiting: int) -> list[Free]:
        limit = max(RECENT_LEAST, min(recent_limit(waiting), PAIRS_LIMIT // max(1, waiting)))
        rows = sorted(self._known(), key=lambda row: (row.since, row.person))[-limit:]
        return [free(row, self._rows.now) for row in rows]

    def _who_may_come(self, now_min: float, among: Numbers) -> Recent:
        came = np.array([row.since.timestamp() / 60 for row in self._known()])
        stays = np.array([_minutes(one.row.until - one.row.since - TOO_LATE) for one in self._recent])
        return Recent(stays_min=stays, scores=among, per_min=arrivals_per_min(came, now_min))

    def _known(self) -> list[Waiting]:
        rows = self._rows.waiting.values()
        return [row for row in rows if row.features is not None and not self._rows.passed(row)]

    def _answered(self) -> float:
        rung = [one for one in self._rows.invitations.values() if one.rung and not _undecided(one)]
        over = [one for one in rung if self._counts(one)]
        called = sum(one.confirmed_wall is not None for one in over)
        return (called + USUAL_CALLS) / (len(over) + USUAL_OFFERS)

    def _counts(self, one: Invitation) -> bool:
        """Whether every process that holds the market's rows still holds this one."""
        windows = ((self._rows.waiting.get(person), one.availability_of(person)) for person in one.people)
        kept = any(row and row.availability == window and not self._rows.passed(row) for row, window in windows)
        return kept or one.pool_wall + KEEP_ROWS > self._rows.wall


class Scores:
    """Scores among those who wait and those who came lately: from one look to the next only new people are scored."""

    def __init__(self, between: Between) -> None:
        """Nobody yet; `between` scores people × others."""
        self._between = between
        self._model: Model | None = None
        self._place: dict[str, int] = {}
        self._table = np.zeros((0, 0))

    def keep(self, people: Sequence[Free], model: Model) -> None:
        """From here on these people are known, and nobody else."""
        if model is not self._model:
            self._model, self._place = model, {}
        wanted = {_key(one): one for one in people}
        was = np.array([self._place.get(key, -1) for key in wanted], np.int64)
        old, new, everybody = np.flatnonzero(was >= 0), np.flatnonzero(was < 0), list(wanted.values())
        table = np.empty((len(wanted), len(wanted)))
        table[np.ix_(old, old)] = self._table[np.ix_(was[old], was[old])]
        table[new] = self._between([everybody[place] for place in new], everybody, model)
        table[:, new] = table[new].T
        self._place, self._table = {key: place for place, key in enumerate(wanted)}, table

    def between(self, people: Sequence[Free], others: Sequence[Free]) -> Numbers:
        """People × others, as `scores_between` has them; all must be kept."""
        rows, columns = ([self._place[_key(one)] for one in side] for side in (people, others))
        return self._table[np.ix_(rows, columns)]


def scores_between(people: Sequence[Free], others: Sequence[Free], model: Model) -> Numbers:
    """People × others: what a pair would weigh, -inf for oneself and where a rule that holds at any hour forbids."""
    if not people or not others:
        return np.zeros((len(people), len(others)))
    here = crowd([one.features for one in (*people, *others)])
    left, right = (places.reshape(-1) for places in np.indices((len(people), len(others))))
    bond = np.array([_bond(one, other) for one in people for other in others], np.int8)
    scores = score_pairs(model, here, believed(model, here), left, right + len(people), bond)
    fits = [
        one.person != other.person and refusal(one, other, RULES_OF_ANY_HOUR) is None
        for one in people
        for other in others
    ]
    return np.where(fits, scores + BOND_BONUS * (bond >= BOND), -np.inf).reshape(len(people), len(others))


def _bond(one: Free, other: Free) -> int:
    return bond_of(one.person, one.features, other.person, other.features)


def _key(one: Free) -> str:
    """Changes with everything that a score or a rule of any hour looks at."""
    return f"{one.person}|{one.row.seq}"


def _undecided(one: Invitation) -> bool:
    return one.live and one.confirmed_wall is None


def _minutes(time: timedelta) -> float:
    return time.total_seconds() / 60
