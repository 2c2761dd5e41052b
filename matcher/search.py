"""Looks for people whom somebody may meet: near ones, sharers of a topic, and some by lot.

Place in the flow: standing -> **search** -> candidates. The hard rules are asked of each pair in turn, both ways, as
`matcher/rules.py` has them (a property test holds the two together), and whom each ruled out is counted. Nobody is
looked at more than `LOOKS` times in one search, so that it costs the same in any crowd; of few people all are looked
at. Lots follow from the searcher's key and a seed.
"""

import math

import numpy as np
from numpy.typing import NDArray

from matcher.compiled import compiled
from matcher.features import KM_PER_DEGREE
from matcher.rules import NEAR_HOME_KM
from matcher.standing import NEAR_AGE, NEAR_HOME, SAME_GENDER

PAIR_RULES = ("block", "language", "gender_wish", "age_wish", "home_wish", "company", "asked_before")
"""The rules that look at both people, in the order in which they are asked."""
BLOCK, LANGUAGE, GENDER_WISH, AGE_WISH, HOME_WISH, COMPANY, ASKED_BEFORE = range(len(PAIR_RULES))
NEW, KNOWN = 1, 2
"""Places in `standing.COMPANY`."""
ALL_LOOKED_AT = 128
"""Up to so many people everybody is looked at."""
LOOKS = 200
"""The most people that one search looks at in a crowd: half of them near, the others by topic and by lot."""
RINGS = 12
"""How many cells (of a tenth of a degree) far "near" may be."""
NEAR, TOPICS, LOTS = 16, 12, 6
"""How many acceptable people of each kind a search is content with, for 24 candidates."""
USUAL = 24
MULTIPLIER, INCREMENT = np.uint64(6364136223846793005), np.uint64(1442695040888963407)
SHIFT = np.uint64(33)

People = NDArray[np.void]
Slots = NDArray[np.int64]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]
Keys = NDArray[np.uint64]
Index = tuple[Slots, Slots, int, int, int, int, Slots, Slots, Slots, Slots]
Found = tuple[Slots, Slots, Flags]


def index_of(people: People, slots: Slots, topics: int, languages: int) -> Index:
    """Those who stand at `slots` by cell (a dense grid), topic and language, but for those whom only bonds find."""
    slots = slots[people["company"][slots] != KNOWN]
    row, column = people["row"][slots].astype(np.int64), people["column"][slots].astype(np.int64)
    top, left = (int(row.min()), int(column.min())) if len(slots) else (0, 0)
    rows, columns = (int(row.max()) - top + 1, int(column.max()) - left + 1) if len(slots) else (1, 1)
    cell = (row - top) * columns + column - left
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(cell, minlength=rows * columns))])
    by_topic, topic_starts = _by_bit(people["likes"][slots], slots, topics)
    by_language, language_starts = _by_bit(people["languages"][slots], slots, languages)
    return (
        slots[np.argsort(cell, kind="stable")], starts, top, left, rows, columns,
        by_topic, topic_starts, by_language, language_starts,
    )  # fmt: skip


def _by_bit(mask: Slots, slots: Slots, bits: int) -> tuple[Slots, Slots]:
    parts = [slots[(mask >> bit) & 1 == 1] for bit in range(bits)]
    return np.concatenate(parts), np.cumsum([0, *(len(part) for part in parts)])


@compiled
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


@compiled
def _lists(a: int, key: int, people: People, lists: Keys) -> tuple[bool, bool, bool, bool]:
    """Whether the person at slot `a` blocks, keeps, has met, was asked about whom this key names."""
    one = people[a]
    if one.end == 0:
        return False, False, False, False
    bonds, met, asked = one.lists + one.bonds, one.lists + one.met, one.lists + one.asked
    return (
        _listed(key, one.lists, bonds, lists), _listed(key, bonds, met, lists), _listed(key, met, asked, lists),
        _listed(key, asked, one.lists + one.end, lists),
    )  # fmt: skip


@compiled
def _unwished(wishing: int, a: int, b: int, people: People) -> int:
    """The first rule about a wish that refuses the pair, -1: none. `wishing` are both people's wishes together."""
    mine, yours = people[a], people[b]
    if wishing & SAME_GENDER and (mine.gender != yours.gender or mine.gender == 0):
        return GENDER_WISH
    if wishing & NEAR_AGE and abs(mine.age - yours.age) > 1:
        return AGE_WISH
    if wishing & NEAR_HOME:
        east = (mine.lon - yours.lon) * math.cos(math.radians((mine.lat + yours.lat) / 2))
        if KM_PER_DEGREE * math.hypot(mine.lat - yours.lat, east) > NEAR_HOME_KM:
            return HOME_WISH
    return -1


@compiled
def _unfit(company: int, keeps: bool, met: bool) -> bool:
    if company == KNOWN:
        return not keeps
    return company == NEW if keeps else met


@compiled
def refused_by(a: int, b: int, people: People, lists: Keys, wishes: int, asked: Flags) -> int:
    """The place in `PAIR_RULES` of the first rule, of those `asked`, that refuses the pair either way; -1: none.

    `wishes` are the wishes that these rules look at, as bits.
    """
    mine, yours = people[a], people[b]
    blocks, keeps, met, knew = _lists(a, yours.key, people, lists)
    blocks_me, keeps_me, met_me, knew_me = _lists(b, mine.key, people, lists)
    if asked[BLOCK] and (blocks or blocks_me):
        return BLOCK
    if asked[LANGUAGE] and mine.languages & yours.languages == 0:
        return LANGUAGE
    wishing = (mine.wishes | yours.wishes) & wishes
    if wishing:
        rule = _unwished(wishing, a, b, people)
        if rule >= 0:
            return rule
    if asked[COMPANY] and (_unfit(mine.company, keeps, met) or _unfit(yours.company, keeps_me, met_me)):
        return COMPANY
    return ASKED_BEFORE if asked[ASKED_BEFORE] and (knew or knew_me) else -1


def wishes_of(asked: Flags) -> int:
    """The wishes that the rules `asked` look at."""
    bits = ((GENDER_WISH, SAME_GENDER), (AGE_WISH, NEAR_AGE), (HOME_WISH, NEAR_HOME))
    return sum(bit for rule, bit in bits if asked[rule])


@compiled
def are_bonded(left: Slots, right: Slots, people: People, lists: Keys) -> Flags:
    """Of each pair, whether both keep each other."""
    bonded = np.zeros(len(left), np.bool_)
    for i in range(len(left)):
        a, b = people[left[i]], people[right[i]]
        bonded[i] = _listed(b.key, a.lists + a.bonds, a.lists + a.met, lists) and _listed(
            a.key, b.lists + b.bonds, b.lists + b.met, lists
        )
    return bonded


@compiled
def _roll(dice: Keys, sides: int) -> int:
    dice[0] = dice[0] * MULTIPLIER + INCREMENT
    return int(dice[0] >> SHIFT) % sides


@compiled
def _look(
    a: int, b: int, found: Slots, count: int,
    people: People, lists: Keys, wishes: int, asked: Flags, refused: NDArray[np.int64],
) -> int:  # fmt: skip
    """One more in `found`, if b is somebody else, not found yet, and no rule refuses."""
    if a == b:
        return count
    for i in range(count):
        if found[i] == b:
            return count
    rule = refused_by(a, b, people, lists, wishes, asked)
    if rule >= 0:
        refused[a, rule] += 1
        return count
    found[count] = b
    return count + 1


@compiled
def _look_near(
    a: int, enough: int, found: Slots, count: int, index: Index, dice: Keys,
    people: People, lists: Keys, wishes: int, asked: Flags, refused: NDArray[np.int64],
) -> int:  # fmt: skip
    by_cell, starts, top, left, rows, columns, _, _, _, _ = index
    row, column = people[a].row - top, people[a].column - left
    looks = 0
    for ring in range(min(RINGS, max(rows, columns))):
        for r in range(max(row - ring, 0), min(row + ring + 1, rows)):
            edge = r in (row - ring, row + ring)
            c = max(column - ring, 0) if edge else column - ring
            while c <= min(column + ring, columns - 1):
                if c >= 0:
                    first, size = starts[r * columns + c], starts[r * columns + c + 1] - starts[r * columns + c]
                    turn = _roll(dice, size) if size > 0 else 0
                    for i in range(size):
                        if looks >= LOOKS // 2 or count >= enough:
                            return count
                        looks += 1
                        b = by_cell[first + (i + turn) % size]
                        count = _look(a, b, found, count, people, lists, wishes, asked, refused)
                c += 1 if edge or ring == 0 else 2 * ring
    return count


@compiled
def _look_among(
    a: int, tries: int, enough: int, found: Slots, count: int, group: Slots, first: int, size: int, dice: Keys,
    people: People, lists: Keys, wishes: int, asked: Flags, refused: NDArray[np.int64],
) -> int:  # fmt: skip
    for _ in range(tries if size else 0):
        if count >= enough:
            break
        count = _look(a, group[first + _roll(dice, size)], found, count, people, lists, wishes, asked, refused)
    return count


@compiled
def search(
    who: Slots, bonds: Slots, bonds_start: Slots, everybody: Slots, index: Index, bound: int, seed: int,
    people: People, lists: Keys, wishes: int, asked: Flags, refused: NDArray[np.int64],
) -> Found:  # fmt: skip
    """Where the findings of each of `who` begin, the people found, and which of them must be kept (bonds and lots).

    `bonds[bonds_start[i]:bonds_start[i + 1]]` are those of who[i] who stand here; `asked` says which of `PAIR_RULES`
    are in force; `refused` (slot × rule) is counted anew for each of `who`.
    """
    few = len(everybody) <= ALL_LOOKED_AT
    near = -(-NEAR * bound // USUAL)
    by_topic_too = near + -(-TOPICS * bound // USUAL)
    lots = -(-LOTS * bound // USUAL)
    most = max(ALL_LOOKED_AT, bound + by_topic_too + lots)
    starts = np.zeros(len(who) + 1, np.int64)
    found = np.empty(most, np.int64)
    out = np.empty(len(who) * (most if few else bound + by_topic_too + lots), np.int64)
    kept = np.zeros(len(out), np.bool_)
    dice = np.zeros(1, np.uint64)
    by_topic, topic_starts, by_language, language_starts = index[6], index[7], index[8], index[9]
    for i in range(len(who)):
        a, count, base = who[i], 0, starts[i]
        dice[0] = people[a].key ^ np.uint64(seed)
        refused[a, :] = 0
        for j in range(bonds_start[i], min(bonds_start[i + 1], bonds_start[i] + bound)):
            count = _look(a, bonds[j], found, count, people, lists, wishes, asked, refused)
        sure = count
        if few:
            for b in everybody:
                if count < most:
                    count = _look(a, b, found, count, people, lists, wishes, asked, refused)
        elif people[a].company == KNOWN and asked[COMPANY]:
            refused[a, COMPANY] += len(everybody) - 1 - count
        else:
            rarest, rarest_size = 0, len(everybody) + 1
            for bit in range(len(language_starts) - 1):
                size = language_starts[bit + 1] - language_starts[bit]
                if people[a].languages >> bit & 1 and size < rarest_size:
                    rarest, rarest_size = bit, size
            first, size = language_starts[rarest], language_starts[rarest + 1] - language_starts[rarest]
            count = _look_among(
                a, LOOKS // 4, sure + lots, found, count,
                by_language, first, size, dice, people, lists, wishes, asked, refused,
            )  # fmt: skip
            sure = count
            count = _look_near(a, sure + near, found, count, index, dice, people, lists, wishes, asked, refused)
            bits = 0
            for bit in range(len(topic_starts) - 1):
                bits += people[a].likes >> bit & 1
            for bit in range(len(topic_starts) - 1):
                if people[a].likes >> bit & 1:
                    share = -(-(sure + by_topic_too - count) // bits)
                    bits -= 1
                    first, size = topic_starts[bit], topic_starts[bit + 1] - topic_starts[bit]
                    count = _look_among(
                        a, 2 * share, min(count + share, sure + by_topic_too), found, count,
                        by_topic, first, size, dice, people, lists, wishes, asked, refused,
                    )  # fmt: skip
        out[base : base + count] = found[:count]
        kept[base : base + sure] = True
        starts[i + 1] = base + count
    return starts, out[: starts[-1]], kept[: starts[-1]]
