"""Looks for people whom somebody may meet: near ones, sharers of a topic, and some by lot.

Place in the flow: standing, index -> **search** -> candidates. The hard rules are asked of each pair in turn, both
ways, as `matcher/rules.py` has them (a property test holds the two together), and whom each ruled out is counted.
Nobody is looked at more than `LOOKS` times in one search, so that it costs the same in any crowd; of few people all are
looked at. Lots follow from the searcher's key and a seed, so it is all the same how many search at once.
"""

import math
from collections.abc import Container

import numpy as np
from numpy.typing import NDArray

from matcher.compiled import compiled, leaf
from matcher.features import KM_PER_DEGREE
from matcher.index import Buckets, Index
from matcher.keys import BIT_SHIFT, Keys
from matcher.rules import NEAR_HOME_KM
from matcher.scored import Scored
from matcher.standing import CELLS_PER_DEGREE, COMPANY, GONE, NEAR_AGE, NEAR_HOME, SAME_GENDER

PAIR_RULES = ("block", "language", "gender_wish", "age_wish", "home_wish", "company", "asked_before")
"""The rules that look at both people, in the order in which they are asked."""
BLOCK, LANGUAGE, GENDER_WISH, AGE_WISH, HOME_WISH, COMPANY_WISH, ASKED_BEFORE = range(len(PAIR_RULES))
FIRST = np.array([-1, *((bits & -bits).bit_length() - 1 for bits in range(1, 1 << len(PAIR_RULES)))], np.int8)
"""The lowest of some bits."""
NEW, KNOWN = COMPANY.index("new"), COMPANY.index("known")
ALL_LOOKED_AT = 128
"""Up to so many people everybody is looked at."""
LOOKS = 200
"""The most people that one search looks at in a crowd: half of them near, the others by topic and by lot."""
NEAR_HOME_ROWS = int(NEAR_HOME_KM / KM_PER_DEGREE * CELLS_PER_DEGREE) + 1
"""Cells that are more rows apart are farther apart than "near home", wherever in them somebody lives."""
RINGS = 12
"""How many cells (of a tenth of a degree) far "near" may be."""
NEAR, TOPICS, LOTS = 16, 12, 6
"""How many acceptable people of each kind a search is content with, for 24 candidates."""
USUAL = 24
MULTIPLIER, INCREMENT = np.uint64(6364136223846793005), np.uint64(1442695040888963407)
SHIFT = np.uint64(33)
SHIFT_BACK = np.uint64(31)

Brief = NDArray[np.void]
People = NDArray[np.void]
Slots = NDArray[np.int64]
Flags = NDArray[np.bool_]
Found = tuple[Slots, Slots, Flags]


@leaf
def _listed(key: int, start: int, end: int, lists: Keys) -> bool:
    while start < end:
        middle = (start + end) // 2
        if lists[middle] == key:
            return True
        if lists[middle] < key:
            start = middle + 1
        else:
            end = middle
    return False


@leaf
def _lists(a: int, key: int, people: People, lists: Keys) -> tuple[bool, bool, bool, bool]:
    """Whether the person at slot `a` blocks, keeps, has met, was asked about whom this key names."""
    one = people[a]
    bonds, met, asked = one.lists + one.bonds, one.lists + one.met, one.lists + one.asked
    return (
        _listed(key, one.lists, bonds, lists), _listed(key, bonds, met, lists), _listed(key, met, asked, lists),
        _listed(key, asked, one.lists + one.end, lists),
    )  # fmt: skip


@leaf
def _far(a: int, b: int, brief: Brief, people: People) -> bool:
    """Whether these two live farther apart than "near home"."""
    rows = abs(brief[a].row - brief[b].row)
    if rows == 0 and brief[a].column == brief[b].column:
        return False
    if rows > NEAR_HOME_ROWS:
        return True
    here, there = people[a], people[b]
    east = (here.lon - there.lon) * math.cos(math.radians((here.lat + there.lat) / 2))
    return KM_PER_DEGREE * math.hypot(here.lat - there.lat, east) > NEAR_HOME_KM


@leaf
def _unfit(company: int, keeps: bool, met: bool) -> bool:
    return ((company == KNOWN) & (not keeps)) | ((company == NEW) & (keeps | met)) | (met & (not keeps))


@leaf
def refused_by(a: int, b: int, brief: Brief, people: People, lists: Keys, asked: int) -> int:
    """The place in `PAIR_RULES` of the first rule, of those `asked` (as bits), that refuses the pair; -1: none.

    All rules but the dear ones are asked at once, without a branch: a processor that must guess which of them refuses
    is mostly wrong, and that would take half the time of the search.
    """
    mine, yours = brief[a], brief[b]
    blocks = keeps = met = knew = blocks_me = keeps_me = met_me = knew_me = False
    if mine.names:
        blocks, keeps, met, knew = _lists(a, people[b].key, people, lists)
    if yours.names >> np.uint32(people[a].key >> BIT_SHIFT) & np.uint32(1):
        blocks_me, keeps_me, met_me, knew_me = _lists(b, people[a].key, people, lists)
    wishes = mine.wishes | yours.wishes
    other_gender = (mine.gender != yours.gender) | (mine.gender == 0)
    other_age = abs(mine.age - yours.age) > 1
    by = (
        ((blocks | blocks_me) << BLOCK)
        | ((mine.languages & yours.languages == 0) << LANGUAGE)
        | ((((wishes & SAME_GENDER) != 0) & other_gender) << GENDER_WISH)
        | ((((wishes & NEAR_AGE) != 0) & other_age) << AGE_WISH)
        | ((_unfit(mine.company, keeps, met) | _unfit(yours.company, keeps_me, met_me)) << COMPANY_WISH)
        | ((knew | knew_me) << ASKED_BEFORE)
    ) & asked
    earlier = by & ((1 << HOME_WISH) - 1)
    if earlier == 0 and wishes & NEAR_HOME and asked >> HOME_WISH & 1 and _far(a, b, brief, people):
        return HOME_WISH
    return int(FIRST[by])


def bits_of(rules: Container[str]) -> int:
    """Those of `PAIR_RULES` that are in force, as bits."""
    return sum(1 << place for place, name in enumerate(PAIR_RULES) if name in rules)


@compiled
def are_bonded(left: Slots, right: Slots, brief: Brief, people: People, lists: Keys) -> Flags:
    """Of each pair, whether both keep each other."""
    bonded = np.zeros(len(left), np.bool_)
    for i in range(len(left)):
        a, b = left[i], right[i]
        if brief[a].names and brief[b].names:
            bonded[i] = _lists(a, people[b].key, people, lists)[1] and _lists(b, people[a].key, people, lists)[1]
    return bonded


@leaf
def _roll(dice: Keys, sides: int) -> int:
    dice[0] = dice[0] * MULTIPLIER + INCREMENT
    return int(((dice[0] >> SHIFT) * np.uint64(sides)) >> SHIFT_BACK)


@leaf
def _look(
    a: int, b: int, found: Slots, count: int,
    brief: Brief, people: People, lists: Keys, asked: int, refused: Slots,
) -> int:  # fmt: skip
    """One more in `found`, if b is somebody else who is here, no rule refuses, and they are not found yet."""
    if a == b or brief[b].company == GONE:
        return count
    rule = refused_by(a, b, brief, people, lists, asked)
    if rule >= 0:
        refused[rule] += 1
        return count
    for i in range(count):
        if found[i] == b:
            return count
    found[count] = b
    return count + 1


@leaf
def _look_near(
    a: int, enough: int, found: Slots, count: int, index: Index, dice: Keys,
    brief: Brief, people: People, lists: Keys, asked: int, refused: Slots,
) -> int:  # fmt: skip
    grid, (members, firsts, ends), _, _ = index
    top, left, rows, columns = grid
    row, column = min(max(brief[a].row - top, 0), rows - 1), min(max(brief[a].column - left, 0), columns - 1)
    looks = 0
    for ring in range(min(RINGS, max(rows, columns))):
        for r in range(max(row - ring, 0), min(row + ring + 1, rows)):
            edge = r in (row - ring, row + ring)
            c = max(column - ring, 0) if edge else column - ring
            while c <= min(column + ring, columns - 1):
                if c >= 0:
                    first, end = firsts[r * columns + c], ends[r * columns + c]
                    at = first + _roll(dice, end - first) if end > first else 0
                    for _ in range(end - first):
                        if looks >= LOOKS // 2 or count >= enough:
                            return count
                        looks += 1
                        count = _look(a, members[at], found, count, brief, people, lists, asked, refused)
                        at = at + 1 if at + 1 < end else first
                c += 1 if edge or ring == 0 else 2 * ring
    return count


@leaf
def _look_among(
    a: int, tries: int, enough: int, found: Slots, count: int, bucket: int, buckets: Buckets, dice: Keys,
    brief: Brief, people: People, lists: Keys, asked: int, refused: Slots,
) -> int:  # fmt: skip
    members, first, end = buckets
    size = end[bucket] - first[bucket]
    for _ in range(tries if size else 0):
        if count >= enough:
            break
        b = members[first[bucket] + _roll(dice, size)]
        count = _look(a, b, found, count, brief, people, lists, asked, refused)
    return count


@leaf
def _rarest(a: int, brief: Brief, languages: Buckets) -> int:
    """The language of this person which fewest speak."""
    _, first, end = languages
    rarest = -1
    for bit in range(len(end)):
        fewer = rarest < 0 or end[bit] - first[bit] < end[rarest] - first[rarest]
        if brief[a].languages >> bit & 1 and fewer:
            rarest = bit
    return max(rarest, 0)


@compiled
def search(
    who: Slots, bonds: Slots, bonds_start: Slots, everybody: Slots, crowd: int, index: Index, bound: int, seed: int,
    brief: Brief, scored: Scored, people: People, lists: Keys, asked: int, refused: NDArray[np.int64],
) -> Found:  # fmt: skip
    """Where the findings of each of `who` begin, the people found, and which of them must be kept (bonds, lots).

    `bonds[bonds_start[i]:bonds_start[i + 1]]` are those of who[i] who stand here; of a `crowd` of few `everybody` is
    looked at; `asked` are those of `PAIR_RULES` in force; `refused` (slot × rule) is counted anew for each of
    `who`.
    """
    few = crowd <= ALL_LOOKED_AT
    near = -(-NEAR * bound // USUAL)
    by_topic_too = near + -(-TOPICS * bound // USUAL)
    lots = -(-LOTS * bound // USUAL)
    most = max(ALL_LOOKED_AT, bound + by_topic_too + lots)
    starts = np.zeros(len(who) + 1, np.int64)
    found = np.empty(most, np.int64)
    out = np.empty(len(who) * (most if few else bound + by_topic_too + lots), np.int64)
    kept = np.zeros(len(out), np.bool_)
    dice = np.zeros(1, np.uint64)
    _, _, topics, languages = index
    for i in range(len(who)):
        a, count, base, ruled_out = who[i], 0, starts[i], refused[who[i]]
        dice[0] = people[a].key ^ np.uint64(seed)
        ruled_out[:] = 0
        for j in range(bonds_start[i], min(bonds_start[i + 1], bonds_start[i] + bound)):
            count = _look(a, bonds[j], found, count, brief, people, lists, asked, ruled_out)
        sure = count
        if few:
            for b in everybody:
                if count < most:
                    count = _look(a, b, found, count, brief, people, lists, asked, ruled_out)
        elif brief[a].company == KNOWN and asked >> COMPANY_WISH & 1:
            ruled_out[COMPANY_WISH] += crowd - 1 - count
        else:
            count = _look_among(
                a, LOOKS // 4, sure + lots, found, count, _rarest(a, brief, languages), languages, dice,
                brief, people, lists, asked, ruled_out,
            )  # fmt: skip
            sure = count
            count = _look_near(
                a, sure + near, found, count, index, dice, brief, people, lists, asked, ruled_out
            )
            likes, bits = scored[a].likes, 0
            for bit in range(len(topics[2])):
                bits += likes >> bit & 1
            for bit in range(len(topics[2])):
                if likes >> bit & 1:
                    share = -(-(sure + by_topic_too - count) // bits)
                    bits -= 1
                    count = _look_among(
                        a, 2 * share, min(count + share, sure + by_topic_too), found, count, bit, topics, dice,
                        brief, people, lists, asked, ruled_out,
                    )  # fmt: skip
        out[base : base + count] = found[:count]
        kept[base : base + sure] = True
        starts[i + 1] = base + count
    return starts, out[: starts[-1]], kept[: starts[-1]]
