"""What somebody finds under Settings: their calls, whom they blocked, where they are signed in, and how.

Place in the flow: settings -> **what we hold of them** -> unblock, remove a passkey.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from services.gateway.limits import CHANGES
from services.gateway.mine import Mine
from services.gateway.pages.asking import ask
from services.gateway.pages.guard import read_page_form
from services.gateway.pages.render import go, show
from services.gateway.pages.showing import SIGNED_OUT, Desk
from services.gateway.pages.view import View
from services.gateway.pages.words import ago_words, day_words
from services.gateway.signin import Session

Shown = Callable[[Mine], Awaitable[list[dict[str, Any]]]]


async def _calls(mine: Mine) -> list[dict[str, Any]]:
    return [one | {"when": day_words(datetime.fromisoformat(one["ended_at"]))} for one in await mine.calls()]


async def _sessions(mine: Mine) -> list[dict[str, Any]]:
    return [
        one | {"when": day_words(datetime.fromisoformat(one["since"])), "used": ago_words(one["unused_s"])}
        for one in await mine.sessions()
    ]


async def _passkeys(mine: Mine) -> list[dict[str, Any]]:
    mine_now = mine.passkeys(await mine.row())
    return [one | {"when": day_words(datetime.fromisoformat(one["added"]))} for one in mine_now]


SCREENS: dict[str, tuple[str, Shown]] = {
    "/calls": ("my_calls", _calls),
    "/blocked": ("my_blocks", Mine.blocks),
    "/signed-in": ("my_sessions", _sessions),
    "/passkeys": ("my_passkeys", _passkeys),
}


def routes(desk: Desk) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()

    def add(path: str, name: str, shown: Shown) -> None:
        async def get(request: Request) -> Response:
            async with desk.gateway.room.in_time():
                me = await desk.session(request)
                if me is None or await desk.urgent(request):
                    return go(request, "/")
                told = {"mine": await shown(Mine(desk.gateway, me))}
                return show(request, View(name, name, told), signed_in=True)

        router.add_api_route(path, get, methods=["GET"])

    for path, (name, shown) in SCREENS.items():
        add(path, name, shown)

    def add_form(path: str, api: str, field: str, then: str) -> None:
        async def post(request: Request) -> Response:
            form = await read_page_form(request)
            reply = await ask(request, "POST", api, {field: form.one(field)}, form.key)
            return go(request, then) if reply.taken else await desk.told(request, reply)

        router.add_api_route(path, post, methods=["POST"])

    add_form("/page/unblock", "/me/unblock", "block", "/blocked")
    add_form("/page/passkeys/remove", "/passkeys/remove", "passkey", "/passkeys")

    def add_aside(path: str, put_aside: Callable[[Session], Awaitable[None]]) -> None:
        async def post(request: Request) -> Response:
            form = await read_page_form(request)
            me = await desk.session(request)
            if me is None:
                return go(request, SIGNED_OUT)
            await desk.gateway.limits.take(CHANGES, me.person, form.key)
            await put_aside(me)
            return await desk.done(request)

        router.add_api_route(path, post, methods=["POST"])

    add_aside("/page/passkeys/later", lambda me: desk.memory.put_no_passkey(me.person))
    add_aside("/page/ringing/later", lambda me: desk.memory.put_no_ringing(me.person))
    add_aside("/page/wishes/aside", lambda me: desk.gateway.wishes.forget(me.person))
    add_aside("/page/sign-out-elsewhere/aside", desk.gateway.sessions.put_both)

    @router.post("/page/sign-out-elsewhere")
    async def post_elsewhere(request: Request) -> Response:
        form = await read_page_form(request)
        reply = await ask(request, "DELETE", "/me/sessions/others", None, form.key)
        return go(request, "/signed-in") if reply.taken else await desk.told(request, reply)

    return router
