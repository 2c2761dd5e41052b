"""Everybody who can be asked now, as arrays: a slot each, kept until they leave.

Place in the flow: pool -> **standing** -> index, search, score. What every look at a person needs is a record of
`BRIEF`, so small that a large crowd stays in the processor's cache; what only some looks need is one of `PERSON`; what
the score needs is one of `matcher.score.SCORED`. Lists of others (blocks, bonds, met, asked) are sorted keys in one
long array, `lists`. An id's key is a hash of it: two ids with one key would at most hide a pair, since what is offered
is asked of the rules themselves.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import attrgetter
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from matcher.effects import Counts, Effects
from matcher.features import Crowd, codes, crowd, masks
from matcher.keys import Keys, keys_of, name_bits
from matcher.person import AGE_BANDS, LANGUAGES, Wish
from matcher.rules import Free
from matcher.score import Model, believed
from matcher.scored import SCORED, effects_in, scored_of, scored_with

Slots = NDArray[np.int64]
Kind = TypeVar("Kind", bound=np.generic)

BRIEF = np.dtype(
    [
        ("languages", "i4"), ("names", "u4"), ("row", "i2"), ("column", "i2"),
        ("age", "i1"), ("gender", "i1"), ("company", "i1"), ("wishes", "i1"),
    ]
)  # fmt: skip
"""16 bytes. `names` has the bit (`matcher/keys.py`) of everybody in this person's lists: few looks need read them."""
PERSON = np.dtype(
    [
        ("key", "u8"), ("lat", "f8"), ("lon", "f8"), ("since_s", "f8"),
        ("lists", "i8"), ("bonds", "u2"), ("met", "u2"), ("asked", "u2"), ("end", "u2"),
    ]
)  # fmt: skip
"""`lists` is where the blocks begin; where the bonds, the met, the asked begin and all end is counted from there."""
SAME_GENDER, NEAR_AGE, NEAR_HOME = 1, 2, 4
"""Bits of `wishes`."""
GENDERS = ("unsaid", "woman", "man", "other")
COMPANY = ("either", "new", "known", "gone")
"""Who is "gone" has left this slot, and nobody has come since."""
GONE = COMPANY.index("gone")
CELLS_PER_DEGREE = 10
FIRST_SLOTS = 64
WRITTEN_AT_ONCE = 512
"""People written down at a time: what is read of them stays in the processor's cache until the last column."""
_LANGUAGE = {language: 1 << place for place, language in enumerate(LANGUAGES)}
_WISH: dict[Wish, int] = {"same_gender": SAME_GENDER, "near_age": NEAR_AGE, "near_home": NEAR_HOME}
_AGE, _GENDER, _COMPANY = ({word: place for place, word in enumerate(words)} for words in (AGE_BANDS, GENDERS, COMPANY))
_LISTS = attrgetter("blocks", "bonds", "met")


class Standing:
    """The people and their arrays; a slot that somebody left is given to the next who comes."""

    def __init__(self) -> None:
        """Nobody yet."""
        self.brief = np.zeros(0, BRIEF)
        self.people = np.zeros(0, PERSON)
        self.scored = np.zeros(0, SCORED)
        self.lists = np.zeros(0, np.uint64)
        self.one: list[Free | None] = []
        self._counts = Counts.of([])
        self._here = np.zeros(0, np.bool_)
        self._slot: dict[str, int] = {}
        self._empty: list[int] = []
        self._listed = self._listed_to = 0
        self._widen(FIRST_SLOTS)

    def __len__(self) -> int:
        return len(self._slot)

    def __contains__(self, person: str) -> bool:
        return person in self._slot

    @property
    def slots(self) -> Slots:
        """Everybody's slot, in order."""
        return np.flatnonzero(self._here)

    @property
    def effects(self) -> Effects:
        """What is believed of everybody."""
        return effects_in(self.scored)

    def by_id(self) -> Slots:
        """Everybody's slot, in the order of their ids."""
        return np.array([self._slot[person] for person in sorted(self._slot)], np.int64)

    def slot_of(self, person: str) -> int | None:
        """Where this person stands, if they do."""
        return self._slot.get(person)

    def free_at(self, slot: int) -> Free:
        """Who stands there."""
        one = self.one[slot]
        assert one is not None
        return one

    def leave(self, persons: Iterable[str]) -> Slots:
        """These people go; where they stood."""
        slots = [self._slot.pop(person) for person in persons]
        for slot in slots:
            self.one[slot] = None
        self._empty += slots
        left = np.array(slots, np.int64)
        self._listed -= int(self.people["end"][left].sum())
        self._here[left] = False
        self.brief["company"][left] = GONE
        return left

    def enter(self, people: Sequence[Free], model: Model) -> Slots:
        """These people come; where they stand."""
        if not people:
            return np.zeros(0, np.int64)
        slots = self._places(people)
        lists = [self.lists]
        for start in range(0, len(people), WRITTEN_AT_ONCE):
            part = slice(start, start + WRITTEN_AT_ONCE)
            lists.append(self._write(people[part], slots[part]))
        self.lists = np.concatenate(lists)
        if len(self.lists) > 2 * self._listed + FIRST_SLOTS:
            self._compact()
        self._believe(slots, model)
        return slots

    def believe(self, model: Model) -> None:
        """Everybody's effects under another model."""
        self._believe(self.slots, model)

    def _believe(self, slots: Slots, model: Model) -> None:
        scored = self.scored[slots]
        people = Crowd(scored["lat"], scored["lon"], scored["likes"], scored["avoids"], self._counts.take(slots))
        self.scored[slots] = scored_with(scored, believed(model, people))

    def _places(self, people: Sequence[Free]) -> Slots:
        """A slot for each. Neighbours get slots side by side, and so lie near each other in memory."""
        again = [self._empty.pop() for _ in range(min(len(people), len(self._empty)))]
        free = np.array([*again, *range(len(self.one), len(self.one) + len(people) - len(again))], np.int64)
        cells = [one.features.cell for one in people]
        slots = np.empty(len(people), np.int64)
        slots[sorted(range(len(people)), key=cells.__getitem__)] = free
        self.one += [None] * (len(people) - len(again))
        for slot, one in zip(slots.tolist(), people, strict=True):
            self.one[slot] = one
            self._slot[one.row.person] = slot
        if len(self.one) > len(self.people):
            self._widen(max(2 * len(self.people), len(self.one)))
        self._here[slots] = True
        return slots

    def _widen(self, count: int) -> None:
        self.brief, self.people = widened(self.brief, count), widened(self.people, count)
        self.scored, self._here = widened(self.scored, count), widened(self._here, count)
        self._counts = Counts(*(widened(column, count) for column in self._counts.columns))

    def _write(self, people: Sequence[Free], slots: Slots) -> Keys:
        """What these people told; their lists, which are to be put at the end of `lists`."""
        told = [one.features for one in people]
        here = crowd(told)
        self.scored[slots] = scored_of(here)
        for kept, new in zip(self._counts.columns, here.counts.columns, strict=True):
            kept[slots] = new
        records, briefs = np.zeros(len(people), PERSON), np.zeros(len(people), BRIEF)
        records["key"] = keys_of([one.row.person for one in people])
        records["since_s"] = [one.row.since.timestamp() for one in people]
        records["lat"], records["lon"] = here.lat, here.lon
        briefs["row"] = np.round(here.lat * CELLS_PER_DEGREE)
        briefs["column"] = np.round(here.lon * CELLS_PER_DEGREE)
        briefs["languages"] = masks([one.languages for one in told], _LANGUAGE)
        briefs["wishes"] = masks([one.wishes for one in told], _WISH)
        briefs["age"] = codes([one.age_band for one in told], _AGE)
        briefs["gender"] = codes([one.gender for one in told], _GENDER)
        briefs["company"] = codes([one.row.company for one in people], _COMPANY)
        lists = self._list(people, records, briefs)
        self.people[slots], self.brief[slots] = records, briefs
        return lists

    def _list(self, people: Sequence[Free], records: NDArray[np.void], briefs: NDArray[np.void]) -> Keys:
        """Whom each of `people` names, one list after the other, each sorted."""
        some = [place for place, one in enumerate(people) if _names_anybody(one)]
        who, told = np.array(some, np.int64), [people[place] for place in some]
        lists = [names for one in told for names in (*_LISTS(one.features), one.asked)]
        lengths = np.fromiter(map(len, lists), np.int64, len(lists)).reshape(-1, 4)
        keys = keys_of(list(chain.from_iterable(lists)))
        starts, ends = np.cumsum(lengths.sum(axis=1)) - lengths.sum(axis=1), np.cumsum(lengths, axis=1)
        records["lists"][who] = self._listed_to + starts
        for name, end in zip(("bonds", "met", "asked", "end"), ends.T, strict=True):
            records[name][who] = end
        if len(who):
            briefs["names"][who] = np.bitwise_or.reduceat(name_bits(keys), starts)
        self._listed_to += len(keys)
        self._listed += len(keys)
        return keys[np.lexsort((keys, np.repeat(np.arange(lengths.size), lengths.reshape(-1))))]

    def _compact(self) -> None:
        """Drop the lists of those who left."""
        slots = self.slots
        slots = slots[self.people["end"][slots] > 0]
        starts, counts = self.people["lists"][slots], self.people["end"][slots].astype(np.int64)
        new = np.cumsum(counts) - counts
        self.people["lists"][slots] = new
        self.lists = self.lists[np.repeat(starts - new, counts) + np.arange(counts.sum())]
        self._listed_to = len(self.lists)


def _names_anybody(one: Free) -> bool:
    told = one.features
    return bool(told.bonds or told.met or told.blocks or one.asked)


def widened(array: NDArray[Kind], count: int) -> NDArray[Kind]:
    """The same with room for `count`."""
    wide = np.zeros((count, *array.shape[1:]), array.dtype)
    wide[: min(len(array), count)] = array[:count]
    return wide
