"""Routes: answer an invitation, keep a call alive, end it, say how it was, block, raise a concern, take it back.

Place in the flow: the view of an invitation -> the answer, with the whole invitation -> **pool, calls, outcomes,
person-events**. Somebody else's invitation looks exactly like one that does not exist.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field, StrictBool

from matcher.errors import AlreadyEnded, Away
from matcher.events import (
    WHAT_LIMIT,
    AvailabilityOpened,
    ConcernRaised,
    ConcernWithdrawn,
    InvitationAnswered,
    LegHeard,
    LegHungUp,
    OutcomeGiven,
    PersonBlocked,
    Quality,
)
from matcher.invitation import Answer as Reply, Invitation, broke
from matcher.outcome import pair_key
from matcher.person import TAKE_BACK_WITHIN
from matcher.values import Value
from services.gateway.answers import ACCEPTED, Answer, Comfort, NotYet, nowhere, promise_comfort
from services.gateway.availability import may_open
from services.gateway.body import Nothing
from services.gateway.gateway import Asked, Gateway
from services.gateway.idempotency import KEEP_HEARTBEAT_S, KEEP_S
from services.gateway.limits import ANSWERS, CONCERNS, ENDS, HEARTBEATS
from services.languages.speaking import N_, _
from services.topics import CALLS, OUTCOMES, PERSON_EVENTS, POOL

ID_LIMIT = 80
GO_ON_WINDOW = timedelta(minutes=10)
"""Domain time that whoever goes on with a call has at least."""

CRISIS_LINE = {
    "crisis_line": {
        "name": "Samaritans",
        "number": "116 123",
        "when": N_("day and night, free of charge, in the UK and Ireland"),
        "emergency": "999",
    },
}
CONCERN_TAKEN = N_(
    "Thank you for telling us. You will not be put through to this person again, and they will not be "
    "called until one of us has looked into it. If somebody is in danger now, please call 999."
)
CONCERN_COMFORT = Comfort(
    N_(
        "We are sorry that we could not take your report just now. You need not wait for us: Samaritans listen on "
        "116 123, day and night; if somebody is in danger now, please call 999."
    ),
    CRISIS_LINE,
)

Step = Callable[[Asked[Any], Invitation], Awaitable[Answer]]


class Heartbeat(Value):
    """Body of POST /calls/{id}/heartbeat."""

    connected: StrictBool
    quality: Quality | None = None


class End(Value):
    """Body of POST /calls/{id}/end: `lost` if nobody meant it to end."""

    lost: StrictBool = False


class Outcome(Value):
    """Body of POST /calls/{id}/outcome."""

    talk_again: Literal["yes", "maybe", "no"]
    felt: Literal["good", "fine", "awkward", "sad"] | None = None


class Concern(Value):
    """Body of POST /invitations/{id}/concern; without `what` it felt wrong, and that is all that was said."""

    what: Annotated[str, Field(max_length=WHAT_LIMIT)] = ""


async def find(gateway: Gateway, invitation: str, person: str) -> Invitation:
    """The invitation, if `person` is one of the two.

    Raises NotFound, or Away while the views are being rebuilt and may lack it.
    """
    row = await gateway.views.invitation(invitation) if len(invitation) <= ID_LIMIT else None
    if row is None and not await gateway.views.whole():
        raise Away(_("We are just setting things up again. Nothing is lost: please try again."))
    if row is None or person not in row.people:
        raise nowhere()
    return row


def in_call(row: Invitation) -> Invitation:
    """`row` while both are in the call. Raises AlreadyEnded, NotYet."""
    if not row.live:
        raise AlreadyEnded(_("This call is over."))
    if row.state != "confirmed":
        raise NotYet(_("This call has not begun yet."))
    return row


class Steps:
    """What the routes of this module do, each with the invitation that the person was asked about."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def accept(self, asked: Asked[Nothing], row: Invitation) -> Answer:
        """Yes, put me through."""
        return await self._reply(asked, row, "accept")

    async def decline(self, asked: Asked[Nothing], row: Invitation) -> Answer:
        """Not now."""
        return await self._reply(asked, row, "decline")

    async def _reply(self, asked: Asked[Nothing], row: Invitation, reply: Reply) -> Answer:
        # The log decides whether an answer came in time; the view only tells what is known to be over.
        await self._gateway.limits.take(ANSWERS, asked.me.person, asked.key)
        if not row.live:
            raise AlreadyEnded(_("This call has already gone. There will be another one."))
        answered = InvitationAnswered(market=row.market, invitation=row, answer=reply, **asked.about_me("answered"))
        await self._gateway.outbox.say(POOL, row.market, answered)
        return ACCEPTED

    async def heartbeat(self, asked: Asked[Heartbeat], row: Invitation) -> Answer:
        """This side's page is alive."""
        await self._gateway.limits.take(HEARTBEATS, asked.me.person, asked.key)
        form = asked.form
        heard = LegHeard(
            invitation=in_call(row), connected=form.connected, quality=form.quality, **asked.about_me("heard")
        )
        await self._gateway.outbox.say(CALLS, row.invitation, heard)
        return ACCEPTED

    async def hang_up(self, asked: Asked[End], row: Invitation) -> Answer:
        """This side has hung up, or lost the line."""
        await self._gateway.limits.take(ENDS, asked.me.person, asked.key)
        hung_up = LegHungUp(invitation=in_call(row), lost=asked.form.lost, **asked.about_me("hung-up"))
        await self._gateway.outbox.say(CALLS, row.invitation, hung_up)
        return ACCEPTED

    async def go_on(self, asked: Asked[Nothing], row: Invitation) -> Answer:
        """The line broke, and they would go on: a window for the other of this call alone."""
        gateway, me = self._gateway, asked.me.person
        await gateway.limits.take(ANSWERS, me, asked.key)
        await may_open(gateway, me)
        if row.live:
            raise NotYet(_("This call is not over."))
        if not broke(row) or row.go_on_by_wall < gateway.clock.wall():
            raise AlreadyEnded(_("It is too late to go on with this call."))
        now = gateway.clock.now()
        availability, until = asked.id("av"), max(row.until, now + GO_ON_WINDOW)
        opened = AvailabilityOpened(
            availability=availability, opened_at=now, until=until, company="known", hopes_for=row.other(me),
            goes_on=row.invitation, **asked.about_me("opened"),
        )  # fmt: skip
        await gateway.outbox.say(PERSON_EVENTS, me, opened)
        return Answer(202, {"availability": availability})

    async def outcome(self, asked: Asked[Outcome], row: Invitation) -> Answer:
        """How it was; said again, it replaces what was said before."""
        me, other = asked.me.person, row.other(asked.me.person)
        await self._gateway.limits.take(ANSWERS, me, asked.key)
        if row.live:
            raise NotYet(_("Please tell us once the call is over."))
        if not row.called:
            raise AlreadyEnded(_("This call did not come about."))
        given = OutcomeGiven(
            invitation=row.invitation, other=other, talk_again=asked.form.talk_again, felt=asked.form.felt,
            gives=row.gives(me), gets=row.gets(other), **asked.about_me("outcome"),
        )  # fmt: skip
        await self._gateway.outbox.say(OUTCOMES, pair_key(me, other), given)
        return ACCEPTED

    async def block(self, asked: Asked[Nothing], row: Invitation) -> Answer:
        """Never this person again."""
        await self._gateway.limits.take(ANSWERS, asked.me.person, asked.key)
        blocked = PersonBlocked(other=row.other(asked.me.person), **asked.about_me("blocked"))
        await self._gateway.outbox.say(PERSON_EVENTS, asked.me.person, blocked)
        return ACCEPTED

    async def concern(self, asked: Asked[Concern], row: Invitation) -> Answer:
        """Somebody should look at this: the other is blocked and held at once."""
        await self._gateway.limits.take(CONCERNS, asked.me.person, asked.key)
        raised = ConcernRaised(
            other=row.other(asked.me.person), invitation=row.invitation, what=asked.form.what.strip(),
            **asked.about_me("concern"),
        )  # fmt: skip
        await self._gateway.outbox.say(PERSON_EVENTS, asked.me.person, raised)
        return Answer(202, {"message": _(CONCERN_TAKEN), **CRISIS_LINE})

    async def withdraw(self, asked: Asked[Nothing], row: Invitation) -> Answer:
        """It was a mistake: block and concern are taken back, if enrich finds them and it is not too late."""
        await self._gateway.limits.take(ANSWERS, asked.me.person, asked.key)
        me, other = await self._gateway.people.find(asked.me.person), row.other(asked.me.person)
        raised = me.concern_about(other, row.invitation) if me else None  # the view may not show it yet
        if raised and asked.arrived - raised.at > TAKE_BACK_WITHIN:
            raise AlreadyEnded(_("It is too late to take this back: one of us looks into it."))
        withdrawn = ConcernWithdrawn(other=other, invitation=row.invitation, **asked.about_me("withdrawn"))
        await self._gateway.outbox.say(PERSON_EVENTS, asked.me.person, withdrawn)
        return ACCEPTED


def routes(gateway: Gateway) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()
    steps = Steps(gateway)

    def add(path: str, form: type[Value], step: Step, keep_s: int = KEEP_S, comfort: Comfort | None = None) -> None:
        async def post(request: Request, invitation: str) -> Response:
            if comfort is not None:
                promise_comfort(request, comfort)

            async def act(asked: Asked[Any]) -> Answer:
                return await step(asked, await find(gateway, invitation, asked.me.person))

            return await gateway.write(request, form, act, keep_s=keep_s)

        router.add_api_route(path, post, methods=["POST"])

    add("/invitations/{invitation}/accept", Nothing, steps.accept)
    add("/invitations/{invitation}/decline", Nothing, steps.decline)
    add("/invitations/{invitation}/block", Nothing, steps.block)
    add("/invitations/{invitation}/concern", Concern, steps.concern, comfort=CONCERN_COMFORT)
    add("/invitations/{invitation}/concern/withdraw", Nothing, steps.withdraw)
    add("/calls/{invitation}/heartbeat", Heartbeat, steps.heartbeat, KEEP_HEARTBEAT_S)
    add("/calls/{invitation}/end", End, steps.hang_up)
    add("/calls/{invitation}/go-on", Nothing, steps.go_on)
    add("/calls/{invitation}/outcome", Outcome, steps.outcome)
    return router
