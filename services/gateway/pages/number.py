"""My number has changed: the new one, the code that was sent there, and that it is done.

Place in the flow: settings -> number -> code -> **POST /me/number** -> settings.
"""

from fastapi import APIRouter, Request, Response

from services.gateway.pages.asking import ask
from services.gateway.pages.entry import NO_CODE, NO_NUMBER, shown_code, what_is_wrong
from services.gateway.pages.guard import read_page_form
from services.gateway.pages.render import go, show
from services.gateway.pages.showing import Desk
from services.gateway.pages.view import View


def _number(phone: str = "", error: str = "") -> View:
    return View("my_number", "my_number", {"phone": phone, "error": error})


def _code(phone: str, demo_code: str, error: str = "") -> View:
    return View("my_number_code", "my_number_code", {"phone": phone, "demo_code": demo_code, "error": error})


def routes(desk: Desk) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()

    @router.get("/number")
    async def get_number(request: Request) -> Response:
        async with desk.gateway.room.in_time():
            if await desk.session(request) is None or await desk.urgent(request):
                return go(request, "/")
            return show(request, _number(), signed_in=True)

    @router.post("/page/number/code")
    async def post_code(request: Request) -> Response:
        form = await read_page_form(request)
        phone = form.one("phone").strip()
        reply = await ask(request, "POST", "/me/number/code", {"phone": phone}, form.key)
        if reply.taken:
            return show(request, _code(phone, str(reply.said.get("demo_code", ""))), signed_in=True)
        if reply.status not in (422, 429):
            return await desk.told(request, reply)
        view = _number(phone, what_is_wrong(reply, phone, NO_NUMBER))
        return show(request, view, signed_in=True, status=reply.status)

    @router.post("/page/number")
    async def post_number(request: Request) -> Response:
        form = await read_page_form(request)
        phone, code = form.one("phone").strip(), "".join(form.one("code").split())
        reply = await ask(request, "POST", "/me/number", {"phone": phone, "code": code}, form.key)
        if reply.taken:
            return show(request, View("number_changed", "number_changed", {"phone": phone}), signed_in=True)
        if reply.status not in (409, 422):
            return await desk.told(request, reply)
        view = _code(phone, shown_code(form), what_is_wrong(reply, code, NO_CODE))
        return show(request, view, signed_in=True, status=reply.status)

    return router
