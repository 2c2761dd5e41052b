"""What happens to an event that fails: tried again within bounds, then dead-lettered, never dropped.

An event that cannot be read or applied ends in dead-letters at once. An error of ours is tried again first. When the
broker is away nothing is caught: the worker ends and gets the event again (see `factory.settled`).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from faust.types import EventT, TopicT

from matcher.errors import BadEvent
from matcher.ports import Clock
from matcher.values import wire
from services.adapters.dead_letters import letter
from services.stream.store import RowTable

log = logging.getLogger(__name__)

ATTEMPTS = 3
PAUSE_S = 0.05
MESSAGE_LIMIT = 900_000
"""Bytes; the producer refuses a million, and would at every try."""


class SendFailed(Exception):
    """The broker did not take a message; not the event's fault, so it is never dead-lettered for it."""


async def send(topic: TopicT, key: bytes | None, value: bytes, partition: int | None = None) -> None:
    """Send and return when the broker has it. Raises SendFailed, and BadEvent for what no broker would take."""
    _fits(value)
    try:
        await (await topic.send(key=key, value=value, partition=partition))
    except Exception as error:
        raise SendFailed(str(error)) from error


async def write_rows(table: RowTable, rows: dict[bytes, bytes | None]) -> None:
    """Write rows and return when broker and store have them. Raises SendFailed, and BadEvent as `send` does."""
    for value in rows.values():
        _fits(value)
    try:
        if rows:
            await table.write(rows)
    except Exception as error:
        raise SendFailed(str(error)) from error


def _fits(value: bytes | None) -> None:
    if value is not None and len(value) > MESSAGE_LIMIT:
        raise BadEvent(f"what it leads to is too large: {len(value)} bytes")


async def handle(event: EventT, step: Callable[[], Awaitable[None]], letters: TopicT, clock: Clock) -> None:
    """Run `step` for `event`; after `ATTEMPTS` failures, or at once if the event is bad, write a dead letter."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await step()
            return
        except SendFailed:
            raise
        except Exception as error:
            if isinstance(error, BadEvent) or attempt == ATTEMPTS:
                await _bury(event, error, attempt, letters, clock)
                return
            await asyncio.sleep(PAUSE_S * attempt)


async def _bury(event: EventT, error: Exception, attempts: int, letters: TopicT, clock: Clock) -> None:
    message = event.message
    # Our own errors may quote a value, which may be a name: only their kind is written down.
    reason = error.message if isinstance(error, BadEvent) else type(error).__name__
    dead = letter(
        source_topic=message.topic, partition=message.partition, offset=message.offset, key=message.key,
        value=message.value, error=reason, attempts=attempts, at=clock.wall(),
    )  # fmt: skip
    level = logging.WARNING if isinstance(error, BadEvent) else logging.ERROR
    log.log(level, "dead-lettered %s/%d/%d: %s", message.topic, message.partition, message.offset, reason)
    await send(letters, message.topic.encode(), wire(dead))
