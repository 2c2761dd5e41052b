"""What `partyline simulate` was asked to play.

Place in the flow: cli -> **options** -> run. Bad arguments end here, with one sentence each.
"""

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from matcher.errors import BadRequest
from matcher.prices import CALL_COUNTS, MINUTE_COSTS, Prices
from services.arguments import between, seed, whole
from services.simulate.plot import check

PEOPLE_LIMIT = 5_000
HOURS_LIMIT = 24.0 * 31
SEEDS_LIMIT = 1_000
DAYS_LIMIT = 92
DAY_HOURS = 24.0
SIGNALS = ("weak", "medium", "strong")
CALL_COUNTS_LIMIT = 10.0
TICK_LEAST_S, TICK_MOST_S = 1.0, 60.0


@dataclass(frozen=True, slots=True)
class Options:
    """The arguments of one simulation; with a market file, people, hours and signal come from it.

    With `days` 0 a single stretch is played and nothing learned.
    """

    people: int
    hours: float
    seeds: int
    seed: int
    signal: str
    market: Path | None
    plot: Path | None
    minute_costs: float
    call_counts: float
    tick_s: float
    jobs: int
    days: int
    json: bool

    @property
    def prices(self) -> Prices:
        """What patience reckons with."""
        return Prices(self.minute_costs, self.call_counts)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Every option of `partyline simulate`."""
    parser.add_argument("--people", type=_people, default=1_000, help="how many live in the town (1000)")
    parser.add_argument("--hours", type=_hours, default=12.0, help="how long it is played, from eight o'clock (12)")
    parser.add_argument("--seeds", type=_seeds, default=10, help="how many towns (10)")
    parser.add_argument("--seed", type=seed, default=1, help="the first town (1)")
    parser.add_argument("--signal", choices=SIGNALS, default="weak", help="how much the scores can know (weak)")
    parser.add_argument("--market", type=Path, metavar="FILE", help="play this market: windows and scores, as JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw utility against mean wait (.svg, .png, .pdf)")
    parser.add_argument(
        "--minute-costs", type=_costs, default=MINUTE_COSTS,
        help=f"what a waited minute costs, as a share of the mean pair's value ({MINUTE_COSTS:g})",
    )  # fmt: skip
    parser.add_argument(
        "--call-counts", type=_counts, default=CALL_COUNTS,
        help=f"what a call counts for beside its score, as a share of the mean pair's value ({CALL_COUNTS:g})",
    )  # fmt: skip
    parser.add_argument("--tick-s", type=_tick, default=10.0, help="simulated seconds between two ticks (10)")
    parser.add_argument("--jobs", type=_seeds, default=os.cpu_count() or 1, help="how many towns at once")
    parser.add_argument(
        "--days", type=_days, default=0, metavar="N",
        help="people come back on N days, for --hours of each, and what they say is learned from every night",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout and nothing else there")


def options(found: argparse.Namespace) -> Options:
    """The parsed arguments. Raises BadRequest for some that do not go together, or a plot that cannot be drawn."""
    if found.days and (found.market or found.hours > DAY_HOURS):
        raise BadRequest(f"--days plays a town's own market, for up to {DAY_HOURS:g} hours of each day")
    if found.plot:
        check(found.plot)
    return Options(**{name: getattr(found, name) for name in Options.__slots__})


def _people(text: str) -> int:
    return whole(text, "the number of people (all their scores are held at once)", 1, PEOPLE_LIMIT)


def _hours(text: str) -> float:
    return between(text, "the number of hours", 0.5, HOURS_LIMIT)


def _seeds(text: str) -> int:
    return whole(text, "the number of towns", 1, SEEDS_LIMIT)


def _days(text: str) -> int:
    return whole(text, "the number of days", 2, DAYS_LIMIT)


def _costs(text: str) -> float:
    return between(text, "what a waited minute costs", 0.0, 1.0)


def _counts(text: str) -> float:
    return between(text, "what a call counts for", 0.0, CALL_COUNTS_LIMIT)


def _tick(text: str) -> float:
    return between(text, "the time between ticks", TICK_LEAST_S, TICK_MOST_S)
