"""Routes: open, move and close the window in which a person is free to talk.

Place in the flow: "free until 8:40" -> **person-events** -> enrich -> pool. Windows are in domain time, and only the
server's clock counts. Moving and closing are not judged here: the view may lag behind a window that was just opened.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field, StrictInt

from matcher.availability import MAX_WINDOW, Company
from matcher.errors import BadRequest, NotAllowed
from matcher.events import AvailabilityClosed, AvailabilityMoved, AvailabilityOpened
from matcher.person import MARKETS, Market, Profile, local_minute
from matcher.values import Value
from services.gateway.answers import ACCEPTED, Answer, Paused
from services.gateway.body import Nothing
from services.gateway.gateway import Asked, Gateway
from services.gateway.limits import CHANGES
from services.gateway.me import minute_of_day
from services.gateway.mine import Mine
from services.languages.speaking import N_, _, clock
from services.topics import PERSON_EVENTS

MIN_WINDOW = timedelta(minutes=5)
"""More than `MIN_TALK`, so that there is time to find somebody."""
HELD = N_("We need to talk with you before you can take calls again. Please get in touch with us: %(contact)s.")
_LOCAL_TIME = re.compile(r"\d\d:\d\d", re.ASCII)


class Window(Value):
    """Body of PATCH /availability."""

    minutes: StrictInt | None = None
    until: Annotated[str | None, Field(max_length=40)] = None


class NewWindow(Window):
    """Body of POST /availability."""

    company: Company = "either"
    hopes_for: Annotated[str | None, Field(max_length=80)] = None


def end_of(window: Window, now: datetime, market: Market) -> datetime:
    """When `window` ends (domain time, UTC), asked for at `now`. Raises BadRequest."""
    if (window.minutes is None) == (window.until is None):
        raise BadRequest("Please give one of minutes and until.")
    if window.minutes is not None:
        minutes = min(max(window.minutes, 0), 1 + math.ceil(MAX_WINDOW / timedelta(minutes=1)))
        until = now + timedelta(minutes=minutes)
    else:
        until = _time_of(window.until or "", now, market)
    if until <= now:
        raise BadRequest(_("That time has passed already: please choose a later one."))
    if until - now < MIN_WINDOW:
        raise BadRequest(_("Please take at least five minutes."))
    if until - now > MAX_WINDOW:
        raise BadRequest(_("That is more than twelve hours away. Please choose at most twelve hours at once."))
    return until


def _time_of(text: str, now: datetime, market: Market) -> datetime:
    if _LOCAL_TIME.fullmatch(text):
        return _next_local(text, now, market)
    try:
        until = datetime.fromisoformat(text)
        if until.tzinfo is None:
            raise ValueError
        return until.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequest('The field until needs a UTC time, or a local one like "08:40".') from None


def _next_local(text: str, now: datetime, market: Market) -> datetime:
    minute = minute_of_day(text)
    if minute is None:
        raise BadRequest('The field until needs a UTC time, or a local one like "08:40".')
    local = now.astimezone(MARKETS[market])
    for days, fold in ((0, 0), (0, 1), (1, 0)):  # when summer ends, an hour comes twice in one night
        day = local.date() + timedelta(days=days)
        end = datetime(day.year, day.month, day.day, *divmod(minute, 60), tzinfo=local.tzinfo, fold=fold)
        if end.astimezone(UTC) > now:
            break
    return end.astimezone(UTC)


def routes(gateway: Gateway) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()
    market = gateway.settings.markets[0]

    def remaining(until: datetime, now: datetime) -> dict[str, object]:
        return {"until": until.isoformat(), "remaining_s": round((until - now).total_seconds(), 1)}

    async def hoped_for(asked: Asked[NewWindow]) -> str | None:
        if asked.form.hopes_for is None:
            return None
        if asked.form.company == "new":
            raise BadRequest("The field hopes_for names somebody you know, so company cannot be new.")
        return (await Mine(gateway, asked.me).one_of_them(asked.form.hopes_for)).person

    async def open_window(asked: Asked[NewWindow]) -> Answer:
        now = gateway.clock.now()
        until = end_of(asked.form, now, market)
        await gateway.limits.take(CHANGES, asked.me.person, asked.key)
        profile = await may_open(gateway, asked.me.person)
        availability, hopes_for = asked.id("av"), await hoped_for(asked)
        opened = AvailabilityOpened(
            availability=availability, opened_at=now, until=until, company=asked.form.company, hopes_for=hopes_for,
            **asked.about_me("opened"),
        )  # fmt: skip
        await gateway.outbox.say(PERSON_EVENTS, asked.me.person, opened)
        if hopes_for:
            await gateway.wishes.put(asked.me.person, hopes_for, now)
        return Answer(202, {"availability": availability, **remaining(until, now), **quiet_note(profile, now)})

    async def move_window(asked: Asked[Window]) -> Answer:
        now = gateway.clock.now()
        until = end_of(asked.form, now, market)
        await gateway.limits.take(CHANGES, asked.me.person, asked.key)
        moved = AvailabilityMoved(until=until, **asked.about_me("moved"))
        await gateway.outbox.say(PERSON_EVENTS, asked.me.person, moved)
        return Answer(202, remaining(until, now))

    async def close_window(asked: Asked[Nothing]) -> Answer:
        await gateway.limits.take(CHANGES, asked.me.person, asked.key)
        await gateway.outbox.say(PERSON_EVENTS, asked.me.person, AvailabilityClosed(**asked.about_me("closed")))
        return ACCEPTED

    @router.post("/availability")
    async def post_availability(request: Request) -> Response:
        return await gateway.write(request, NewWindow, open_window)

    @router.patch("/availability")
    async def patch_availability(request: Request) -> Response:
        return await gateway.write(request, Window, move_window)

    @router.delete("/availability")
    async def delete_availability(request: Request) -> Response:
        return await gateway.write(request, Nothing, close_window)

    return router


async def may_open(gateway: Gateway, person: str) -> Profile:
    """The profile of somebody who may open a window. Raises NotAllowed, Paused."""
    row = await gateway.people.find(person)
    if row is None or row.profile is None:
        raise NotAllowed(_("Please tell us a little about yourself first."))
    if row.held:
        raise NotAllowed(_(HELD, contact=gateway.contact.said()))
    if row.paused:
        raise Paused(_("You asked us to leave you alone for now. Come back first, whenever you like."))
    return row.profile


def quiet_note(profile: Profile, now: datetime) -> dict[str, str]:
    """A sentence about a person's own quiet hours, if it is one of them now."""
    quiet = profile.quiet
    if quiet is None or not quiet.cover(local_minute(profile.market, now)):
        return {}
    end = clock(datetime(1, 1, 1, *divmod(quiet.end_min, 60)))  # noqa: DTZ001 - an hour of any day
    return {"note": _("These are your quiet hours: nobody rings you before %(time)s.", time=end)}
