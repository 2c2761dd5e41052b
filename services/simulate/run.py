"""`partyline simulate`: plays every town under every policy, several at once, and prints the report.

Place in the flow: cli -> **run** -> town_day or market_file -> engine, clairvoyant -> report, plot. How far it is goes
to stderr.
"""

import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from services.simulate.clairvoyant import clairvoyant
from services.simulate.engine import Engine
from services.simulate.market import Market
from services.simulate.market_file import read_market
from services.simulate.options import Options
from services.simulate.policies import POLICIES
from services.simulate.report import Town, Under, groups_of, report
from services.simulate.signal import hidden_truth
from services.simulate.town_day import town_days

if TYPE_CHECKING:  # the learner's libraries take seconds to load
    from services.simulate.month_report import Days

Played = TypeVar("Played")
COLUMNS = ("utility_share", "coverage", "wait_p50_min", "wait_p90_min", "never_asked_share")


def simulate(wanted: Options) -> int:
    """Play, print and draw; 0, or 1 if a truth did not hold."""
    if wanted.days:
        return _learning(wanted)
    given = read_market(wanted.market) if wanted.market else None
    found = report(list(_towns(wanted, partial(play_town, wanted, given=given))), None if given else wanted.signal)
    print(json.dumps(found) if wanted.json else _table(found))
    if wanted.plot:
        from services.simulate.plot import draw

        draw(found, wanted.plot)
    return 1 if found["violations"] else 0


def _learning(wanted: Options) -> int:
    from services.simulate.month_report import month_report

    found = month_report(list(_towns(wanted, partial(play_days, wanted))), wanted.days, wanted.signal)
    print(json.dumps(found) if wanted.json else _month_table(found))
    if wanted.plot:
        from services.simulate.plot import draw_month

        draw_month(found, wanted.plot)
    return 1 if found["violations"] else 0


def play_town(wanted: Options, seed: int, given: Market | None = None) -> Town:
    """One town, or the given market, under every policy."""
    market = given or town_days(wanted.people, wanted.hours, wanted.signal, seed)
    policies = {}
    for name, make in POLICIES.items():
        played = Engine(market, make(wanted.prices, seed), wanted.minute_costs, wanted.tick_s).play()
        policies[name] = Under(
            played.waited_min, played.asked, played.utility, played.offers, played.calls,
            tuple(played.truths.shown), played.truths.violations,
        )  # fmt: skip
    groups, person_day = groups_of(market)
    return Town(seed, clairvoyant(market, wanted.minute_costs), market.auc, policies, groups, person_day)


def play_days(wanted: Options, seed: int) -> "Days":
    """One town for so many days, once as it learns and once as it does not."""
    from services.simulate.month import Month
    from services.simulate.month_report import Days, Lived

    market = town_days(wanted.people, wanted.hours, wanted.signal, seed, wanted.days)
    truth, lived = hidden_truth(list(market.town), wanted.signal, seed), []
    for learns in (True, False):
        month = Month(market, truth, wanted.days, learns, wanted.prices, wanted.tick_s)
        played = month.play()
        bonds = sum(len(person.bonds) for person in month.people.values()) / max(1, len(month.people))
        waits = played.waited_min[~np.isnan(played.waited_min)]
        wait_min = float(waits.mean()) if len(waits) else 0.0
        told = (tuple(month.talks), tuple(month.promoted), tuple(played.truths.shown))
        lived.append(Lived(*told, bonds, wait_min))
    return Days(seed, *lived)


def _towns(wanted: Options, play: Callable[[int], Played]) -> Iterator[Played]:
    seeds = range(wanted.seed, wanted.seed + wanted.seeds)
    if wanted.jobs == 1 or wanted.seeds == 1:
        for done, seed in enumerate(seeds):
            _progress(done, wanted.seeds)
            yield play(seed)
        return
    with ProcessPoolExecutor(min(wanted.jobs, wanted.seeds), mp_context=get_context("spawn")) as workers:
        playing = [workers.submit(play, seed) for seed in seeds]
        _progress(0, wanted.seeds)
        for done, _ in enumerate(as_completed(playing), 1):
            _progress(done, wanted.seeds)
        yield from (one.result() for one in playing)


def _progress(done: int, towns: int) -> None:
    print(f"{done} of {towns} towns played", file=sys.stderr, flush=True)


def _month_table(found: dict[str, Any]) -> str:
    lines = [f"both would talk again, share of calls in {found['seeds']} towns, {found['days']} days"]
    for name in ("learns", "never"):
        arm = found[name]
        first, last, rise = arm["share_first"], arm["share_last"], arm["rise"]
        lines.append(f"{name.ljust(8)}first days {first}, last week {last}, rise {rise} {arm['rise_ci']}")
        lines.append(f"{''.ljust(8)}bonds a person {arm['bonds_a_person']}, mean wait {arm['wait_mean_min']} minutes")
    lines.append(f"last week over the control {found['over_never']} {found['over_never_ci']}")
    lines.append(f"of chance {found['over_never_of_chance']} {found['over_never_of_chance_ci']}")
    for name in ("calibration", "calibration_never"):
        line = found[name]
        lines.append(f"{name.ljust(18)}slope {line['slope']} {line['slope_ci']}, intercept {line['intercept']}")
        lines.append(f"{''.ljust(18)}of chance {line['slope_of_chance']} {line['slope_of_chance_ci']}")
    lines.append(f"truths violated {found['violations']}")
    return "\n".join(lines + found["violations_shown"])


def _table(found: dict[str, Any]) -> str:
    lines = [" " * 12 + "".join(name.rjust(19) for name in COLUMNS)]
    for name, figures in found["policies"].items():
        lines.append(name.ljust(12) + "".join(str(figures[column]).rjust(19) for column in COLUMNS))
    best = found["clairvoyant"]
    lines.append(f"utility_share is that of the clairvoyant, {best['utility']} ({best['how']})")
    lines.append(f"utility over greedy {found['utility_over_greedy']}, interval {found['utility_over_greedy_ci']}")
    lines.append(f"truths violated {found['violations']}")
    return "\n".join(lines + found["violations_shown"])
