"""What the page remembers of somebody between two requests, in Redis; losing it costs a repeated question, no more.

Place in the flow: between what somebody has just done and the views that will show it (`doing`, seconds), and after a
call (`step`: how far they are with the newest invitation, a day).
"""

from dataclasses import dataclass
from typing import Literal

import redis.asyncio

Act = Literal["open", "close", "accept", "decline", "end"]
Step = Literal["no_microphone", "wrong", "blocked", "reported", "aside"]

DOING_S = 10
"""If the views do not show by then what was done, the page shows the views."""
STEP_S = 24 * 3600
"""As long as an invitation is shown."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What somebody is just doing to what (a window, an invitation), and the step that they reached after which one."""

    act: str | None = None
    subject: str | None = None
    step: str | None = None
    invitation: str | None = None

    def does(self, act: Act, subject: str) -> bool:
        """Whether they have just done this to it."""
        return (self.act, self.subject) == (act, subject)

    def reached(self, invitation: str) -> str | None:
        """The step reached after this invitation."""
        return self.step if self.invitation == invitation else None


class Memory:
    """The page's memory of people."""

    def __init__(self, client: redis.asyncio.Redis, prefix: str) -> None:
        self._redis = client
        self._doing = prefix + "page-doing:"
        self._step = prefix + "page-step:"

    async def put_doing(self, person: str, act: Act, subject: str) -> None:
        """They have just done this, and it was taken."""
        await self._redis.set(self._doing + person, f"{act} {subject}", ex=DOING_S)

    async def put_step(self, person: str, step: Step, invitation: str) -> None:
        """They have come this far after this invitation; what they did before is done with."""
        async with self._redis.pipeline() as pipe:
            pipe.set(self._step + person, f"{step} {invitation}", ex=STEP_S)
            pipe.delete(self._doing + person)
            await pipe.execute()

    async def find(self, person: str) -> Remembered:
        """What there is."""
        doing, step = await self._redis.mget(self._doing + person, self._step + person)
        act, subject = _pair(doing)
        reached, invitation = _pair(step)
        return Remembered(act, subject, reached, invitation)


def _pair(kept: bytes | None) -> tuple[str | None, str | None]:
    if not kept:
        return None, None
    first, _, second = kept.decode().partition(" ")
    return first, second
