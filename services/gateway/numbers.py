"""Which person a telephone number signs in to: at first the one whose id follows from it, until one of them moves.

Place in the flow: number, code -> **person** -> session. Whoever changes their number keeps their id, and the old
number no longer leads to them: the next to have it is a new person, whose id follows from it and a count.
"""

import redis.asyncio

from matcher.errors import Away, BadRequest
from services.adapters.views import NUMBER_LEFT, ViewReader
from services.gateway.contact import Contact
from services.gateway.signin import person_id
from services.languages.speaking import N_, _

HOLDERS_LIMIT = 20
"""How many people one after the other may have left one number behind."""
CLAIM_S = 600
"""For so long a number is kept for whoever proved it, until the log and then the views say so."""

USED_UP = N_("This number cannot be used any more. Please get in touch with us: %(contact)s.")


def number_id(secret: str, phone: str, holder: int) -> str:
    """What stands for this number (E.164) in the hands of its first, second, ... holder; and the id of a new person."""
    return person_id(secret, f"{phone}#{holder}" if holder else phone)


class Numbers:
    """Numbers as the views have them, and what was just changed."""

    def __init__(
        self, client: redis.asyncio.Redis, prefix: str, views: ViewReader, secret: str, contact: Contact
    ) -> None:
        self._redis = client
        self._prefix = prefix + "number:"
        self._views = views
        self._secret = secret
        self._contact = contact

    async def find(self, phone: str) -> tuple[str, str]:
        """What stands for this number now, and the id of the person whom it signs in to, registered or not.

        Raises Away while the views are being rebuilt: whoever has somebody's old number must not become them meanwhile.
        """
        for holder in range(HOLDERS_LIMIT):
            number = number_id(self._secret, phone, holder)
            person, whole = await self._views.number(number)
            if person is None and not whole:
                raise Away(_("We are just setting things up again. Nothing is lost: please try again."))
            if person != NUMBER_LEFT:
                return number, person or number
        raise BadRequest(_(USED_UP, contact=self._contact.said()))

    async def claim(self, number: str, person: str) -> bool:
        """Keep a number that nobody has for `person`; whether it is theirs now."""
        await self._redis.set(self._prefix + number, person, nx=True, ex=CLAIM_S)
        return bool(await self._redis.get(self._prefix + number) == person.encode())

    async def move(self, person: str, old: str, new: str) -> None:
        """The log says that `person` has moved: from now on, not only when the views say so."""
        async with self._redis.pipeline() as pipe:
            pipe.delete(self._prefix + old)
            pipe.set(self._prefix + person, NUMBER_LEFT)
            pipe.set(self._prefix + new, person)
            await pipe.execute()
