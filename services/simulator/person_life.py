"""One person's time in the town: they arrive, open a window, wait, meet whom they meet, and close it again.

Place in the flow: people -> **person_life** -> meeting, line -> the gateway. One task a person, and one for each thing
that goes on beside it: the live events, the tunnels of a train ride, each meeting.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from matcher.person import MARKETS
from services.clock import SystemClock
from services.simulator.figures import figures
from services.simulator.habits import Window, daylight_s, draw_window, pause_min, tunnel_s
from services.simulator.ledger import Ledger
from services.simulator.line import GaveUp, Line
from services.simulator.meeting import Meeting
from services.simulator.people import TownPerson
from services.simulator.sight import Sight
from services.simulator.truth import Truth

CLOSING_S = 20.0
"""Wall time within which everything comes to its end after the play."""
OPENING_GRACE_S = 5.0
"""A window that somebody is opening while the play ends is still tried for so long, and then closed."""
RAN_OUT_GRACE_S = 20.0
"""A window that passed is told to be over by then, or we close it ourselves."""
LOOK_EVERY_S = 1.0
CHANGE_OF_MIND_FROM, CHANGE_OF_MIND_TO = 0.15, 0.8
PAUSED = 409


@dataclass(kw_only=True)
class Town:
    """What the people of one town share; it `ends_s` on `time.monotonic`, and if they `stay` they all come back.

    If its end was `brought_forward`, whoever has not come yet does not come.
    """

    seed: int
    speed: float
    market: str
    ends_s: float
    clock: SystemClock
    truth: Truth
    ledger: Ledger
    stay: bool = False
    brought_forward: bool = False
    meetings: defaultdict[str, list[TownPerson]] = field(default_factory=lambda: defaultdict(list))

    def hour(self) -> int:
        """The local hour of the domain clock."""
        return self.hour_at(self.clock.now())

    def hour_at(self, now: datetime) -> int:
        """The local hour at the UTC time `now`."""
        return now.astimezone(MARKETS[self.market]).hour


class PersonLife:
    """The life of `person` during the play."""

    def __init__(self, town: Town, person: TownPerson, line: Line, arrives_s: float) -> None:
        self.town, self.person, self.line = town, person, line
        self.sight = Sight()
        self.closing = False
        self.settled = False
        self.with_visitor = False
        self._arrives_s = arrives_s
        self._window_ends_s = 0.0
        self._company = "either"
        self._asked = False
        self._opening = asyncio.Lock()
        self._met: set[str] = set()
        self._beside: set[asyncio.Task[None]] = set()
        self._meetings: set[asyncio.Task[None]] = set()

    def draw(self, purpose: str) -> Random:
        """Dice for one purpose: what happens elsewhere does not change what they show."""
        return Random(f"{self.town.seed}|{self.person.number}|{purpose}")

    def wall_s(self, domain_min: float) -> float:
        """Domain minutes in wall seconds."""
        return domain_min * 60 / self.town.speed

    def close(self) -> None:
        """The play is over: come to an end."""
        self.closing = True
        self.sight.wake()

    async def run(self) -> None:
        """From arrival until nothing of theirs is open any more; then they close the page."""
        try:
            if await self._pass_s(self._arrives_s) and self.town.brought_forward:
                self.settled = True
                return
            try:
                await self._play()
            except GaveUp:
                self.town.ledger.did["gave_up"] += 1
            await self._come_to_an_end()
        finally:
            for task in (*self._beside, *self._meetings):
                task.cancel()

    async def _play(self) -> None:
        deadline_s = self.town.ends_s + OPENING_GRACE_S
        await self.line.sign_in(deadline_s)
        await self.line.write("PUT", "/me", self.person.told(), deadline_s=deadline_s)
        self._keep(self._listen(), self._beside)
        number, again = 0, True
        while again and not (self.closing and number):  # whoever arrived opens their first window, come what may
            rng = self.draw(f"window|{number}")
            await self._one_window(draw_window(rng, self.person.habit, self.town.hour(), figures()), rng)
            again, number = rng.random() < self.person.habit.opens_again or self.town.stay, number + 1
            await self._pass_s(self.wall_s(pause_min(rng)) if again else 0.0)

    # --- a window ---

    async def _one_window(self, window: Window, rng: Random) -> None:
        self._window_ends_s = time.monotonic() + self.wall_s(window.minutes)
        self._company = window.company
        if not await self._ask(window.minutes):
            return
        ride = self._keep(self._ride(rng), self._beside) if window.on_train else None
        try:
            await self._wait_it_out(rng)
        finally:
            if ride:
                ride.cancel()
                self.line.find_signal()

    async def _wait_it_out(self, rng: Random) -> None:
        """Until the window is over, or they change their mind, or it passed and nobody said so."""
        habit, mind = self.person.habit, rng.random()
        left_s = self._window_ends_s - time.monotonic()
        if mind < habit.closes_early + habit.pauses:
            await self._until_over(left_s * rng.uniform(CHANGE_OF_MIND_FROM, CHANGE_OF_MIND_TO))
            if self.sight.window_open and not self.closing and not self._in_meeting():
                await (self._pause() if mind < habit.pauses else self._close_window("closed_early"))
        await self._until_over(self._window_ends_s - time.monotonic() + RAN_OUT_GRACE_S)
        await self.sight.until(lambda: self.closing or not self._in_meeting(), self._left_s())
        if self.sight.window_open and not self.closing:
            await self._close_window("closed_late")

    async def _until_over(self, timeout_s: float) -> None:
        await self.sight.until(lambda: self.closing or not self.sight.window_open, timeout_s)

    async def ask_again(self) -> None:
        """Ask to be rung again in the same window."""
        left_min = (self._window_ends_s - time.monotonic()) * self.town.speed / 60
        if left_min >= 1:
            await self._ask(int(left_min))

    async def _ask(self, minutes: int) -> bool:
        """Open a window, or move the end of the one that is open; whether it was taken."""
        body = {"minutes": minutes, "company": self._company}
        deadline_s = min(self._window_ends_s, self.town.ends_s + OPENING_GRACE_S)
        async with self._opening:
            posted_at = self.town.clock.wall()
            self._asked = True  # even if it is never answered, it may have happened
            status, answer = await self.line.write("POST", "/availability", body, deadline_s=deadline_s)
            if status == PAUSED:  # by an earlier play with the same people
                await self.line.write("POST", "/me/resume", deadline_s=deadline_s)
                status, answer = await self.line.write("POST", "/availability", body, deadline_s=deadline_s)
            if status // 100 != 2:
                self.town.ledger.did["refused"] += 1
                return False
            self.town.ledger.put_opened(answer["availability"], posted_at, self.town.clock.wall())
            self.sight.opened(answer["availability"])
        return True

    async def _close_window(self, why: str) -> None:
        self.town.ledger.did[why] += self.sight.window_open
        await self.line.write("DELETE", "/availability", deadline_s=self._end_of_all_s())
        await self._until_over(CLOSING_S)

    async def _pause(self) -> None:
        self.town.ledger.did["paused"] += 1
        await self.line.write("POST", "/me/pause", deadline_s=self._end_of_all_s())

    async def _ride(self, rng: Random) -> None:
        """Tunnels, until cancelled."""
        while True:
            await asyncio.sleep(daylight_s(rng, figures()))
            if self.with_visitor:  # a visitor is heard, and hears, all the way
                continue
            self.line.lose_signal()
            self.town.ledger.did["tunnels"] += 1
            await asyncio.sleep(tunnel_s(rng))
            self.line.find_signal()

    # --- what comes from outside ---

    async def _listen(self) -> None:
        async for name, data in self.line.live():
            self.sight.saw(name, data)
            for invitation in self.sight.invitations.keys() - self._met:
                self._meet(invitation)

    def _meet(self, invitation: str) -> None:
        self._met.add(invitation)
        self.town.meetings[invitation].append(self.person)
        if not self.sight.over(invitation):
            self._keep(Meeting(self, invitation, len(self._met)).run(), self._meetings)

    def _in_meeting(self) -> bool:
        return any(not self.sight.over(one) for one in self.sight.invitations)

    # --- the end ---

    async def _come_to_an_end(self) -> None:
        """Close what is open and wait until it is seen to be over; a line that lost its signal has found it again."""
        self.line.find_signal()
        async with self._opening:  # what is on its way arrives first
            pass
        try:
            if self._asked:  # also when we think that all is over: a window may have opened unseen
                await self._close_window("closed_at_the_end")
            if self._meetings:
                await asyncio.wait(self._meetings, timeout=CLOSING_S)
            while not self.sight.settled:
                if not await self.sight.until(lambda: self.sight.settled, LOOK_EVERY_S):
                    _, state = await self.line.write("GET", "/state", deadline_s=self._end_of_all_s())
                    self.sight.saw("snapshot", state)
            self.settled = True
        except GaveUp:
            self.town.ledger.did["gave_up"] += 1

    def _end_of_all_s(self) -> float:
        return self.town.ends_s + CLOSING_S

    def _left_s(self) -> float:
        return max(0.0, self.town.ends_s - time.monotonic()) + CLOSING_S

    async def _pass_s(self, seconds: float) -> bool:
        """Let time pass; whether the play was over before."""
        return bool(await self.sight.until(lambda: self.closing, seconds))

    def _keep(self, doing: Coroutine[Any, Any, None], among: set[asyncio.Task[None]]) -> asyncio.Task[None]:
        task = asyncio.create_task(doing)
        among.add(task)
        task.add_done_callback(among.discard)
        task.add_done_callback(self._mourn)
        return task

    def _mourn(self, task: asyncio.Task[None]) -> None:
        """A fault of the town itself is told, not swallowed."""
        if not task.cancelled() and (error := task.exception()):
            self.town.ledger.errors[f"fault {type(error).__name__}: {error}"] += 1
