"""What the gateway knows of people: the view, and on top of it what it has itself just written to the log.

Place in the flow: between a person's own write and the view that will show it. What was told is kept for a little while
under the offset that the broker gave it: the view wins as soon as it has reached that offset.
"""

import redis.asyncio

from matcher.enrich import apply_person
from matcher.errors import Away
from matcher.events import PersonEvent
from matcher.person import Market, Person
from matcher.values import wire
from services.adapters.views import ViewReader
from services.languages.speaking import _

TOLD_S = 600
"""Longer than the view may lag behind the log."""


class People:
    """Reads one's own writes."""

    def __init__(self, client: redis.asyncio.Redis, prefix: str, views: ViewReader, market: Market) -> None:
        self._redis = client
        self._prefix = prefix + "told:"
        self._views = views
        self._market = market

    async def find(self, person: str) -> Person | None:
        """The person if they are registered. Raises Away while the views are being rebuilt and do not show them."""
        row = await self._known(person)
        if row is None and not await self._views.whole():
            raise Away(_("We are just setting things up again. Nothing is lost: please try again."))
        return row if row and row.profile else None

    async def tell(self, event: PersonEvent, offset: int) -> None:
        """The broker has `event` at `offset`."""
        row, _ = apply_person(await self._known(event.person), event, offset, self._market)
        told = row.model_copy(update={"phone": None, "concerns": (), "recent": ()})
        await self._redis.set(self._prefix + event.person, wire(told), ex=TOLD_S)

    async def _known(self, person: str) -> Person | None:
        kept = await self._redis.get(self._prefix + person)
        told = Person.model_validate_json(kept) if kept else None
        row = await self._views.person(person)
        return told if told and (row is None or row.offset < told.offset) else row
