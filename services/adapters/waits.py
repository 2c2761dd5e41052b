"""The newest waits of each hour of the day in Redis: what the page's "usually 2 to 4 minutes" is taken from.

Place in the flow: rows, through the projector -> **waits** -> the page of whoever waits. Only numbers, under the id of
a window. Keys, after the prefix: `waits:MARKET:HOUR` and `waits-order:MARKET:HOUR` (see waits.lua), in local hours.
"""

from datetime import datetime
from pathlib import Path

import redis
import redis.asyncio

from matcher.availability import Waiting
from matcher.invitation import Invitation
from matcher.person import Market, local_minute
from matcher.values import Row
from matcher.waits import Wait

SCRIPT = Path(__file__).with_suffix(".lua").read_text()
KEPT = 200
"""Waits of one hour of the day."""
KEEP_S = 28 * 24 * 3600


def _keys(prefix: str, market: Market, when: datetime) -> list[str]:
    hour = f"{market}:{local_minute(market, when) // 60:02d}"
    return [f"{prefix}waits:{hour}", f"{prefix}waits-order:{hour}"]


class WaitWriter:
    """Notes waits; used by the projector. Raises redis.RedisError when Redis is away."""

    def __init__(self, client: "redis.Redis[bytes]", prefix: str) -> None:
        self._redis = client
        self._prefix = prefix
        self._script = client.register_script(SCRIPT)

    def note(self, row: Row) -> None:
        """What `row` tells of a wait: that both of an invitation were rung, or that a window ended before."""
        if isinstance(row, Waiting) and row.end in ("closed", "ran_out"):
            self._keep(row, row.pool_now, rang=False)
        elif isinstance(row, Invitation) and row.state == "rung":  # a later row tells a later time
            for person in row.people:
                window = self._window(person)
                if window is not None and window.availability == row.availability_of(person):
                    self._keep(window, row.pool_now, rang=True)

    def _window(self, person: str) -> Waiting | None:
        row: bytes | None = self._redis.hget(f"{self._prefix}waiting:{person}", "row")
        return Waiting.model_validate_json(row) if row else None

    def _keep(self, window: Waiting, until: datetime, rang: bool) -> None:
        if window.company == "known":  # they wait for a few people, not for whoever comes
            return
        seconds = max(0.0, (until - window.since).total_seconds())
        began_ms = int(window.since.timestamp() * 1000)
        told = [window.availability, began_ms, f"{seconds:.1f} {int(rang)}", KEPT, KEEP_S]
        self._script(keys=_keys(self._prefix, window.market, window.since), args=told)


class WaitReader:
    """Reads waits for the page. Raises redis.RedisError when Redis is away."""

    def __init__(self, client: "redis.asyncio.Redis[bytes]", prefix: str) -> None:
        self._redis = client
        self._prefix = prefix

    async def at(self, market: Market, now: datetime) -> list[Wait]:
        """The waits that began in this hour of the day."""
        kept: list[bytes] = await self._redis.hvals(_keys(self._prefix, market, now)[0])  # type: ignore[misc]
        parts = (one.split() for one in kept)
        return [Wait(float(seconds), rang == b"1") for seconds, rang in parts]
