"""What the page remembers of somebody between two requests, in Redis; losing it costs a repeated question, no more.

Place in the flow: between what somebody has just done and the views that will show it (`doing`, seconds), after a
call (`step`: how far they are with the newest invitation, a day), and on coming in (`draft`: what they have answered).
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import redis.asyncio

Act = Literal["open", "close", "accept", "decline", "end", "go_on"]
Step = Literal["no_microphone", "no_calls", "telling", "wrong", "mistake", "blocked", "reported", "enough", "aside"]

DOING_S = 10
"""If the views do not show by then what was done, the page shows the views."""
STEP_S = 24 * 3600
"""As long as an invitation is shown."""


DRAFT_S = 24 * 3600
NO_PASSKEY_S = 90 * 24 * 3600
NO_RINGING_S = 90 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Draft:
    """What a newcomer has told us by field, and which questions they have been asked."""

    given: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answered(self, question: str, fields: tuple[str, ...], answer: dict[str, Any]) -> "Draft":
        """The same with this answer in place of an earlier one."""
        kept = {name: value for name, value in self.given.items() if name not in fields}
        return Draft(kept | answer, [*(one for one in self.asked if one != question), question])


@dataclass(frozen=True, slots=True)
class Remembered:
    """What somebody is just doing to what (a window, an invitation), and the step that they reached after which one."""

    act: str | None = None
    subject: str | None = None
    step: str | None = None
    invitation: str | None = None
    no_passkey: bool = False
    no_ringing: bool = False

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
        self._draft = prefix + "page-draft:"
        self._no_passkey = prefix + "page-no-passkey:"
        self._no_ringing = prefix + "page-no-ringing:"

    async def put_doing(self, person: str, act: Act, subject: str) -> None:
        """They have just done this, and it was taken."""
        await self._redis.set(self._doing + person, f"{act} {subject}", ex=DOING_S)

    async def put_step(self, person: str, step: Step, invitation: str) -> None:
        """They have come this far after this invitation; what they did before is done with."""
        async with self._redis.pipeline() as pipe:
            pipe.set(self._step + person, f"{step} {invitation}", ex=STEP_S)
            pipe.delete(self._doing + person)
            await pipe.execute()

    async def put_no_passkey(self, person: str) -> None:
        """They do not want to be offered a passkey just now."""
        await self._redis.set(self._no_passkey + person, 1, ex=NO_PASSKEY_S)

    async def put_no_ringing(self, person: str) -> None:
        """They do not want to be asked just now whether their telephone may ring while it is locked."""
        await self._redis.set(self._no_ringing + person, 1, ex=NO_RINGING_S)

    async def put_draft(self, person: str, draft: Draft) -> None:
        """They have told us this much."""
        await self._redis.set(self._draft + person, json.dumps(asdict(draft)), ex=DRAFT_S)

    async def draft(self, person: str) -> Draft:
        """What they have told us."""
        kept = await self._redis.get(self._draft + person)
        return Draft(**json.loads(kept)) if kept else Draft()

    async def forget_draft(self, person: str) -> None:
        """They came in."""
        await self._redis.delete(self._draft + person)

    async def forget(self, person: str) -> None:
        """They have left for good, or may not come in."""
        kinds = (self._doing, self._step, self._draft, self._no_passkey, self._no_ringing)
        await self._redis.delete(*(kind + person for kind in kinds))

    async def find(self, person: str) -> Remembered:
        """What there is."""
        kinds = (self._doing, self._step, self._no_passkey, self._no_ringing)
        doing, step, no_passkey, no_ringing = await self._redis.mget([kind + person for kind in kinds])
        act, subject = _pair(doing)
        reached, invitation = _pair(step)
        return Remembered(act, subject, reached, invitation, no_passkey is not None, no_ringing is not None)


def _pair(kept: bytes | None) -> tuple[str | None, str | None]:
    if not kept:
        return None, None
    first, _, second = kept.decode().partition(" ")
    return first, second
