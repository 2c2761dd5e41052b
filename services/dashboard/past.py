"""The line over time, kept in Redis as well, so that a restarted dashboard does not forget the last half hour.

Place in the flow: publisher -> **Past** -> publisher of the next start. It is a convenience: Redis may lose it.
"""

import json
import logging
from typing import Any

import redis
import redis.asyncio

from services.dashboard.board import POINT_EVERY_S, POINTS_LIMIT

KEEP_S = POINT_EVERY_S * POINTS_LIMIT

log = logging.getLogger(__name__)


class Past:
    """The newest points, oldest first."""

    def __init__(self, client: redis.asyncio.Redis, prefix: str) -> None:
        self._redis = client
        self._key = prefix + "dashboard:points"

    async def keep(self, points: list[Any]) -> None:
        """Add points; Redis being away is nobody's end."""
        if not points:
            return
        try:
            async with self._redis.pipeline() as pipe:
                pipe.rpush(self._key, *map(json.dumps, points))
                pipe.ltrim(self._key, -POINTS_LIMIT, -1)
                pipe.expire(self._key, KEEP_S)
                await pipe.execute()
        except redis.RedisError as error:
            log.warning("redis.away %s", type(error).__name__)

    async def kept(self) -> list[Any]:
        """What was kept, or nothing while Redis is away."""
        try:
            found: Any = await self._redis.lrange(self._key, 0, -1)
        except redis.RedisError as error:
            log.warning("redis.away %s", type(error).__name__)
            return []
        return [json.loads(one) for one in found]
