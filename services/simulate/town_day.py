"""A town's days as a market: who opens which windows when, drawn beforehand, so that every policy meets the same.

Place in the flow: simulator.people, habits -> **town_day** -> market. A next window opens after the last one would
have ended, called or not. Whoever is free in their own quiet hours does not open a window then.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import count
from random import Random

import numpy as np
from numpy.typing import NDArray

from matcher.person import AGE_BANDS, MARKETS, Features, QuietHours, local_minute
from matcher.rules import NEAR_HOME_KM
from services.simulate.market import Market
from services.simulate.signal import distances_km, pair_scores
from services.simulator.figures import figures
from services.simulator.habits import Window, arrival_s, arrivals_curve, draw_window, pause_min
from services.simulator.people import Area, TownPerson, draw_people
from services.simulator.person_life import CHANGE_OF_MIND_FROM, CHANGE_OF_MIND_TO

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
"""Eight on a Monday morning, as the demo starts."""
DAY_MIN = 24 * 60
Opened = tuple[int, float, float, float, str]
"""Person, from, until and leaving in minutes, company."""


def town_days(people: int, hours: float, strength: str, seed: int, days: int = 1) -> Market:
    """The market of a town for so many hours, or for so many hours of each of several days."""
    drawn = draw_people(people, seed, _areas())
    lengths = [hours * 60] * days if days > 1 else _whole_days(hours)
    opened = sorted(_all_windows(drawn, lengths, seed), key=lambda one: (one[1], one[0]))
    person, start, until, leaves, company = zip(*opened, strict=True) if opened else ((), (), (), (), ())
    scores, auc = pair_scores(drawn, strength, seed)
    features = tuple(_features(one) for one in drawn)
    allowed = allowed_pairs(features)
    return Market(
        start=START, windows=tuple(f"w-{number:06d}" for number in range(len(opened))),
        person=np.array(person, dtype=np.int64), from_min=np.array(start, dtype=float),
        until_min=np.array(until, dtype=float), leaves_min=np.array(leaves, dtype=float), company=company,
        scores=scores, allowed=allowed, habits=tuple(one.habit for one in drawn), features=features,
        town=tuple(drawn), seed=seed,
        groups={"age": tuple(one.age_band for one in drawn), "area": tuple(one.area.code for one in drawn)}, auc=auc,
    )  # fmt: skip


def allowed_pairs(features: tuple[Features, ...]) -> NDArray[np.bool_]:
    """Which pairs pass the hard rules that do not depend on the hour: those of `matcher.candidates`, all at once."""
    words = sorted({language for one in features for language in one.languages})
    speaks = np.array([[word in one.languages for word in words] for one in features], dtype=np.float32)
    band = np.array([AGE_BANDS.index(one.age_band) for one in features])
    gender = np.array([one.gender for one in features])
    said = gender != "unsaid"
    wishes = {
        "near_age": abs(band[:, None] - band) <= 1,
        "near_home": distances_km([one.cell for one in features]) <= NEAR_HOME_KM,
        "same_gender": (gender[:, None] == gender) & said[:, None],
    }
    allowed = speaks.reshape(len(features), -1) @ speaks.reshape(len(features), -1).T > 0
    for wish, holds in wishes.items():
        wished = np.array([wish in one.wishes for one in features], dtype=bool)
        allowed &= (holds | ~wished[:, None]) & (holds.T | ~wished)
    np.fill_diagonal(allowed, False)
    return allowed


def _areas() -> list[Area]:
    known = json.loads((files("services.gateway") / "areas.json").read_text(encoding="utf-8"))
    return [Area(code=area["code"], cell=area["cell"]) for area in known]


def _features(one: TownPerson) -> Features:
    told = one.told()
    kept = {name: told[name] for name in ("languages", "age_band", "gender", "likes", "avoids", "wishes")}
    return Features.model_validate({**kept, "cell": one.area.cell, "quiet": _quiet(one)}, strict=False)


def _quiet(one: TownPerson) -> QuietHours | None:
    if one.quiet is None:
        return None
    start_min, end_min = (int(text[:2]) * 60 + int(text[3:]) for text in one.quiet)
    return QuietHours(start_min=start_min, end_min=end_min)


def _whole_days(hours: float) -> list[float]:
    """The minutes of each day that is played; of the last one maybe not all."""
    return [min(DAY_MIN, hours * 60 - first_min) for first_min in range(0, round(hours * 60), DAY_MIN)]


def _all_windows(drawn: list[TownPerson], lengths_min: list[float], seed: int) -> Iterator[Opened]:
    for first_min, length_min in zip(count(0, DAY_MIN), lengths_min, strict=False):
        play_s = length_min * 60
        curves = {commutes: arrivals_curve(play_s, 1.0, _hour_after, commutes, figures()) for commutes in (True, False)}
        for one in drawn:
            rng = Random(f"{seed}|day|{first_min}|{one.number}")
            at_min = first_min + arrival_s(rng.random(), curves[one.habit.commutes], play_s) / 60
            yield from _windows_of(one, at_min, first_min + play_s / 60, rng)


def _windows_of(one: TownPerson, at_min: float, end_min: float, rng: Random) -> Iterator[Opened]:
    quiet = _quiet(one)
    while at_min < end_min:
        window = draw_window(rng, one.habit, _hour(at_min), figures())
        leaves_min = at_min + _stays(one, window, rng)
        if not (quiet and any(quiet.cover(_minute(at_min + passed)) for passed in range(window.minutes + 1))):
            yield one.number, at_min, at_min + window.minutes, leaves_min, window.company
        if rng.random() >= one.habit.opens_again:
            return
        at_min += window.minutes + pause_min(rng)


def _stays(one: TownPerson, window: Window, rng: Random) -> float:
    if rng.random() < one.habit.closes_early + one.habit.pauses:
        return window.minutes * rng.uniform(CHANGE_OF_MIND_FROM, CHANGE_OF_MIND_TO)
    return float(window.minutes)


def _hour_after(passed: timedelta) -> int:
    return _hour(passed.total_seconds() / 60)


def _hour(after_min: float) -> int:
    return (START + timedelta(minutes=after_min)).astimezone(MARKETS["GB"]).hour


def _minute(after_min: float) -> int:
    return local_minute("GB", START + timedelta(minutes=after_min))
