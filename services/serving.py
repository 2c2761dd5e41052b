"""What the two processes that serve pages do alike: uvicorn, lines that end first, headers, Redis in time.

Place in the flow: gateway, dashboard -> **serving** -> browsers.
"""

import signal
from pathlib import Path
from socket import socket
from typing import Protocol

import redis
import redis.asyncio
import uvicorn
from fastapi import FastAPI
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

REDIS_WITHIN_S = 0.8
CLOSE_LINES_WITHIN_S = 1
QUEUE_LIMIT = 2048
"""Connections that wait to be accepted."""
TEMPLATES = Path(__file__).with_name("templates")
SAFE_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # "no-referrer" would make browsers send forms without their origin
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Lines(Protocol):
    """The live lines of a process."""

    def close(self) -> None:
        """End them all."""


class Server(uvicorn.Server):
    """uvicorn, which closes live lines before it waits for them."""

    def __init__(self, config: uvicorn.Config, lines: Lines) -> None:
        super().__init__(config)
        self._lines = lines

    async def shutdown(self, sockets: "list[socket] | None" = None) -> None:
        """Close the lines, then the rest."""
        self._lines.close()
        await super().shutdown(sockets)


def serve(app: FastAPI, host: str, port: int, lines: Lines) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    config = uvicorn.Config(
        app, host, port, access_log=False, log_config=None, backlog=QUEUE_LIMIT, ws="none", proxy_headers=False,
        server_header=False, timeout_graceful_shutdown=CLOSE_LINES_WITHIN_S,
    )  # fmt: skip
    # uvicorn raises the signal again once it is done; that is then no reason to die of it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    Server(config, lines).run()


def redis_client(url: str, connections: int, turn_within_s: float | None = None) -> redis.asyncio.Redis:
    """A client whose every step fails within `REDIS_WITHIN_S`, so that a page hears in time that Redis is away.

    Beyond so many connections a step fails at once, or after it has waited its turn for `turn_within_s`.
    """
    kind = redis.asyncio.ConnectionPool if turn_within_s is None else redis.asyncio.BlockingConnectionPool
    pool = kind.from_url(
        url,
        max_connections=connections,
        socket_timeout=REDIS_WITHIN_S,
        socket_connect_timeout=REDIS_WITHIN_S,
        # once more, since a connection may have died in the pool; a timeout is not tried again
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
        **({} if turn_within_s is None else {"timeout": turn_within_s}),
    )
    return redis.asyncio.Redis(connection_pool=pool)
