"""The dashboard as an application and as a process: everything is put together here, and nothing connects at import.

Place in the flow: Kafka, Redis -> **dashboard** -> operators' browsers. It writes nothing but its own sessions.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import redis
from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from matcher.errors import PartylineError
from services.clock import SystemClock
from services.dashboard.board import Board
from services.dashboard.figures import Figures
from services.dashboard.guard import STATIC, Guard, away
from services.dashboard.health import Health
from services.dashboard.lag import OURSELVES, Lag
from services.dashboard.pages import routes
from services.dashboard.past import Past
from services.dashboard.publishing import Publisher
from services.dashboard.reading import Reader
from services.dashboard.sessions import Password, Sessions
from services.gateway.answers import Answer, refusal
from services.process import end, log_to_stderr
from services.ready import say_ready
from services.serving import redis_client, serve
from services.settings import Settings

REDIS_CONNECTIONS = 16
"""Two hundred pages that come back at one moment ask in turn: as many new connections at once would all be late."""
REDIS_TURN_WITHIN_S = 3.0

Work = Callable[[], Coroutine[Any, Any, None]]

log = logging.getLogger(__name__)


def build(settings: Settings) -> FastAPI:
    """The application. Raises BadRequest when the settings do not suffice."""
    password = Password(settings.dashboard_password)
    client = redis_client(settings.redis, REDIS_CONNECTIONS, REDIS_TURN_WITHIN_S)
    sessions, board, clock = Sessions(client, settings.redis_prefix, password), Board(), SystemClock(settings)
    figures = Figures(clock.now, settings.topic_prefix)
    reader = Reader(settings.kafka, figures)
    lag = Lag(settings.kafka, reader)
    health = Health(client, settings.redis_prefix, settings.markets)
    past = Past(client, settings.redis_prefix)
    publisher = Publisher(board, past, figures, health, lag, clock, settings.speed)
    works = (publisher.run, partial(say_ready, client, settings.redis_prefix, OURSELVES))
    lifespan = _lifespan(board, (reader, lag), works)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.board = board
    app.include_router(routes(board, sessions, secure=not settings.demo))
    app.mount(STATIC, StaticFiles(directory=Path(__file__).with_name("static")))
    app.add_middleware(Guard, sessions=sessions)
    _add_errors(app)
    return app


def run(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C; a Kafka or Redis that is away is said on the page."""
    log_to_stderr(settings)
    app = build(settings)
    serve(app, settings.dashboard_host, settings.dashboard_port, app.state.board)


def _lifespan(board: Board, followers: tuple[Reader, Lag], works: tuple[Work, ...]) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for follower in followers:  # daemons: a client that lost its broker takes long to close, and nothing is lost
            threading.Thread(target=follower.run, daemon=True).start()
        tasks = [asyncio.create_task(work()) for work in works]
        try:
            yield
        finally:
            board.close()
            for follower in followers:
                follower.stop()
            await end(tasks)

    return lifespan


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(PartylineError)
    async def on_error(_: Request, error: PartylineError) -> Response:
        return refusal(error).response()

    @app.exception_handler(redis.RedisError)
    async def on_redis(request: Request, error: redis.RedisError) -> Response:
        log.warning("redis.away %s", type(error).__name__)
        return away(request)

    @app.exception_handler(HTTPException)
    async def on_http(_: Request, error: HTTPException) -> Response:
        return Answer(error.status_code, {"error": "not_found", "message": "There is nothing here."}).response()

    @app.exception_handler(Exception)
    async def on_fault(_: Request, error: Exception) -> Response:
        return Answer(500, {"error": "error", "message": "Something went wrong on our side."}).response()
