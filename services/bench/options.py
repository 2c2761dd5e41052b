"""The words of `partyline bench match` and which benchmark they ask for.

Place in the flow: cli -> **options** -> match, graph.
"""

import argparse
import importlib
import json
from pathlib import Path
from typing import Any

from matcher.errors import BadRequest
from services.arguments import seed

PEOPLE_LIMIT = 300_000
"""Made-up people, who take about 6 kB each: 2 GB."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `bench match` can be told."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--people", type=int, metavar="N", help="made-up people of a country")
    what.add_argument("--graph", type=Path, metavar="FILE", help='solve this graph: lines of "u v weight"')
    parser.add_argument("--effort", choices=("fast", "best"), default="fast", help="how hard the solver tries")
    parser.add_argument("--neighbours", type=int, default=24, metavar="K", help="candidates of each person (24)")
    parser.add_argument("--arrivals", type=int, metavar="M", help="also time a tick in which M arrive and M leave")
    parser.add_argument("--nakama", action="store_true", help="the workload of Nakama's matchmaker benchmark")
    parser.add_argument("--seed", type=seed, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object")


def bench_match(found: argparse.Namespace) -> int:
    """Measure what was asked for and print it.

    Raises:
        BadRequest: a number is out of bounds, or the graph's file is not one.
    """
    module = importlib.import_module("services.bench.solving" if found.graph else "services.bench.people")
    _check(found)
    figures: dict[str, Any] = module.figures(found)
    print(json.dumps(figures) if found.json else "\n".join(_lines(figures)))
    return 0


def _check(found: argparse.Namespace) -> None:
    if found.people is not None and not 2 <= found.people <= PEOPLE_LIMIT:
        raise BadRequest(f"--people must be from 2 to {PEOPLE_LIMIT}: each takes about 6 kB of memory here")
    if not 1 <= found.neighbours <= 200:
        raise BadRequest("--neighbours must be from 1 to 200")
    if found.graph and (found.arrivals is not None or found.nakama):
        raise BadRequest("--arrivals and --nakama go with --people")
    if found.nakama and found.arrivals is not None:
        raise BadRequest("--nakama is a workload of its own: nobody arrives in it later, so it takes no --arrivals")
    if found.arrivals is not None and not 0 < found.arrivals <= (found.people or 0):
        raise BadRequest("--arrivals must be from 1 to the number of people")


def _lines(figures: dict[str, Any], before: str = "") -> list[str]:
    lines = []
    for name, value in figures.items():
        if isinstance(value, dict):
            lines += _lines(value, f"{before}{name}.")
        else:
            lines.append(f"{before}{name}: {'-' if value is None else value}")
    return lines
