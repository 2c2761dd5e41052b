"""Each process says that it is ready and alive: a key in Redis with its pid, which fades when the process does."""

import logging
import os

import redis

log = logging.getLogger(__name__)

FADES_AFTER_S = 10
READY_EVERY_S = 1.0


class Ready:
    """The sign of life of one process, `ready:NAME` after the prefix."""

    def __init__(self, client: "redis.Redis", prefix: str, name: str) -> None:
        self._redis = client
        self._key = f"{prefix}ready:{name}"

    def say(self) -> None:
        """Say it again; Redis being away is nobody's end."""
        try:
            self._redis.set(self._key, os.getpid(), ex=FADES_AFTER_S)
        except redis.RedisError as error:
            log.warning("Redis is away: %s", type(error).__name__)
