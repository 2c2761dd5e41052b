"""Routes: what two pages tell each other so that they hear each other: the way in for the voice of a call.

Place in the flow: a page's RTCPeerConnection -> **POST signal -> Redis -> GET signals** -> the other page's. Only for
the two people of a call that both accepted. With TURN servers set up no address of a person passes through here.
"""

import json
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from matcher.errors import BadRequest
from matcher.invitation import Invitation
from matcher.values import Value
from services.adapters.signals import KEEP_S, Signals, line_name
from services.gateway.answers import ACCEPTED, Answer
from services.gateway.gateway import Asked, Gateway
from services.gateway.invitations import find, in_call
from services.gateway.limits import SIGNAL_LINES, SIGNALS
from services.gateway.lines import Chunk, LiveResponse, read_since
from services.gateway.live import Hub, Line, Receipts
from services.gateway.signin import Session
from services.gateway.turn import CREDENTIALS_S, ice_servers, opaque_name

SDP_LIMIT = 12_000
"""Characters; a browser's description of one voice has about 2,500."""
CANDIDATES_LIMIT = 20
FROM_THE_START = "0-0"

PageId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,40}$")]
Printed = r"^[\x20-\x7e]*$"

_ADDRESS = re.compile(r"IN IP[46] \S+")
_RELATED = re.compile(r"raddr \S+ rport \d+")
_CANDIDATE = "a=candidate:"


class Description(Value):
    """One side's offer or answer of a connection."""

    type: Literal["offer", "answer"]
    sdp: Annotated[str, Field(max_length=SDP_LIMIT, pattern=r"^v=0\r?\n[\x20-\x7e\r\n]*$")]


class Candidate(Value):
    """One way in which a side may be reached; the names are the browsers' own."""

    candidate: Annotated[str, Field(max_length=500, pattern=Printed)]
    sdpMid: Annotated[str | None, Field(max_length=20, pattern=Printed)] = None  # noqa: N815
    sdpMLineIndex: Annotated[int | None, Field(ge=0, le=20)] = None  # noqa: N815
    usernameFragment: Annotated[str | None, Field(max_length=260, pattern=Printed)] = None  # noqa: N815


class Signal(Value):
    """Body of POST /invitations/{id}/signal.

    `page` is a random id of the page that speaks, `to` that of the page that is meant. One without `to` says "I am here
    now": the other begins anew with this page, and an older page of the same person lets go. `leaving` is the last word
    of a page that is being closed or loaded again, or "for good" of one on which somebody has hung up.
    """

    page: PageId
    to: PageId | None = None
    leaving: Literal[True, "for good"] | None = None
    description: Description | None = None
    candidates: Annotated[tuple[Candidate, ...], Field(max_length=CANDIDATES_LIMIT)] = ()


def only_sound(signal: Signal) -> None:
    """Raises BadRequest for a description of anything but sound."""
    if signal.description is None:
        return
    media = [line for line in signal.description.sdp.splitlines() if line.startswith("m=")]
    if not media or not all(line.startswith("m=audio ") for line in media):
        raise BadRequest("The field description is not one of a voice.")


def without_addresses(signal: Signal) -> Signal:
    """The signal with ways through a relay only, and without any other address in it."""
    candidates = tuple(
        one.model_copy(update={"candidate": _RELATED.sub("raddr 0.0.0.0 rport 0", one.candidate)})
        for one in signal.candidates
        if not one.candidate or _relays(one.candidate)
    )
    described = signal.description
    if described is not None:
        lines = [line for line in described.sdp.splitlines() if not line.startswith(_CANDIDATE) or _relays(line)]
        sdp = _RELATED.sub("raddr 0.0.0.0 rport 0", "\r\n".join([*lines, ""]))
        described = described.model_copy(update={"sdp": _ADDRESS.sub("IN IP4 0.0.0.0", sdp)})
    return signal.model_copy(update={"candidates": candidates, "description": described})


def _relays(candidate: str) -> bool:
    return " typ relay" in candidate


class SignalTeller:
    """Tells one side of a call what the other side signals, until the call is over."""

    def __init__(self, gateway: Gateway, signals: Signals, invitation: str, person: str, line: Line) -> None:
        self._gateway = gateway
        self._signals = signals
        self._invitation = invitation
        self._person = person
        self._line = line

    async def since(self, since: str, _: object) -> AsyncIterator[tuple[str, Chunk]]:
        """What came after `since`, each with its id; `over` is the last that is told."""
        for id_, signal in await self._signals.after(self._invitation, self._person, since):
            since = id_
            yield id_, Chunk(f"id: {id_}\nevent: signal\ndata: {signal}\n\n")
        row = await self._gateway.views.invitation(self._invitation)
        if row is not None and not row.live:
            self._line.close()
            yield since, Chunk("event: over\ndata: {}\n\n")


def routes(gateway: Gateway, hub: Hub, receipts: Receipts) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()
    settings = gateway.settings
    signals = Signals(gateway.redis, settings.redis_prefix)

    async def call_of(invitation: str, person: str) -> Invitation:
        return in_call(await find(gateway, invitation, person))

    async def pass_on(asked: Asked[Signal], invitation: str) -> Answer:
        me = asked.me.person
        await gateway.limits.take(SIGNALS, me, asked.key)
        row = await call_of(invitation, me)
        only_sound(asked.form)
        signal = without_addresses(asked.form) if settings.turn_urls else asked.form
        if signal.to is None:
            await signals.put(invitation, me, _told(signal, mine=True))
        await signals.put(invitation, row.other(me), _told(signal, mine=False))
        return ACCEPTED

    async def ice(me: Session, invitation: str) -> Answer:
        row = await call_of(invitation, me.person)
        name = opaque_name(settings.secret, invitation, me.person)
        servers = ice_servers(settings.turn_urls, settings.turn_secret, name, gateway.clock.wall())
        policy = "relay" if settings.turn_urls else "all"
        side = "a" if me.person == row.a else "b"
        return Answer(200, {"ice_servers": servers, "policy": policy, "side": side, "expires_s": CREDENTIALS_S})

    @router.post("/invitations/{invitation}/signal")
    async def post_signal(request: Request, invitation: str) -> Response:
        async def act(asked: Asked[Any]) -> Answer:
            return await pass_on(asked, invitation)

        return await gateway.write(request, Signal, act, keep_s=KEEP_S)

    @router.get("/invitations/{invitation}/ice")
    async def get_ice(request: Request, invitation: str) -> Response:
        return await gateway.read(request, lambda me: ice(me, invitation))

    @router.get("/invitations/{invitation}/signals")
    async def get_signals(request: Request, invitation: str) -> Response:
        async with gateway.room.in_time():
            me = await gateway.signed_in(request)
            since = read_since(request) or FROM_THE_START
            await gateway.limits.take(SIGNAL_LINES, me.person)
            await call_of(invitation, me.person)
        line = Line(line_name(invitation, me.person), me.session)
        teller = SignalTeller(gateway, signals, invitation, me.person, line)
        return LiveResponse(gateway, hub, receipts, line, since, None, teller)

    return router


def _told(signal: Signal, *, mine: bool) -> str:
    """A signal as it is told; `mine` if another page of the same person said it."""
    return json.dumps({**signal.model_dump(mode="json", exclude_none=True), "mine": mine}, separators=(",", ":"))
