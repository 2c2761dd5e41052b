"""Who a person is: what they tell us (`Profile`), the row we keep (`Person`), what the pool may know (`Features`).

Place in the flow: person-events -> **person** -> pool. Names, numbers and free text end here; past this point
there are only random ids, a coarse cell, an age band, wishes and topics.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator

from matcher.values import Finite, Row, Utc, Value

MARKETS: dict["Market", ZoneInfo] = {"GB": ZoneInfo("Europe/London")}
LANGUAGES = (
    "en", "cy", "gd", "ga", "pl", "pa", "ur", "bn", "gu", "ar", "fr", "pt", "es", "ta", "tr", "it", "so", "ro", "zh",
    "de",
)  # fmt: skip
AGE_BANDS = ("18-24", "25-34", "35-49", "50-64", "65-74", "75+")
TOPICS = (
    "animals", "baking", "birds", "books", "cooking", "crafts", "cricket", "dancing", "family-history", "films",
    "football", "gardening", "history", "holidays", "knitting", "local-life", "music", "nature", "news", "pets",
    "puzzles", "radio",
    "science", "singing", "television", "theatre", "trains", "walking", "weather", "work",
)  # fmt: skip
COUNTS = ("gave", "gave_yes", "got", "got_yes", "gave_ease", "got_ease")
"""What is kept of a person's answers: numbers only."""
Market = Literal["GB"]
AgeBand = Literal["18-24", "25-34", "35-49", "50-64", "65-74", "75+"]
Gender = Literal["woman", "man", "other", "unsaid"]
Wish = Literal["same_gender", "near_age", "near_home"]
Situation = Literal["new-parent", "caring", "bereaved", "living-alone", "leaver"]

NAME_LIMIT = 40
RECENT_EVENTS = 64
MET_LIMIT = 200
BONDS_LIMIT = 200
BLOCKS_LIMIT = 5_000
CONCERNS_LIMIT = 20
RAISED_LIMIT = 20
CALLS_LIMIT = 50
PASSKEYS_LIMIT = 10
NUMBERS_LIMIT = 20
"""A row is one message: what it lists is bounded, the newest stay."""
TAKE_BACK_WITHIN = timedelta(hours=1)
"""Wall time after which a concern can no longer be taken back by whoever raised it."""


def _one_of(name: str, allowed: tuple[str, ...], given: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [value for value in given if value not in allowed]
    if unknown:
        raise ValueError(f"unknown {name}: {unknown[0]!r}")
    return tuple(dict.fromkeys(given))


class QuietHours(Value):
    """Local hours in which a person is not to be rung; may run over midnight. Minutes after midnight, end exclusive."""

    start_min: Annotated[int, Field(ge=0, lt=24 * 60)]
    end_min: Annotated[int, Field(ge=0, lt=24 * 60)]

    def cover(self, minute: int) -> bool:
        """Whether `minute` (after local midnight) is quiet."""
        if self.start_min <= self.end_min:
            return self.start_min <= minute < self.end_min
        return minute >= self.start_min or minute < self.end_min


class Profile(Value):
    """What a person tells about themselves; only the first name is ever shown to anybody else.

    Their `situation` goes no further than this: nothing that chooses people knows of it (`matcher/fairness.py`).
    """

    first_name: Annotated[str, Field(min_length=1, max_length=NAME_LIMIT, pattern=r"^[^\x00-\x1f\x7f<>&\"]+$")]
    adult: Literal[True]
    market: Market = "GB"
    area: Annotated[str, Field(min_length=1, max_length=8)]
    cell: Annotated[str, Field(pattern=r"^-?\d{1,2}\.\d,-?\d{1,3}\.\d$")]
    languages: Annotated[tuple[str, ...], Field(min_length=1, max_length=8)]
    age_band: AgeBand
    gender: Gender = "unsaid"
    likes: Annotated[tuple[str, ...], Field(max_length=30)] = ()
    avoids: Annotated[tuple[str, ...], Field(max_length=30)] = ()
    wishes: Annotated[tuple[Wish, ...], Field(max_length=3)] = ()
    situation: Annotated[tuple[Situation, ...], Field(max_length=5)] = ()
    quiet: QuietHours | None = None

    @field_validator("languages")
    @classmethod
    def _known_languages(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _one_of("language", LANGUAGES, value)

    @field_validator("likes", "avoids")
    @classmethod
    def _known_topics(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _one_of("topic", TOPICS, value)


class Features(Value):
    """What the pool knows of a person: enough for the hard rules and the score, and no more.

    `gave` answers after calls, `gave_yes` of them yes; `got` and `got_yes` are those that others gave about them. Some
    of the `bonds` are `firm`.
    """

    cell: str
    languages: tuple[str, ...]
    age_band: AgeBand
    gender: Gender = "unsaid"
    likes: tuple[str, ...] = ()
    avoids: tuple[str, ...] = ()
    wishes: tuple[Wish, ...] = ()
    quiet: QuietHours | None = None
    blocks: tuple[str, ...] = ()
    bonds: tuple[str, ...] = ()
    firm: tuple[str, ...] = ()
    met: tuple[str, ...] = ()
    gave: Annotated[int, Field(ge=0)] = 0
    gave_yes: Annotated[int, Field(ge=0)] = 0
    got: Annotated[int, Field(ge=0)] = 0
    got_yes: Annotated[int, Field(ge=0)] = 0
    gave_ease: Finite = 0.0
    got_ease: Finite = 0.0


class Concern(Value):
    """A safeguarding report about the person in whose row it stands; no `what`: they tapped that it felt wrong."""

    concern: str
    by: str
    invitation: str
    what: str
    at: Utc


class Raised(Value):
    """A concern that the person in whose row it stands raised; whether they blocked or kept the other before it."""

    concern: str
    other: str
    invitation: str
    at: Utc
    blocked: bool
    bond: bool


class Call(Value):
    """A call that the person in whose row it stands had: when it ended (domain time), and how long they talked."""

    other: str
    ended_at: Utc
    talked_s: Annotated[int, Field(ge=0)]


class Passkey(Value):
    """A key with which a person's telephone or computer signs them in: its public half, for one site, base64url."""

    id: Annotated[str, Field(min_length=1, max_length=1400)]
    public_key: Annotated[str, Field(min_length=1, max_length=1400)]
    site: Annotated[str, Field(min_length=1, max_length=253)]
    added: Utc


class Person(Row):
    """The row of a person in `people`. `offset` is that of person-events. Of its `blocks`, those of people whom they
    `reported` stay, unless they take back what they `raised`. `answers_to` stands for the number that signs them in, if
    it is not the one that their id follows from; `left` for numbers that no longer do.

    An erased person leaves a row without name, number or profile, so that a late row cannot bring them back,
    and so that somebody who is held cannot return by erasing themselves.
    """

    person: str
    phone: str | None = None
    answers_to: str | None = None
    left: tuple[str, ...] = ()
    profile: Profile | None = None
    paused: bool = False
    held: bool = False
    erased: bool = False
    blocks: tuple[str, ...] = ()
    bonds: tuple[str, ...] = ()
    firm: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()
    raised: tuple[Raised, ...] = ()
    met: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    passkeys: tuple[Passkey, ...] = ()
    gave: int = 0
    gave_yes: int = 0
    got: int = 0
    got_yes: int = 0
    gave_ease: Finite = 0.0
    got_ease: Finite = 0.0
    concerns: tuple[Concern, ...] = ()
    recent: tuple[str, ...] = ()

    def why_not(self) -> str | None:
        """Why this person cannot stand in a pool, or None."""
        if self.profile is None:
            return "erased" if self.erased else "unknown"
        if self.held:
            return "held"
        return "paused" if self.paused else None

    def concern_about(self, other: str, invitation: str) -> Raised | None:
        """The concern that they raised about `other` and this call."""
        return next((one for one in self.raised if (one.other, one.invitation) == (other, invitation)), None)

    def features(self) -> Features:
        """What the pool may know. The person must have a profile."""
        assert self.profile is not None
        kept = self.profile.model_dump(include=set(Features.model_fields))
        counts = {name: getattr(self, name) for name in COUNTS}
        firm = tuple(other for other in self.firm if other in self.bonds)
        return Features(**kept, blocks=self.blocks, bonds=self.bonds, firm=firm, met=self.met, **counts)


def keep_each_other(one: Person, other: Person) -> bool:
    """Whether these two may ask for each other: both want to keep the other, both are here, and no rule holds one."""
    sides = ((one, other), (other, one))
    here = all(me.profile is not None and not me.held for me, _ in sides)
    return here and all(you.person in me.bonds and you.person not in me.blocks for me, you in sides)


def local_minute(market: Market, now: datetime) -> int:
    """Minutes after local midnight in `market` at the UTC time `now`."""
    local = now.astimezone(MARKETS[market])
    return local.hour * 60 + local.minute
