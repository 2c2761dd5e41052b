"""What the two pages of a call tell each other to find a way, kept in Redis for as long as a page may need to read it.

Place in the flow: gateway -> **a stream for each call and addressee** -> gateway. The addresses of people stand in
here, so it is short-lived, and goes nowhere else: not to Kafka, not into a log.
"""

from typing import Any

import redis.asyncio

from services.adapters.views import news_channel

KEEP_S = 120
STREAM_LIMIT = 100


class Signals:
    """Streams of signals, `signal:INVITATION:PERSON` after the prefix. Raises redis.RedisError when Redis is away."""

    def __init__(self, client: "redis.asyncio.Redis[bytes]", prefix: str) -> None:
        self._redis = client
        self._prefix = prefix

    async def put(self, invitation: str, person: str, signal: str) -> None:
        """Put a signal before `person`, and wake the lines on which they wait for it."""
        key = f"{self._prefix}signal:{invitation}:{person}"
        async with self._redis.pipeline() as pipe:
            pipe.xadd(key, {"signal": signal}, maxlen=STREAM_LIMIT)
            pipe.expire(key, KEEP_S)
            pipe.publish(news_channel(self._prefix), line_name(invitation, person))
            await pipe.execute()

    async def after(self, invitation: str, person: str, since: str) -> list[tuple[str, str]]:
        """Everything after the entry `since` that is still there, oldest first, with its id."""
        key = f"{self._prefix}signal:{invitation}:{person}"
        entries: list[Any] = await self._redis.xrange(key, min="(" + since, max="+")
        return [(entry.decode(), fields[b"signal"].decode()) for entry, fields in entries]


def line_name(invitation: str, person: str) -> str:
    """The name under which a line waits for signals; no person has such an id."""
    return f"signal|{invitation}|{person}"
