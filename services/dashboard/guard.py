"""The door: nobody who is not signed in gets past it, and every answer carries the same strict headers.

Place in the flow: every request -> **Guard** -> routes.
"""

from pathlib import Path

import redis
from fastapi import Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from matcher.errors import PartylineError
from services.dashboard.sessions import Sessions
from services.serving import SAFE_HEADERS, TEMPLATES

COOKIE = "partyline-operator"
SIGN_IN = "/sign-in"
OPEN_PATHS = (SIGN_IN, "/health")
STATIC = "/static/"
NO_STORE = {"Cache-Control": "no-store"}

templates = Jinja2Templates([Path(__file__).with_name("templates"), TEMPLATES])
_ENCODED = [(name.lower().encode(), value.encode()) for name, value in SAFE_HEADERS.items()]


class NotFromHere(PartylineError):
    """The form was not sent by a page of ours."""

    code = "not_allowed"


class Guard:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request in, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = await self._refused(Request(scope))
        await (answer or self._app)(scope, receive, _with_headers(send))

    async def _refused(self, request: Request) -> Response | None:
        """What whoever is not signed in gets instead; notes for how long those who are may stay."""
        path = request.url.path
        if path in OPEN_PATHS or path.startswith(STATIC):
            return None
        try:
            ends_in_s = await self._sessions.ends_in_s(request.cookies.get(COOKIE))
        except redis.RedisError:
            return away(request)
        if ends_in_s is None:
            return unsigned(request)
        request.state.ends_in_s = ends_in_s
        return None


def from_here(request: Request) -> None:
    """Raises NotFromHere unless the browser says that a page of this very origin sent the request."""
    origin, host = request.headers.get("origin", ""), request.headers.get("host", "")
    if not host or origin.partition("://")[2] != host:
        raise NotFromHere("This form was not sent from here.")


def unsigned(request: Request) -> Response:
    """To the sign-in for a page, 401 for anything else; the same for what exists and for what does not."""
    if request.method == "GET" and wants_page(request):
        return RedirectResponse(SIGN_IN, 303, NO_STORE)
    return JSONResponse({"error": "not_signed_in", "message": "Please sign in."}, 401, NO_STORE)


def away(request: Request) -> Response:
    """Redis is away, and with it every session: a page that tries again by itself."""
    headers = {**NO_STORE, "Retry-After": "2"}
    if wants_page(request):
        return templates.TemplateResponse(request, "away.html", status_code=503, headers=headers)
    return JSONResponse({"error": "away", "message": "Redis does not answer just now."}, 503, headers)


def wants_page(request: Request) -> bool:
    """Whether it is a browser that is to show the answer."""
    return "text/html" in request.headers.get("accept", "")


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *_ENCODED]
        await send(message)

    return sending
