"""Each process says that it is ready and alive: a key in Redis with its pid, which fades when the process does."""

import asyncio
import logging
import os

import redis
import redis.asyncio

log = logging.getLogger(__name__)

FADES_AFTER_S = 10
READY_EVERY_S = 1.0


def ready_key(prefix: str, name: str) -> str:
    """Where the sign of life of this process stands in Redis."""
    return f"{prefix}ready:{name}"


class Ready:
    """The sign of life of one process, `ready:NAME` after the prefix."""

    def __init__(self, client: "redis.Redis", prefix: str, name: str) -> None:
        self._redis = client
        self._key = ready_key(prefix, name)

    def say(self) -> None:
        """Say it again; Redis being away is nobody's end."""
        try:
            self._redis.set(self._key, os.getpid(), ex=FADES_AFTER_S)
        except redis.RedisError as error:
            log.warning("Redis is away: %s", type(error).__name__)


async def say_ready(client: "redis.asyncio.Redis", prefix: str, name: str) -> None:
    """The same for a process that runs on an event loop: say it every `READY_EVERY_S`, for ever."""
    while True:
        try:
            await client.set(ready_key(prefix, name), os.getpid(), ex=FADES_AFTER_S)
        except redis.RedisError as error:
            log.warning("Redis is away: %s", type(error).__name__)
        await asyncio.sleep(READY_EVERY_S)
