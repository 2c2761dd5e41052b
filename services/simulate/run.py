"""`partyline simulate`: plays every town under every policy, several at once, and prints the report.

Place in the flow: cli -> **run** -> town_day or market_file -> engine, clairvoyant -> report, plot. How far it is goes
to stderr.
"""

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any

from services.simulate.clairvoyant import clairvoyant
from services.simulate.engine import Engine
from services.simulate.market import Market
from services.simulate.market_file import read_market
from services.simulate.options import Options
from services.simulate.policies import POLICIES
from services.simulate.report import Town, Under, groups_of, report
from services.simulate.town_day import town_days

COLUMNS = ("utility_share", "coverage", "wait_p50_min", "wait_p90_min", "never_asked_share")


def simulate(wanted: Options) -> int:
    """Play, print and draw; 0, or 1 if a truth did not hold."""
    given = read_market(wanted.market) if wanted.market else None
    found = report(list(_towns(wanted, given)), None if given else wanted.signal)
    if wanted.plot:
        from services.simulate.plot import draw

        draw(found, wanted.plot)
    print(json.dumps(found) if wanted.json else _table(found))
    return 1 if found["violations"] else 0


def play_town(wanted: Options, seed: int, given: Market | None = None) -> Town:
    """One town, or the given market, under every policy."""
    market = given or town_days(wanted.people, wanted.hours, wanted.signal, seed)
    policies = {}
    for name, make in POLICIES.items():
        policy = make(market, wanted.minute_costs, seed)
        played = Engine(market, policy, wanted.minute_costs, wanted.tick_s).play()
        policies[name] = Under(
            played.waited_min, played.asked, played.utility, played.offers, played.calls,
            tuple(played.truths.shown), played.truths.violations,
        )  # fmt: skip
    groups, person_day = groups_of(market)
    return Town(seed, clairvoyant(market, wanted.minute_costs), market.auc, policies, groups, person_day)


def _towns(wanted: Options, given: Market | None) -> Iterator[Town]:
    seeds = range(wanted.seed, wanted.seed + wanted.seeds)
    if wanted.jobs == 1 or wanted.seeds == 1:
        for done, seed in enumerate(seeds):
            _progress(done, wanted.seeds)
            yield play_town(wanted, seed, given)
        return
    with ProcessPoolExecutor(min(wanted.jobs, wanted.seeds), mp_context=get_context("spawn")) as workers:
        playing = [workers.submit(play_town, wanted, seed, given) for seed in seeds]
        _progress(0, wanted.seeds)
        for done, _ in enumerate(as_completed(playing), 1):
            _progress(done, wanted.seeds)
        yield from (one.result() for one in playing)


def _progress(done: int, towns: int) -> None:
    print(f"{done} of {towns} towns played", file=sys.stderr, flush=True)


def _table(found: dict[str, Any]) -> str:
    lines = [" " * 12 + "".join(name.rjust(19) for name in COLUMNS)]
    for name, figures in found["policies"].items():
        lines.append(name.ljust(12) + "".join(str(figures[column]).rjust(19) for column in COLUMNS))
    best = found["clairvoyant"]
    lines.append(f"utility_share is that of the clairvoyant, {best['utility']} ({best['how']})")
    lines.append(f"utility over greedy {found['utility_over_greedy']}, interval {found['utility_over_greedy_ci']}")
    lines.append(f"truths violated {found['violations']}")
    return "\n".join(lines + found["violations_shown"])
