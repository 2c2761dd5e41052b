"""The sourced figures of the town, read once from `data/`; data/README.md says where each comes from.

Place in the flow: data -> **figures** -> habits, people, truth. Whatever has no source is a named constant where it is
used, and is listed in data/README.md as an assumption.
"""

import csv
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from matcher.person import AGE_BANDS

HOURS_A_DAY = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured elsewhere: shares in [0, 1], minutes as people live them."""

    lonely_share_by_age: dict[str, float]
    willing_share: float
    commute_share_below_min: tuple[tuple[float, float], ...]
    call_median_min: float
    call_max_min: float
    call_share_below_min: tuple[tuple[float, float], ...]
    push_opened_share: float
    good_signal_share: float
    tube_load: tuple[float, ...]
    """A day's journeys by the local hour that they fall into, 24 shares that add up to 1."""


@cache
def figures() -> Figures:
    """The figures in `data/`."""
    read = json.loads(_text("sim_params.json"))
    lonely_pct = read["lonely_often_always_pct_by_age_England_CLS_2024_25"]
    lonely = {band: lonely_pct["16-24" if band == "18-24" else band] / 100 for band in AGE_BANDS}
    calls = read["call_minutes_RUBY_peer_calls"]
    return Figures(
        lonely_share_by_age=lonely,
        willing_share=read["willing"]["share_of_adults"],
        commute_share_below_min=_below(read["commute"]["cum_share_GB_second_hand"]),
        call_median_min=calls["median"],
        call_max_min=calls["max"],
        call_share_below_min=_call_shares(calls["women_report_average"]),
        push_opened_share=read["answer"]["push_conversion_messaging"],
        good_signal_share=read["answer"]["good_4g_share_of_train_journey"],
        tube_load=_tube_load(),
    )


def _text(name: str) -> str:
    return (files("services.simulator") / "data" / name).read_text(encoding="utf-8-sig")  # the table has a BOM


def _below(shares: dict[str, float]) -> tuple[tuple[float, float], ...]:
    return tuple((float(minutes.removeprefix("<")), share) for minutes, share in shares.items())


def _call_shares(reported: dict[str, float]) -> tuple[tuple[float, float], ...]:
    named = {name: share for name, share in reported.items() if name != "varied"}
    total, below = sum(named.values()), 0.0
    pairs = []
    for name, share in named.items():
        below += share / total
        if "-" in name:
            pairs.append((float(name.split("-")[1]), below))
    return tuple(pairs)


def _tube_load() -> tuple[float, ...]:
    rows: list[dict[str, Any]] = list(csv.DictReader(_text("tube_load_by_hour.csv").splitlines()))
    day = [0.0] * HOURS_A_DAY  # between one and five nothing runs
    for row in rows:
        for name, load in row.items():
            if name != "Line":
                day[int(name[:2])] += float(load)
    return tuple(load / sum(day) for load in day)
