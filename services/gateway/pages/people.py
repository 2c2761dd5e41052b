"""My people: whom I want to talk with again and who want it too, and asking one of them for a call.

Place in the flow: home -> **my people** -> one of them and how long -> POST /availability, which hopes for them.
"""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from matcher.errors import NotFound
from services.gateway.mine import Mine, none_of_them
from services.gateway.pages.asking import Reply
from services.gateway.pages.render import go, show
from services.gateway.pages.showing import Desk
from services.gateway.pages.view import View
from services.gateway.pages.words import ago_words


def routes(desk: Desk) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()

    def in_words(one: dict[str, Any]) -> dict[str, Any]:
        last = one["last_talked_at"]
        ago = last and ago_words((desk.gateway.clock.now() - datetime.fromisoformat(last)).total_seconds())
        return one | {"ago": ago, "reasons": [f"topic:{topic}" for topic in one["shares"]]}

    async def shown(request: Request, name: str, bond: str | None = None) -> Response:
        async with desk.gateway.room.in_time():
            me = await desk.session(request)
            if me is None or await desk.urgent(request):
                return go(request, "/")
            people = [in_words(one) for one in await Mine(desk.gateway, me).people() if bond in (None, one["person"])]
            if bond is not None and not people:
                raise none_of_them()
            return show(request, View(name, name, {"mine": people}), signed_in=True)

    @router.get("/people")
    async def get_people(request: Request) -> Response:
        return await shown(request, "my_people")

    @router.get("/people/{person}")
    async def get_person(request: Request, person: str) -> Response:
        try:
            return await shown(request, "ask_for", person)
        except NotFound as error:
            return await desk.told(request, Reply(404, {"message": error.message}))

    return router
