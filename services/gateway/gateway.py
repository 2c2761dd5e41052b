"""The gateway's parts in one place, and the one way in which every write is carried out.

Place in the flow: request -> body, session, Idempotency-Key, form -> **the route's own step** -> answer. `Asked` is
what a route gets to see.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic

import redis.asyncio
from fastapi import Request, Response

from matcher.errors import Away
from matcher.events import PersonEvent
from matcher.ports import Clock
from matcher.values import derived_id
from services.adapters.views import ViewReader
from services.gateway.answers import Answer, NotSignedIn, comforted
from services.gateway.body import Form, read_body, read_form, read_key
from services.gateway.contact import Contact
from services.gateway.idempotency import KEEP_S, Once, fingerprint
from services.gateway.limits import Limits
from services.gateway.numbers import Numbers
from services.gateway.outbox import AsyncOutbox
from services.gateway.people import People
from services.gateway.signin import SESSION_S, Codes, CodeSender, Session, Sessions, session_token
from services.gateway.wishes import Wishes
from services.languages.speaking import _
from services.settings import Settings
from services.topics import PERSON_EVENTS

ANSWER_WITHIN_S = 1.8
"""Below the 2 s in which a page must know that a part is away."""
AT_ONCE_LIMIT = 256
COOKIE = "session"


@dataclass(frozen=True, slots=True)
class Asked(Generic[Form]):
    """A write that is to be carried out: who asks for it, under which key, with what, and when it arrived (wall).

    Within its `scope` a key stands for one request.
    """

    form: Form
    key: str
    scope: str
    address: str
    arrived: datetime
    session: Session | None

    @property
    def me(self) -> Session:
        """Whoever asks; only for routes that need a session."""
        assert self.session is not None
        return self.session

    @property
    def place(self) -> str:
        """What stands for this request in a limit that others share: nobody gets it by sending the same key."""
        return f"{self.scope}|{self.key}"

    def id(self, kind: str) -> str:
        """An id that is the same whenever this request is sent again."""
        return derived_id(kind, self.me.person, self.key)

    def about_me(self, kind: str) -> dict[str, Any]:
        """What every event about whoever asks has."""
        return {"id": self.id(kind), "at": self.arrived, "person": self.me.person}


Act = Callable[[Asked[Any]], Awaitable[Answer]]


class Room:
    """Room for so many requests at once that each can be answered in time; beyond it the answer is no, at once."""

    def __init__(self, limit: int = AT_ONCE_LIMIT) -> None:
        self._left = limit

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        """A block that ends within `ANSWER_WITHIN_S`. Raises Away if it does not, or if there is no room."""
        if self._left <= 0:
            raise Away(_("Very many people are asking just now. Please try again in a moment."))
        self._left -= 1
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                yield
        except TimeoutError:
            raise Away(_("That took too long. Nothing is lost: please try again.")) from None
        finally:
            self._left += 1


@dataclass(frozen=True, slots=True)
class Gateway:
    """All that routes need."""

    settings: Settings
    contact: Contact
    clock: Clock
    redis: redis.asyncio.Redis
    outbox: AsyncOutbox
    sender: CodeSender
    views: ViewReader
    people: People
    wishes: Wishes
    codes: Codes
    numbers: Numbers
    sessions: Sessions
    limits: Limits
    once: Once
    room: Room

    async def signed_in(self, request: Request) -> Session:
        """Whoever asks. Raises NotSignedIn."""
        token = request.cookies.get(COOKIE)
        session = await self.sessions.find(token) if token else None
        if session is None:
            raise NotSignedIn(_("Please sign in first."))
        request.state.session = session
        return session

    async def read(self, request: Request, act: Callable[[Session], Awaitable[Answer]]) -> Response:
        """Answer somebody who is signed in, in time."""
        async with self.room.in_time():
            return (await act(await self.signed_in(request))).response()

    async def write(
        self, request: Request, form: type[Form], act: Act, *, for_all: bool = False, keep_s: int = KEEP_S
    ) -> Response:
        """Carry a write out once, in time; `for_all` if nobody need be signed in."""
        arrived = self.clock.wall()
        raw = await read_body(request)
        async with self.room.in_time():
            session = None if for_all else await self.signed_in(request)
            address = address_of(request)
            scope = session.person if session else f"{address}|{request.url.path}"
            asked = Asked(read_form(raw, form), read_key(request), scope, address, arrived, session)
            what = fingerprint(self.settings.secret, request.method, request.url.path, raw)
            answer = await self.once.answer(scope, asked.key, what, lambda: act(asked), keep_s)
        return self._opened(comforted(answer, request), asked.key)

    async def tell(self, event: PersonEvent) -> None:
        """Write what a person did into the log, and remember it until the view shows it."""
        offset = await self.outbox.say(PERSON_EVENTS, event.person, event)
        await self.people.tell(event, offset)

    def _opened(self, answer: Answer, key: str) -> Response:
        response = answer.response()
        if answer.opens is not None:
            token = session_token(self.settings.secret, answer.opens, key)
            response.set_cookie(
                COOKIE, token, SESSION_S, httponly=True, samesite="strict", secure=not self.settings.demo
            )  # fmt: skip
        return response


def forgotten(response: Response) -> Response:
    """The answer to whose session is over: this browser keeps nothing of it, no page to read offline either."""
    response.delete_cookie(COOKIE)
    response.headers["Clear-Site-Data"] = '"storage"'
    return response


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else "unknown"
