"""The speed-dating experiment as people and answers: an adapter, so that the service's own model is judged on it.

Place in the flow: CSV -> **speed dating** -> answers -> learn, score, match. An evening ("wave") is a small market of
its own: who met there could be paired. Of the columns only those below are read; sex, age, race, field, income, what
people seek the evening for and how often they date are not. What is missing is left out, and said.
"""

import csv
import gzip
import io
import math
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matcher.errors import BadRequest
from matcher.fairness import check_allowed
from matcher.features import Floats, Ints, saturating
from services.learner.answers import NOBODY, Answers, before_each

INTERESTS = (
    "sports", "tvsports", "exercise", "dining", "museums", "art", "hiking", "gaming", "clubbing", "reading", "tv",
    "theater", "movies", "concerts", "music", "shopping", "yoga",
)  # fmt: skip
SEEKS = ("attr1_1", "sinc1_1", "intel1_1", "fun1_1", "amb1_1", "shar1_1")
SELF = ("attr3_1", "sinc3_1", "intel3_1", "fun3_1", "amb3_1")
HABITS = ("exphappy", "go_out")
TRAITS = (*INTERESTS, *SEEKS, *SELF, *HABITS)
COLUMNS = ("shared_likes", "spoiled")
NAMES = (*COLUMNS, *TRAITS)
NEEDED = ("iid", "pid", "wave", "dec")
LIKES, AVOIDS = 5, 3
"""How many of a person's interests count as topics that they like, and as topics that they would rather avoid."""
WAVES_LIMIT = 1e9
Marks = dict[tuple[int | None, str], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Evenings:
    """The file as answers, with the evening and the round of each; `said` is what was missing or left out."""

    answers: Answers
    wave: Ints
    order: Floats | None
    said: tuple[str, ...]

    @property
    def waves(self) -> list[int]:
        """The evenings, in order."""
        return [int(one) for one in np.unique(self.wave)]


@dataclass(frozen=True, slots=True)
class Told:
    """One answer as a row tells it."""

    giver: str
    getter: str
    wave: int
    order: float
    yes: float


def read(path: Path) -> Evenings:
    """The evenings in a CSV file, which may be gzipped.

    Raises:
        BadRequest: it cannot be read, a needed column is missing, a decision is neither 0 nor 1, or no row tells one.
    """
    rows = list(_rows(path))
    if not rows:
        raise BadRequest(f"{path.name} has no rows")
    missing = [name for name in NEEDED if name not in rows[0]]
    if missing:
        raise BadRequest(f"{path.name} lacks the column {missing[0]}; needed are {', '.join(NEEDED)}")
    told, left_out = _answers(rows, path.name)
    counts = tuple(f"{n} rows: {why}" for why, n in left_out.items())
    if not told:
        raise BadRequest(f"{path.name} has no answer to judge by; {'; '.join(counts)}")
    absent = [name for name in (*TRAITS, "order", "dec_o") if name not in rows[0]]
    said = tuple(f"no column {name}" for name in absent)
    return _evenings(told, _marks(rows), "order" not in absent, said + counts)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig", errors="replace")
        yield from csv.DictReader(io.StringIO(text))
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise BadRequest(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _answers(rows: list[dict[str, str]], name: str) -> tuple[list[Told], Counter[str]]:
    """Every answer once: each row's own, and the other side's where it has no row of its own; in one order always."""
    told: dict[tuple[int, str, str], Told] = {}
    others: dict[tuple[int, str, str], Told] = {}
    left_out: Counter[str] = Counter()
    for line, row in enumerate(rows, 2):
        giver, getter, wave = _id(row["iid"]), _id(row["pid"]), _wave(row["wave"])
        if not giver or not getter or wave is None or giver == getter:
            left_out["without a partner, a person or a wave"] += 1
            continue
        key, order = (wave, giver, getter), _number(row.get("order", ""))
        if key in told:
            left_out["of a meeting that was told before"] += 1
            continue
        yes, back = (_decision(row.get(column) or "", name, line) for column in ("dec", "dec_o"))
        if math.isnan(yes) and math.isnan(back):
            left_out["without a decision"] += 1
        if not math.isnan(yes):
            told[key] = Told(giver, getter, wave, order, yes)
        if not math.isnan(back):
            others[wave, getter, giver] = Told(getter, giver, wave, order, back)
    every = others | told
    return [every[key] for key in sorted(every)], left_out


def _decision(text: str, name: str, line: int) -> float:
    value = _number(text)
    if text.strip() and value not in (0.0, 1.0):
        raise BadRequest(f"{name}, line {line}: a decision is 0 or 1")
    return value


def _id(text: str | None) -> str:
    value = _number(text or "")
    return (text or "").strip() if math.isnan(value) else str(int(value))


def _wave(text: str | None) -> int | None:
    value = _number(text or "")
    return int(value) if abs(value) < WAVES_LIMIT else None


def _number(text: str) -> float:
    try:
        value = float(text)
    except (TypeError, ValueError):
        return math.nan
    return value if math.isfinite(value) else math.nan


def _marks(rows: list[dict[str, str]]) -> Marks:
    """What each person of an evening wrote about themselves: the columns of `TRAITS` that are there."""
    check_allowed(TRAITS)
    here = [name for name in TRAITS if name in rows[0]]
    return {(_wave(row["wave"]), _id(row["iid"])): {name: _number(row[name]) for name in here} for row in rows}


def _evenings(told: list[Told], marks: Marks, ordered: bool, said: tuple[str, ...]) -> Evenings:
    # A person came to one evening; the same number on two evenings is two people.
    people = sorted({(one.wave, who) for one in told for who in (one.giver, one.getter)})
    place = {who: at for at, who in enumerate(people)}
    giver = np.array([place[one.wave, one.giver] for one in told], dtype=np.int64)
    getter = np.array([place[one.wave, one.getter] for one in told], dtype=np.int64)
    met = {(one, other): at for at, (one, other) in enumerate(zip(giver.tolist(), getter.tolist(), strict=True))}
    back = np.array([met.get((j, i), NOBODY) for i, j in met], dtype=np.int64)
    wave, yes = np.array([one.wave for one in told]), np.array([one.yes for one in told])
    order = _round_of_each(np.array([one.order for one in told]), back)
    traits = _traits([marks.get(who, {}) for who in people])
    at = order if ordered else np.zeros(len(told))
    before = before_each(giver, getter, yes, at, len(people))
    answers = Answers(
        traits=traits, giver=giver, getter=getter, yes=yes, back=back, columns=_columns(traits, giver, getter),
        giver_before=before[0], getter_before=before[1],
        gives=np.zeros(len(yes)), gets=np.zeros(len(yes)), at=at, group=wave,
    )  # fmt: skip
    return Evenings(answers, wave, order if ordered else None, said)


def _round_of_each(order: Floats, back: Ints) -> Floats:
    """The same of both sides of a talk: whoever sat a round out counted their own talks and so counted fewer."""
    return np.where(back >= 0, np.fmax(order, order[back]), order)


def _traits(marks: list[dict[str, float]]) -> dict[str, Floats]:
    """Each trait over all people, unknown where nobody told it. What people seek is a share of all they seek."""
    table = {name: np.array([one.get(name, math.nan) for one in marks]) for name in TRAITS}
    sought = np.nansum([table[name] for name in SEEKS], axis=0)
    for name in SEEKS:  # some evenings shared out 100 points, others gave marks of ten
        table[name] = np.where(sought > 0, table[name] / np.maximum(sought, 1e-9), math.nan)
    return table


def _columns(traits: dict[str, Floats], giver: Ints, getter: Ints) -> dict[str, Floats]:
    """The pair's features by the service's own names: each person's dearest interests are their topics.

    Marks of ten mean different things to different people; which come first and last with somebody does not.
    """
    names = [name for name in INTERESTS if not np.isnan(traits[name]).all()]
    if len(names) < LIKES + AVOIDS:
        return {name: np.zeros(len(giver)) for name in COLUMNS}
    marks = np.column_stack([traits[name] for name in names])
    told = ~np.isnan(marks).any(axis=1, keepdims=True)
    place = np.argsort(np.argsort(-marks, axis=1, kind="stable"), axis=1)
    likes, avoids = told & (place < LIKES), told & (place >= len(names) - AVOIDS)
    shared = (likes[giver] & likes[getter]).sum(axis=1)
    spoiled = ((likes[giver] & avoids[getter]) | (likes[getter] & avoids[giver])).sum(axis=1)
    return {"shared_likes": saturating(shared.astype(np.float64)), "spoiled": saturating(spoiled.astype(np.float64))}
