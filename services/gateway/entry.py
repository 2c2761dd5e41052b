"""Routes: codes, sessions, lists. The way in.

Place in the flow: phone number -> code -> **session** -> everything else.
"""

import secrets
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from matcher.errors import Away
from matcher.values import Value
from services.gateway.answers import Answer
from services.gateway.body import Nothing, read_body, read_form, read_key
from services.gateway.gateway import COOKIE, Asked, Gateway, forgotten
from services.gateway.limits import CODES_PER_NUMBER, SIGN_INS_PER_NUMBER, codes_per_address, sign_ins_per_address
from services.gateway.lists import lists
from services.gateway.live import Hub
from services.gateway.signin import CODE_S, person_id, read_phone, session_token

Phone = Annotated[str, Field(min_length=3, max_length=40)]


class CodeWanted(Value):
    """Body of POST /codes."""

    phone: Phone


class SignIn(Value):
    """Body of POST /sessions."""

    phone: Phone
    code: Annotated[str, Field(min_length=1, max_length=12)]


def routes(gateway: Gateway, hub: Hub) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()

    async def send_code(asked: Asked[CodeWanted]) -> Answer:
        phone = read_phone(asked.form.phone)
        number = person_id(gateway.settings.secret, phone)
        await gateway.limits.take(codes_per_address(gateway.settings), asked.address, asked.place)
        await gateway.limits.take(CODES_PER_NUMBER, number, asked.place)
        shown = await gateway.sender.send(phone, await gateway.codes.make(number))
        return Answer(202, {"expires_s": CODE_S, **shown})

    async def sign_in(asked: Asked[SignIn]) -> Answer:
        phone = read_phone(asked.form.phone)
        number = person_id(gateway.settings.secret, phone)
        await gateway.limits.take(sign_ins_per_address(gateway.settings), asked.address, asked.place)
        await gateway.limits.take(SIGN_INS_PER_NUMBER, number, asked.place)
        _, person = await gateway.numbers.find(phone)
        await gateway.codes.use(number, asked.form.code.strip())
        nonce = secrets.token_hex(32)
        await gateway.sessions.open(session_token(gateway.settings.secret, nonce, asked.key), person, phone)
        return Answer(201, {"registered": await is_registered(person)}, opens=nonce)

    async def is_registered(person: str) -> bool | None:
        # Views that were lost this very moment: then it just cannot be told.
        try:
            return await gateway.people.find(person) is not None
        except Away:
            return None

    @router.post("/codes")
    async def post_codes(request: Request) -> Response:
        return await gateway.write(request, CodeWanted, send_code, for_all=True)

    @router.post("/sessions")
    async def post_sessions(request: Request) -> Response:
        return await gateway.write(request, SignIn, sign_in, for_all=True)

    @router.delete("/sessions")
    async def delete_sessions(request: Request) -> Response:
        # Ending what has ended changes nothing, so the answer need not be kept.
        read_key(request)
        read_form(await read_body(request), Nothing)
        async with gateway.room.in_time():
            token = request.cookies.get(COOKIE)
            session = await gateway.sessions.find(token) if token else None
            if session is not None:
                await hub.say_ended(await gateway.sessions.end(session))
        return forgotten(Answer(204).response())

    @router.get("/lists")
    async def get_lists() -> Response:
        return Answer(200, lists()).response()

    return router
