"""How fast candidates are found, scored and matched, in a crowd that comes at once and in one that changes.

Place in the flow: options -> crowd -> **people** -> candidates, matching: the very classes that the pool uses.
"""

import argparse
import gc
import statistics
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from matcher.candidates import Candidates, Finding
from matcher.features import Floats
from matcher.matching import Matching
from matcher.rules import Free
from matcher.score import Model
from matcher.solve import Effort
from services.adapters.threads import spread
from services.bench.crowd import NOW, crowd, pairs_only
from services.bench.measure import TIMES, compile_loops, median, peak_rss_mb, share, shares, timed

TICKS = 20
TICK = timedelta(seconds=0.5)


class TimedCandidates(Candidates):
    """Candidates that tell how long scoring took."""

    score_s = 0.0

    def _score_all(self, found: Sequence[Finding]) -> list[Floats]:
        seconds, scores = timed(lambda: super(TimedCandidates, self)._score_all(found))
        self.score_s += seconds
        return scores


class Run:
    """One crowd, from nothing to a matching, and the seconds of each part."""

    def __init__(self, people: Sequence[Free], bound: int, effort: Effort) -> None:
        self.candidates = TimedCandidates(Model(), bound, spread)
        self.matching = Matching(self.candidates, effort)
        found_s, _ = timed(lambda: self.candidates.update((), people, "tick-0"))
        solve_s, _ = timed(lambda: self.matching.update(NOW))
        self.seconds = {"candidates": found_s - self.candidates.score_s, "score": self.candidates.score_s}
        self.seconds |= {"solve": solve_s, "total": found_s + solve_s}


def figures(found: argparse.Namespace) -> dict[str, Any]:
    """What `bench match --people` prints."""
    compile_s = compile_loops()
    if found.nakama:
        return {**_nakama(found), "compile_s": round(compile_s, 3), "peak_rss_mb": peak_rss_mb()}
    people = crowd(found.people, found.seed)
    seconds: dict[str, list[float]] = {}
    for _ in range(TIMES):
        run = Run(people, found.neighbours, found.effort)
        for name, value in run.seconds.items():
            seconds.setdefault(name, []).append(value)
        gc.collect()
    graph = run.matching.edges(NOW)
    told = {
        "people": found.people,
        "edges": int(graph.w.size),
        "seconds": {name: median(values) for name, values in seconds.items()},
        "compile_s": round(compile_s, 3),
        "peak_rss_mb": peak_rss_mb(),
    }
    return told | shares(graph, run.matching.weight) | (_ticks(run, people, found) if found.arrivals else {})


def _ticks(run: Run, people: Sequence[Free], found: argparse.Namespace) -> dict[str, Any]:
    """Ticks in which some come and as many go, and how good the mended matching is after the last."""
    dice = np.random.default_rng(found.seed)
    present = {one.person: one for one in people}
    seconds = []
    for number in range(1, TICKS + 1):
        now = NOW + number * TICK
        gone = [str(one) for one in dice.choice(list(present), found.arrivals, replace=False)]
        come = crowd(found.arrivals, found.seed, found.people + number * found.arrivals, now)
        spent_s, _ = timed(lambda: _tick(run, gone, come, number))  # noqa: B023 (called at once)
        seconds.append(spent_s)
        present = {key: one for key, one in present.items() if key not in set(gone)} | {one.person: one for one in come}
    mended = run.matching.weight
    fresh = Run(list(present.values()), found.neighbours, found.effort)
    again = Matching(run.candidates, found.effort)
    again.update(NOW + TICKS * TICK)
    return {
        "tick_ms": round(1000 * statistics.median(seconds), 1),
        "tick_ms_worst": round(1000 * max(seconds), 1),
        "weight_share_of_full_solve": share(mended, again.weight),
        "weight_share_of_new_candidates_and_full_solve": share(mended, fresh.matching.weight),
    }


def _tick(run: Run, gone: Sequence[str], come: Sequence[Free], number: int) -> None:
    run.candidates.update(gone, come, f"tick-{number}")
    run.matching.update(NOW + number * TICK)


def _nakama(found: argparse.Namespace) -> dict[str, Any]:
    lonely = found.people // 10
    people = pairs_only(found.people, lonely)
    runs = [timed(lambda: Run(people, found.neighbours, found.effort).matching.pairs()) for _ in range(TIMES)]
    return {
        "tickets": found.people + lonely,
        "pairs": len(runs[0][1]),
        "seconds": median([seconds for seconds, _ in runs]),
    }
