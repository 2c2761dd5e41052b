"""Where to look for people: by cell (a dense grid), by topic and by language, kept from tick to tick.

Place in the flow: standing -> **index** -> search. Whoever comes is put in at the end of their places, as far as there
is room; whoever goes is passed over until all is made anew, which is when enough have come and gone. Those whom only
bonds find are not in it.
"""

import numpy as np
from numpy.typing import NDArray

from matcher.compiled import compiled, leaf
from matcher.person import LANGUAGES, TOPICS
from matcher.scored import Scored
from matcher.standing import COMPANY, Slots, Standing

Brief = NDArray[np.void]
Ints = NDArray[np.int32]
Buckets = tuple[Ints, Slots, Slots]
"""Members, one bucket after the other; where each bucket begins, and where its members end: behind is room."""
Grid = tuple[int, int, int, int]
Index = tuple[Grid, Buckets, Buckets, Buckets]
"""The grid's top, left, rows and columns; those who stand in each cell, like each topic, speak each language."""

KNOWN = COMPANY.index("known")
ROOM_SHARE, ROOM = 8, 4
"""Of each bucket a share (an eighth) and so many places are left empty."""
ANEW_SHARE = 8
"""All is made anew when an eighth of the people have changed."""
GRID_LIMIT = 512
"""Rows and columns of the grid, at most: 51 degrees, and a few megabytes whatever cells people name."""
UNPLACED = 64
"""Or when more than so many found no room."""


class Places:
    """The index of those who stand here."""

    def __init__(self) -> None:
        """Of nobody."""
        self._index: Index | None = None
        self._changed = 0
        self._unplaced = 0

    def forget(self) -> None:
        """Make all anew when next asked."""
        self._index = None

    def of(self, standing: Standing, came: Slots, gone: int) -> Index:
        """The index, now that some have come and so many have gone."""
        self._changed += len(came) + gone
        if self._index is not None and ANEW_SHARE * self._changed <= len(standing):
            self._unplaced += put(came, standing.brief, standing.scored, self._index)
            if self._unplaced <= UNPLACED:
                return self._index
        self._index = index_of(standing.slots, standing.brief, standing.scored, len(TOPICS), len(LANGUAGES))
        self._changed = self._unplaced = 0
        return self._index


@compiled
def _grid_of(who: Slots, brief: Brief) -> Grid:
    """Around everybody, but no larger than the limit: whoever is farther out stands at its edge."""
    if not len(who):
        return 0, 0, 1, 1
    top, rows = _span(brief["row"][who])
    left, columns = _span(brief["column"][who])
    return top, left, rows, columns


@compiled
def _span(places: NDArray[np.int16]) -> tuple[int, int]:
    first, last = int(places.min()), int(places.max())
    size = min(last - first + 1, GRID_LIMIT)
    return min(max(int(places.mean()) - size // 2, first), last - size + 1), size


@leaf
def _cell_of(a: int, brief: Brief, grid: Grid) -> tuple[int, int]:
    """The row and column of the grid in which this person stands, or the nearest to them."""
    top, left, rows, columns = grid
    return min(max(brief[a].row - top, 0), rows - 1), min(max(brief[a].column - left, 0), columns - 1)


@compiled
def _roomy(counts: Slots) -> Buckets:
    """Empty buckets for so many members each, and some more."""
    first = np.zeros(len(counts) + 1, np.int64)
    spare = ROOM if len(counts) <= 2 * counts.sum() else 0
    for i in range(len(counts)):
        first[i + 1] = first[i] + counts[i] + counts[i] // ROOM_SHARE + spare
    return np.empty(first[-1], np.int32), first, first[:-1].copy()


@leaf
def _append(a: int, bucket: int, buckets: Buckets) -> int:
    members, first, end = buckets
    if end[bucket] == first[bucket + 1]:
        return 1
    members[end[bucket]] = a
    end[bucket] += 1
    return 0


@compiled
def put(who: Slots, brief: Brief, scored: Scored, index: Index) -> int:
    """Add these people; how often there was no room."""
    grid, cells, topics, languages = index
    unplaced = 0
    for a in who:
        if brief[a].company == KNOWN:
            continue
        row, column = _cell_of(a, brief, grid)
        unplaced += _append(a, row * grid[3] + column, cells)
        for bit in range(len(topics[2])):
            if scored[a].likes >> bit & 1:
                unplaced += _append(a, bit, topics)
        for bit in range(len(languages[2])):
            if brief[a].languages >> bit & 1:
                unplaced += _append(a, bit, languages)
    return unplaced


@compiled
def index_of(who: Slots, brief: Brief, scored: Scored, topics: int, languages: int) -> Index:
    """The index of these people."""
    grid = _grid_of(who, brief)
    in_cell = np.zeros(grid[2] * grid[3], np.int64)
    like, speak = np.zeros(topics, np.int64), np.zeros(languages, np.int64)
    for a in who:
        if brief[a].company == KNOWN:
            continue
        row, column = _cell_of(a, brief, grid)
        in_cell[row * grid[3] + column] += 1
        for bit in range(topics):
            like[bit] += scored[a].likes >> bit & 1
        for bit in range(languages):
            speak[bit] += brief[a].languages >> bit & 1
    index = (grid, _roomy(in_cell), _roomy(like), _roomy(speak))
    put(who, brief, scored, index)
    return index
