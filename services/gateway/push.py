"""Routes: ring my telephone while no page is open, or no more.

Place in the flow: the browser's push subscription -> **the session that it came in** -> notifier. Nothing of it goes
into Kafka: it is worth nothing without its session, and goes with it.
"""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from matcher.errors import BadRequest, NotFound
from services.adapters.subscriptions import Subscription, Subscriptions, may_be_called
from services.adapters.vapid import is_point
from services.gateway.answers import Answer, NotSignedIn
from services.gateway.body import Nothing
from services.gateway.gateway import Asked, Gateway
from services.gateway.limits import TELEPHONES
from services.languages.speaking import N_, _

OFF = N_("Telephones cannot be rung here while the page is closed.")


class Telephone(Subscription):
    """Body of POST /push/subscription: what the browser made, as its `toJSON` says it."""

    expirationTime: float | None = Field(default=None, exclude=True)  # noqa: N815 - the browsers' own name


def routes(gateway: Gateway) -> APIRouter:
    """The routes of this module."""
    router = APIRouter()
    settings = gateway.settings
    subscriptions = Subscriptions(gateway.redis, settings.redis_prefix)

    async def save(asked: Asked[Telephone]) -> Answer:
        if not settings.push_key:
            raise NotFound(_(OFF))
        await gateway.limits.take(TELEPHONES, asked.me.person, asked.key)
        if not may_be_called(asked.form.endpoint, settings.push_hosts):
            raise BadRequest("The field endpoint is not at a push service that we know.")
        if not is_point(asked.form.keys.p256dh):
            raise BadRequest("The field keys has no key that can be used.")
        if not await subscriptions.save(asked.me.session, Subscription(**asked.form.model_dump())):
            raise NotSignedIn(_("Please sign in first."))
        return Answer(201, {"mark": asked.form.mark})

    async def drop(asked: Asked[Nothing]) -> Answer:
        await gateway.limits.take(TELEPHONES, asked.me.person, asked.key)
        await subscriptions.drop(asked.me.session, asked.me.rung)
        return Answer(200, {})

    def add(method: str, form: type[Any], step: Any) -> None:
        async def write(request: Request) -> Response:
            return await gateway.write(request, form, step)

        router.add_api_route("/push/subscription", write, methods=[method])

    add("POST", Telephone, save)
    add("DELETE", Nothing, drop)
    return router
