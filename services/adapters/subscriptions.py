"""Where a person's telephones can be rung while no page is open, as their browsers gave it to us; in Redis.

Place in the flow: the page -> gateway -> **subscriptions** -> notifier -> the browser's push service. One lives inside
the session that gave it, so whatever ends the session (sign-out, erasure, time) ends it too. Its address is one of a
push service that we know and nothing else: otherwise anybody could let our servers call whatever they like.
"""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import redis.asyncio
from pydantic import Field, ValidationError

from matcher.values import Value

SCRIPT = Path(__file__).with_suffix(".lua").read_text()
HOSTS = ("fcm.googleapis.com", "*.push.services.mozilla.com", "*.push.apple.com", "*.notify.windows.com")
"""The push services of Chrome and its like, Firefox, Safari and Edge; `*.` stands for one or more names in front."""
ENDPOINT_LIMIT = 1_000
TELEPHONES_LIMIT = 20
"""As many sessions as a person can have."""

# Read by this pattern alone, so that no two parsers can disagree about where it leads.
_HOST = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::\d{1,5})?"
_ENDPOINT = re.compile(rf"https://({_HOST})(?:/[\w.~:/?=&%+,;!*'()$-]*)?", re.ASCII)


class Keys(Value):
    """What a browser made for one subscription: its public key (a point of P-256) and a secret, base64url."""

    p256dh: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{87}=?$")]
    auth: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{22}(==)?$")]


class Subscription(Value):
    """A browser's push subscription, as its `toJSON` says it."""

    endpoint: Annotated[str, Field(max_length=ENDPOINT_LIMIT)]
    keys: Keys

    @property
    def mark(self) -> str:
        """Stands for its address, which is a secret."""
        return hashlib.sha256(self.endpoint.encode()).hexdigest()[:32]


class Telephone(NamedTuple):
    """One telephone of a person: the session on it, and where it can be rung."""

    session: str
    subscription: Subscription


def may_be_called(endpoint: str, also: Iterable[str] = ()) -> bool:
    """Whether this is the address of a push service that we know, or of one named in `also` (with its port, if any)."""
    found = _ENDPOINT.fullmatch(endpoint)
    if found is None:
        return False
    host = found[1]
    return host in also or any(_is(host.removesuffix(":443"), one) for one in HOSTS)


def _is(host: str, known: str) -> bool:
    return host.endswith(known[1:]) and len(host) >= len(known) if known.startswith("*.") else host == known


def session_key(prefix: str, session: str) -> str:
    """Where a session stands."""
    return f"{prefix}session:{session}"


def sessions_key(prefix: str, person: str) -> str:
    """Where it stands which sessions somebody has."""
    return f"{prefix}sessions:{person}"


class Subscriptions:
    """The subscriptions of all sessions. Raises redis.RedisError when Redis is away."""

    def __init__(self, client: "redis.asyncio.Redis[bytes]", prefix: str) -> None:
        self._redis = client
        self._prefix = prefix
        self._script = client.register_script(SCRIPT)

    async def save(self, session: str, subscription: Subscription) -> bool:
        """Ring this telephone from now on; False if the session has ended."""
        args = ["save", subscription.mark, subscription.model_dump_json()]
        return bool(await self._script(keys=[session_key(self._prefix, session)], args=args))

    async def drop(self, session: str, mark: str) -> bool:
        """Ring it no more; False if it had this subscription no more."""
        return bool(await self._script(keys=[session_key(self._prefix, session)], args=["drop", mark]))

    async def of(self, person: str) -> list[Telephone]:
        """The telephones of this person that can be rung."""
        found: Any = await self._redis.zrevrange(sessions_key(self._prefix, person), 0, TELEPHONES_LIMIT - 1)
        sessions = [one.decode() for one in found]
        async with self._redis.pipeline(transaction=False) as pipe:
            for session in sessions:
                pipe.hget(session_key(self._prefix, session), "push")
            kept = await pipe.execute()
        read = [Telephone(session, one) for session, raw in zip(sessions, kept, strict=True) if (one := _read(raw))]
        return list({one.subscription.endpoint: one for one in reversed(read)}.values())


def _read(raw: bytes | None) -> Subscription | None:
    try:
        return Subscription.model_validate_json(raw) if raw else None
    except ValidationError:
        return None
