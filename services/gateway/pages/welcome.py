"""Getting to know somebody who came in for the first time: one question a screen, and most of them can wait.

Place in the flow: sign-in -> name -> age -> ... -> quiet hours -> **PUT /me** -> home. What was answered stays in the
page's memory until then, so that a reload, the back button or a dead battery lose nothing. Nobody under 18 gets in:
what they have told us, their number too, goes at once.
"""

from fastapi import APIRouter, Request, Response

from services.gateway.limits import CHANGES
from services.gateway.pages.asking import ask
from services.gateway.pages.entry import with_kept
from services.gateway.pages.fields import errors_of, without_likes
from services.gateway.pages.guard import PageForm, read_page_form
from services.gateway.pages.memory import Draft
from services.gateway.pages.questions import (
    QUESTIONS,
    SOMEBODY,
    UNDER_AGE,
    Question,
    answer_in,
    question,
    what_is_wrong,
)
from services.gateway.pages.render import go, show
from services.gateway.pages.showing import SIGNED_OUT, Desk
from services.gateway.pages.view import BLANK, View
from services.gateway.signin import Session

TOO_YOUNG = "/welcome/too-young"
"""For whoever comes there: no session leads to it."""


def routes(desk: Desk) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()

    async def newcomer(request: Request) -> Session | None:
        """Whoever asks, if they have told us nothing yet. Raises Away."""
        me = await desk.session(request)
        return me if me and await desk.gateway.people.find(me.person) is None else None

    async def finish(request: Request, me: Session, draft: Draft, key: str) -> Response:
        missing = [one for one in QUESTIONS if not one.can_wait and not set(one.fields) <= set(draft.given)]
        if missing:
            return go(request, f"/welcome/{missing[0].name}")
        body = without_likes(SOMEBODY | draft.given)
        reply = await ask(request, "PUT", "/me", body, key)
        if reply.taken:
            await desk.memory.forget_draft(me.person)
            return go(request, "/")
        if reply.status == 422:
            wrong = errors_of(reply, BLANK | body)
            asked = next((one for one in QUESTIONS if set(one.fields) & set(wrong)), QUESTIONS[0])
            return show(request, question(asked, draft.given, wrong), signed_in=True, status=422)
        return await desk.told(request, reply)

    async def turn_away(request: Request, form: PageForm, me: Session) -> Response:
        await desk.memory.forget(me.person)
        reply = await ask(request, "DELETE", "/me/sessions", None, form.key)
        return with_kept(go(request, TOO_YOUNG), reply) if reply.taken else await desk.told(request, reply)

    async def take(request: Request, form: PageForm, one: Question) -> Response:
        me = await newcomer(request)
        if me is None:
            return go(request, "/" if await desk.session(request) else SIGNED_OUT)
        await desk.gateway.limits.take(CHANGES, me.person, form.key)
        draft = await desk.memory.draft(me.person)
        if one.name == "age" and form.one("age_band") == UNDER_AGE:
            return await turn_away(request, form, me)
        skipped = one.can_wait and form.one("skip") == "yes"
        answer = {} if skipped else answer_in(form, one)
        wrong = {} if skipped else what_is_wrong(answer)
        if wrong:
            return show(request, question(one, draft.given | answer, wrong), signed_in=True, status=422)
        draft = draft.answered(one.name, one.fields, answer)
        await desk.memory.put_draft(me.person, draft)
        if one is QUESTIONS[-1]:
            return await finish(request, me, draft, form.key)
        return go(request, f"/welcome/{QUESTIONS[QUESTIONS.index(one) + 1].name}")

    def add(one: Question) -> None:
        async def get(request: Request) -> Response:
            async with desk.gateway.room.in_time():
                me = await newcomer(request)
                if me is None:
                    return go(request, "/")
                return show(request, question(one, (await desk.memory.draft(me.person)).given), signed_in=True)

        async def post(request: Request) -> Response:
            form = await read_page_form(request)
            return await take(request, form, one)

        router.add_api_route(f"/welcome/{one.name}", get, methods=["GET"])
        router.add_api_route(f"/page/welcome/{one.name}", post, methods=["POST"])

    @router.get(TOO_YOUNG)
    async def get_too_young(request: Request) -> Response:
        return show(request, View("welcome_too_young", "welcome:too-young"), signed_in=False)

    for one in QUESTIONS:
        add(one)
    return router
