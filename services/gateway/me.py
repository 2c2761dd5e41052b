"""Routes: what a person tells about themselves; pause, resume, erase.

Place in the flow: the page -> **person-events**. Under 18: no entry, and nothing is kept.
"""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field, StrictBool, ValidationError

from matcher.errors import BadRequest, NotAllowed, NotFound
from matcher.events import PersonChanged, PersonErased, PersonPaused, PersonRegistered, PersonResumed
from matcher.person import NAME_LIMIT, AgeBand, Gender, Market, Person, Profile, QuietHours, Situation, Wish
from matcher.values import Value
from services.gateway.answers import ACCEPTED, Answer, NotSignedIn
from services.gateway.body import Nothing, complaint, read_key
from services.gateway.gateway import COOKIE, Asked, Gateway, address_of, forgotten
from services.gateway.limits import CHANGES
from services.gateway.lists import AREAS
from services.gateway.live import Hub
from services.gateway.pages.memory import Memory
from services.gateway.signin import Session
from services.languages.speaking import _

_HOUR = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
Choices = Annotated[tuple[Annotated[str, Field(max_length=40)], ...], Field(max_length=30)]


class Quiet(Value):
    """Local hours, "HH:MM"."""

    start: str
    end: str


class AboutMe(Value):
    """Body of PUT /me."""

    first_name: Annotated[str, Field(max_length=NAME_LIMIT)]
    adult: StrictBool
    languages: Choices
    area: Annotated[str, Field(max_length=8)]
    age_band: AgeBand
    gender: Gender = "unsaid"
    likes: Choices = ()
    avoids: Choices = ()
    wishes: Annotated[tuple[Wish, ...], Field(max_length=3)] = ()
    situation: Annotated[tuple[Situation, ...], Field(max_length=5)] = ()
    quiet: Quiet | None = None


def minute_of_day(text: str) -> int | None:
    """Minutes after midnight of "HH:MM", or None."""
    found = _HOUR.fullmatch(text)
    return int(found[1]) * 60 + int(found[2]) if found else None


def profile_of(form: AboutMe, market: Market) -> Profile:
    """The profile that `form` describes. Raises NotAllowed under 18, BadRequest."""
    if not form.adult:
        raise NotAllowed(_("Partyline is for people of 18 and over."))
    if form.area not in AREAS:
        raise BadRequest("The field area is not one of those that can be chosen, see GET /lists.")
    values: dict[str, Any] = form.model_dump(exclude={"quiet", "first_name"})
    values |= {"first_name": _first_name(form.first_name), "market": market, "cell": AREAS[form.area]["cell"]}
    values |= {"wishes": tuple(dict.fromkeys(form.wishes)), "situation": tuple(dict.fromkeys(form.situation))}
    try:
        return Profile(**values, quiet=_quiet(form.quiet))
    except ValidationError as error:
        raise complaint(error, AboutMe) from None


def _first_name(given: str) -> str:
    name = " ".join(given.split())
    # It is shown to the other side, and a number or an address must not get there this way.
    if not name or not name.isprintable() or any(letter.isdigit() or letter in "@/\\" for letter in name):
        raise BadRequest("The field first_name needs a name, without digits.")
    return name


def _quiet(given: Quiet | None) -> QuietHours | None:
    if given is None:
        return None
    start, end = minute_of_day(given.start), minute_of_day(given.end)
    if start is None or end is None or start == end:
        raise BadRequest('The field quiet needs a start and another end, both like "22:00".')
    return QuietHours(start_min=start, end_min=end)


def shown(row: Person) -> dict[str, Any]:
    """A person's own profile as they gave it."""
    assert row.profile is not None
    told = row.profile.model_dump(mode="json", exclude={"market", "cell", "quiet"})
    quiet = row.profile.quiet
    told["quiet"] = quiet and {"start": hour_of(quiet.start_min), "end": hour_of(quiet.end_min)}
    return told | {"paused": row.paused, "held": row.held}


def hour_of(minute: int) -> str:
    """Minutes after midnight as "HH:MM"."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def routes(gateway: Gateway, hub: Hub) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()
    memory = Memory(gateway.redis, gateway.settings.redis_prefix)

    async def tell_about_me(asked: Asked[AboutMe]) -> Answer:
        profile = profile_of(asked.form, gateway.settings.markets[0])
        await gateway.limits.take(CHANGES, asked.me.person, asked.key)
        if await gateway.people.find(asked.me.person):
            await gateway.tell(PersonChanged(profile=profile, **asked.about_me("changed")))
        else:
            about_me = asked.about_me("registered")
            await gateway.tell(PersonRegistered(profile=profile, phone=asked.me.phone, **about_me))
        return ACCEPTED

    async def show_me(me: Session) -> Answer:
        row = await gateway.people.find(me.person)
        if row is None:
            raise NotFound(_("You have not told us about yourself yet."))
        return Answer(200, shown(row))

    async def pause(asked: Asked[Nothing]) -> Answer:
        await gateway.limits.take(CHANGES, asked.me.person, asked.key)
        await gateway.tell(PersonPaused(**asked.about_me("paused")))
        return ACCEPTED

    async def resume(asked: Asked[Nothing]) -> Answer:
        await gateway.limits.take(CHANGES, asked.me.person, asked.key)
        await gateway.tell(PersonResumed(**asked.about_me("resumed")))
        return ACCEPTED

    async def erase(asked: Asked[Nothing]) -> Answer:
        await gateway.tell(PersonErased(**asked.about_me("erased")))
        await memory.forget(asked.me.person)
        await gateway.wishes.forget(asked.me.person)
        await gateway.sessions.put_erased(asked.me, asked.address, asked.key)
        await hub.say_ended(await gateway.sessions.end_all(asked.me.person))
        return ACCEPTED

    async def erased_before(request: Request) -> bool:
        async with gateway.room.in_time():
            token = request.cookies.get(COOKIE)
            return await gateway.sessions.was_erased(token, address_of(request), read_key(request))

    @router.put("/me")
    async def put_me(request: Request) -> Response:
        return await gateway.write(request, AboutMe, tell_about_me)

    @router.get("/me")
    async def get_me(request: Request) -> Response:
        return await gateway.read(request, show_me)

    @router.post("/me/pause")
    async def post_pause(request: Request) -> Response:
        return await gateway.write(request, Nothing, pause)

    @router.post("/me/resume")
    async def post_resume(request: Request) -> Response:
        return await gateway.write(request, Nothing, resume)

    @router.delete("/me")
    async def delete_me(request: Request) -> Response:
        try:
            response = await gateway.write(request, Nothing, erase)
        except NotSignedIn:
            if not await erased_before(request):
                raise
            response = ACCEPTED.response()
        if response.status_code == ACCEPTED.status:  # whoever has to send it again needs their session for that
            return forgotten(response)
        return response

    return router
