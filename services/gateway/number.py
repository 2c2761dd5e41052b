"""Routes: my number has changed. A code goes to the new number; the person stays, all their other sessions and passkeys
end.

Place in the flow: settings -> new number -> code -> **person-events** -> numbers, sessions.
"""

from fastapi import APIRouter, Request, Response

from matcher.errors import AlreadyEnded, BadRequest, NotAllowed
from matcher.events import NumberChanged
from matcher.person import Person
from services.gateway.answers import ACCEPTED, Answer
from services.gateway.entry import CodeWanted, SignIn
from services.gateway.gateway import Asked, Gateway
from services.gateway.limits import CHANGES, CODES_PER_NUMBER, CODES_PER_PERSON, SIGN_INS_PER_NUMBER, codes_per_address
from services.gateway.live import Hub
from services.gateway.mine import remove_passkeys
from services.gateway.signin import CODE_S, person_id, read_phone
from services.languages.speaking import N_, _

TAKEN = N_(
    "Somebody comes in with this number already, so it cannot become yours. If that is you, please sign in with it."
)

HELD = N_("We need to talk with you before you can change this. Please get in touch with us: %(contact)s.")


class Taken(AlreadyEnded):
    """The number has a person already; only whoever proved that it is theirs is told."""

    code = "taken"


def routes(gateway: Gateway, hub: Hub) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()

    async def mine(asked: Asked[CodeWanted]) -> Person:
        await gateway.limits.take(CHANGES, asked.me.person, asked.key)
        row = await gateway.people.find(asked.me.person)
        if row is None:
            raise NotAllowed(_("Please tell us a little about yourself first."))
        if row.held:  # they would be back with the old number as somebody new
            raise NotAllowed(_(HELD, contact=gateway.contact.said()))
        return row

    def code_for(asked: Asked[CodeWanted], phone: str) -> str:
        """A code to change a number is no code to sign in with, nor anybody else's."""
        return f"{person_id(gateway.settings.secret, phone)}|{asked.me.person}"

    async def send_code(asked: Asked[CodeWanted]) -> Answer:
        phone = read_phone(asked.form.phone)
        await mine(asked)
        await gateway.limits.take(CODES_PER_PERSON, asked.me.person, asked.key)
        await gateway.limits.take(codes_per_address(gateway.settings), asked.address, asked.place)
        await gateway.limits.take(CODES_PER_NUMBER, person_id(gateway.settings.secret, phone), asked.place)
        shown = await gateway.sender.send(phone, await gateway.codes.make(code_for(asked, phone)))
        return Answer(202, {"expires_s": CODE_S, **shown})

    async def change(asked: Asked[SignIn]) -> Answer:
        phone, row, me = read_phone(asked.form.phone), await mine(asked), asked.me.person
        await gateway.limits.take(SIGN_INS_PER_NUMBER, person_id(gateway.settings.secret, phone), asked.place)
        number, holder = await gateway.numbers.find(phone)
        old = row.answers_to or me
        if number == old:
            raise BadRequest(_("This is your number already."))
        if holder != me:  # a try that was proved before and did not reach the log need not be proved again
            await gateway.codes.use(code_for(asked, phone), asked.form.code.strip())
            taken = holder != number or await gateway.people.find(holder) is not None
            if taken or not await gateway.numbers.claim(number, me):
                raise Taken(_(TAKEN))
        # Nobody else comes in any more, with a passkey or a session, before the number is written: whatever fails then.
        await remove_passkeys(gateway, asked)
        await hub.say_ended(await gateway.sessions.end_others(asked.me))
        await gateway.tell(NumberChanged(phone=phone, number=number, **asked.about_me("number")))
        await gateway.numbers.move(me, old, number)
        await gateway.sessions.put_phone(asked.me, phone)
        return ACCEPTED

    @router.post("/me/number/code")
    async def post_code(request: Request) -> Response:
        return await gateway.write(request, CodeWanted, send_code)

    @router.post("/me/number")
    async def post_number(request: Request) -> Response:
        return await gateway.write(request, SignIn, change)

    return router
