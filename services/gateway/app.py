"""The gateway as an application and as a process: everything is put together here, and nothing connects at import.

Place in the flow: phone, browser -> **gateway** -> Kafka; live views in Redis -> gateway -> phone, browser.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import redis.asyncio
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from matcher.errors import Away, BadRequest, PartylineError
from matcher.ports import Clock
from services.adapters.vapid import public_key
from services.adapters.views import ViewReader
from services.clock import SystemClock
from services.gateway import availability, entry, invitations, lines, me, mine, number, passkeys, push, signals
from services.gateway.answers import Answer, comforted, refusal
from services.gateway.contact import contact_of
from services.gateway.gateway import Gateway, Room
from services.gateway.idempotency import Once
from services.gateway.limits import Limits
from services.gateway.live import RECEIPT_SENDERS, Hub, Receipts
from services.gateway.numbers import Numbers
from services.gateway.outbox import AsyncKafkaOutbox, AsyncOutbox
from services.gateway.pages.installed import VERSION
from services.gateway.pages.routes import add_pages
from services.gateway.pages.showing import refused, wants_page
from services.gateway.people import People
from services.gateway.signin import Codes, CodeSender, DemoSender, Sessions
from services.gateway.wishes import Wishes
from services.languages.speaking import _
from services.process import end, log_to_stderr
from services.ready import say_ready
from services.serving import redis_client, serve
from services.settings import Settings

REDIS_CONNECTIONS = 512
"""More than there are requests under way and lines that look for news at one moment."""

log = logging.getLogger(__name__)


def build(
    settings: Settings,
    *,
    outbox: AsyncOutbox | None = None,
    clock: Clock | None = None,
    sender: CodeSender | None = None,
    client: redis.asyncio.Redis | None = None,
    version: str = VERSION,
) -> FastAPI:
    """The application; what is not given is the real thing. Raises BadRequest when the settings do not suffice."""
    client = client or redis_client(settings.redis, REDIS_CONNECTIONS)
    gateway = _gateway(settings, outbox or AsyncKafkaOutbox(settings.kafka), clock, _sender(settings, sender), client)
    hub, receipts = Hub(client, settings.redis_prefix), Receipts(gateway.outbox)
    app = FastAPI(
        title="Partyline", docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan(gateway, hub, receipts)
    )
    app.state.hub = hub
    app.state.contact = gateway.contact
    app.state.push_key = public_key(settings.push_key) if settings.push_key else ""
    app.include_router(entry.routes(gateway, hub))
    app.include_router(me.routes(gateway, hub))
    app.include_router(mine.routes(gateway, hub))
    app.include_router(number.routes(gateway, hub))
    app.include_router(passkeys.routes(gateway))
    app.include_router(push.routes(gateway))
    app.include_router(availability.routes(gateway))
    app.include_router(invitations.routes(gateway))
    app.include_router(lines.routes(gateway, hub, receipts))
    add_pages(app, gateway, version)
    app.include_router(signals.routes(gateway, hub, receipts))
    _add_health(app, gateway)
    _add_errors(app)
    return app


def run(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    log_to_stderr(settings)
    app = build(settings)
    serve(app, settings.host, settings.port, app.state.hub)


def _gateway(
    settings: Settings, outbox: AsyncOutbox, clock: Clock | None, sender: CodeSender, client: redis.asyncio.Redis
) -> Gateway:
    if not settings.secret and not settings.demo:
        raise BadRequest("PARTYLINE_SECRET is empty: it keeps people's ids apart from their numbers, so set a long one")
    if not settings.turn_urls and not (settings.demo and settings.on_loopback):
        raise BadRequest(
            "PARTYLINE_TURN_URLS and PARTYLINE_TURN_SECRET are not set: but for a demo on loopback calls go through a "
            "TURN server only, so that nobody learns another's address"
        )
    prefix, contact = settings.redis_prefix, contact_of(settings)
    views = ViewReader(client, prefix)
    return Gateway(
        settings=settings,
        contact=contact,
        clock=clock or SystemClock(settings),
        redis=client,
        outbox=outbox,
        sender=sender,
        views=views,
        people=People(client, prefix, views, settings.markets[0]),
        wishes=Wishes(client, prefix),
        codes=Codes(client, prefix, settings.secret),
        numbers=Numbers(client, prefix, views, settings.secret, contact),
        sessions=Sessions(client, prefix),
        limits=Limits(client, prefix),
        once=Once(client, prefix),
        room=Room(),
    )


def _sender(settings: Settings, sender: CodeSender | None) -> CodeSender:
    if sender is not None:
        return sender
    if not settings.demo:
        raise BadRequest("no way to send sign-in codes is set up, and this is no demo (PARTYLINE_DEMO)")
    return DemoSender()


def _lifespan(gateway: Gateway, hub: Hub, receipts: Receipts) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        gateway.outbox.start()
        tasks = [asyncio.create_task(hub.listen())]
        tasks += [asyncio.create_task(receipts.send()) for _ in range(RECEIPT_SENDERS)]
        tasks.append(asyncio.create_task(say_ready(gateway.redis, gateway.settings.redis_prefix, "gateway")))
        try:
            yield
        finally:
            hub.close()
            await end(tasks)
            await asyncio.to_thread(gateway.outbox.close)
            with suppress(redis.RedisError):
                await gateway.redis.aclose()

    return lifespan


def _add_health(app: FastAPI, gateway: Gateway) -> None:
    @app.get("/health")
    async def get_health() -> Response:
        waits_for = [] if await gateway.outbox.answers() else ["kafka"]
        try:
            if not await gateway.views.whole():
                waits_for.append("views")
        except redis.RedisError:
            waits_for.append("redis")
        if waits_for:
            return Answer(503, {"ready": False, "waits_for": waits_for}, retry_after_s=1).response()
        return Answer(200, {"ready": True}).response()


def _add_errors(app: FastAPI) -> None:
    def answered(request: Request, answer: Answer) -> Response:
        answer = comforted(answer, request)
        return refused(request, answer) if wants_page(request) else answer.response()

    @app.exception_handler(PartylineError)
    async def on_error(request: Request, error: PartylineError) -> Response:
        return answered(request, refusal(error))

    @app.exception_handler(redis.RedisError)
    async def on_redis(request: Request, error: redis.RedisError) -> Response:
        log.warning("redis.away %s", type(error).__name__)
        away = Away(_("We cannot reach a part that we need. Nothing is lost: please try again."))
        return answered(request, refusal(away))

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        code = "not_found" if error.status_code in (404, 405) else "bad_request"
        return answered(request, Answer(error.status_code, {"error": code, "message": _("There is nothing here.")}))

    @app.exception_handler(Exception)
    async def on_fault(request: Request, error: Exception) -> Response:
        answer = Answer(500, {"error": "error", "message": _("Something went wrong on our side.")})
        return answered(request, answer)
