"""How the benchmarks measure: medians of five, the first call's compiling apart, the memory at its peak.

Place in the flow: match, graph -> **measure** -> what `partyline bench` prints.
"""

import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from matcher.solve import Edges, edges, exact, upper_bound, weight_of
from matcher.warm import warm_up

TIMES = 5
EXACT_LIMIT = 5_000
"""People up to whom the exact matching is worked out too, which takes seconds there."""
DIGITS = 4

Result = TypeVar("Result")


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    """The seconds that `work` took, and what it gave."""
    began_s = time.perf_counter()
    result = work()
    return time.perf_counter() - began_s, result


def median(seconds: list[float]) -> float:
    """The median, to a tenth of a millisecond."""
    return round(statistics.median(seconds), DIGITS)


def peak_rss_mb() -> float:
    """The most memory that this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


def shares(graph: Edges, weight: float) -> dict[str, float | None]:
    """The weight as a share of the exact matching's (of few people) and of what no matching exceeds."""
    best = weight_of(graph, exact(graph)) if graph.count <= EXACT_LIMIT else None
    bound, _ = upper_bound(graph)
    return {
        "weight_share_of_exact": None if best is None else share(weight, best),
        "weight_share_of_bound": share(weight, bound),
    }


def share(weight: float, of: float) -> float:
    """The weight as a share of another; all of it where there was none to be had."""
    return round(weight / of, 5) if of else 1.0


def compile_loops() -> float:
    """The seconds until all loops are machine code, or are read from the cache."""
    warm_s, _ = timed(warm_up)
    bound_s, _ = timed(lambda: upper_bound(edges(2, [0], [1], [1.0])))
    return warm_s + bound_s
