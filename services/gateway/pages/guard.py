"""What stands between the page and the rest of the web: who may send a form, what a form may be, what a page may load.

Place in the flow: the first step of every form, and the headers of every answer. The session's cookie is
SameSite=Strict; besides that a form is taken only if the browser says that it comes from our own page.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from matcher.errors import NotAllowed
from services.gateway.answers import Unreadable
from services.gateway.body import KEY, read_body
from services.languages.speaking import _
from services.serving import SAFE_HEADERS

FIELDS_LIMIT = 200
FORM_TYPE = "application/x-www-form-urlencoded"
HEADERS = SAFE_HEADERS | {"Permissions-Policy": "microphone=(self), camera=(), geolocation=()"}


class SafeHeaders:
    """Adds `HEADERS` to every answer; what goes through, live lines too, is not held up."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_safely if scope["type"] == "http" else send)


@dataclass(frozen=True, slots=True)
class PageForm:
    """The fields of a form, and the key that was rendered into it."""

    key: str
    fields: tuple[tuple[str, str], ...]

    def one(self, name: str) -> str:
        """The last value of a field, or nothing."""
        return next((value for field, value in reversed(self.fields) if field == name), "")

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for field, value in self.fields if field == name]


async def read_page_form(request: Request) -> PageForm:
    """The form in this request, which stays at hand as `request.state.form`.

    Raises NotAllowed when it may come from another site, TooLarge, Unreadable.
    """
    if not _from_our_page(request):
        raise NotAllowed(_("This came from another website, so we did not do it."))
    raw = await read_body(request)
    if request.headers.get("content-type", FORM_TYPE).split(";")[0].strip() != FORM_TYPE:
        raise Unreadable(_("That is no form that we can read."))
    try:
        fields: Any = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=FIELDS_LIMIT, errors="strict")
    except ValueError:
        raise Unreadable(_("That is no form that we can read.")) from None
    form = PageForm("", tuple(fields))
    if not KEY.fullmatch(form.one("key")):
        raise Unreadable(_("The page was not whole. Please load it again."))
    request.state.form = PageForm(form.one("key"), form.fields)
    return request.state.form


def _from_our_page(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc == request.headers.get("host")
    # Neither is sent by old browsers; a header of htmx's own cannot come from another site unless we allow it.
    return request.headers.get("hx-request") == "true"
