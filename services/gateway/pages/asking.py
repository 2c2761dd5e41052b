"""Asks the JSON API from inside, exactly as another page would over the network: there is one set of rules.

Place in the flow: a form of the page -> **the same route, session and Idempotency-Key** -> answer -> view.
"""

import hashlib
import json
import logging
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from services.languages.speaking import _

TOLD = ("set-cookie", "clear-site-data")

log = logging.getLogger(__name__)

KEPT = (b"cookie", b"host", b"user-agent", b"accept-language")
"""Headers that go along."""


@dataclass
class Reply:
    """What the API answered: its status, what it said, and what it told the browser to keep and to forget."""

    status: int = 500
    said: dict[str, Any] = field(default_factory=dict)
    kept: list[tuple[str, str]] = field(default_factory=list)

    @property
    def taken(self) -> bool:
        """Whether it was done, or will be."""
        return 200 <= self.status < 300

    @property
    def away(self) -> bool:
        """Whether a part of ours is away, so that the same may be asked again soon."""
        return self.status == 503

    @property
    def not_now(self) -> bool:
        """Whether nothing is decided: a part is away, a fault of ours, or it was asked too often."""
        return self.status == 429 or self.status >= 500

    @property
    def message(self) -> str:
        """The sentence that came with a refusal."""
        return str(self.said.get("message") or _("Something went wrong on our side. Please try again."))


async def ask(request: Request, method: str, path: str, body: object, key: str) -> Reply:
    """Send `body` to a route of the API as whoever sent `request`.

    The key that goes along derives from the form's own `key` and from what is asked: a double tap is one request, and
    a form that is sent again with something else in it is another.
    """
    raw = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
    once = hashlib.sha256(b"\n".join((key.encode(), method.encode(), path.encode(), raw))).hexdigest()[:40]
    answer = _Answer(raw)
    try:
        await request.app(_scope(request, method, path, raw, once), answer.receive, answer.send)
    except Exception as error:  # the API has answered 500 already, and the page is to say so kindly
        log.error("page.fault %s", type(error).__name__)
    return answer.reply()


def _scope(request: Request, method: str, path: str, raw: bytes, once: str) -> dict[str, Any]:
    kept = [(name, value) for name, value in request.scope["headers"] if name in KEPT]
    headers = [*kept, (b"content-type", b"application/json"), (b"content-length", str(len(raw)).encode())]
    headers.append((b"idempotency-key", once.encode()))
    plain = ("type", "asgi", "http_version", "scheme", "client", "server", "root_path")
    scope = {name: request.scope[name] for name in plain if name in request.scope}
    asked = {"method": method, "path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers}
    return scope | asked


class _Answer:
    """Takes the place of the server: hands the body in, and collects what is sent."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._body = bytearray()
        self._reply = Reply()

    async def receive(self) -> dict[str, Any]:
        """The whole body at once."""
        return {"type": "http.request", "body": self._raw, "more_body": False}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """One part of the answer."""
        if message["type"] == "http.response.start":
            self._reply.status = message["status"]
            told = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in message["headers"])
            self._reply.kept = [(name, value) for name, value in told if name in TOLD]
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")

    def reply(self) -> Reply:
        """What has come."""
        if self._body:
            self._reply.said = json.loads(self._body)
        return self._reply
