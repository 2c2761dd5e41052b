"""Who would like to talk with somebody they know: a hint for that person's page, in Redis; losing it costs no more.

Place in the flow: POST /availability that hopes for one -> **wishes** -> the other's home. It stands as long whatever
becomes of the window, so that nobody can tell from it who is free.
"""

from datetime import datetime, timedelta

import redis.asyncio

WISH = timedelta(hours=12)
"""Domain time for which it is shown."""
KEEP_S = 12 * 3600


class Wishes:
    """Who has asked for whom; times are domain time."""

    def __init__(self, client: redis.asyncio.Redis, prefix: str) -> None:
        self._redis = client
        self._prefix = prefix + "wishes:"

    async def put(self, person: str, other: str, now: datetime) -> None:
        """`person` would like to talk with `other`."""
        async with self._redis.pipeline() as pipe:
            pipe.hset(self._prefix + other, person, now.isoformat())
            pipe.expire(self._prefix + other, KEEP_S)
            await pipe.execute()

    async def of(self, person: str, now: datetime) -> dict[str, datetime]:
        """Who would like to talk with `person`, and since when."""
        kept: dict[bytes, bytes] = await self._redis.hgetall(self._prefix + person)  # type: ignore[misc]
        wished = {other.decode(): datetime.fromisoformat(at.decode()) for other, at in kept.items()}
        return {other: at for other, at in wished.items() if now - WISH < at}

    async def forget(self, person: str) -> None:
        """`person` has put them aside, or they are done with."""
        await self._redis.delete(self._prefix + person)
