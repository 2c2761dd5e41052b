"""How a person uses Partyline: when they are free and for how long, whether and how fast they answer, what they do.

Place in the flow: figures -> **habits** -> people -> person_life. Pure: every draw is a function of a `random.Random`.
Minutes are domain time, seconds are wall time: fingers, tunnels and networks do not run faster in a demo.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from math import exp, log
from random import Random
from statistics import NormalDist

from services.simulator.figures import Figures

# Assumptions without a source; data/README.md repeats and explains them.
LOOKING_ALPHA, LOOKING_BETA = 6.5, 3.5
NOT_NOW_ALPHA, NOT_NOW_BETA = 1.5, 28.5
REPLY_MEDIAN_S, REPLY_SIGMA, REPLY_LIMIT_S = 3.0, 0.6, 25.0
HOME_MIN, HOME_MAX = 10, 60
SHORTEST_WINDOW_MIN, LONGEST_WINDOW_MIN = 8, 120
COMMUTING_SHARE = {"18-24": 0.5, "25-34": 0.65, "35-49": 0.65, "50-64": 0.55, "65-74": 0.12, "75+": 0.0}
NO_SIGNAL_OF_BAD = 0.5
TUNNEL_MEAN_S, TUNNEL_MIN_S, TUNNEL_MAX_S = 4.0, 1.0, 12.0
DENSE_SHARE, LAST_ARRIVAL_SHARE = 0.7, 0.92
ARRIVAL_CELLS = 400
NEW_ONLY_SHARE = 0.15
PAUSE_MEDIAN_MIN, PAUSE_SIGMA = 8.0, 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """One person's chances in [0, 1], each asked once where its name says; `reply_s` is their usual delay."""

    commutes: bool
    answers: float
    not_now: float
    reply_s: float
    asks_again_after_miss: float = 0.7
    closes_early: float = 0.05
    pauses: float = 0.004
    opens_again: float = 0.35
    goes_away_in_call: float = 0.02
    hangs_up_early: float = 0.05
    gives_outcome: float = 0.9
    blocks_after_no: float = 0.06
    feels_wrong_after_no: float = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A stretch of time for talking: how many domain minutes, on a train or at home, and with whom."""

    minutes: int
    on_train: bool
    company: str


def draw_habit(rng: Random, age_band: str, known: Figures) -> Habit:
    """A habit for somebody of `age_band`: who holds the page open answers at least as often as a push is opened."""
    floor = known.push_opened_share
    return Habit(
        commutes=rng.random() < COMMUTING_SHARE[age_band],
        answers=floor + (1 - floor) * rng.betavariate(LOOKING_ALPHA, LOOKING_BETA),
        not_now=rng.betavariate(NOT_NOW_ALPHA, NOT_NOW_BETA),
        reply_s=REPLY_MEDIAN_S * exp(rng.gauss(0, REPLY_SIGMA / 2)),
    )


def reply_delay_s(rng: Random, habit: Habit) -> float:
    """Wall seconds from the ring to a tap."""
    return min(habit.reply_s * exp(rng.gauss(0, REPLY_SIGMA)), REPLY_LIMIT_S)


def draw_window(rng: Random, habit: Habit, hour: int, known: Figures) -> Window:
    """The window that this person opens at a local `hour`."""
    on_train = habit.commutes and rng.random() < known.tube_load[hour] / max(known.tube_load)
    minutes = commute_min(rng.random(), known) if on_train else rng.uniform(HOME_MIN, HOME_MAX)
    company = "new" if rng.random() < NEW_ONLY_SHARE else "either"
    return Window(minutes=max(SHORTEST_WINDOW_MIN, round(minutes)), on_train=on_train, company=company)


def commute_min(share: float, known: Figures) -> float:
    """Minutes that this share of commutes stays below; straight lines between the published points."""
    low_min, low_share = 0.0, 0.0
    for high_min, high_share in (*known.commute_share_below_min, (float(LONGEST_WINDOW_MIN), 1.0)):
        if share <= high_share:
            return low_min + (high_min - low_min) * (share - low_share) / (high_share - low_share)
        low_min, low_share = high_min, high_share
    return low_min


def pause_min(rng: Random) -> float:
    """Domain minutes between two windows of one person."""
    return PAUSE_MEDIAN_MIN * exp(rng.gauss(0, PAUSE_SIGMA))


def no_signal_share(known: Figures) -> float:
    """The share of a train journey without any line: half of what has no good signal."""
    return (1 - known.good_signal_share) * NO_SIGNAL_OF_BAD


def tunnel_s(rng: Random) -> float:
    """Wall seconds in one tunnel."""
    return min(max(rng.expovariate(1 / TUNNEL_MEAN_S), TUNNEL_MIN_S), TUNNEL_MAX_S)


def daylight_s(rng: Random, known: Figures) -> float:
    """Wall seconds between two tunnels, so that the shares of the journey come out right."""
    dark = no_signal_share(known)
    return TUNNEL_MIN_S + rng.expovariate(1 / (TUNNEL_MEAN_S * (1 - dark) / dark))


def arrivals_curve(
    play_s: float, speed: float, hour_after: Callable[[timedelta], int], commutes: bool, known: Figures
) -> list[float]:
    """The growing share of arrivals in `ARRIVAL_CELLS` equal parts of the play, for somebody who commutes or not.

    `hour_after` tells the local hour at a domain time after the start. All arrive in time to be rung: density is even
    up to `DENSE_SHARE` of the play and falls to nothing at `LAST_ARRIVAL_SHARE`.
    """
    density = []
    for cell in range(ARRIVAL_CELLS):
        at = (cell + 0.5) / ARRIVAL_CELLS
        load = known.tube_load[hour_after(timedelta(seconds=at * play_s * speed))] if commutes else 1.0
        fade = min(1.0, max(0.0, (LAST_ARRIVAL_SHARE - at) / (LAST_ARRIVAL_SHARE - DENSE_SHARE)))
        density.append(max(load, min(filter(None, known.tube_load))) * fade)  # a few are up while nothing runs
    total = sum(density)
    return [grown / total for grown in accumulate(density)]


def arrival_s(share: float, curve: list[float], play_s: float) -> float:
    """The wall second of the play at which this share of all has arrived."""
    below = 0.0
    for cell, grown in enumerate(curve):
        if share <= grown and grown > below:
            return (cell + (share - below) / (grown - below)) / len(curve) * play_s
        below = grown
    return LAST_ARRIVAL_SHARE * play_s


def call_sigma(known: Figures) -> float:
    """The spread of log call minutes around the median that fits the published shares best in the middle."""
    spreads = [
        log(minutes / known.call_median_min) / NormalDist().inv_cdf(share)
        for minutes, share in known.call_share_below_min
        if abs(share - 0.5) > 0.1
    ]
    return sum(spreads) / len(spreads)
