"""A person's id as a number: the same on every machine, and for many people at once.

Place in the flow: **keys** -> standing, search.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matcher.compiled import compiled

Keys = NDArray[np.uint64]
_BASIS, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_MIX, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)

BIT_SHIFT = np.uint64(59)
"""The first five bits of a key say which bit is its own."""


def key_of(name: str) -> int:
    """The key of one id."""
    return int(keys_of([name])[0])


def keys_of(names: Sequence[str]) -> Keys:
    """The keys of many: FNV-1a, then mixed as SplitMix64 does, so that those of ids alike are not alike."""
    text = "".join(names)
    written = names if text.isascii() else [name.encode() for name in names]
    ends = np.cumsum(np.fromiter(map(len, written), np.int64, len(names)))
    return _hashed(np.frombuffer(text.encode(), np.uint8), ends)


def name_bits(keys: Keys) -> NDArray[np.uint32]:
    """One of 32 bits for each key: whose bit is not among those of a list is not in the list."""
    return np.left_shift(np.uint32(1), (keys >> BIT_SHIFT).astype(np.uint32))


@compiled
def _hashed(text: NDArray[np.uint8], ends: NDArray[np.int64]) -> Keys:
    keys = np.empty(len(ends), np.uint64)
    start = 0
    for i in range(len(ends)):
        key = _BASIS
        for place in range(start, ends[i]):
            key = (key ^ np.uint64(text[place])) * _PRIME
        key = (key ^ (key >> np.uint64(30))) * _MIX
        key = (key ^ (key >> np.uint64(27))) * _MIX_2
        keys[i] = key ^ (key >> np.uint64(31))
        start = ends[i]
    return keys
