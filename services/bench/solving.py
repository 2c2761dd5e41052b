"""How fast and how well the solver solves a given graph.

Place in the flow: options -> graph -> **solving**.
"""

import argparse
from typing import Any

from matcher.solve import solve, weight_of
from services.bench.graph import read_graph
from services.bench.measure import TIMES, compile_loops, median, peak_rss_mb, shares, timed


def figures(found: argparse.Namespace) -> dict[str, Any]:
    """What `bench match --graph` prints. Raises BadRequest for a file that holds no graph."""
    graph = read_graph(found.graph)
    compile_s = compile_loops()
    runs = [timed(lambda: solve(graph, found.effort)) for _ in range(TIMES)]
    seconds, mate = median([run[0] for run in runs]), runs[0][1]
    peak_mb = peak_rss_mb()
    weight = weight_of(graph, mate)
    return {
        "people": graph.count,
        "edges": int(graph.w.size),
        "pairs": int((mate >= 0).sum()) // 2,
        "weight": weight,
        "seconds": {"candidates": 0.0, "score": 0.0, "solve": seconds, "total": seconds},
        **shares(graph, weight),
        "compile_s": round(compile_s, 3),
        "peak_rss_mb": peak_mb,
    }
