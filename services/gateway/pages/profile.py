"""What somebody tells about themselves, when they come back to it; pause and resume.

Place in the flow: about me -> **PUT /me** -> home. What was typed stays when something is wrong with it.
"""

from typing import Any

from fastapi import APIRouter, Request, Response

from services.gateway.me import shown as shown_me
from services.gateway.pages.asking import ask
from services.gateway.pages.fields import LISTS, errors_of, without_likes
from services.gateway.pages.guard import PageForm, read_page_form
from services.gateway.pages.render import go, show
from services.gateway.pages.showing import Desk
from services.gateway.pages.view import about_me


def body_of(form: PageForm) -> dict[str, Any]:
    """The body of PUT /me that this form makes."""
    quiet = {"start": form.one("quiet_start"), "end": form.one("quiet_end")} if form.one("quiet") else None
    lists = {name: form.all(name) for name in LISTS}
    plain = {name: form.one(name) for name in ("first_name", "area", "age_band")}
    plain |= {"gender": form.one("gender") or "unsaid"}
    return without_likes({**plain, **lists, "adult": bool(form.one("adult")), "quiet": quiet})


def routes(desk: Desk) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()

    @router.get("/about-me")
    async def get_about_me(request: Request) -> Response:
        async with desk.gateway.room.in_time():
            me = await desk.session(request)
            row = await desk.gateway.people.find(me.person) if me else None
            if row is None or (await desk.urgent(request)):
                return go(request, "/")
            return show(request, about_me(shown_me(row) | {"adult": True}, {}), signed_in=True)

    @router.post("/page/about-me")
    async def post_about_me(request: Request) -> Response:
        form = await read_page_form(request)
        body = body_of(form)
        reply = await ask(request, "PUT", "/me", body, form.key)
        if reply.status in (403, 422):
            return show(request, about_me(body, errors_of(reply, body)), signed_in=True, status=reply.status)
        if reply.taken:
            return go(request, "/")
        return await desk.told(request, reply)

    def add(path: str, method: str, api: str) -> None:
        async def post(request: Request) -> Response:
            form = await read_page_form(request)
            return await desk.told(request, await ask(request, method, api, None, form.key))

        router.add_api_route(path, post, methods=["POST"])

    add("/page/pause", "POST", "/me/pause")
    add("/page/resume", "POST", "/me/resume")
    return router
