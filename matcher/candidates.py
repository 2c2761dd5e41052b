"""Who could be matched with whom, kept from tick to tick.

Place in the flow: pool -> **candidates** -> match. A candidate is a pair that passes every hard rule both ways; each
person has at most `bound`. Whoever comes, or changes, is looked for once, whoever goes is taken out; those who are left
with few are looked for again, some in each tick. So a tick costs what came, went or changed. What depends on the hour
is no matter here: who may not be asked now does not stand here. Nothing of this is stored: it is made again from the
rows. Of few (`ALL_LOOKED_AT`) it is made anew whenever one comes or goes, and depends only on who stands here; of more
also on the order in which they came.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from matcher.effects import Counts
from matcher.explore import drawn
from matcher.features import BOND, Bonds, Crowd, bond_of, pair_columns
from matcher.index import Index, Places
from matcher.keys import key_of
from matcher.links import Flags, Floats, Links, Slots, link, pairs, rescored, unlink
from matcher.rules import RULES, Free
from matcher.score import Model
from matcher.scored import score_records, scored_with
from matcher.search import ALL_LOOKED_AT, PAIR_RULES, are_bonded, bits_of, search
from matcher.standing import Standing, widened

CANDIDATES_PER_PERSON = 24
AGAIN_PER_TICK = 256
"""How many of those with few candidates are looked for again in one tick."""
SEARCHED_AT_ONCE = 20_000
"""People for whom candidates are found before they are scored: a bound on memory."""
PART = 2_500
"""Of those, people for whom candidates are found in one piece of work: of fewer there is nothing to spread."""
NOBODY = np.zeros(0, np.int64)
BELIEF_DIGITS = 4
Belief = tuple[float, float]
Believed = tuple[Belief, Belief]
"""Of two people: how readily each says yes, and how readily others do to them, as log odds beside the usual pair."""

Part = TypeVar("Part")
Done = TypeVar("Done")


class Spread(Protocol):
    """Calls a function for each part and gives what it returned, in their order: as `map` does, or in threads."""

    def __call__(self, work: Callable[[Part], Done], parts: Iterable[Part], /) -> Iterable[Done]:
        """What `work` returned for each part."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Who may meet whom: `others`, `whose` they are (those of who[i] from starts[i] on), if to be kept, what bond."""

    who: Slots
    starts: Slots
    whose: Slots
    others: Slots
    kept: Flags
    bonds: Bonds


@dataclass(frozen=True, slots=True)
class Pairs:
    """Candidate pairs as arrays: the slots of both, the score, and how well they keep each other."""

    u: Slots
    v: Slots
    score: Floats
    bond: Bonds


class Candidates:
    """The people who can be asked now, and the candidates of each."""

    def __init__(self, model: Model, bound: int = CANDIDATES_PER_PERSON, spread: Spread = map) -> None:
        """Nobody yet; `spread` may look for many people in several threads: who is found is all the same."""
        self.bound = bound
        self.standing = Standing()
        self._places = Places()
        self.changed: dict[int, None] = {}
        self._model = model
        self._spread = spread
        self._links: Links = (
            np.zeros((0, bound), np.int32), np.zeros((0, bound)), np.zeros((0, bound), np.int8), np.zeros(0, np.int64),
        )  # fmt: skip
        self._refused = np.zeros((0, len(PAIR_RULES)), np.int64)
        self._few: dict[str, None] = {}
        self._widen()

    @property
    def links(self) -> Links:
        """The table of all links (`matcher/links.py`)."""
        return self._links

    @property
    def pairs(self) -> Pairs:
        """Every candidate pair once."""
        return Pairs(*pairs(self.standing.slots, self._links))

    @property
    def refused(self) -> Counter[str]:
        """How often each rule ruled somebody out when those who stand here were last looked for."""
        total = self._refused[self.standing.slots].sum(axis=0)
        return Counter({name: int(count) for name, count in zip(PAIR_RULES, total, strict=True) if count})

    def update(self, gone: Iterable[str], come: Sequence[Free], seed: str) -> None:
        """`gone` stand here no more, `come` do; who changed is in both. `seed` casts the lots."""
        leaving = [person for person in gone if person in self.standing]
        if not (leaving or come or self._few):
            return
        bereft = self._take_out(leaving)
        slots = np.sort(self.standing.enter(come, self._model))
        self._widen()
        if len(self.standing) <= ALL_LOOKED_AT:
            if leaving or come:
                self._look_at_all(seed)
            return
        self._few.update(self._with_few(bereft))
        again = list(self._few)[:AGAIN_PER_TICK]
        for person in again:
            del self._few[person]
        who = np.concatenate([slots, np.array([self._at(person) for person in again], np.int64)])
        index = self._places.of(self.standing, slots, len(leaving))
        for start in range(0, len(who), SEARCHED_AT_ONCE):
            self._search(who[start : start + SEARCHED_AT_ONCE], index, seed)
        self._few.update(self._with_few(who))
        self.changed.update(dict.fromkeys(who.tolist()))

    def _look_at_all(self, seed: str) -> None:
        everybody = self.standing.by_id()
        unlink(everybody, self._links)
        self._search(everybody, self._places.of(self.standing, everybody, 0), seed)
        self._few = self._with_few(everybody)
        self.changed.update(dict.fromkeys(everybody.tolist()))

    def linked(self, a: int, b: int) -> tuple[float, bool]:
        """The score of the pair that stands at two slots, and whether they keep each other."""
        nbr, score, bond, degree = self._links
        place = int(np.flatnonzero(nbr[a, : degree[a]] == b)[0])
        return float(score[a, place]), bool(bond[a, place] >= BOND)

    def believed(self, pairs: Sequence[tuple[int, int]]) -> list[Believed]:
        """What is believed of both people of each pair (slots); what the two have in common counts for both."""
        left, right = np.array(pairs, np.int64).reshape(-1, 2).T
        scored = self.standing.scored
        people = Crowd(scored["lat"], scored["lon"], scored["likes"], scored["avoids"], Counts.of([]))
        more = self._model.pair_logit(pair_columns(people, left, right)) - self._model.usual
        sides = [np.column_stack([scored["gives"][at] + more, scored["gets"][at] + more]) for at in (left, right)]
        one, other = (np.round(side, BELIEF_DIGITS).tolist() for side in sides)
        return [(tuple(a), tuple(b)) for a, b in zip(one, other, strict=True)]

    def drawn_scores(self, seed: str) -> list[Floats]:
        """For each of the model's draws the scores of `pairs`, were that true of everybody what it drew."""
        standing, kept = self.standing, self.pairs
        names = [one.person if one else "" for one in standing.one]
        names += [""] * (len(standing.people) - len(names))
        beliefs = drawn(standing.effects, names, seed, self._model.draws)
        seen = [scored_with(standing.scored, one) for one in beliefs]
        return [score_records(self._model, one, kept.u, kept.v, kept.bond) for one in seen]

    def promote(self, model: Model) -> None:
        """Score with this model from here on, what is kept too."""
        self._model = model
        self.standing.believe(model)
        kept = self.pairs
        rescored(kept.u, kept.v, self.scores(kept.u, kept.v, kept.bond), self._links)

    def _take_out(self, gone: list[str]) -> Slots:
        """These people go; those who had them for a candidate and stay."""
        slots = self.standing.leave(gone)
        for person in gone:
            self._few.pop(person, None)
        self._refused[slots] = 0
        for slot in slots.tolist():
            self.changed.pop(slot, None)
        return np.setdiff1d(unlink(slots, self._links), slots)

    def _search(self, who: Slots, index: Index, seed: str) -> None:
        parts = [(who[start : start + PART], key_of(seed) >> 1, index) for start in range(0, len(who), PART)]
        found = list(self._spread(self._found, parts))
        keys = self.standing.people["key"]
        for one, scores in zip(found, self._score_all(found), strict=True):
            link(one.who, one.starts, one.others, one.kept, scores, one.bonds, keys, self._links)

    def _found(self, part: tuple[Slots, int, Index]) -> Finding:
        who, seed, index = part
        standing = self.standing
        everybody = standing.by_id() if len(standing) <= ALL_LOOKED_AT else NOBODY
        bonds, bonds_start = self._bonds_here(who)
        starts, others, kept = search(
            who, bonds, bonds_start, everybody, len(standing), index, self.bound, seed,
            standing.brief, standing.scored, standing.people, standing.lists, bits_of(RULES), self._refused,
        )  # fmt: skip
        whose = np.repeat(who, np.diff(starts))
        bond = are_bonded(whose, others, standing.brief, standing.people, standing.lists).astype(np.int8)
        for place in np.flatnonzero(bond).tolist():  # few: what a list of keys does not tell is asked of the people
            one, other = (standing.free_at(int(side[place])) for side in (whose, others))
            bond[place] = bond_of(one.person, one.features, other.person, other.features)
        return Finding(who, starts, whose, others, kept, bond)

    def _bonds_here(self, who: Slots) -> tuple[Slots, Slots]:
        """Where the bonds of each stand, one person after the other, and where those of each begin."""
        standing, counts = self.standing, np.zeros(len(who), np.int64)
        bonds: list[int] = []
        for place in np.flatnonzero(standing.people["met"][who] > standing.people["bonds"][who]).tolist():
            names = standing.free_at(int(who[place])).features.bonds
            here = [other for name in names if (other := standing.slot_of(name)) is not None]
            counts[place] = len(here)
            bonds += here
        return np.array(bonds, np.int64), np.concatenate([[0], np.cumsum(counts)])

    def _score_all(self, found: Sequence[Finding]) -> list[Floats]:
        return list(self._spread(lambda one: self.scores(one.whose, one.others, one.bonds), found))

    def scores(self, u: Slots, v: Slots, bond: Bonds) -> Floats:
        """The score of each pair of slots."""
        return score_records(self._model, self.standing.scored, u, v, bond)

    def _at(self, person: str) -> int:
        slot = self.standing.slot_of(person)
        assert slot is not None
        return slot

    def _with_few(self, slots: Slots) -> dict[str, None]:
        """Those of them with fewer candidates than a third of the bound, though there are more people than those."""
        fewest = min(self.bound // 3, len(self.standing) - 1)
        few = slots[self._links[3][slots] < fewest]
        return dict.fromkeys(self.standing.free_at(slot).person for slot in few.tolist())

    def _widen(self) -> None:
        count = len(self.standing.people)
        if len(self._refused) < count:
            nbr, score, bond, degree = self._links
            self._links = (widened(nbr, count), widened(score, count), widened(bond, count), widened(degree, count))
            self._refused = widened(self._refused, count)
