"""The same request sent twice happens once: an answer is kept in Redis under its Idempotency-Key and given again.

Place in the flow: around every write. Should Redis be wiped in between, the event's id, which derives from person and
key, still lets the stream tell the repeat. Answers that say "not now" are not kept; what was asked under the key is.
"""

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import redis.asyncio

from matcher.errors import Away, BadRequest, PartylineError
from services.gateway.answers import PASSING, Answer, kept_answer, refusal
from services.languages.speaking import _

SCRIPT = Path(__file__).with_suffix(".lua").read_text()
KEEP_S = 24 * 3600
KEEP_HEARTBEAT_S = 60
"""A heartbeat that is a minute old is sent anew, not again."""
RUN_LIMIT_MS = 3_000
"""Longer than any route may take to answer."""
LOOKS = 20
LOOK_EVERY_S = 0.05

log = logging.getLogger(__name__)


def fingerprint(secret: str, method: str, path: str, raw: bytes) -> str:
    """What was asked, so that it can be compared but not read."""
    return hmac.new(secret.encode(), b"\n".join((method.encode(), path.encode(), raw)), hashlib.sha256).hexdigest()


class Once:
    """Carries a request out once for each key."""

    def __init__(self, client: redis.asyncio.Redis, prefix: str) -> None:
        self._redis = client
        self._prefix = prefix + "once:"
        self._script = client.register_script(SCRIPT)

    async def answer(
        self, scope: str, key: str, asked: str, act: Callable[[], Awaitable[Answer]], keep_s: int = KEEP_S
    ) -> Answer:
        """The answer that was given, or the one that `act` gives now.

        Raises BadRequest if the key was used for something else, Away while the same request is under way elsewhere.
        """
        name = self._prefix + hashlib.sha256(f"{scope}|{key}".encode()).hexdigest()
        for _look in range(LOOKS):
            verdict, *kept = await self._script(keys=[name], args=[asked, RUN_LIMIT_MS, keep_s * 1000])
            if verdict == b"done":
                return kept_answer(kept[0])
            if verdict == b"other":
                raise BadRequest("This Idempotency-Key was used for another request.")
            if verdict == b"run":
                return await self._carry_out(name, act)
            await asyncio.sleep(LOOK_EVERY_S)
        raise Away(_("The same request is still under way; please try again."))

    async def _carry_out(self, name: str, act: Callable[[], Awaitable[Answer]]) -> Answer:
        try:
            answer = await act()
        except PartylineError as error:
            answer = refusal(error)
        except redis.RedisError:
            await self._keep(name, "until", "0")
            raise
        if answer.status in PASSING or answer.status >= 500:
            await self._keep(name, "until", "0")
        else:
            await self._keep(name, "answer", answer.kept())
        return answer

    async def _keep(self, name: str, field: str, value: str) -> None:
        try:
            # Redis may have been wiped meanwhile: a record made now would have no end.
            if await self._redis.hexists(name, "fingerprint"):
                await self._redis.hset(name, field, value)
        except redis.RedisError:
            log.warning("answer.not_kept")  # it happened all the same: the event's id tells a repeat
