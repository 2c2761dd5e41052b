"""A market lived through in virtual time: the same `Pool.apply`, with events and ticks, and no broker.

Place in the flow: market -> **engine** -> policies, truths -> report. The engine stands in for everybody else: gateway,
notifier and bridge do at once what they are asked, people answer, miss, decline, talk and leave as their habits say.
What somebody does about a ring depends only on the seed and the two windows, so it is the same under every policy.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Final

import numpy as np

from matcher.askable import Askable
from matcher.availability import Waiting
from matcher.candidates import Candidates
from matcher.events import (
    CallEnded,
    CallHeartbeat,
    InvitationAnswered,
    InvitationRung,
    PersonLeft,
    PersonMoved,
    PersonWaiting,
    PoolEvent,
    Tick,
)
from matcher.features import Bonds
from matcher.invitation import ANY_TOPIC, RINGING, Invitation
from matcher.links import Floats, Slots
from matcher.match import Match
from matcher.matching import Matching
from matcher.newcomers import Newcomers
from matcher.pool import Change, Pool
from matcher.prices import Prices
from matcher.rows import Rows
from matcher.rules import Free
from matcher.score import Model
from services.simulate.market import Market, Numbers
from services.simulate.policies import Here, Policy
from services.simulate.truths import Truths
from services.simulator.habits import reply_delay_s
from services.simulator.meeting import ASK_AGAIN_MAX_S, ASK_AGAIN_MIN_S, CONNECT_MAX_S, CONNECT_MIN_S
from services.simulator.truth import Truth

TICK_S = 10.0
HEARTBEAT_S = 45.0
IDLE_S = 300.0
"""Only so far ahead it is worth looking whether there is nothing to do until then."""
AFTER_ALL_S = 300.0
"""How long the play goes on after the last window has passed: calls end, rows come to rest."""
MARKET: Final = "GB"
NEVER = -10.0


@dataclass(slots=True)
class Played:
    """What became of each window: minutes waited until the offer that led to a call, with its score, or nan."""

    waited_min: np.ndarray
    score: np.ndarray
    asked: np.ndarray
    offers: int = 0
    calls: int = 0
    utility: float = 0.0
    truths: Truths = field(default_factory=Truths)


class TownCandidates(Candidates):
    """Candidates as in service, with the market's scores."""

    def __init__(self, model: Model, town: "Engine") -> None:
        super().__init__(model)
        self._town = town

    def scores(self, u: Slots, v: Slots, bond: Bonds) -> Floats:
        """The market's score of each pair of slots; far below every floor where a pair is not to be offered."""
        people = np.zeros(len(self.standing.people), np.int64)
        for slot in self.standing.slots.tolist():
            people[slot] = self._town.number_of(self.standing.free_at(slot))
        found: Floats = np.maximum(self._town.scores(people[u], people[v]), NEVER)
        return found


class TownAskable(Askable):
    """Who can be asked, and whom the service offers to each other, with the market's scores in place of the model's."""

    def __init__(self, rows: Rows, model: Model, town: "Engine", prices: Prices) -> None:
        super().__init__(rows, model)
        self._town = town
        self._candidates = TownCandidates(model, town)
        self._matching = Matching(self._candidates)
        self._newcomers = Newcomers(rows, prices, lambda people, others, _: town.scores_between(people, others))

    def matches(self, seed: str) -> list[Match]:
        """What the service itself would do."""
        chosen = super().matches(seed)
        for one in chosen:
            both_ways = self._town.scores_between((one.a, one.b), (one.a, one.b))
            self._town.played.truths.symmetric(one.a.person, one.b.person, both_ways[0, 1], both_ways[1, 0])
        return chosen


class AskableBy(Askable):
    """Who can be asked, as ever; a policy chooses, and sees every pair."""

    def __init__(self, rows: Rows, model: Model, town: "Engine", policy: Policy) -> None:
        super().__init__(rows, model)
        self._town, self._policy = town, policy

    def matches(self, seed: str) -> list[Match]:
        """Whom the policy offers to each other now."""
        self._update(seed)
        standing = self._candidates.standing
        people = [self._as_now(standing.free_at(slot)) for slot in standing.slots.tolist()]
        people.sort(key=lambda one: one.person)
        if len(people) < 2:
            return []
        here = self._town.here(people)
        chosen = []
        for i, j in self._policy(here):
            a, b = people[min(i, j)], people[max(i, j)]
            score = float(here.scores[i, j])
            self._town.played.truths.symmetric(a.person, b.person, score, float(here.scores[j, i]))
            chosen.append(Match(a, b, score, score, ANY_TOPIC, ("free_now",)))
        return chosen


class TownPool(Pool):
    """The pool of a simulated market."""

    def __init__(self, town: "Engine", choice: Prices | Policy) -> None:
        super().__init__(MARKET)
        if isinstance(choice, Prices):
            self._askable = TownAskable(self._rows, self._model, town, choice)
        else:
            self._askable = AskableBy(self._rows, self._model, town, choice)


class Engine:
    """One market: the service's own choice at some prices, or a policy."""

    def __init__(self, market: Market, choice: Prices | Policy, minute_costs: float, tick_s: float = TICK_S) -> None:
        self.market, self.tick_s = market, tick_s
        windows = len(market.windows)
        self.played = Played(np.full(windows, np.nan), np.full(windows, np.nan), np.zeros(windows, dtype=bool))
        self._price = minute_costs * market.mean_value
        self._pool: Pool = TownPool(self, choice)
        self._truth = Truth(market.seed)
        self._person = {f"p-{number:05d}": number for number in range(market.people)}
        self._ids = list(self._person)
        self._window = {key: number for number, key in enumerate(market.windows)}
        self._features = list(market.features)
        self._allowed = market.allowed.copy()
        self._offset, self._now_s = count(), 0.0
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def play(self, tell: Callable[[float], None] = lambda _: None) -> Played:
        """Everything from the first window to the last end; `tell` gets the simulated minute now and then."""
        market = self.market
        for window, at_min in enumerate(market.from_min):
            self._at(at_min * 60, lambda window=window: self._open(window))
        ends_s = (float(market.until_min.max()) if len(market.windows) else 0.0) * 60 + AFTER_ALL_S
        tick_s = 0.0
        while tick_s <= ends_s:
            self._run_until(tick_s)
            self._tick()
            tell(tick_s / 60)
            tick_s = self._next_tick_s(tick_s)
        self.played.truths.at_rest()
        return self.played

    def here(self, people: list[Free]) -> Here:
        """What a policy may see of `people`."""
        windows = np.array([self._window[one.row.availability] for one in people])
        scores = self.scores_between(people, people)
        place = {one.person: number for number, one in enumerate(people)}
        for number, one in enumerate(people):
            asked = [place[other] for other in one.asked if other in place]
            scores[number, asked] = scores[asked, number] = -np.inf
        now_min = self._now_s / 60
        return Here(now_min, now_min - self.market.from_min[windows], scores)

    def number_of(self, one: Free) -> int:
        """Their number in the market."""
        return self._person[one.person]

    def scores(self, a: Slots, b: Slots) -> Numbers:
        """What the market says of pairs of numbers; -inf where a hard rule forbids."""
        found: Numbers = np.where(self._allowed[a, b], self.market.scores[a, b], -np.inf).astype(float)
        return found

    def scores_between(self, people: Sequence[Free], others: Sequence[Free]) -> Numbers:
        """The same of people × others."""
        one, other = (np.array([self.number_of(one) for one in side], np.int64) for side in (people, others))
        return self.scores(one[:, None], other[None, :])

    # --- time ---

    def _at(self, at_s: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (at_s, next(self._order), do))

    def _run_until(self, at_s: float) -> None:
        while self._queue and self._queue[0][0] <= at_s:
            self._now_s, _, do = heapq.heappop(self._queue)
            do()
        self._now_s = at_s

    def _next_tick_s(self, tick_s: float) -> float:
        """When to tick next: where nobody waits or talks nothing happens until the next event; a night is skipped."""
        tick_s += self.tick_s
        next_s = self._queue[0][0] if self._queue else tick_s
        if next_s > tick_s + IDLE_S and not self._pool.live_rows():
            tick_s += (next_s - tick_s) // self.tick_s * self.tick_s
        return tick_s

    def _moment(self, at_s: float | None = None) -> datetime:
        return self.market.start + timedelta(seconds=self._now_s if at_s is None else at_s)

    def _tick(self) -> None:
        now = self._moment()
        self._apply(Tick(id=f"tick-{self._now_s:.3f}", at=now, market=MARKET, now=now, wall=now))

    def _apply(self, event: PoolEvent) -> None:
        self._take(event, next(self._offset))

    def _take(self, event: PoolEvent, offset: int) -> None:
        changes = self._pool.apply(event, offset)
        self.played.truths.wrote(changes, self._pool.waiting, self._pool.now)
        for change in changes:
            self._react(change)

    # --- windows ---

    def _open(self, window: int) -> None:
        market = self.market
        person, key = int(market.person[window]), market.windows[window]
        self.played.truths.opened(key)
        until = self._moment(float(market.until_min[window]) * 60)
        now = self._moment()
        self._apply(
            PersonWaiting(
                id=f"waiting-{key}", at=now, market=MARKET, person=self._ids[person], seq=next(self._order),
                availability=key, opened_at=now, until=until, company=market.company[window], posted_at=now,
                features=self._features[person],
            )
        )  # fmt: skip
        if market.leaves_min[window] < market.until_min[window]:
            self._at(float(market.leaves_min[window]) * 60, lambda: self._close(window))

    def _row(self, window: int) -> Waiting | None:
        """The open row of this window, if it still is."""
        row = self._pool.waiting.get(self._ids[int(self.market.person[window])])
        return row if row and row.availability == self.market.windows[window] and row.end is None else None

    def _close(self, window: int) -> None:
        row = self._row(window)
        talking = row and any(one.live and row.person in one.people for one in self._pool.invitations.values())
        if row and not talking:
            key = f"left-{row.availability}"
            self._apply(
                PersonLeft(
                    id=key, at=self._moment(), market=MARKET, person=row.person, seq=next(self._order), reason="closed"
                )
            )  # fmt: skip

    def _ask_again(self, window: int) -> None:
        if row := self._row(window):
            self._apply(
                PersonMoved(
                    id=f"again-{row.availability}-{self._now_s:.3f}", at=self._moment(), market=MARKET,
                    person=row.person, seq=next(self._order), until=row.until,
                )
            )  # fmt: skip

    # --- invitations ---

    def _react(self, change: Change) -> None:
        if not isinstance(change, Invitation):
            return
        if change.state == "offered":
            self._ring(change)
        elif change.state == "confirmed" and change.connected_wall is None:
            rng = Random(f"{self.market.seed}|connects|{change.availability_a}|{change.availability_b}")
            self._at(self._now_s + rng.uniform(CONNECT_MIN_S, CONNECT_MAX_S), lambda: self._connect(change.invitation))
        elif change.state == "expired":
            self._missed(change)
        elif change.called:
            self._met(change)

    def _ring(self, row: Invitation) -> None:
        self.played.offers += 1
        self._apply(
            InvitationRung(
                id=f"rung-{row.invitation}", at=self._moment(), market=MARKET, invitation=row, token=self.played.offers
            )
        )  # fmt: skip
        for person in row.people:
            self.played.asked[self._window[row.availability_of(person)]] = True
            habit, rng = self.market.habits[self._person[person]], self._dice(row, person)
            misses, declines = rng.random() >= habit.answers, rng.random() < habit.not_now
            if not misses:
                answer = "decline" if declines else "accept"
                at_s = self._now_s + reply_delay_s(rng, habit)
                self._at(at_s, lambda p=person, a=answer: self._answer(row.invitation, p, a))

    def _dice(self, row: Invitation, person: str) -> Random:
        return Random(f"{self.market.seed}|ring|{row.availability_of(person)}|{row.availability_of(row.other(person))}")

    def _answer(self, invitation: str, person: str, answer: str) -> None:
        row = self._pool.invitations.get(invitation)
        if row is None or row.state not in RINGING:
            return  # they see that it is over
        if answer == "accept":
            self.played.truths.accepted(invitation, person)
        self._apply(
            InvitationAnswered(
                id=f"answer-{invitation}-{person}", at=self._moment(), market=MARKET, invitation=row, person=person,
                answer=answer,  # type: ignore[arg-type]
            )
        )  # fmt: skip

    def _missed(self, row: Invitation) -> None:
        for person in row.people:
            habit, rng = self.market.habits[self._person[person]], self._dice(row, f"{person}")
            again = Random(rng.random()).random() < habit.asks_again_after_miss
            if row.unanswered_by(person) and again:
                window = self._window[row.availability_of(person)]
                pause_s = rng.uniform(ASK_AGAIN_MIN_S, ASK_AGAIN_MAX_S)
                self._at(self._now_s + pause_s, lambda window=window: self._ask_again(window))

    # --- calls ---

    def _connect(self, invitation: str) -> None:
        row = self._pool.invitations[invitation]
        if row.state != "confirmed":
            return
        self._called(row)
        length_s = self._length_s(row)
        self._at(self._now_s + length_s, lambda: self._hang_up(invitation))
        self._beat(invitation)

    def _beat(self, invitation: str) -> None:
        row = self._pool.invitations.get(invitation)
        if row is None or row.state != "confirmed":
            return
        self._apply(
            CallHeartbeat(
                id=f"beat-{invitation}-{self._now_s:.3f}", at=self._moment(), market=MARKET, invitation=row,
                heard=row.people, connected=True,
            )
        )  # fmt: skip
        self._at(self._now_s + HEARTBEAT_S, lambda: self._beat(invitation))

    def _length_s(self, row: Invitation) -> float:
        """Until one says goodbye; not beyond the earlier end of the two windows."""
        left_s = max(1.0, (row.until - self._moment()).total_seconds())
        if not self.market.town:
            return left_s
        one, other = (self.market.town[self._person[person]] for person in row.people)
        return min(left_s, max(1.0, self._truth.call_min(one, other, row.availability_a + row.availability_b) * 60))

    def _called(self, row: Invitation) -> None:
        """Audio goes both ways: this is what was wanted, counted at the wait of the offer that led to it."""
        played, decided_min = self.played, (row.decided_wall - self.market.start).total_seconds() / 60
        windows = [self._window[row.availability_of(person)] for person in row.people]
        waits = [decided_min - float(self.market.from_min[window]) for window in windows]
        played.waited_min[windows], played.score[windows] = waits, row.score
        played.utility += row.score - self._price * sum(waits)
        played.calls += 1

    def _hang_up(self, invitation: str) -> None:
        row = self._pool.invitations.get(invitation)
        if row and row.state == "confirmed":
            self._apply(
                CallEnded(
                    id=f"ended-{invitation}", at=self._moment(), market=MARKET, invitation=row, reason="hung up"
                )
            )  # fmt: skip

    def _met(self, row: Invitation) -> None:
        """They have talked: in a later window they are not offered to each other again."""
        a, b = (self._person[person] for person in row.people)
        self._allowed[a, b] = self._allowed[b, a] = False
        for me, you in ((a, b), (b, a)):
            met = (*self._features[me].met, self._ids[you])
            self._features[me] = self._features[me].model_copy(update={"met": met})
