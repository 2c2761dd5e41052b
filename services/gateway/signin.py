"""Who somebody is: a phone number, a one-time code sent to it, and a session kept in Redis.

Place in the flow: before everything else. A person's id is a keyed hash of their first number, so two simultaneous
sign-ups make one person (`numbers.py` tells what becomes of those who change theirs). Of codes and session tokens only
hashes are stored; numbers and codes are in no log.
"""

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import phonenumbers
import redis.asyncio
from phonenumbers import NumberParseException, PhoneNumberFormat

from matcher.errors import BadRequest
from services.adapters.subscriptions import session_key, sessions_key
from services.languages.speaking import N_, _

SCRIPT = Path(__file__).with_name("codes.lua").read_text()
CODE_S = 300
CODE_ATTEMPTS = 5
SESSION_S = 30 * 24 * 3600
SESSIONS_PER_PERSON = 20
BESIDE = "beside"
ERASED_S = 24 * 3600
"""For so long whoever erased themselves is told so again."""
HOME_REGION = "GB"
PERSON_ID_LENGTH = 24

_WRONG = {
    "none": N_("There is no code for this number any more: please ask for a new one."),
    "wrong": N_("That is not the code that we sent. Please look again."),
    "dead": N_("This code was tried too often: please ask for a new one."),
}


class CodeSender(Protocol):
    """Brings a one-time code to a phone."""

    async def send(self, phone: str, code: str) -> dict[str, str]:
        """Send `code`; returns what the answer may show of it, which is nothing outside a demo. Raises Away."""


class DemoSender:
    """Sends nothing: a demo shows the code in its answer and says so."""

    async def send(self, phone: str, code: str) -> dict[str, str]:
        """The code and a note that this is a demo."""
        note = _("This is a demo: the code is shown here instead of being sent to a phone.")
        return {"demo_code": code, "note": note}


def read_phone(given: str) -> str:
    """The number in E.164. Raises BadRequest if it is no phone number."""
    try:
        number = phonenumbers.parse(given, HOME_REGION)
    except NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise BadRequest(_("That is not a phone number that we can reach."))
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def person_id(secret: str, phone: str) -> str:
    """The id of whoever has this number (E.164)."""
    return "p-" + _keyed(secret, phone)[:PERSON_ID_LENGTH]


def session_token(secret: str, nonce: str, key: str) -> str:
    """The token of the session that was opened under an Idempotency-Key: the same again, and stored nowhere."""
    return _keyed(secret, f"session|{nonce}|{key}")


def _keyed(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class Codes:
    """One-time codes: one a person, for `CODE_S` seconds and `CODE_ATTEMPTS` attempts."""

    def __init__(self, client: redis.asyncio.Redis, prefix: str, secret: str) -> None:
        self._redis = client
        self._prefix = prefix + "code:"
        self._secret = secret
        self._script = client.register_script(SCRIPT)

    async def make(self, person: str) -> str:
        """A new code, in place of an earlier one."""
        code = f"{secrets.randbelow(10**6):06d}"
        async with self._redis.pipeline() as pipe:
            pipe.hset(self._prefix + person, mapping={"hash": self._hash(person, code), "attempts": 0})
            pipe.expire(self._prefix + person, CODE_S)
            await pipe.execute()
        return code

    async def use(self, person: str, code: str) -> None:
        """Use the code up. Raises BadRequest if it is not the one."""
        verdict = await self._script(keys=[self._prefix + person], args=[self._hash(person, code), CODE_ATTEMPTS])
        if verdict != b"right":
            raise BadRequest(_(_WRONG[verdict.decode()]))

    def _hash(self, person: str, code: str) -> str:
        return _keyed(self._secret, f"code|{person}|{code}")


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in; `session` is the hash of their token, `rung` marks where their telephone is rung.

    `beside` others: it was opened while there were others, and nobody has said yet whether those are to stay.
    """

    session: str
    person: str
    phone: str
    rung: str = ""
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A session as its person sees it: since when there is one, how long it was not used, whether it rings there."""

    session: str
    at: datetime
    unused_s: int
    rings: bool


class Sessions:
    """Sessions in Redis, and which ones a person has; each ends `SESSION_S` after its last use."""

    def __init__(self, client: redis.asyncio.Redis, prefix: str) -> None:
        self._redis = client
        self._one = session_key(prefix, "")
        self._all = sessions_key(prefix, "")
        self._erased = prefix + "erased:"

    async def open(self, token: str, person: str, phone: str) -> None:
        """Open a session; of too many the oldest ends."""
        session = _hash(token)
        beside = {BESIDE: 1} if any(one.session != session for one in await self.of(person)) else {}
        async with self._redis.pipeline() as pipe:
            pipe.hset(self._one + session, mapping={"person": person, "phone": phone, **beside})
            pipe.expire(self._one + session, SESSION_S)
            pipe.zadd(self._all + person, {session: time.time()})
            pipe.expire(self._all + person, SESSION_S)
            pipe.zrange(self._all + person, 0, -SESSIONS_PER_PERSON - 1)
            *_, oldest = await pipe.execute()
        await self._end(person, *(one.decode() for one in oldest))

    async def find(self, token: str) -> Session | None:
        """The session of this token, which lives on from now."""
        session = _hash(token)
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hgetall(self._one + session)
            pipe.expire(self._one + session, SESSION_S)
            found, _ = await pipe.execute()
        if b"person" not in found or b"phone" not in found:
            return None
        person = found[b"person"].decode()
        # The list has to outlive every session in it: otherwise an erased person's sessions would not be found.
        await self._redis.expire(self._all + person, SESSION_S)
        rung, beside = found.get(b"push_mark", b"").decode(), BESIDE.encode() in found
        return Session(session, person, found[b"phone"].decode(), rung, beside)

    async def of(self, person: str) -> list[Opened]:
        """A person's sessions, the one that was used last first."""
        found: Any = await self._redis.zrange(self._all + person, 0, -1, withscores=True)
        async with self._redis.pipeline(transaction=False) as pipe:
            for session, _ in found:
                pipe.ttl(self._one + session.decode())
                pipe.hexists(self._one + session.decode(), "push")
            told = await pipe.execute()
        opened = [
            Opened(session.decode(), datetime.fromtimestamp(at, UTC), SESSION_S - left, bool(rings))
            for (session, at), left, rings in zip(found, told[::2], told[1::2], strict=True)
            if left > 0
        ]
        return sorted(opened, key=lambda one: one.unused_s)

    async def end(self, session: Session) -> list[str]:
        """End this session; returns what has ended."""
        await self._end(session.person, session.session)
        return [session.session]

    async def end_all(self, person: str) -> list[str]:
        """End all sessions of a person; returns what has ended."""
        found: Any = await self._redis.zrange(self._all + person, 0, -1)
        ended = [one.decode() for one in found]
        await self._end(person, *ended)
        return ended

    async def end_others(self, session: Session) -> list[str]:
        """End all sessions of a person but this one; returns what has ended."""
        found: Any = await self._redis.zrange(self._all + session.person, 0, -1)
        ended = [one.decode() for one in found if one.decode() != session.session]
        await self._end(session.person, *ended)
        await self.put_both(session)
        return ended

    async def put_both(self, session: Session) -> None:
        """Those that there were before this one may stay: that need not be asked again."""
        await self._redis.hdel(self._one + session.session, BESIDE)  # type: ignore[misc]

    async def put_phone(self, session: Session, phone: str) -> None:
        """Whoever has this session has another number now."""
        await self._redis.hset(self._one + session.session, "phone", phone)  # type: ignore[misc]

    async def put_erased(self, session: Session, address: str, key: str) -> None:
        """Remember that this request erased whoever has the session, which is about to end."""
        for who in (session.session, address):
            await self._redis.set(self._erased + _hash(f"{who}|{key}"), 1, ex=ERASED_S)

    async def was_erased(self, token: str | None, address: str, key: str) -> bool:
        """Whether this request erased somebody before; a page without its cookie is known by its address."""
        who = _hash(token) if token else address
        return bool(await self._redis.exists(self._erased + _hash(f"{who}|{key}")))

    async def _end(self, person: str, *sessions: str) -> None:
        if not sessions:
            return
        async with self._redis.pipeline() as pipe:  # all of them or none
            pipe.delete(*(self._one + session for session in sessions))
            pipe.zrem(self._all + person, *sessions)
            await pipe.execute()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
