"""A town whose people come back day after day, under the service's own pool: what they say is learned from each night.

Place in the flow: town_day -> **month** -> month_report. Everything that learns is the service's own: outcomes become
counts and bonds (`matcher.outcome`, `matcher.enrich`), the history teaches a model, and it is promoted only by the
learner's test (`services.learner`). Who gets on with whom is a hidden truth like that of the demo's town. The control
lives the same days and keeps bonds, but counts no answers and never learns: it scores with the fallback to the end.
"""

from dataclasses import dataclass
from datetime import timedelta
from random import Random

from matcher.enrich import apply_person
from matcher.events import AnswerCounted, ModelPromoted2, OutcomeGiven, PersonEvent, PersonRegistered, PoolEvent
from matcher.invitation import Invitation
from matcher.outcome import Pair, apply_outcome, met, pair_key
from matcher.person import Person, Profile
from matcher.pool import Change, Pool
from matcher.prices import Prices
from services.learner.command import LEAST_ANSWERS, newer_model
from services.learner.history import Reading
from services.simulate.engine import MARKET, Engine
from services.simulate.market import Market
from services.simulate.town_day import DAY_MIN
from services.simulator.people import TownPerson
from services.simulator.truth import Truth

THINKS_MIN_S, THINKS_MAX_S = 5.0, 120.0
"""How long after a call its two people say whether they would talk again."""


@dataclass(frozen=True, slots=True)
class Talk:
    """One call: its day from 0, the score of its offer, whether both would talk again, whether they had a bond.

    `chance` is what the score would have been, had the town's hidden truth been known.
    """

    day: int
    score: float
    chance: float
    both: bool
    bond: bool


class Month(Engine):
    """The days of one town; `learns` says whether anything is made of what people say."""

    def __init__(self, market: Market, truth: Truth, days: int, learns: bool, prices: Prices, tick_s: float) -> None:
        super().__init__(market, prices, 0.0, tick_s)
        self._truth = truth
        self._pool = Pool(MARKET, patience=prices)
        self._learns = learns
        self._reading = Reading(MARKET)
        self.people: dict[str, Person] = {}
        self._pairs: dict[str, Pair] = {}
        self.talks: list[Talk] = []
        self.promoted: list[int] = []
        for person, one in zip(self._ids, market.town, strict=True):
            self._tell(
                PersonRegistered(id=f"in-{person}", at=market.start, person=person, phone=one.phone, profile=_told(one))
            )
        for day in range(1, days if learns else 1):
            self._at(day * DAY_MIN * 60, lambda day=day: self._night(day))

    # --- what everybody else of the service would do ---

    def _take(self, event: PoolEvent, offset: int) -> None:
        self._reading.pool(event, offset)
        super()._take(event, offset)

    def _react(self, change: Change) -> None:
        if isinstance(change, Invitation) and change.state == "offered":
            self._reading.invitation(change)
        super()._react(change)

    def _tell(self, event: PersonEvent) -> None:
        row, sends = apply_person(self.people.get(event.person), event, next(self._order), MARKET)
        self.people[event.person] = row
        self._features[self._person[event.person]] = row.features()
        for send in sends:
            self._apply(send.event)  # type: ignore[arg-type]

    def _met(self, row: Invitation) -> None:
        """They have talked: both rows are told, and after a while each may say how it was."""
        for event in met(row):
            self._tell(event)
        said = {person: self._says(row, person) for person in row.people}
        day = int((row.decided_wall - self.market.start) / timedelta(minutes=DAY_MIN))
        chance = self._truth.both(*map(self._town, row.people))
        self.talks.append(Talk(day, row.score, chance, set(said.values()) == {"yes"}, "bond" in row.reasons))
        for person, talk_again in said.items():
            rng = Random(f"{self.market.seed}|says|{row.invitation}|{person}")
            if rng.random() < self._town(person).habit.gives_outcome:
                at_s = self._now_s + rng.uniform(THINKS_MIN_S, THINKS_MAX_S)
                self._at(at_s, lambda p=person, said=talk_again: self._outcome(row, p, said))

    def _outcome(self, row: Invitation, person: str, talk_again: str) -> None:
        other = row.other(person)
        event = OutcomeGiven(
            id=f"outcome-{row.invitation}-{person}", at=self._moment(), invitation=row.invitation, person=person,
            other=other, talk_again=talk_again, gives=row.gives(person), gets=row.gets(other),  # type: ignore[arg-type]
        )  # fmt: skip
        self._reading.outcome(event)
        key = pair_key(*row.people)
        self._pairs[key], told = apply_outcome(self._pairs.get(key), event, next(self._order))
        for one in told:
            if self._learns or not isinstance(one, AnswerCounted):
                self._tell(one)

    def _night(self, day: int) -> None:
        """Learn from all that was said so far, and promote what is not worse."""
        history = self._reading.history()
        if len(history.answers) < LEAST_ANSWERS:
            return
        made, found, _ = newer_model(history.answers, history.promoted, 1)
        if found.not_worse:
            self.promoted.append(day)
            self._apply(ModelPromoted2(id=f"model-{day}", at=self._moment(), market=MARKET, promoted=made))

    # --- leaves ---

    def _town(self, person: str) -> TownPerson:
        return self.market.town[self._person[person]]

    def _says(self, row: Invitation, person: str) -> str:
        return self._truth.says(self._town(person), self._town(row.other(person)), row.invitation)


def _told(one: TownPerson) -> Profile:
    """What they would tell the gateway, as it would keep it."""
    quiet = [int(text[:2]) * 60 + int(text[3:]) for text in one.quiet] if one.quiet else None
    hours = None if quiet is None else {"start_min": quiet[0], "end_min": quiet[1]}
    return Profile.model_validate({**one.told(), "cell": one.area.cell, "quiet": hours}, strict=False)
