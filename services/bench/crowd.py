"""Made-up people of a country who all wait at once.

Place in the flow: seed -> **crowd** -> people. Towns of very different sizes, most people in the large ones; a few
likes each, some of them popular; now and then a wish, a block, a bond, somebody met before. The same seed gives the
same people.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from matcher.availability import Waiting
from matcher.person import AGE_BANDS, TOPICS, Features
from matcher.rules import Free, free

NOW = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
TOWNS = 300
SOUTH, NORTH, WEST, EAST = 50.2, 57.5, -5.0, 1.6
LANGUAGES = (("en",), ("en",), ("en",), ("en",), ("en",), ("en", "cy"), ("en", "pl"), ("cy",), ("en", "ur"), ("pl",))
WISHES = ((), (), (), (), (), (), ("near_home",), ("near_age",), ("same_gender",), ("near_age", "near_home"))
COMPANY = ("either", "either", "either", "either", "new", "new", "known")
KNOWN_OF = 0.2
"""The share of people who have met somebody of the crowd; half of those keep each other."""


def crowd(count: int, seed: int, first: int = 0, now: datetime = NOW) -> list[Free]:
    """So many people, numbered from `first`."""
    dice = np.random.default_rng([seed, first])
    cells, share = _towns()
    home = dice.choice(TOWNS, count, p=share)
    fame = 1.0 / np.arange(2, len(TOPICS) + 2)
    liked = dice.random((count, len(TOPICS))) < 5.0 * fame / fame.sum()
    avoided = (dice.random((count, len(TOPICS))) < 0.03) & ~liked
    kinds = {name: dice.integers(0, 10, count) for name in ("languages", "wishes", "age", "gender", "company")}
    waited_s, stays_s = dice.exponential(300, count), dice.uniform(300, 3600, count)
    knows = np.where(dice.random(count) < KNOWN_OF, first + dice.integers(0, count, count), -1)
    knows = np.where(knows == first + np.arange(count), -1, knows)
    people = []
    for i in range(count):
        known = (_name(int(knows[i])),) if knows[i] >= 0 else ()
        told = Features.model_construct(
            cell=cells[home[i]], languages=LANGUAGES[kinds["languages"][i]],
            age_band=AGE_BANDS[kinds["age"][i] % len(AGE_BANDS)], gender=("woman", "man")[kinds["gender"][i] % 2],
            likes=_named(liked[i]), avoids=_named(avoided[i]), wishes=WISHES[kinds["wishes"][i]], met=known,
            bonds=known if i % 2 else (),
        )  # fmt: skip
        since = now - timedelta(seconds=float(waited_s[i]))
        row = Waiting.model_construct(
            offset=i, person=_name(first + i), market="GB", availability=f"av-{first + i}", opened_at=since,
            since=since, until=now + timedelta(seconds=float(stays_s[i])),
            company=COMPANY[kinds["company"][i] % len(COMPANY)], features=told, seq=i, asked=i, posted_at=since,
            pool_now=now, pool_wall=now,
        )  # fmt: skip
        people.append(free(row, now))
    return people


def pairs_only(count: int, lonely: int, now: datetime = NOW) -> list[Free]:
    """Nakama's workload: `count` alike people of whom any two fit, and `lonely` ones whom nobody may meet."""
    everybody = []
    for i in range(count + lonely):
        language = "en" if i < count else "cy"
        wishes: Sequence[str] = () if i < count else ("same_gender",)
        told = Features.model_construct(
            cell="51.5,-0.1", languages=(language,), age_band="35-49", gender="unsaid", likes=("books",), wishes=wishes
        )
        row = Waiting.model_construct(
            offset=i, person=_name(i), market="GB", availability=f"av-{i}", opened_at=now, since=now,
            until=now + timedelta(hours=1), company="either", features=told, seq=i, asked=i, posted_at=now,
            pool_now=now, pool_wall=now,
        )  # fmt: skip
        everybody.append(free(row, now))
    return everybody


def _towns() -> tuple[list[str], np.ndarray]:
    """Cells and shares; the country is the same for every seed."""
    dice = np.random.default_rng(1)
    lat, lon = dice.uniform(SOUTH, NORTH, TOWNS), dice.uniform(WEST, EAST, TOWNS)
    size = 1.0 / np.arange(3, TOWNS + 3)
    return [f"{a:.1f},{b:.1f}" for a, b in zip(lat, lon, strict=True)], size / size.sum()


def _named(chosen: np.ndarray) -> tuple[str, ...]:
    return tuple(TOPICS[place] for place in np.flatnonzero(chosen))


def _name(number: int) -> str:
    return f"p-{number:08}"
