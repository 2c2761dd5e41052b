"""The people of the town, drawn from a seed: who they are, where they live, what they like, how they use Partyline.

Place in the flow: figures, habits -> **people** -> truth, person_life. Pure: the same seed gives the same people, one
by one, however many are drawn. Nothing here is a feature of the matching but what they tell the gateway themselves.
"""

from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from math import exp
from random import Random
from typing import Any

from matcher.features import distance_km
from matcher.person import AGE_BANDS, LANGUAGES, TOPICS
from services.simulator.figures import Figures, figures
from services.simulator.habits import Habit, draw_habit

# Numbers that Ofcom keeps for films and plays: nobody's, and valid. The mobile ones (07700 900xxx) are refused by
# phone number libraries, and 1,000 would not be enough for a town; these landlines give 14,000.
DRAMA_NUMBERS = (
    "+44207946", "+44113496", "+44114496", "+44116496", "+44117496", "+44118496", "+44121496", "+44131496",
    "+44141496", "+44151496", "+44161496", "+44191498", "+44289649", "+44292018",
)  # fmt: skip
NUMBERS_A_RANGE = 1000
DRAMA_OFFSET = {"+44289649": 6000}
PEOPLE_LIMIT = len(DRAMA_NUMBERS) * NUMBERS_A_RANGE

FIRST_NAMES = (
    "Ada", "Agnes", "Aisha", "Alan", "Alice", "Amir", "Anita", "Arthur", "Beryl", "Bill", "Bronwen", "Carys", "Clive",
    "Derek", "Doreen", "Dylan", "Edna", "Eileen", "Farah", "Fiona", "Frank", "George", "Grace", "Gwen", "Harold",
    "Hassan", "Hilda", "Imran", "Iris", "Ivy", "Jean", "Joan", "Kasia", "Ken", "Lewis", "Mair", "Maria", "Mavis",
    "Mohan", "Morag", "Nasreen", "Nora", "Olive", "Owen", "Pat", "Pearl", "Rashid", "Rita", "Ron", "Rose", "Sheila",
    "Sid", "Stan", "Sunita", "Tariq", "Tomasz", "Vera", "Walter", "Winston", "Zofia",
)  # fmt: skip

# Assumptions without a source; data/README.md repeats and explains them.
ADULTS_BY_AGE = {"18-24": 0.11, "25-34": 0.17, "35-49": 0.24, "50-64": 0.245, "65-74": 0.125, "75+": 0.11}
GENDERS = {"woman": 0.55, "man": 0.4, "other": 0.02, "unsaid": 0.03}
SPEAKS_ENGLISH = 0.98
OTHER_LANGUAGE = 0.12
WISHES = {"same_gender": 0.06, "near_age": 0.06, "near_home": 0.04}
QUIET_HOURS_SHARE = 0.1
LIKES_MIN, LIKES_MAX, AVOIDS_MAX = 3, 8, 2
BIG_CITY_CELL, BIG_CITY_PULL, BIG_CITY_REACH_KM = "51.5,-0.1", 20.0, 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A coarse place to live in, as the gateway lists it; `cell` is "lat,lon" to a tenth of a degree."""

    code: str
    cell: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TownPerson:
    """Somebody of the town: `number` among the people, `phone` nobody's, the rest as they would tell it."""

    number: int
    phone: str
    first_name: str
    area: Area
    age_band: str
    gender: str
    languages: tuple[str, ...]
    likes: tuple[str, ...]
    avoids: tuple[str, ...]
    wishes: tuple[str, ...]
    quiet: tuple[str, str] | None
    habit: Habit

    def told(self) -> dict[str, Any]:
        """What they tell the gateway: the body of PUT /me."""
        return {
            "first_name": self.first_name,
            "adult": True,
            "languages": list(self.languages),
            "area": self.area.code,
            "age_band": self.age_band,
            "gender": self.gender,
            "likes": list(self.likes),
            "avoids": list(self.avoids),
            "wishes": list(self.wishes),
            **({"quiet": {"start": self.quiet[0], "end": self.quiet[1]}} if self.quiet else {}),
        }


def draw_people(n: int, seed: int, areas: list[Area]) -> list[TownPerson]:
    """`n` people who live in `areas`; the first ones stay the same when more are drawn.

    Raises ValueError for more people than there are numbers.
    """
    if not 0 <= n <= PEOPLE_LIMIT:
        raise ValueError(f"a town has up to {PEOPLE_LIMIT} people: there are no more numbers that are nobody's")
    homes = list(accumulate(_pull(area) for area in areas))
    first = Random(f"{seed}|numbers").randrange(PEOPLE_LIMIT)
    return [_draw(number, (first + number) % PEOPLE_LIMIT, seed, areas, homes) for number in range(n)]


def _pull(area: Area) -> float:
    return 1.0 + BIG_CITY_PULL * exp(-distance_km(area.cell, BIG_CITY_CELL) / BIG_CITY_REACH_KM)


def _draw(number: int, line: int, seed: int, areas: list[Area], homes: list[float]) -> TownPerson:
    rng, known = Random(f"{seed}|person|{number}"), figures()
    home = areas[bisect_left(homes, rng.random() * homes[-1])]
    age_band = _weighted(rng, _age_weights(known))
    likes = rng.sample(TOPICS, rng.randint(LIKES_MIN, LIKES_MAX))
    rest = [topic for topic in TOPICS if topic not in likes]
    return TownPerson(
        number=number,
        phone=_phone(line),
        first_name=rng.choice(FIRST_NAMES),
        area=home,
        age_band=age_band,
        gender=_weighted(rng, GENDERS),
        languages=_languages(rng),
        likes=tuple(likes),
        avoids=tuple(rng.sample(rest, rng.randint(0, AVOIDS_MAX))),
        wishes=tuple(wish for wish, share in WISHES.items() if rng.random() < share),
        quiet=_quiet(rng),
        habit=draw_habit(rng, age_band, known),
    )


def _phone(line: int) -> str:
    start = DRAMA_NUMBERS[line // NUMBERS_A_RANGE]
    return f"{start}{DRAMA_OFFSET.get(start, 0) + line % NUMBERS_A_RANGE:04d}"


def _age_weights(known: Figures) -> dict[str, float]:
    """Who comes: the willing and the lonely of each age, by the number of adults."""
    lonely = known.lonely_share_by_age
    return {band: ADULTS_BY_AGE[band] * (known.willing_share + lonely[band]) for band in AGE_BANDS}


def _weighted(rng: Random, weights: dict[str, float]) -> str:
    return rng.choices(list(weights), list(weights.values()))[0]


def _languages(rng: Random) -> tuple[str, ...]:
    others = [language for language in LANGUAGES if language != "en"]
    if rng.random() >= SPEAKS_ENGLISH:
        return (rng.choice(others),)
    return ("en", rng.choice(others)) if rng.random() < OTHER_LANGUAGE else ("en",)


def _quiet(rng: Random) -> tuple[str, str] | None:
    if rng.random() >= QUIET_HOURS_SHARE:
        return None
    return rng.choice(("21:00", "22:00", "23:00")), rng.choice(("06:30", "07:00", "07:30"))
