"""Spreads long loops over the processors: what the core's `Spread` asks for.

Place in the flow: **threads** -> candidates. The loops are machine code and let other threads run meanwhile. There are
no threads until there is something to spread, and none afterwards.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

THREADS_LIMIT = 4

Part = TypeVar("Part")
Done = TypeVar("Done")


def spread(work: Callable[[Part], Done], parts: Iterable[Part], /) -> Iterable[Done]:
    """What `work` returned for each part, in their order."""
    given = list(parts)
    threads = min(THREADS_LIMIT, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1, len(given))
    if threads <= 1:
        return list(map(work, given))
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, given))
