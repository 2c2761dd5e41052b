"""Puts the state together once a second and hands it to the board.

Place in the flow: figures, health, lag -> **Publisher** -> board.
"""

import asyncio
import logging
from typing import Any

from matcher.ports import Clock
from services.dashboard.board import POINT_EVERY_S, Board
from services.dashboard.figures import Figures
from services.dashboard.health import Health
from services.dashboard.lag import OURSELVES, Lag
from services.dashboard.past import Past

PUBLISH_EVERY_S = 1.0
POINT = ("waiting", "ringing", "calls", "offered", "connected")
"""What a point of the line over time holds, after its time."""

log = logging.getLogger(__name__)


class Publisher:
    """One look at everything, once a second."""

    def __init__(
        self, board: Board, past: Past, figures: Figures, health: Health, lag: Lag, clock: Clock, speed: float
    ) -> None:
        self._board, self._past = board, past
        self._figures, self._health, self._lag = figures, health, lag
        self._clock = clock
        self._speed = speed
        self._next_point_s = 0.0

    async def run(self) -> None:
        """For ever; an error of ours is logged and the next second tried again."""
        loop = asyncio.get_running_loop()
        next_s = loop.time()
        self._board.publish({}, await self._past.kept(), next_s)
        while True:
            try:
                await self.publish(loop.time())
            except Exception as error:  # a page that goes on with old figures says so itself
                log.error("board.fault %s", type(error).__name__)
            next_s = max(next_s + PUBLISH_EVERY_S, loop.time())
            await asyncio.sleep(next_s - loop.time())

    async def publish(self, now_s: float) -> None:
        """Look once and tell."""
        await self._health.look()
        sections = self._sections()
        points = self._points(sections, now_s)
        await self._past.keep(points)
        self._board.publish(sections, points, now_s)

    def _sections(self) -> dict[str, Any]:
        lag = self._lag.shown()
        behind = next((row["behind"] for row in lag if row["reader"] == OURSELVES), None)
        return {
            "at": self._clock.wall().isoformat(timespec="milliseconds"),
            "clock": {"now": self._clock.now().isoformat(timespec="seconds"), "speed": self._speed},
            **self._figures.shown(),
            "reading": {"caught_up": self._lag.caught_up, "behind": behind},
            "refused": self._health.refused(),
            "parts": {"kafka": _word(self._lag.away), "redis": _word(self._health.away)},
            "processes": self._health.processes(),
            "lag": lag,
        }

    def _points(self, sections: dict[str, Any], now_s: float) -> list[Any]:
        # While the past is being read the figures run through it: a line of that would tell of hours as of seconds.
        if not self._lag.caught_up or now_s < self._next_point_s:
            return []
        self._next_point_s = now_s + POINT_EVERY_S
        known = {**sections["totals"], **sections["now"]}
        return [[sections["at"], *(known[name] for name in POINT)]]


def _word(away: bool) -> str:
    return "away" if away else "here"
