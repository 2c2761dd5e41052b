"""What the push channel has still to do, kept in Redis until it is done or too late.

Place in the flow: notifier's loop -> **errands** -> pushing, beside the loop. The loop only writes one down; whoever
starts again after a crash finds it here, and a mark for each telephone tells what it has been sent already.
"""

import time
from typing import Any, Literal

import redis
import redis.asyncio

from matcher.values import Utc, Value

Kind = Literal["ring", "answered", "missed", "gone"]
REMEMBER_S = 600
"""For so long it is known what a telephone was sent; longer than anything rings."""


class Errand(Value):
    """Something to tell a person's telephones, until it is of no use any more (wall time)."""

    kind: Kind
    invitation: str
    person: str
    until: Utc


class ErrandBook:
    """Where the loop writes errands down. Raises redis.RedisError when Redis is away."""

    def __init__(self, client: "redis.Redis", prefix: str) -> None:
        self._redis = client
        self._due = due_key(prefix)

    def note(self, errand: Errand) -> None:
        """Keep it; the same one twice is one."""
        self._redis.zadd(self._due, {errand.model_dump_json(): errand.until.timestamp()})


def due_key(prefix: str) -> str:
    """Where errands stand: a sorted set by the time at which they are too late."""
    return prefix + "push-due"


class ErrandDesk:
    """Where they are taken up and settled. Raises redis.RedisError when Redis is away."""

    def __init__(self, client: "redis.asyncio.Redis[bytes]", prefix: str) -> None:
        self._redis = client
        self._due = due_key(prefix)
        self._sent = prefix + "push-sent:"

    async def open(self) -> list[Errand]:
        """All that are not settled and not too late; the others are thrown away."""
        now = time.time()
        await self._redis.zremrangebyscore(self._due, "-inf", now)
        found: Any = await self._redis.zrangebyscore(self._due, now, "+inf")
        return [Errand.model_validate_json(one) for one in found]

    async def settle(self, errand: Errand) -> None:
        """It is done, or too late."""
        await self._redis.zrem(self._due, errand.model_dump_json())

    async def may_tell(self, errand: Errand, session: str) -> bool:
        """Whether this telephone has still to be told: a ring until it was, an end after a ring, and once.

        After an end there is no ring any more, in whatever order they are taken up.
        """
        if errand.kind == "ring":
            return not await self._redis.exists(self._key(errand, session))
        before = await self._redis.set(self._key(errand, session), errand.kind, ex=REMEMBER_S, get=True)
        return before == b"ring"

    async def put_rung(self, errand: Errand, session: str) -> None:
        """This telephone rings."""
        await self._redis.set(self._key(errand, session), errand.kind, ex=REMEMBER_S)

    def _key(self, errand: Errand, session: str) -> str:
        return f"{self._sent}{errand.invitation}:{session}"
