"""The heaviest matching of all who can be asked now, kept from tick to tick and mended where something changed.

Place in the flow: candidates, solve -> **matching** -> match. Weight is the score plus continuity (bonds) and, where
nobody looks ahead, equity (the wait so far), never below a floor: what people may expect of waiting on (patience) has
the price of their waits in it, and falls as their time runs out. Few people are matched exactly and anew in each tick,
so that the matching depends on nothing but who they are; among many it also depends on what was matched before.
"""

from datetime import datetime

import numpy as np

from matcher.alternating import improve, shake, state_of
from matcher.auction import Floats, Graph
from matcher.candidates import Candidates
from matcher.explore import acted_upon, propensity
from matcher.features import BOND
from matcher.links import Slots, weigh
from matcher.solve import EXACT_PEOPLE, Edges, Effort, edges, exact, solve, solve_half_edges

FLOOR = 0.05
BOND_BONUS = 0.25
WAIT_BONUS_PER_MIN = 0.005
WAIT_BONUS_LIMIT_MIN = 30.0
ANEW_SHARE = 0.2
"""With more new people than this it is made anew: mending would cost as much."""
TURN_SHARE = 0.01
"""The share of all who are looked at in turn, tick by tick, whatever changed: weights grow with the wait."""
SHAKES_OF_CHANGED = 1


Made = tuple[int, int, float, float]
"""A pair: the slots of the two, its weight, and the probability with which it was made."""


class Matching:
    """Who would be matched with whom if everybody had to be offered a call now."""

    def __init__(self, candidates: Candidates, effort: Effort = "fast") -> None:
        """Of `candidates`; nobody is matched yet."""
        self._candidates = candidates
        self._effort = effort
        self._mate = np.zeros(0, np.int32)
        self._held = np.zeros(0)
        self._weights = np.zeros(0)
        self._turn = 0
        self._made = False
        self._expects = np.zeros(0)
        self._patient = False

    @property
    def weight(self) -> float:
        """What the matching weighs."""
        return float(self._held[self._candidates.standing.slots].sum()) / 2

    def pairs(self) -> list[Made]:
        """Each pair; nothing about it was left to chance."""
        slots = self._candidates.standing.slots
        some = slots[self._mate[slots] > slots]
        made = zip(some.tolist(), self._mate[some].tolist(), self._held[some].tolist(), strict=True)
        return [(a, b, weight, 1.0) for a, b, weight in made]

    def explored(self, now: datetime, seed: str) -> list[Made]:
        """The pairs that one of the model's draws would make, each with the share of draws that would make it."""
        drawn = [self._made_of(score, now) for score in self._candidates.drawn_scores(seed)]
        pairs = [set(one) for one in drawn]
        made = drawn[acted_upon(seed, len(drawn))]
        return [(a, b, weight, propensity((a, b), pairs)) for (a, b), weight in made.items()]

    def _made_of(self, score: Floats, now: datetime) -> dict[tuple[int, int], float]:
        """A matching made anew, were `score` the scores of all candidate pairs: the weight of each pair."""
        order = self._candidates.standing.by_id()
        graph = self._edges_of(order, *self._weights_of(score, self._bonus(now)))
        mate = solve(graph, self._effort)
        some = mate[graph.u] == graph.v
        a, b = order[graph.u[some]], order[graph.v[some]]
        low, high = np.minimum(a, b).tolist(), np.maximum(a, b).tolist()
        return dict(zip(zip(low, high, strict=True), graph.w[some].tolist(), strict=True))

    def update(self, now: datetime, expects: Floats | None = None) -> None:
        """Match whom it is best to match at `now`; `expects` (a slot) is what an offer must bring each of them."""
        self._widen()
        self._patient = expects is not None
        self._expects = np.zeros(len(self._mate)) if expects is None else expects
        everybody = self._candidates.standing.slots
        before = self._mate.copy()
        self._weigh(everybody, now)
        changed = np.fromiter(self._candidates.changed, np.int64, len(self._candidates.changed))
        unsettled = np.union1d(changed, everybody[self._mate[everybody] != before[everybody]])
        self._candidates.changed.clear()
        if len(everybody) <= EXACT_PEOPLE[self._effort]:
            self._match_exactly(everybody, now)
        elif not self._made or len(unsettled) > ANEW_SHARE * len(everybody):
            self._made = True
            self._mate = solve_half_edges(self._graph(), self._effort)
            self._weigh(everybody, now)
        else:
            self._mend(everybody, unsettled)

    def edges(self, now: datetime) -> Edges:
        """The pairs that may be matched at `now`, with their weights; people are numbered in the order of their ids."""
        weights = self._weights_of(self._candidates.pairs.score, self._bonus(now))
        return self._edges_of(self._candidates.standing.by_id(), *weights)

    def _edges_of(self, order: Slots, u: Slots, v: Slots, weight: Floats) -> Edges:
        number = np.zeros(len(self._mate), np.int64)
        number[order] = np.arange(len(order))
        if len(self._expects):
            weight = weight - (self._expects[u] + self._expects[v])  # to the last bit the same whichever comes first
        return edges(len(order), number[u], number[v], weight)

    def weights(self) -> tuple[Slots, Slots, Floats]:
        """The slots of all pairs that may be matched, and what they weigh before anybody expects anything."""
        return self._weights_of(self._candidates.pairs.score, np.zeros(len(self._candidates.standing.people)))

    def _weights_of(self, score: Floats, bonus: Floats) -> tuple[Slots, Slots, Floats]:
        kept = self._candidates.pairs
        weight = score + BOND_BONUS * (kept.bond >= BOND) + np.maximum(bonus[kept.u], bonus[kept.v])
        some = weight >= FLOOR
        return kept.u[some], kept.v[some], weight[some]

    def _match_exactly(self, everybody: Slots, now: datetime) -> None:
        order, mate = self._candidates.standing.by_id(), exact(self.edges(now))
        self._mate[:] = -1
        matched = np.flatnonzero(mate >= 0)
        self._mate[order[matched]] = order[mate[matched]]
        self._weigh(everybody, now)

    def _mend(self, everybody: Slots, unsettled: Slots) -> None:
        share = max(1, int(TURN_SHARE * len(everybody)))
        start = self._turn % len(everybody)
        self._turn = start + share
        who = np.union1d(unsettled, everybody[start : start + share]).astype(np.int32)
        graph, state = self._graph(), state_of(self._mate, self._held)
        improve(who, graph, state)
        before = self._mate.copy()
        shake(unsettled.astype(np.int32), SHAKES_OF_CHANGED * len(unsettled), graph, state)
        improve(np.flatnonzero(self._mate != before).astype(np.int32), graph, state)

    def _graph(self) -> Graph:
        nbr, _, _, degree = self._candidates.links
        start = np.arange(len(degree), dtype=np.int64) * nbr.shape[1]
        return start, start + degree, nbr.reshape(-1), self._weights

    def _weigh(self, everybody: Slots, now: datetime) -> None:
        links = self._candidates.links
        weigh(
            everybody, links, BOND_BONUS, self._bonus(now), self._expects, FLOOR, self._mate, self._held, self._weights
        )  # fmt: skip

    def _bonus(self, now: datetime) -> Floats:
        if self._patient:
            return np.zeros(len(self._candidates.standing.people))
        waited_min = (now.timestamp() - self._candidates.standing.people["since_s"]) / 60
        return WAIT_BONUS_PER_MIN * np.clip(waited_min, 0.0, WAIT_BONUS_LIMIT_MIN)

    def _widen(self) -> None:
        count, bound = self._candidates.links[0].shape
        more = count - len(self._mate)
        if more:
            self._mate = np.concatenate([self._mate, np.full(more, -1, np.int32)])
            self._held = np.concatenate([self._held, np.zeros(more)])
            self._weights = np.zeros(count * bound)
