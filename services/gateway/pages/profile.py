"""What somebody tells about themselves, on coming in and later; pause and resume.

Place in the flow: about me -> **PUT /me** -> home. What was typed stays when something is wrong with it.
"""

import re
from typing import Any

from fastapi import APIRouter, Request, Response

from services.gateway.me import shown as shown_me
from services.gateway.pages.asking import Reply, ask
from services.gateway.pages.guard import PageForm, read_page_form
from services.gateway.pages.render import go, show
from services.gateway.pages.showing import Desk
from services.gateway.pages.view import about_me

LISTS = ("languages", "likes", "avoids", "wishes")
NEEDED = ("first_name", "adult", "age_band", "area", "languages")
ERRORS = {
    "first_name": "Please give a first name of up to 40 letters, without digits.",
    "adult": "Partyline is for people of 18 and over. Please tick this if you are.",
    "age_band": "Please choose your age.",
    "area": "Please choose where you live.",
    "languages": "Please choose at least one language.",
    "likes": "Please choose from the list.",
    "avoids": "Please choose from the list.",
    "wishes": "Please choose from the list.",
    "gender": "Please choose from the list.",
    "quiet": "Please give two different times, such as 22:00 and 07:00.",
}


def body_of(form: PageForm) -> dict[str, Any]:
    """The body of PUT /me that this form makes."""
    quiet = {"start": form.one("quiet_start"), "end": form.one("quiet_end")} if form.one("quiet") else None
    lists = {name: form.all(name) for name in LISTS}
    likes = set(lists["likes"])
    lists["avoids"] = [topic for topic in lists["avoids"] if topic not in likes]
    plain = {name: form.one(name) for name in ("first_name", "area", "age_band")}
    plain |= {"gender": form.one("gender") or "unsaid"}
    return {**plain, **lists, "adult": bool(form.one("adult")), "quiet": quiet}


def errors_of(reply: Reply, body: dict[str, Any]) -> dict[str, str]:
    """What was wrong, by field; under "" what belongs to none.

    The API names the first fault; what was left blank is named with it, so that nobody is sent back field by field.
    """
    blank = {name: ERRORS[name] for name in NEEDED if not body[name]}
    found = re.match(r"The field (\w+) ", reply.message)
    if reply.status == 403 or (found and found[1] in ERRORS):
        name = "adult" if reply.status == 403 or not found else found[1]
        return {name: ERRORS[name]} | blank
    return {"": reply.message} | blank


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
            return show(request, about_me(shown_me(row) | {"adult": True}, {}, first=False), signed_in=True)

    @router.post("/page/about-me")
    async def post_about_me(request: Request) -> Response:
        form = await read_page_form(request)
        body = body_of(form)
        reply = await ask(request, "PUT", "/me", body, form.key)
        first = form.one("first") == "yes"
        if reply.status in (403, 422):
            return show(request, about_me(body, errors_of(reply, body), first), signed_in=True, status=reply.status)
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
