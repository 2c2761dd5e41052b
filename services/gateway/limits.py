"""How often somebody may do something: named limits, counted in Redis over the time just passed.

Place in the flow: before a write does anything, so that a machine gone wild troubles nobody. Wall time.
"""

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

import redis.asyncio

from services.gateway.answers import too_many
from services.settings import Settings

SCRIPT = Path(__file__).with_suffix(".lua").read_text()


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` within `per_s` seconds."""

    name: str
    count: int
    per_s: int


CODES_PER_NUMBER = Limit("codes", 3, 600)
CODES_PER_PERSON = Limit("codes-person", 5, 600)
"""Sent for somebody who says that they have another number now, to whoever has it."""
SIGN_INS_PER_NUMBER = Limit("sign-ins", 20, 600)
CHANGES = Limit("changes", 60, 60)
"""Profile, pause, availability."""
ANSWERS = Limit("answers", 60, 60)
"""Accept, decline, outcome, block, unblock."""
PASSKEYS = Limit("passkeys", 30, 600)
TELEPHONES = Limit("telephones", 30, 600)
"""Where to ring somebody while no page is open."""
EXPORTS = Limit("exports", 20, 600)
CONCERNS = Limit("concerns", 20, 60)
ENDS = Limit("ends", 60, 60)
"""Apart from the others: nothing else that a person does may keep them in a call, or from being heard."""
HEARTBEATS = Limit("heartbeats", 60, 60)
LINES = Limit("lines", 60, 60)
SIGNALS = Limit("signals", 240, 60)
"""What two pages tell each other to find a way: a handful for a call, more when lines break and are found again."""
SIGNAL_LINES = Limit("signal-lines", 60, 60)


def codes_per_address(settings: Settings) -> Limit:
    """Codes that are sent for one network address, whatever they are for."""
    return Limit("codes-address", settings.codes_per_address, 60)


def sign_ins_per_address(settings: Settings) -> Limit:
    """Tries to sign in from one network address, with a code or a passkey."""
    return Limit("sign-ins-address", 3 * settings.codes_per_address, 60)


class Limits:
    """Counts in Redis."""

    def __init__(self, client: redis.asyncio.Redis, prefix: str) -> None:
        self._prefix = prefix + "limit:"
        self._script = client.register_script(SCRIPT)

    async def take(self, limit: Limit, who: str, request: str = "") -> None:
        """Take a place for `who`; the same `request` takes one place however often it is tried. Raises TooMany."""
        key = f"{self._prefix}{limit.name}:{who}"
        place = hashlib.sha256(request.encode()).hexdigest() if request else secrets.token_hex(16)
        wait_ms = await self._script(keys=[key], args=[limit.count, limit.per_s * 1000, place])
        if wait_ms:
            raise too_many(int(wait_ms))
