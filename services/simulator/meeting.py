"""One invitation from one person's side: the ring, the answer, the call, and what they say afterwards.

Place in the flow: sight -> **meeting** -> line. Whether the two get on, and for how long they talk, is asked of the one
truth; it needs both people, so whoever rings is noted in the town's `meetings`, as a real pair would know by talking.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from services.simulator.habits import REPLY_MEDIAN_S, reply_delay_s
from services.simulator.line import GaveUp
from services.simulator.people import TownPerson
from services.simulator.visitor import VisitorCall, can_speak

if TYPE_CHECKING:
    from services.simulator.person_life import PersonLife

HEARTBEAT_S = 5.0
CONNECT_MIN_S, CONNECT_MAX_S = 0.3, 1.5
OTHER_HANGS_UP_S = 4.0
"""What the one who does not say goodbye first waits for the one who does."""
SEEN_S = 1.5
"""Somebody else of this town sees the same ring within this, unless they are in a tunnel; a visitor is never seen."""
STAYS_ON_MIN, STAYS_ON_LIMIT_S = 12.0, 60.0
"""How long past the window a visitor's call goes on: domain minutes (the pool ends it after 15), and wall seconds."""
ANSWERABLE_S = 60.0
"""No ring lasts longer, whatever we are told."""
OVER_LIMIT_S = 150.0
"""A call that was ended or lost is over after this: 60 s without a heartbeat, and a restart of a process between."""
OUTCOME_LIMIT_S = 60.0
ASK_AGAIN_MIN_S, ASK_AGAIN_MAX_S = 2.0, 10.0
NOT_YET = (404, 409)
LAG_S = 0.8
FEELS_WRONG = "They asked me for money."


class Meeting:
    """`life`'s side of `invitation`; `number` counts the meetings of this person."""

    def __init__(self, life: "PersonLife", invitation: str, number: int) -> None:
        self._life, self._sight, self._town = life, life.sight, life.town
        self._id = invitation
        self._rng = life.draw(f"meeting|{number}")

    async def run(self) -> None:
        """From the ring to the end; a write that is not through in time is given up: the other side sees to the end."""
        try:
            await self._answer()
            await self._sight.until(lambda: self._over() or self._confirmed() or self._life.closing, ANSWERABLE_S)
            if self._confirmed() and self._other() is None:
                await self._talk_with_visitor()
            elif self._confirmed():
                await self._talk()
                await self._say()
            elif self._seen("you_missed"):
                await self._ask_again()
        except GaveUp:
            self._town.ledger.did["gave_up"] += 1

    async def _answer(self) -> None:
        habit = self._life.person.habit
        self._town.ledger.did["rung"] += 1
        delay_s = reply_delay_s(self._rng, habit)
        misses = self._rng.random() >= habit.answers
        declines = self._rng.random() < habit.not_now
        await self._sight.until(lambda: self._over() or self._life.closing, SEEN_S)
        if self._other() is None:  # a visitor: whoever comes alone is not left alone
            misses, declines, delay_s = False, not can_speak(), SEEN_S
        if misses:
            self._town.ledger.did["missed"] += 1
            await self._sight.until(lambda: self._over() or self._life.closing, ANSWERABLE_S)
            return
        await self._sight.until(lambda: self._over() or self._life.closing, delay_s - SEEN_S)
        if self._sight.is_in(self._id, "ringing", "accepted") and not self._seen("you") and not self._life.closing:
            answer = "decline" if declines else "accept"
            self._town.ledger.did[answer] += 1
            limit_s = float(self._seen("remaining_s") or ANSWERABLE_S)
            await self._insist(f"/invitations/{self._id}/{answer}", limit_s, lambda: not self._over())

    # --- the call ---

    async def _talk(self) -> None:
        self._town.ledger.did["confirmed"] += 1
        habit, away = self._life.person.habit, False
        await self._sight.until(self._over, self._rng.uniform(CONNECT_MIN_S, CONNECT_MAX_S))
        beats = asyncio.create_task(self._beat())
        try:
            await self._sight.until(
                lambda: self._over() or self._life.closing or bool(self._seen("connected")), OVER_LIMIT_S
            )
            length_s, away = self._length_s(), self._rng.random() < habit.goes_away_in_call
            self._town.ledger.did["talking"] += bool(self._seen("connected"))
            if away:
                length_s *= self._rng.random()
            await self._sight.until(lambda: self._over() or self._life.closing, length_s)
            if away and not self._over():
                beats.cancel()  # the page is gone: nobody hangs up, the silence ends the call
                self._town.ledger.did["went_away"] += 1
                await self._sight.until(lambda: self._over() or self._life.closing, OVER_LIMIT_S)
            if not self._over():
                await self._insist(f"/calls/{self._id}/end", OVER_LIMIT_S, lambda: not self._over())
            await self._sight.until(self._over, OVER_LIMIT_S)
        finally:
            beats.cancel()

    async def _talk_with_visitor(self) -> None:
        """A call that is heard: until the visitor hangs up, or it is time to say goodbye."""
        self._town.ledger.did["visitors"] += 1
        self._life.with_visitor = True
        call = VisitorCall(self._life.line, self._id)
        talking = asyncio.create_task(call.run())
        beats = asyncio.create_task(self._beat_once_heard(call))
        left_min = float(self._seen("window_s") or 0.0) / 60
        stays_s = self._life.wall_s(left_min) + min(self._life.wall_s(STAYS_ON_MIN), STAYS_ON_LIMIT_S)
        try:
            await self._sight.until(lambda: self._over() or self._life.closing or talking.done(), stays_s)
            if not self._over():
                await self._insist(f"/calls/{self._id}/end", OVER_LIMIT_S, lambda: not self._over())
            await self._sight.until(self._over, OVER_LIMIT_S)
        finally:
            self._life.with_visitor = False
            beats.cancel()
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
        if self._seen("called"):
            await self._insist(f"/calls/{self._id}/outcome", OUTCOME_LIMIT_S, lambda: True, {"talk_again": "yes"})

    async def _beat_once_heard(self, call: VisitorCall) -> None:
        await call.sounding.wait()
        await self._beat(call.flowed)

    async def _beat(self, hears: Callable[[], bool] = lambda: True) -> None:
        while not self._over():
            started_s = time.monotonic()
            try:
                await self._post(f"/calls/{self._id}/heartbeat", {"connected": hears()}, started_s + HEARTBEAT_S)
            except GaveUp:
                self._town.ledger.did["beats_missed"] += 1
            await asyncio.sleep(max(0.0, HEARTBEAT_S - (time.monotonic() - started_s)))

    def _length_s(self) -> float:
        """Wall seconds until this side says goodbye: not beyond the window, and one of the two is always first."""
        me, other = self._life.person, self._other()
        left_min = float(self._seen("window_s") or 0.0) / 60
        if other is None:
            return self._life.wall_s(left_min)
        length_min = self._town.truth.call_min(me, other, self._id)
        if self._rng.random() < me.habit.hangs_up_early:
            length_min *= self._rng.random()
        goodbye_s = 0.0 if self._town.truth.hangs_up_first(me, other, self._id) else OTHER_HANGS_UP_S
        return self._life.wall_s(min(length_min, left_min)) + goodbye_s

    # --- afterwards ---

    async def _say(self) -> None:
        other, habit = self._other(), self._life.person.habit
        if other is None or not self._seen("called") or self._rng.random() >= habit.gives_outcome:
            return
        says = self._town.truth.says(self._life.person, other, self._id)
        await self._sight.until(lambda: self._life.closing, REPLY_MEDIAN_S * self._rng.uniform(0.5, 1.5))
        body: dict[str, object] = {"talk_again": says}
        if await self._insist(f"/calls/{self._id}/outcome", OUTCOME_LIMIT_S, lambda: True, body):
            self._town.ledger.said[says] += 1
        if says == "no":
            await self._take_distance()

    async def _take_distance(self) -> None:
        habit = self._life.person.habit
        if self._rng.random() < habit.feels_wrong_after_no:
            self._town.ledger.did["concern"] += 1
            body: dict[str, object] = {"what": FEELS_WRONG}
            await self._insist(f"/invitations/{self._id}/concern", OUTCOME_LIMIT_S, lambda: True, body)
        elif self._rng.random() < habit.blocks_after_no:
            self._town.ledger.did["block"] += 1
            await self._insist(f"/invitations/{self._id}/block", OUTCOME_LIMIT_S, lambda: True)

    async def _ask_again(self) -> None:
        """Whoever missed a ring is left alone until they ask to be rung again."""
        if self._rng.random() >= self._life.person.habit.asks_again_after_miss:
            return
        await self._sight.until(lambda: self._life.closing, self._rng.uniform(ASK_AGAIN_MIN_S, ASK_AGAIN_MAX_S))
        if self._sight.window_open and not self._life.closing:
            self._town.ledger.did["asked_again"] += 1
            await self._life.ask_again()

    # --- the words of this module ---

    def _over(self) -> bool:
        return self._sight.over(self._id)

    def _confirmed(self) -> bool:
        return self._sight.is_in(self._id, "confirmed")

    def _seen(self, field: str) -> Any:
        return self._sight.invitations[self._id].get(field)

    def _other(self) -> TownPerson | None:
        return next((one for one in self._town.meetings[self._id] if one is not self._life.person), None)

    async def _insist(
        self, path: str, limit_s: float, still: Callable[[], bool], body: dict[str, object] | None = None
    ) -> bool:
        """Say it until it is taken, as long as it is `still` true: the gateway's view may lag, or be rebuilt."""
        ends_s = time.monotonic() + limit_s
        while True:
            status = await self._post(path, body, ends_s)
            if status not in NOT_YET:
                return 200 <= status < 300
            if time.monotonic() + LAG_S >= ends_s or not still():
                return False
            await self._sight.until(self._over, LAG_S)
            await asyncio.sleep(LAG_S / 4)

    async def _post(self, path: str, body: dict[str, object] | None, ends_s: float) -> int:
        return (await self._life.line.write("POST", path, body, deadline_s=ends_s))[0]
