"""Routes: what we hold of somebody, for themselves: calls, their people, blocks, where they are signed in, all of it.

Place in the flow: the person's own row, their sessions -> **the page, a file to keep**; unblock -> person-events. Of
other people only the first name is shown, and only while they are here.
"""

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from matcher.errors import NotFound
from matcher.events import PasskeyRemoved, PersonUnblocked
from matcher.features import shared_topics
from matcher.person import Person, keep_each_other
from matcher.values import Value, derived_id
from services.gateway import me as about
from services.gateway.answers import ACCEPTED, Answer
from services.gateway.body import Nothing
from services.gateway.gateway import Asked, Gateway, forgotten
from services.gateway.limits import ANSWERS, CHANGES, EXPORTS
from services.gateway.live import Hub
from services.gateway.shown import shown_availability
from services.gateway.signin import Session
from services.languages.speaking import N_, _

FILE_NAME = "partyline-about-me.json"
NOT_HERE = N_(
    "What you wrote to us about another person, and what others said after a call with you, is not in this file: it is "
    "about them as well. Your number is in it if you came in with a code, not with a passkey."
)


class Unblock(Value):
    """Body of POST /me/unblock: the `block` of GET /me/blocks."""

    block: Annotated[str, Field(min_length=1, max_length=80)]


def none_of_them() -> NotFound:
    """Whoever was asked for is not among their people, if there is such a person at all."""
    return NotFound(_("This person is not among your people."))


class Mine:
    """What we hold of one person."""

    def __init__(self, gateway: Gateway, me: Session) -> None:
        self._gateway = gateway
        self._me = me

    async def row(self) -> Person:
        """Their row; of somebody who has told us nothing yet an empty one. Raises Away."""
        return await self._gateway.people.find(self._me.person) or Person(offset=-1, person=self._me.person)

    async def calls(self) -> list[dict[str, Any]]:
        """Their newest calls, the last one first."""
        calls = (await self.row()).calls[::-1]
        names = await self._gateway.views.first_names([call.other for call in calls])
        return [
            {"first_name": name, "ended_at": call.ended_at.isoformat(), "talked_s": call.talked_s}
            for name, call in zip(names, calls, strict=True)
        ]

    async def _kept(self, row: Person) -> list[tuple[str, Person]]:
        """Whom they and who them want to keep, the newest first: what stands for each, and their row."""
        rows = await self._gateway.views.people(row.bonds[::-1])
        return [(self._bond_id(other.person), other) for other in rows if other and keep_each_other(row, other)]

    async def people(self) -> list[dict[str, Any]]:
        """Their people as they see them."""
        row = await self.row()
        last = {call.other: call.ended_at for call in row.calls}
        return [
            {
                "person": bond, "first_name": other.profile.first_name if other.profile else None,
                "last_talked_at": last[other.person].isoformat() if other.person in last else None,
                "shares": list(shared_topics(row.features(), other.features())),
            }
            for bond, other in await self._kept(row)
        ]  # fmt: skip

    async def one_of_them(self, bond: str) -> Person:
        """Whom of their people this stands for. Raises NotFound, also when it is somebody else's."""
        for name, other in await self._kept(await self.row()):
            if name == bond:
                return other
        raise none_of_them()

    async def name_of(self, person: str) -> str | None:
        """The first name of one of their people, or None if it is none of them."""
        found = (other for _, other in await self._kept(await self.row()) if other.person == person)
        return next((other.profile.first_name for other in found if other.profile), None)

    async def wished(self, now: datetime) -> tuple[str, ...]:
        """The first names of those of their people who would like to talk, and with whom they have not since."""
        wishes = await self._gateway.wishes.of(self._me.person, now)
        if not wishes:
            return ()
        row = await self.row()
        done = {call.other for call in row.calls if call.other in wishes and wishes[call.other] <= call.ended_at}
        people = [other for _, other in await self._kept(row) if other.person in wishes and other.person not in done]
        return tuple(other.profile.first_name for other in people if other.profile)

    async def blocks(self) -> list[dict[str, Any]]:
        """Whom they blocked, the last one first; a block that came with a report stays."""
        row = await self.row()
        others = row.blocks[::-1]
        names = await self._gateway.views.first_names(others)
        return [
            {"block": self.block_id(other), "first_name": name, "can_be_lifted": other not in row.reported}
            for name, other in zip(names, others, strict=True)
        ]

    async def sessions(self) -> list[dict[str, Any]]:
        """Where they are signed in, the last used first."""
        return [
            {
                "since": one.at.isoformat(), "unused_s": one.unused_s, "rings_when_locked": one.rings,
                "this_one": one.session == self._me.session,
            }
            for one in await self._gateway.sessions.of(self._me.person)
        ]  # fmt: skip

    async def everything(self) -> dict[str, Any]:
        """All of it."""
        row = await self.row()
        waiting = await self._gateway.views.waiting(self._me.person)
        return {
            "phone": self._me.phone or None,
            "about_me": about.shown(row) if row.profile else None,
            "free": shown_availability(waiting, self._gateway.clock.now()) if waiting else None,
            "calls": await self.calls(),
            "people": [one["first_name"] for one in await self.people()],
            "answers_after_calls": {"given": row.gave, "of_them_yes": row.gave_yes},
            "blocks": [{name: one[name] for name in ("first_name", "can_be_lifted")} for one in await self.blocks()],
            "sessions": await self.sessions(),
            "passkeys": self.passkeys(row),
            "not_in_this_file": _(NOT_HERE),
        }

    def passkeys(self, row: Person) -> list[dict[str, Any]]:
        """The passkeys in their row, the newest first."""
        return [
            {"passkey": one.id, "site": one.site, "added": one.added.isoformat()} for one in reversed(row.passkeys)
        ]

    def _bond_id(self, other: str) -> str:
        """What stands for one of their people: nobody else can do anything with it."""
        return derived_id("bond", self._me.person, other)

    def block_id(self, other: str) -> str:
        """What stands for this block: it tells nothing of the other."""
        return derived_id("block", self._me.person, other)


async def remove_passkeys(gateway: Gateway, asked: Asked[Any]) -> None:
    """A telephone that is no longer theirs must not come in by itself."""
    common = asked.about_me("passkey-removed")
    for one in (await Mine(gateway, asked.me).row()).passkeys:
        common["id"] = derived_id("passkey-removed", common["person"], asked.key, one.id)
        await gateway.tell(PasskeyRemoved(passkey=one.id, **common))


def routes(gateway: Gateway, hub: Hub) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()

    async def unblock(asked: Asked[Unblock]) -> Answer:
        await gateway.limits.take(ANSWERS, asked.me.person, asked.key)
        mine = Mine(gateway, asked.me)
        row = await mine.row()
        others = [one for one in row.blocks if one not in row.reported and mine.block_id(one) == asked.form.block]
        if not others:
            raise NotFound(_("There is no such block, or it has to stay."))
        await gateway.tell(PersonUnblocked(other=others[0], **asked.about_me("unblocked")))
        return ACCEPTED

    async def end_sessions(asked: Asked[Nothing]) -> Answer:
        await gateway.limits.take(CHANGES, asked.me.person, asked.key)
        await remove_passkeys(gateway, asked)
        await hub.say_ended(await gateway.sessions.end_all(asked.me.person))
        return ACCEPTED

    async def end_others(asked: Asked[Nothing]) -> Answer:
        await gateway.limits.take(CHANGES, asked.me.person, asked.key)
        await remove_passkeys(gateway, asked)
        await hub.say_ended(await gateway.sessions.end_others(asked.me))
        return ACCEPTED

    @router.get("/me/calls")
    async def get_calls(request: Request) -> Response:
        return await gateway.read(request, lambda me: _answer("calls", Mine(gateway, me).calls()))

    @router.get("/me/people")
    async def get_people(request: Request) -> Response:
        return await gateway.read(request, lambda me: _answer("people", Mine(gateway, me).people()))

    @router.get("/me/blocks")
    async def get_blocks(request: Request) -> Response:
        return await gateway.read(request, lambda me: _answer("blocks", Mine(gateway, me).blocks()))

    @router.get("/me/sessions")
    async def get_sessions(request: Request) -> Response:
        return await gateway.read(request, lambda me: _answer("sessions", Mine(gateway, me).sessions()))

    @router.get("/me/export")
    async def get_export(request: Request) -> Response:
        async with gateway.room.in_time():
            me = await gateway.signed_in(request)
            await gateway.limits.take(EXPORTS, me.person)
            text = json.dumps(await Mine(gateway, me).everything(), ensure_ascii=False, indent=2)
        headers = {"Content-Disposition": f'attachment; filename="{FILE_NAME}"', "Cache-Control": "no-store"}
        return Response(text, media_type="application/json", headers=headers)

    @router.post("/me/unblock")
    async def post_unblock(request: Request) -> Response:
        return await gateway.write(request, Unblock, unblock)

    @router.delete("/me/sessions")
    async def delete_sessions(request: Request) -> Response:
        response = await gateway.write(request, Nothing, end_sessions)
        if response.status_code == ACCEPTED.status:  # whoever has to send it again needs their session for that
            return forgotten(response)
        return response

    @router.delete("/me/sessions/others")
    async def delete_others(request: Request) -> Response:
        return await gateway.write(request, Nothing, end_others)

    return router


async def _answer(name: str, wanted: Any) -> Answer:
    return Answer(200, {name: await wanted})
