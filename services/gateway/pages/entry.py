"""The way in and out: phone number, code, sign out, erase me.

Place in the flow: GET / -> number -> code -> **session** -> about me -> home.
"""

from fastapi import APIRouter, Request, Response

from services.gateway.invitations import CONCERN_COMFORT
from services.gateway.pages.asking import Reply, ask
from services.gateway.pages.guard import PageForm, read_page_form
from services.gateway.pages.render import go, show
from services.gateway.pages.showing import SIGNED_OUT, Desk, away
from services.gateway.pages.view import View
from services.languages.speaking import N_, _

NO_NUMBER = N_("Please give us your phone number, such as 07400 123456.")
NO_CODE = N_("Please type the six digits of the code.")
SAID = {
    "signed-out": (N_("You are signed out. Come back whenever you like."),),
    "not-reported": (N_("You were signed out."), CONCERN_COMFORT.sentence),
    "erased": (N_("You are erased: your name, your number and all that you told us. Goodbye, and be well."),),
}


def door(phone: str = "", error: str = "", said: str = "") -> View:
    """The first view: a phone number."""
    return View("sign_in", "sign_in", {"phone": phone, "error": error, "said": said})


def said_at_the_door(query: str) -> str:
    """What is said to somebody who was brought to the door with this query."""
    return " ".join(_(sentence) for sentence in SAID.get(query.removesuffix("="), ()))


def routes(desk: Desk) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()

    def show_code(request: Request, phone: str, told: Reply, sent: Reply | None, demo_code: str) -> Response:
        error = "" if told.taken else told.message
        if sent is not None:
            demo_code = str(sent.said.get("demo_code", ""))
        view = View("code", "code", {"phone": phone, "demo_code": demo_code, "error": error})
        return show(request, view, signed_in=False, status=200 if told.taken else told.status)

    @router.post("/page/code")
    async def post_code(request: Request) -> Response:
        form = await read_page_form(request)
        phone = form.one("phone").strip()
        reply = await ask(request, "POST", "/codes", {"phone": phone}, form.key)
        if reply.away:
            return away(request)
        if not reply.taken:
            view = door(phone, what_is_wrong(reply, phone, NO_NUMBER))
            return show(request, view, signed_in=False, status=reply.status)
        return show_code(request, phone, reply, reply, "")

    @router.post("/page/session")
    async def post_session(request: Request) -> Response:
        form = await read_page_form(request)
        phone, code = form.one("phone").strip(), "".join(form.one("code").split())
        reply = await ask(request, "POST", "/sessions", {"phone": phone, "code": code}, form.key)
        if reply.away:
            return away(request)
        if not reply.taken:
            if reply.status == 422:
                reply.said = {"message": what_is_wrong(reply, code, NO_CODE)}
            return show_code(request, phone, reply, None, shown_code(form))
        return with_kept(go(request, "/"), reply)

    def add_sign_out(path: str, api: str) -> None:
        async def post(request: Request) -> Response:
            form = await read_page_form(request)
            reply = await ask(request, "DELETE", api, None, form.key)
            if reply.away:
                return away(request)
            return with_kept(go(request, SIGNED_OUT), reply)

        router.add_api_route(path, post, methods=["POST"])

    add_sign_out("/page/sign-out", "/sessions")
    add_sign_out("/page/sign-out-everywhere", "/me/sessions")

    @router.post("/page/erase")
    async def post_erase(request: Request) -> Response:
        form = await read_page_form(request)
        reply = await ask(request, "DELETE", "/me", None, form.key)
        if not reply.taken:
            return await desk.told(request, reply)
        return with_kept(go(request, "/?erased"), reply)

    return router


def what_is_wrong(reply: Reply, typed: str, usual: str) -> str:
    """What is wrong with what somebody typed: as the gateway says it, unless that is for whoever writes a program."""
    return reply.message if typed and "field" not in reply.message else _(usual)


def shown_code(form: PageForm) -> str:
    """The code that a demo showed, to show it again beside the error; nothing else may get there."""
    shown = form.one("demo_code")
    return shown if shown.isascii() and shown.isdigit() and len(shown) <= 12 else ""


def with_kept(response: Response, reply: Reply) -> Response:
    """The response, which tells the browser to keep and to forget what the API told it."""
    for name, value in reply.kept:
        response.headers.append(name, value)
    return response
