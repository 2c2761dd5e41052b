"""Routes: the state, and the live line (Server-Sent Events) that goes on from it without a gap or a double.

Place in the flow: rows in the live views -> **snapshot, then events since its id** -> the page. The id of an event is
that of its entry in the person's stream in Redis.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import redis
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import Send

from matcher.availability import Waiting
from matcher.events import ReceiptGiven
from matcher.invitation import Invitation
from services.gateway.answers import Answer, Unreadable
from services.gateway.gateway import Gateway
from services.gateway.limits import LINES
from services.gateway.live import Hub, Line, Receipts, receipt_id
from services.gateway.shown import shown_availability, shown_invitation
from services.gateway.signin import Session
from services.languages.speaking import _

LOOK_EVERY_S = 5.0
COMMENT_EVERY_S = 10.0
RETRY_AFTER_AWAY_S = 1.0
RECONNECT_MS = 1000
LARGEST_ID_PART = 2**64 - 1

_ID = re.compile(r"(\d{1,20})-(\d{1,20})", re.ASCII)
Row = Waiting | Invitation
Result = Literal["held", "seen"]
"""What became of a ring: an open line held it as it came, or the page saw it when it came back."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """What goes out at once, and the receipt that is due when it has."""

    text: str
    rung: Invitation | None = None
    result: Result = "held"


def read_since(request: Request) -> str | None:
    """The id after which to go on, if one was given. Raises Unreadable if it is no id of ours."""
    given = request.headers.get("last-event-id") or request.query_params.get("since")
    if not given:
        return None
    found = _ID.fullmatch(given)
    if not found or max(int(found[1]), int(found[2])) > LARGEST_ID_PART:
        raise Unreadable(_("That is no id that we gave."))
    return f"{int(found[1])}-{int(found[2])}"


def event(kind: str, id_: str, data: dict[str, Any]) -> str:
    """One event as it goes over the line."""
    return f"id: {id_}\nevent: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


class News(Protocol):
    """What a line goes on telling."""

    def since(self, since: str, result: Result) -> AsyncIterator[tuple[str, Chunk]]:
        """What came after `since`, each with its id. Raises redis.RedisError when Redis is away."""


class Teller:
    """Tells one person what there is, in their own view."""

    def __init__(self, gateway: Gateway, person: str) -> None:
        self._gateway = gateway
        self._person = person

    async def state(self) -> tuple[str, dict[str, Any], Invitation | None]:
        """The id of the newest news, the state, and the invitation in it."""
        id_, waiting, invitation = await self._gateway.views.state(self._person)
        shown = {"availability": await self.show(waiting), "invitation": await self.show(invitation)}
        return id_, shown, invitation

    async def show(self, row: Row | None) -> dict[str, Any] | None:
        """A row as it is shown."""
        now, wall = self._gateway.clock.now(), self._gateway.clock.wall()
        if row is None:
            return None
        if isinstance(row, Waiting):
            return shown_availability(row, now)
        other = await self._gateway.views.person(row.other(self._person))
        first_name = other.profile.first_name if other and other.profile else None
        return shown_invitation(row, self._person, first_name, now, wall)

    async def snapshot(self) -> tuple[str, Chunk]:
        """The state as the first event, and its id."""
        id_, shown, invitation = await self.state()
        return id_, Chunk(event("snapshot", id_, shown), _ringing(invitation), "seen")

    async def since(self, since: str, result: Result) -> AsyncIterator[tuple[str, Chunk]]:
        """What came after `since`, each with its id; `result` is what a ring in it comes to."""
        for id_, row in await self._gateway.views.news(self._person, since):
            kind = "availability" if isinstance(row, Waiting) else "invitation"
            yield id_, Chunk(event(kind, id_, await self.show(row) or {}), _ringing(row), result)


def _ringing(row: Row | None) -> Invitation | None:
    return row if isinstance(row, Invitation) and row.state in ("offered", "rung") else None


class LiveResponse(StreamingResponse):
    """A line over HTTP: joins the hub while it is open, and gives receipts for what the socket has taken."""

    def __init__(
        self, gateway: Gateway, hub: Hub, receipts: Receipts, line: Line, since: str, first: Chunk | None,
        news: News | None = None,
    ):  # fmt: skip
        super().__init__(iter(()), media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        self._gateway = gateway
        self._hub = hub
        self._receipts = receipts
        self._line = line
        self._since = since
        self._first = first
        self._news = news or Teller(gateway, line.person)

    async def stream_response(self, send: Send) -> None:
        """Write until the page or we close the line."""
        self._hub.join(self._line)
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._write(send, Chunk(f"retry: {RECONNECT_MS}\n\n"))
            if self._first is not None:
                await self._write(send, self._first)
            await self._go_on(send)
            if self._line.crowded:  # a page that came back at once would only push out the next one
                await self._write(send, Chunk("event: crowded\ndata: {}\n\n"))
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._hub.leave(self._line)

    async def _go_on(self, send: Send) -> None:
        loop = asyncio.get_running_loop()
        comment_at = loop.time() + COMMENT_EVERY_S
        result: Result = "seen"
        while not self._line.closed:
            pause_s = LOOK_EVERY_S if await self._write_news(send, result) else RETRY_AFTER_AWAY_S
            result = "held"
            await self._line.wait(min(pause_s, max(0.0, comment_at - loop.time())))
            if loop.time() >= comment_at:
                await self._write(send, Chunk(": still here\n\n"))
                comment_at = loop.time() + COMMENT_EVERY_S

    async def _write_news(self, send: Send, result: Result) -> bool:
        try:
            async for id_, chunk in self._news.since(self._since, result):
                await self._write(send, chunk)
                self._since = id_
        except redis.RedisError:
            return False  # the line goes on: what is new stands in Redis, or comes back with the rows
        return True

    async def _write(self, send: Send, chunk: Chunk) -> None:
        await send({"type": "http.response.body", "body": chunk.text.encode(), "more_body": True})
        if chunk.rung is not None:
            invitation, person = chunk.rung.invitation, self._line.person
            self._receipts.give(
                ReceiptGiven(
                    id=receipt_id(invitation, person, chunk.result),
                    at=self._gateway.clock.wall(),
                    invitation=invitation,
                    person=person,
                    channel="live",
                    result=chunk.result,
                )
            )


def routes(gateway: Gateway, hub: Hub, receipts: Receipts) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()

    async def show_state(me: Session) -> Answer:
        _, shown, _ = await Teller(gateway, me.person).state()
        return Answer(200, shown)

    @router.get("/state")
    async def get_state(request: Request) -> Response:
        return await gateway.read(request, show_state)

    @router.get("/live")
    async def get_live(request: Request) -> Response:
        async with gateway.room.in_time():
            me = await gateway.signed_in(request)
            since = read_since(request)
            await gateway.limits.take(LINES, me.person)
            first = None
            if since is None or not await gateway.views.holds(me.person, since):
                since, first = await Teller(gateway, me.person).snapshot()
        return LiveResponse(gateway, hub, receipts, Line(me.person, me.session), since, first)

    return router
