"""Routes: passkeys. A key in somebody's telephone or computer signs them in with one touch, in place of a code.

Place in the flow: signed in -> a key is made -> **person-events**; at the door -> the key signs a challenge -> session.
The library `webauthn` checks what was signed. A key belongs to one site, by the name in its address: an IP address can
have none. A challenge is used once; of a key only the public half is kept, in the person's own row.
"""

import json
import secrets
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

import redis.asyncio
import webauthn
from fastapi import APIRouter, Request, Response
from pydantic import Field
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_client_data_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from matcher.errors import BadRequest, NotAllowed, NotFound
from matcher.events import PasskeyAdded, PasskeyRemoved
from matcher.person import PASSKEYS_LIMIT, Passkey, Person
from matcher.values import Value
from services.gateway.answers import ACCEPTED, Answer
from services.gateway.body import Nothing
from services.gateway.gateway import Asked, Gateway
from services.gateway.limits import PASSKEYS, sign_ins_per_address
from services.gateway.signin import session_token
from services.languages.speaking import N_, _

CHALLENGE_S = 300
COUNT_S = 400 * 24 * 3600
NOT_KNOWN = N_("We don’t know this passkey any more. Please come in with your number.")
NOT_READ = N_("That passkey could not be read. Please try again, or come in with your number.")


class Credential(Value):
    """Body of POST /passkeys and POST /passkeys/sign-in: what the browser made, as its `toJSON` says it."""

    credential: dict[str, Any]


class Removed(Value):
    """Body of POST /passkeys/remove."""

    passkey: Annotated[str, Field(min_length=1, max_length=1400)]


@dataclass(frozen=True, slots=True)
class Site:
    """Where a page was loaded from: the name that a key belongs to, and the origins that may ask for it."""

    name: str
    origins: list[str]


def site_of(request: Request) -> Site:
    """The site of this request. Raises BadRequest if it can have no passkeys."""
    host = request.headers.get("host", "")
    name = urlsplit(f"//{host}").hostname or ""
    try:
        ip_address(name)
    except ValueError:
        origins = [f"https://{host}"] + ([f"http://{host}"] if name == "localhost" else [])
        if name:
            return Site(name, origins)
    raise BadRequest("At this address there can be no passkeys: it has no name.")


class Challenges:
    """Challenges in Redis, each for one purpose and for one use."""

    def __init__(self, client: redis.asyncio.Redis, prefix: str) -> None:
        self._redis = client
        self._prefix = prefix + "passkey-challenge:"
        self._counts = prefix + "passkey-count:"

    async def make(self, purpose: str) -> bytes:
        """A new one."""
        challenge = secrets.token_bytes(32)
        await self._redis.set(self._prefix + bytes_to_base64url(challenge), purpose, ex=CHALLENGE_S)
        return challenge

    async def use(self, credential: dict[str, Any], purpose: str) -> bytes:
        """The one that this credential signed, which is used up. Raises BadRequest."""
        try:
            said = parse_client_data_json(base64url_to_bytes(credential["response"]["clientDataJSON"]))
        except (WebAuthnException, KeyError, TypeError, ValueError):
            raise BadRequest(_(NOT_READ)) from None
        kept = await self._redis.getdel(self._prefix + bytes_to_base64url(said.challenge))
        if kept != purpose.encode():
            raise BadRequest(_("That took too long. Please try again."))
        return said.challenge

    async def count(self, passkey: str) -> int:
        """How often a key said that it was used: a copy of it would fall behind."""
        return int(await self._redis.get(self._counts + passkey) or 0)

    async def put_count(self, passkey: str, count: int) -> None:
        """It says that it was used so often."""
        await self._redis.set(self._counts + passkey, count, ex=COUNT_S)


class Steps:
    """What the routes of this module do, each at one site."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._challenges = Challenges(gateway.redis, gateway.settings.redis_prefix)
        self._per_address = sign_ins_per_address(gateway.settings)

    async def offer(self, asked: Asked[Nothing], site: Site) -> Answer:
        """What a browser needs to make a key."""
        row = await self._mine(asked)
        known = [PublicKeyCredentialDescriptor(id=base64url_to_bytes(one.id)) for one in row.passkeys]
        options = webauthn.generate_registration_options(
            rp_id=site.name, rp_name="Partyline", user_id=asked.me.person.encode(), user_name="Partyline",
            challenge=await self._challenges.make(asked.me.session), exclude_credentials=known,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
        )  # fmt: skip
        return Answer(200, json.loads(webauthn.options_to_json(options)))

    async def add(self, asked: Asked[Credential], site: Site) -> Answer:
        """Keep the public half of a key that was made."""
        row = await self._mine(asked)
        if len(row.passkeys) >= PASSKEYS_LIMIT:
            raise BadRequest(_("You have many passkeys already. Please remove one under Settings first."))
        challenge = await self._challenges.use(asked.form.credential, asked.me.session)
        try:
            made = webauthn.verify_registration_response(
                credential=asked.form.credential, expected_challenge=challenge, expected_rp_id=site.name,
                expected_origin=site.origins, require_user_verification=True,
            )  # fmt: skip
        except (WebAuthnException, KeyError, TypeError, ValueError):
            raise BadRequest(_(NOT_READ)) from None
        passkey = Passkey(
            id=bytes_to_base64url(made.credential_id), public_key=bytes_to_base64url(made.credential_public_key),
            site=site.name, added=asked.arrived,
        )  # fmt: skip
        await self._gateway.tell(PasskeyAdded(passkey=passkey, **asked.about_me("passkey")))
        return ACCEPTED

    async def remove(self, asked: Asked[Removed]) -> Answer:
        """This key signs in no more."""
        row = await self._mine(asked)
        if asked.form.passkey not in [one.id for one in row.passkeys]:
            raise NotFound(_("There is no such passkey."))
        await self._gateway.tell(PasskeyRemoved(passkey=asked.form.passkey, **asked.about_me("passkey-removed")))
        return ACCEPTED

    async def ask(self, asked: Asked[Nothing], site: Site) -> Answer:
        """What a browser needs to let a key sign; which one is for the person to choose."""
        await self._gateway.limits.take(self._per_address, asked.address, asked.place)
        options = webauthn.generate_authentication_options(
            rp_id=site.name, challenge=await self._challenges.make("sign-in"),
            user_verification=UserVerificationRequirement.REQUIRED,
        )  # fmt: skip
        return Answer(200, json.loads(webauthn.options_to_json(options)))

    async def sign_in(self, asked: Asked[Credential], site: Site) -> Answer:
        """A session for whoever's key has signed."""
        await self._gateway.limits.take(self._per_address, asked.address, asked.place)
        credential = asked.form.credential
        challenge = await self._challenges.use(credential, "sign-in")
        person, passkey = await self._signer(credential, site)
        try:
            signed = webauthn.verify_authentication_response(
                credential=credential, expected_challenge=challenge, expected_rp_id=site.name,
                expected_origin=site.origins, credential_public_key=base64url_to_bytes(passkey.public_key),
                credential_current_sign_count=await self._challenges.count(passkey.id), require_user_verification=True,
            )  # fmt: skip
        except (WebAuthnException, KeyError, TypeError, ValueError):
            raise BadRequest(_(NOT_READ)) from None
        await self._challenges.put_count(passkey.id, signed.new_sign_count)
        nonce = secrets.token_hex(32)
        token = session_token(self._gateway.settings.secret, nonce, asked.key)
        await self._gateway.sessions.open(token, person, phone="")
        return Answer(201, {"registered": True}, opens=nonce)

    async def _mine(self, asked: Asked[Any]) -> Person:
        await self._gateway.limits.take(PASSKEYS, asked.me.person, asked.key)
        row = await self._gateway.people.find(asked.me.person)
        if row is None:
            raise NotAllowed(_("Please tell us a little about yourself first."))
        return row

    async def _signer(self, credential: dict[str, Any], site: Site) -> tuple[str, Passkey]:
        """Whose key this says to be; what it signed will tell. Raises BadRequest."""
        try:
            person = base64url_to_bytes(credential["response"]["userHandle"]).decode("ascii")
        except (KeyError, TypeError, ValueError, AttributeError):
            raise BadRequest(_(NOT_READ)) from None
        row = await self._gateway.people.find(person)
        for passkey in row.passkeys if row else ():
            if passkey.id == credential.get("id") and passkey.site == site.name:
                return person, passkey
        raise BadRequest(_(NOT_KNOWN))


def routes(gateway: Gateway) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()
    steps = Steps(gateway)

    def add(path: str, form: type[Value], step: Any, for_all: bool = False) -> None:
        async def post(request: Request) -> Response:
            site = site_of(request)
            return await gateway.write(request, form, lambda asked: step(asked, site), for_all=for_all)

        router.add_api_route(path, post, methods=["POST"])

    add("/passkeys/options", Nothing, steps.offer)
    add("/passkeys", Credential, steps.add)
    add("/passkeys/sign-in/options", Nothing, steps.ask, for_all=True)
    add("/passkeys/sign-in", Credential, steps.sign_in, for_all=True)

    @router.post("/passkeys/remove")
    async def post_remove(request: Request) -> Response:
        return await gateway.write(request, Removed, steps.remove)

    return router
