"""A market from a file: windows and scores that somebody wants to see every policy on.

Place in the flow: `--market FILE` -> **market_file** -> market. JSON:
    {"windows": [["a", 0, 30], ...], "scores": [[null, 0.4, ...], ...]}  or  {..., "pairs": [["a", "b", 0.4], ...]}
A window is an id, the minute from which and the minute until which somebody is free; every window is another person's.
Scores are chances in [0, 1], the same either way round; null, or a pair that is not listed, may not talk. Everybody
answers at once, says yes, and stays to the end.
"""

import json
import math
import reprlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matcher.availability import MAX_WINDOW
from matcher.errors import BadRequest
from matcher.person import Features
from services.simulate.market import SURE, Market
from services.simulate.town_day import START

WINDOWS_LIMIT = 5_000
ID_LIMIT = 80
LATEST_MIN = 60 * 24 * 31
LONGEST_MIN = MAX_WINDOW.total_seconds() / 60


def read_market(path: Path) -> Market:
    """The market in the file.

    Raises:
        BadRequest: it cannot be read, or something in it is out of bounds; the message names the window or pair.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise BadRequest(f"{path} is not JSON: {error}") from None
    except RecursionError:
        raise BadRequest(f"{path} is no market: lists within lists within lists") from None
    if not isinstance(found, dict) or not isinstance(found.get("windows"), list):
        raise BadRequest('a market is {"windows": [[id, from_min, until_min], ...], "scores" or "pairs": [...]}')
    if ("scores" in found) == ("pairs" in found):
        raise BadRequest('a market has either "scores" (a matrix) or "pairs" ([id, id, score] each)')
    return market_of(_windows(found["windows"]), found)


def market_of(windows: list[tuple[str, float, float]], found: dict[str, Any]) -> Market:
    """These windows, in the order of their beginning, with the scores in `found`."""
    places = {key: place for place, (key, _, _) in enumerate(windows)}
    scores = _matrix(found["scores"], windows) if "scores" in found else _sparse(found["pairs"], places)
    order = sorted(range(len(windows)), key=lambda place: (windows[place][1], place))
    scores = scores[np.ix_(order, order)]
    chosen = [windows[place] for place in order]
    people = len(chosen)
    until = np.array([until for _, _, until in chosen], dtype=float)
    anybody = Features(cell="51.5,-0.1", languages=("en",), age_band="35-49")
    return Market(
        start=START, windows=tuple(key for key, _, _ in chosen), person=np.arange(people, dtype=np.int64),
        from_min=np.array([start for _, start, _ in chosen], dtype=float), until_min=until, leaves_min=until,
        company=("either",) * people, scores=np.nan_to_num(scores).astype(np.float32), allowed=np.isfinite(scores),
        habits=(SURE,) * people, features=(anybody,) * people, groups={},
    )  # fmt: skip


def _windows(found: list[Any]) -> list[tuple[str, float, float]]:
    if len(found) > WINDOWS_LIMIT:
        raise BadRequest(f"a market has up to {WINDOWS_LIMIT} windows, not {len(found)}: their scores would not fit")
    windows = [_window(place, one) for place, one in enumerate(found)]
    seen: set[str] = set()
    for key, _, _ in windows:
        if key in seen:
            raise BadRequest(f"window {key!r} is there twice")
        seen.add(key)
    return windows


def _window(place: int, found: Any) -> tuple[str, float, float]:
    if not isinstance(found, list) or len(found) != 3 or not isinstance(found[0], str | int):
        raise BadRequest(f"window {place} is not [id, from_min, until_min]")
    key = str(found[0])
    start, until = (_number(f"window {key!r}", value) for value in found[1:])
    if not 1 <= len(key) <= ID_LIMIT:
        raise BadRequest(f"the id of window {place} has 1 to {ID_LIMIT} letters")
    if not 0 <= start < until <= min(start + LONGEST_MIN, LATEST_MIN):
        raise BadRequest(f"window {key!r} is from 0 on, ends after it begins, and lasts up to {LONGEST_MIN:g} minutes")
    return key, start, until


def _number(where: str, value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool | str) else float(value)
    except (TypeError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise BadRequest(f"{where}: {reprlib.repr(value)} is not a finite number")
    return number


def _score(where: str, value: Any) -> float:
    score = _number(where, value)
    if not 0 <= score <= 1:
        raise BadRequest(f"{where}: a score is a chance from 0 to 1, not {score:g}")
    return score


def _matrix(found: Any, windows: list[tuple[str, float, float]]) -> NDArray[np.float64]:
    people = len(windows)
    if not isinstance(found, list) or len(found) != people or not all(
        isinstance(row, list) and len(row) == people for row in found
    ):  # fmt: skip
        raise BadRequest(f"the scores are a matrix of {people} rows of {people}")
    scores = np.full((people, people), np.nan)
    for i in range(people):
        for j in range(i):
            where = f"the score of {windows[j][0]!r} and {windows[i][0]!r}"
            if found[i][j] is not None:
                scores[i, j] = scores[j, i] = _score(where, found[i][j])
            if found[i][j] != found[j][i]:
                raise BadRequest(f"{where} is not the same either way round")
    return scores


def _sparse(found: Any, places: dict[str, int]) -> NDArray[np.float64]:
    scores = np.full((len(places), len(places)), np.nan)
    if not isinstance(found, list):
        raise BadRequest("the pairs are a list of [id, id, score]")
    for number, one in enumerate(found):
        if not isinstance(one, list) or len(one) != 3:
            raise BadRequest(f"pair {number} is not [id, id, score]")
        a, b = str(one[0]), str(one[1])
        if a not in places or b not in places or a == b:
            raise BadRequest(f"pair {number} is not of two windows: {a!r}, {b!r}")
        if not math.isnan(scores[places[a], places[b]]):
            raise BadRequest(f"pair {a!r}, {b!r} is there twice")
        scores[places[a], places[b]] = scores[places[b], places[a]] = _score(f"pair {a!r}, {b!r}", one[2])
    return scores
