"""Everybody who can be asked now, as arrays: a slot each, kept until they leave.

Place in the flow: pool -> **standing** -> search, score. What the rules ask of a person is a record of `PERSON`; lists
of others (blocks, bonds, met, asked) are sorted keys in one long array, `lists`. An id's key is a hash of it: two ids
with one key would at most hide a pair, since what is offered is asked of the rules themselves.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from matcher.effects import Counts, Effect, Effects
from matcher.features import Crowd, crowd
from matcher.person import AGE_BANDS, LANGUAGES, Wish
from matcher.rules import Free
from matcher.score import Model, believed

Slots = NDArray[np.int64]
Kind = TypeVar("Kind", bound=np.generic)

PERSON = np.dtype(
    [
        ("key", "u8"), ("lat", "f8"), ("lon", "f8"), ("since_s", "f8"),
        ("lists", "i8"), ("bonds", "u2"), ("met", "u2"), ("asked", "u2"), ("end", "u2"),
        ("likes", "i4"), ("languages", "i4"), ("row", "i2"), ("column", "i2"),
        ("age", "i1"), ("gender", "i1"), ("company", "i1"), ("wishes", "i1"),
    ],
    align=True,
)  # fmt: skip
"""64 bytes, a line of the processor's cache. `lists` is where the blocks begin; the others are counted from there."""
SAME_GENDER, NEAR_AGE, NEAR_HOME = 1, 2, 4
"""Bits of `wishes`."""
GENDERS = ("unsaid", "woman", "man", "other")
COMPANY = ("either", "new", "known")
CELLS_PER_DEGREE = 10
FIRST_SLOTS = 64
_BIT = {language: 1 << place for place, language in enumerate(LANGUAGES)}
_WISH_BIT: dict[Wish, int] = {"same_gender": SAME_GENDER, "near_age": NEAR_AGE, "near_home": NEAR_HOME}


class Standing:
    """The people and their arrays; a slot that somebody left is given to the next who comes."""

    def __init__(self) -> None:
        """Nobody yet."""
        self.people = np.zeros(FIRST_SLOTS, PERSON)
        self.lists = np.zeros(0, np.uint64)
        nobody = crowd([])
        self.crowd, self.effects = nobody, believed(Model(), nobody)
        self.one: list[Free | None] = []
        self._slot: dict[str, int] = {}
        self._empty: list[int] = []
        self._listed = 0
        self._widen(FIRST_SLOTS)

    def __len__(self) -> int:
        return len(self._slot)

    def __contains__(self, person: str) -> bool:
        return person in self._slot

    @property
    def slots(self) -> Slots:
        """Everybody's slot, in order."""
        return np.sort(np.fromiter(self._slot.values(), np.int64, len(self._slot)))

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
            self._listed -= int(self.people["end"][slot])
        self._empty += slots
        return np.array(slots, np.int64)

    def enter(self, people: Sequence[Free], model: Model) -> Slots:
        """These people come; where they stand."""
        slots = np.array([self._place(one) for one in people], np.int64)
        if not len(slots):
            return slots
        here = crowd([one.features for one in people])
        theirs = believed(model, here)
        for column, new in zip(_columns(self.crowd, self.effects), _columns(here, theirs), strict=True):
            column[slots] = new
        records = self._records(people)
        records["lat"], records["lon"], records["likes"] = here.lat, here.lon, here.likes
        records["row"] = np.round(here.lat * CELLS_PER_DEGREE)
        records["column"] = np.round(here.lon * CELLS_PER_DEGREE)
        self.people[slots] = records
        if len(self.lists) > 2 * self._listed + FIRST_SLOTS:
            self._compact()
        return slots

    def believe(self, model: Model) -> None:
        """Everybody's effects under another model."""
        self.effects = believed(model, self.crowd)

    def _place(self, one: Free) -> int:
        if self._empty:
            slot = self._empty.pop()
            self.one[slot] = one
        else:
            slot = len(self.one)
            self.one.append(one)
            if slot == len(self.people):
                self._widen(2 * slot)
        self._slot[one.person] = slot
        return slot

    def _widen(self, count: int) -> None:
        self.people = widened(self.people, count)
        old, gives, gets = self.crowd, self.effects.gives, self.effects.gets
        wide = [widened(part, count) for part in _columns(old)]
        lat, lon, likes, avoids, *counts = wide
        self.crowd = Crowd(lat, lon, likes, avoids, Counts(*counts))
        self.effects = Effects(
            Effect(widened(gives.mean, count), widened(gives.var, count)),
            Effect(widened(gets.mean, count), widened(gets.var, count)),
        )

    def _records(self, people: Sequence[Free]) -> NDArray[np.void]:
        records, told = np.zeros(len(people), PERSON), [one.features for one in people]
        records["key"] = [key_of(one.person) for one in people]
        records["since_s"] = [one.row.since.timestamp() for one in people]
        records["languages"] = [_mask(one.languages) for one in told]
        records["age"] = [AGE_BANDS.index(one.age_band) for one in told]
        records["gender"] = [GENDERS.index(one.gender) for one in told]
        records["company"] = [COMPANY.index(one.row.company) for one in people]
        records["wishes"] = [sum(_WISH_BIT[wish] for wish in one.wishes) for one in told]
        self._list(people, records)
        return records

    def _list(self, people: Sequence[Free], records: NDArray[np.void]) -> None:
        listed: list[int] = []
        before = len(self.lists)
        for place, one in enumerate(people):
            told, start, ends = one.features, len(listed), []
            for names in (told.blocks, told.bonds, told.met, one.asked):
                listed += sorted({key_of(name) for name in names}) if names else ()
                ends.append(len(listed) - start)
            records["lists"][place] = before + start
            if ends[-1]:
                records["bonds"][place], records["met"][place], records["asked"][place], records["end"][place] = ends
        self.lists = np.concatenate([self.lists, np.array(listed, np.uint64)])
        self._listed += len(listed)

    def _compact(self) -> None:
        """Drop the lists of those who left."""
        slots = self.slots
        starts, counts = self.people["lists"][slots], self.people["end"][slots].astype(np.int64)
        kept = [self.lists[start : start + count] for start, count in zip(starts, counts, strict=True)]
        self.people["lists"][slots] = np.cumsum(counts) - counts
        self.lists = np.concatenate([np.zeros(0, np.uint64), *kept])


def _mask(languages: Sequence[str]) -> int:
    return sum(_BIT.get(name, 0) for name in languages)


def _columns(people: Crowd, effects: Effects | None = None) -> Iterator[NDArray[Any]]:
    counts = people.counts
    yield from (people.lat, people.lon, people.likes, people.avoids)
    yield from (counts.gave, counts.gave_yes, counts.got, counts.got_yes)
    if effects:
        yield from (effects.gives.mean, effects.gives.var, effects.gets.mean, effects.gets.var)


def key_of(person: str) -> int:
    """A person's id as a number, the same on every machine."""
    return int.from_bytes(hashlib.blake2b(person.encode(), digest_size=8).digest(), "big")


def widened(array: NDArray[Kind], count: int) -> NDArray[Kind]:
    """The same with room for `count`."""
    wide = np.zeros((count, *array.shape[1:]), array.dtype)
    wide[: min(len(array), count)] = array[:count]
    return wide
