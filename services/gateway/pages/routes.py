"""Everything under the page: the page itself, the part of it that changes, settings, files, and the forms.

Place in the flow: browser -> **routes** -> entry, reading, welcome, profile, mine, number, people, talk.
"""

import redis.exceptions
from fastapi import APIRouter, FastAPI, Request, Response

from matcher.errors import Away
from services.gateway.gateway import COOKIE, Gateway, forgotten
from services.gateway.pages import entry, mine, number, people, profile, reading, talk, welcome
from services.gateway.pages.guard import SafeHeaders
from services.gateway.pages.installed import add_installed
from services.gateway.pages.render import go, rung_here, show
from services.gateway.pages.showing import SIGNED_OUT, Desk, away
from services.gateway.pages.view import AGAIN, URGENT, View
from services.languages.speaking import InTheirLanguage

STAYS = (
    "settings", "about_me", "erase", "welcome", "my_calls", "my_people", "ask_for", "my_blocks", "my_sessions",
    "my_passkeys", "my_number", "my_number_code", "number_changed", "my_ringing", "my_language",
)  # fmt: skip
"""Pages that only a ring or a call replaces."""

ASKED_AGE = "welcome:age"
"""The question that ends the session of whoever is too young."""


def add_pages(app: FastAPI, gateway: Gateway, version: str) -> None:
    """Let `app` serve the companion page, and send safe headers with everything."""
    desk = Desk(gateway)
    app.include_router(_routes(desk))
    for module in (entry, mine, number, people, profile, reading, talk, welcome):
        app.include_router(module.routes(desk))
    add_installed(app, version)
    app.add_middleware(SafeHeaders)
    app.add_middleware(InTheirLanguage)


def _routes(desk: Desk) -> APIRouter:
    router = APIRouter()

    @router.get("/")
    async def get_page(request: Request) -> Response:
        try:
            async with desk.gateway.room.in_time():
                me = await desk.session(request)
                if me is None:
                    said = entry.said_at_the_door(request.url.query)
                    door = show(request, entry.door(said=said), signed_in=False)
                    return forgotten(door) if COOKIE in request.cookies else door
                return show(request, await desk.view(me), signed_in=True)
        except (Away, redis.exceptions.RedisError):
            return away(request)

    @router.get("/view")
    async def get_view(request: Request) -> Response:
        """What `main` is to show, or 204 if that is what it shows already.

        A page of another version gets it all the same while it is calm, and then loads itself anew.
        """
        showing, ours = request.query_params.get("showing", ""), request.app.state.version
        outdated = request.query_params.get("version", ours) != ours
        try:
            async with desk.gateway.room.in_time():
                me = await desk.session(request)
                if me is None and showing == ASKED_AGE:  # on their way to read that they are too young
                    return Response(status_code=204)
                if me is None:
                    return go(request, SIGNED_OUT)
                view = await desk.view(me)
        except (Away, redis.exceptions.RedisError):
            return Response(status_code=204)
        known = view.key == showing and not (outdated and view.calm)
        if showing == AGAIN or known or (showing.partition(":")[0] in STAYS and view.name not in URGENT):
            return Response(status_code=204)
        return show(request, view, signed_in=True)

    @router.get("/page/{rest:path}")
    async def get_form(request: Request, rest: str) -> Response:
        """A form's address, loaded anew or gone back to."""
        return go(request, "/")

    def add_calm(path: str, name: str) -> None:
        async def get(request: Request) -> Response:
            async with desk.gateway.room.in_time():
                me = await desk.session(request)
                if me is None or await desk.urgent(request):
                    return go(request, "/")
                if name == "my_ringing" and rung_here(request) is None:
                    return go(request, "/settings")
                return show(request, View(name, name), signed_in=True)

        router.add_api_route(path, get, methods=["GET"])

    add_calm("/settings", "settings")
    add_calm("/erase", "erase")
    add_calm("/ringing", "my_ringing")
    return router
