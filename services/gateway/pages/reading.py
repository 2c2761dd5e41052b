"""The language in which somebody reads these pages: shown, and chosen; a cookie keeps it, also for who is signed out.

Place in the flow: sign-in, settings -> **reading** -> every page from then on. Which languages somebody likes to talk
in is another question (`welcome`).
"""

from fastapi import APIRouter, Request, Response

from matcher.errors import BadRequest
from services.gateway.pages.guard import read_page_form
from services.gateway.pages.render import go, show
from services.gateway.pages.showing import Desk
from services.gateway.pages.view import View
from services.languages.speaking import COOKIE, COOKIE_S, _, languages


def routes(desk: Desk) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()

    @router.get("/language")
    async def get_language(request: Request) -> Response:
        async with desk.gateway.room.in_time():
            me = await desk.session(request)
            if me and await desk.urgent(request):
                return go(request, "/")
            return show(request, View("my_language", "my_language"), signed_in=me is not None)

    @router.post("/page/language")
    async def post_language(request: Request) -> Response:
        code = (await read_page_form(request)).one("language")
        if code not in languages():
            raise BadRequest(_("We do not have that language yet."))
        response = go(request, "/")
        secure = not desk.gateway.settings.demo
        response.set_cookie(COOKIE, code, COOKIE_S, httponly=True, samesite="lax", secure=secure)
        return response

    return router
