"""Reads what stands for whoever asks, and shows it; says what became of a form.

Place in the flow: session, live views, memory -> **standing** -> view -> browser. Every route of the page ends here.
"""

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import redis.exceptions
from fastapi import Request, Response

from matcher.errors import Away, NotFound
from matcher.waits import usual
from services.adapters.waits import WaitReader
from services.gateway.answers import Answer, Comfort, NotSignedIn
from services.gateway.gateway import COOKIE, Gateway
from services.gateway.invitations import CRISIS_LINE, find
from services.gateway.mine import Mine
from services.gateway.pages.asking import Reply
from services.gateway.pages.guard import PageForm
from services.gateway.pages.memory import Memory
from services.gateway.pages.questions import first_open, question
from services.gateway.pages.render import go, is_htmx, show
from services.gateway.pages.view import AGAIN, URGENT, Standing, View, view_of
from services.gateway.signin import Session
from services.languages.speaking import _ as say

SIGNED_OUT = "/?signed-out"


class Desk:
    """What the page's routes share."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.memory = Memory(gateway.redis, gateway.settings.redis_prefix)
        self._waits = WaitReader(gateway.redis, gateway.settings.redis_prefix)

    async def session(self, request: Request) -> Session | None:
        """Whoever asks, if they are signed in."""
        try:
            return await self.gateway.signed_in(request)
        except NotSignedIn:
            return None

    async def view(self, me: Session) -> View:
        """The view for this moment. Raises Away, redis.RedisError."""
        row = await self.gateway.people.find(me.person)
        if row is None:
            draft = await self.memory.draft(me.person)
            return question(first_open(draft), draft.given)
        _, waiting, invitation = await self.gateway.views.state(me.person)
        other = await self.gateway.views.person(invitation.other(me.person)) if invitation else None
        name = other.profile.first_name if other and other.profile else None
        remembered = await self.memory.find(me.person)
        now, wall = self.gateway.clock.now(), self.gateway.clock.wall()
        pace = self.gateway.settings.speed
        standing = Standing(row, waiting, invitation, name, remembered, now, wall, pace=pace, beside=me.beside)
        mine = Mine(self.gateway, me)
        if standing.window_open:
            waits = await self._waits.at(self.gateway.settings.markets[0], now)
            hope = await mine.name_of(waiting.hopes_for) if waiting and waiting.hopes_for else None
            return view_of(replace(standing, usual=usual(waits), hope=hope))
        return view_of(replace(standing, wished=await mine.wished(now)))

    async def urgent(self, request: Request) -> bool:
        """Whether somebody is being rung or talks: then no other page is shown."""
        me = await self.session(request)
        return me is not None and (await self.view(me)).name in URGENT

    async def is_mine(self, request: Request, invitation: str) -> bool:
        """Whether whoever asks is one of the two of this invitation."""
        me = await self.session(request)
        try:
            return me is not None and bool(await find(self.gateway, invitation, me.person))
        except NotFound:
            return False

    async def window(self, request: Request) -> str:
        """The id of the newest window of whoever asks, or nothing."""
        me = await self.session(request)
        row = await self.gateway.views.waiting(me.person) if me else None
        return row.availability if row else ""

    async def show_now(
        self, request: Request, status: int = 200, notice: str = "", shown: dict[str, Any] | None = None
    ) -> Response:
        """The view for this moment, with a notice above it and more `shown`; to somebody who has left, the door."""
        try:
            async with self.gateway.room.in_time():
                me = await self.session(request)
                if me is None:
                    return go(request, SIGNED_OUT)
                view = await self.view(me)
                view = replace(view, shown=view.shown | (shown or {}))
                return show(request, view, signed_in=True, status=status, notice=notice)
        except (Away, redis.exceptions.RedisError):
            return away(request)

    async def told(self, request: Request, reply: Reply) -> Response:
        """What became of a form: the view that follows, or the present one with what went wrong above it."""
        if reply.status == 401:
            return go(request, SIGNED_OUT)
        if reply.away:
            return away(request)
        if not reply.taken:
            return await self.show_now(request, reply.status, reply.message)
        return await self.done(request)

    async def done(self, request: Request) -> Response:
        """It was done: the view that follows. Without htmx the browser goes there, so that a reload repeats nothing."""
        if is_htmx(request):
            return await self.show_now(request)
        return go(request, "/")


def away(request: Request) -> Response:
    """A part of ours is away: the page asks again by itself, and sends again the very form that it could not send.

    The key in the form stays, so that what was sent again happens once, even if it was taken the first time.
    """
    form: PageForm | None = getattr(request.state, "form", None)
    signed_in = COOKIE in request.cookies
    if form is None:
        return show(request, View("away", "away"), signed_in=signed_in, status=503)
    comfort: Comfort | None = getattr(request.state, "comfort", None)
    fields = [one for one in form.fields if one[0] != "key"]
    shown = {"action": quote(request.url.path), "key": form.key, "fields": fields, "comfort": "", **CRISIS_LINE}
    shown |= {"comfort": say(comfort.sentence)} if comfort else {}
    return show(request, View("again", AGAIN, shown), signed_in=signed_in, status=503)


def wants_page(request: Request) -> bool:
    """Whether a person looks at the answer: a browser that goes somewhere, or htmx."""
    return is_htmx(request) or "text/html" in request.headers.get("accept", "")


def refused(request: Request, answer: Answer) -> Response:
    """An error as a page."""
    if answer.status == 503:
        return away(request)
    said = answer.said or {}
    name = "nothing" if answer.status in (404, 405) else "refused"
    return show(request, View(name, name, {"message": said.get("message", "")}), signed_in=False, status=answer.status)
