"""Everything under the page: the page itself, the part of it that changes, settings, files, and the forms.

Place in the flow: browser -> **routes** -> entry, reading, welcome, profile, mine, people, talk.
"""

import redis.exceptions
from fastapi import APIRouter, FastAPI, Request, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from matcher.errors import Away
from services.gateway.gateway import Gateway
from services.gateway.pages import entry, mine, people, profile, reading, talk, welcome
from services.gateway.pages.guard import SafeHeaders
from services.gateway.pages.render import STATIC, go, show
from services.gateway.pages.showing import AGAIN, SIGNED_OUT, Desk, away
from services.gateway.pages.view import URGENT, View
from services.languages.speaking import InTheirLanguage

STAYS = (
    "settings", "about_me", "erase", "welcome", "my_calls", "my_people", "ask_for", "my_blocks", "my_sessions",
    "my_passkeys", "my_language",
)  # fmt: skip
"""Pages that only a ring or a call replaces."""


def add_pages(app: FastAPI, gateway: Gateway) -> None:
    """Let `app` serve the companion page, and send safe headers with everything."""
    desk = Desk(gateway)
    app.include_router(_routes(desk))
    for module in (entry, mine, people, profile, reading, talk, welcome):
        app.include_router(module.routes(desk))
    app.router.routes.append(Mount("/static", StaticFiles(directory=STATIC)))
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
                    return show(request, entry.door(said=said), signed_in=False)
                return show(request, await desk.view(me), signed_in=True)
        except (Away, redis.exceptions.RedisError):
            return away(request)

    @router.get("/view")
    async def get_view(request: Request) -> Response:
        """What `main` is to show, or 204 if that is what it shows already."""
        showing = request.query_params.get("showing", "")
        try:
            async with desk.gateway.room.in_time():
                me = await desk.session(request)
                if me is None:
                    return go(request, SIGNED_OUT)
                view = await desk.view(me)
        except (Away, redis.exceptions.RedisError):
            return Response(status_code=204)
        if showing == AGAIN or view.key == showing or (showing.partition(":")[0] in STAYS and view.name not in URGENT):
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
                return show(request, View(name, name), signed_in=True)

        router.add_api_route(path, get, methods=["GET"])

    add_calm("/settings", "settings")
    add_calm("/erase", "erase")
    return router
