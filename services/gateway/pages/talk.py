"""Free to talk, the invitation, the call and what comes after it, as forms of the page.

Place in the flow: a button -> **the API's own route** -> memory of what was just done -> the view that follows.
"""

from collections.abc import Callable
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from matcher.events import WHAT_LIMIT
from services.gateway.answers import nowhere, promise_comfort
from services.gateway.invitations import CONCERN_COMFORT, CRISIS_LINE
from services.gateway.pages.asking import Reply, ask
from services.gateway.pages.guard import PageForm, read_page_form
from services.gateway.pages.memory import Act, Step
from services.gateway.pages.render import go, show
from services.gateway.pages.showing import Desk, away
from services.gateway.pages.view import View
from services.languages.speaking import N_, _

NO_TIME = N_("Please give the time of your stop, such as 08:40.")
WHAT_WRONG = N_("Please tell us in a few words what happened, at most %(number)s letters.")
Body = Callable[[PageForm], object]


def routes(desk: Desk) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()

    @router.post("/page/free")
    async def post_free(request: Request) -> Response:
        form = await read_page_form(request)
        reply = await ask(request, "POST", "/availability", _window(form), form.key)
        if reply.taken:
            await remember(request, "open", str(reply.said["availability"]))
            if form.one("hopes_for"):
                return go(request, "/")
        if reply.status == 422 and form.one("until"):
            error = _(NO_TIME) if "field" in reply.message else reply.message
            given = {"error": error, "until": form.one("until"), "company": form.one("company")}
            return await desk.show_now(request, reply.status, shown=given)
        return await desk.told(request, reply)

    @router.post("/page/not-free")
    async def post_not_free(request: Request) -> Response:
        form = await read_page_form(request)
        reply = await ask(request, "DELETE", "/availability", None, form.key)
        if reply.taken:
            await remember(request, "close", await desk.window(request))
        return await desk.told(request, reply)

    async def remember(request: Request, act: Act, subject: str) -> None:
        me = await desk.session(request)
        if me is not None:
            await desk.memory.put_doing(me.person, act, subject)

    async def reach(request: Request, step: Step, invitation: str) -> None:
        me = await desk.session(request)
        if me is not None:
            await desk.memory.put_step(me.person, step, invitation)

    def add(path: str, api: str, act: Act | None = None, step: Step | None = None, body: Body | None = None) -> None:
        async def post(request: Request, invitation: str) -> Response:
            form = await read_page_form(request)
            reply = await ask(
                request, "POST", api.format(quote(invitation, safe="")), body(form) if body else None, form.key
            )
            if reply.taken and act is not None:
                await remember(request, act, invitation)
            if reply.taken and step is not None:
                await reach(request, step, invitation)
            return await desk.told(request, reply)

        router.add_api_route(path, post, methods=["POST"])

    add("/page/invitations/{invitation}/accept", "/invitations/{}/accept", "accept")
    add("/page/invitations/{invitation}/decline", "/invitations/{}/decline", "decline")
    add("/page/calls/{invitation}/hang-up", "/calls/{}/end", "end")
    add("/page/calls/{invitation}/go-on", "/calls/{}/go-on", "go_on")
    add("/page/calls/{invitation}/outcome", "/calls/{}/outcome", step="aside", body=_outcome)
    add("/page/invitations/{invitation}/block", "/invitations/{}/block", step="blocked")
    add("/page/invitations/{invitation}/mistake", "/invitations/{}/concern/withdraw", step="mistake")

    @router.post("/page/invitations/{invitation}/wrong")
    async def post_wrong(request: Request, invitation: str) -> Response:
        """One tap: the call ends, they are blocked, and one of us looks. Nothing is claimed before all of it is so."""
        promise_comfort(request, CONCERN_COMFORT)
        form = await read_page_form(request)
        if not await desk.is_mine(request, invitation):
            return await not_there(request)
        ended = await end(request, invitation, form.key)
        raised = await ask(request, "POST", _concern(invitation), {}, form.key)
        if ended.not_now or raised.not_now:
            await reach(request, "telling", invitation)
            return away(request)
        if not raised.taken:
            return await desk.told(request, raised)
        await reach(request, "wrong", invitation)
        return await desk.done(request)

    @router.post("/page/invitations/{invitation}/no-microphone")
    async def post_no_microphone(request: Request, invitation: str) -> Response:
        """The other is free again at once, and nobody is rung for somebody who cannot be heard."""
        form = await read_page_form(request)
        if not await desk.is_mine(request, invitation):
            return await not_there(request)
        closed = await ask(request, "DELETE", "/availability", None, form.key)
        ended = await end(request, invitation, form.key)
        if closed.not_now or ended.not_now:
            return away(request)
        await reach(request, "no_calls" if form.one("why") == "no-calls" else "no_microphone", invitation)
        if ended.taken:
            await remember(request, "end", invitation)
        return await desk.done(request)

    async def end(request: Request, invitation: str, key: str) -> Reply:
        """A call that is over already is just as well."""
        return await ask(request, "POST", f"/calls/{quote(invitation, safe='')}/end", None, key)

    async def not_there(request: Request) -> Response:
        """What is not theirs; whoever has left meanwhile gets to the door."""
        if await desk.session(request) is None and getattr(request.state, "comfort", None):
            return go(request, "/?not-reported")
        return await desk.told(request, Reply(404, {"message": nowhere().message}))

    @router.post("/page/invitations/{invitation}/concern")
    async def post_concern(request: Request, invitation: str) -> Response:
        promise_comfort(request, CONCERN_COMFORT)
        form = await read_page_form(request)
        if not await desk.is_mine(request, invitation):
            return await not_there(request)
        what = form.one("what").strip()
        if not 0 < len(what) <= WHAT_LIMIT:
            return wrong(request, invitation, form, 422, _(WHAT_WRONG, number=WHAT_LIMIT))
        reply = await ask(request, "POST", _concern(invitation), {"what": what}, form.key)
        if reply.taken:
            await reach(request, "reported", invitation)
        if reply.taken or reply.away or reply.status == 404:
            return await desk.told(request, reply)
        return wrong(request, invitation, form, reply.status, reply.message)

    def wrong(request: Request, invitation: str, form: PageForm, status: int, error: str) -> Response:
        """The same view again, with what was written and what is wrong with it."""
        shown = {"invitation": invitation, "what": form.one("what"), "error": error, "can_take_back": True}
        shown |= CRISIS_LINE
        return show(request, View("wrong", f"wrong:{invitation}", shown), signed_in=True, status=status)

    def add_step(path: str, step: Step) -> None:
        async def post(request: Request, invitation: str) -> Response:
            await read_page_form(request)
            if not await desk.is_mine(request, invitation):
                return await not_there(request)
            await reach(request, step, invitation)
            return await desk.done(request)

        router.add_api_route(path, post, methods=["POST"])

    add_step("/page/invitations/{invitation}/aside", "aside")
    add_step("/page/calls/{invitation}/enough", "enough")
    return router


def _concern(invitation: str) -> str:
    return f"/invitations/{quote(invitation, safe='')}/concern"


def _window(form: PageForm) -> dict[str, object]:
    """A button says how many minutes; the one for the stop says none, nor does Enter in the field of the time."""
    minutes, until = form.one("minutes"), form.one("until")
    company: dict[str, object] = {"company": form.one("company") or "either"}
    if form.one("hopes_for"):
        company["hopes_for"] = form.one("hopes_for")
    if until and not minutes:
        return company | {"until": until}
    return company | {"minutes": int(minutes) if minutes.isascii() and minutes.isdigit() and len(minutes) < 6 else None}


def _outcome(form: PageForm) -> object:
    felt = {"felt": form.one("felt")} if form.one("felt") else {}
    return {"talk_again": form.one("talk_again"), **felt}
