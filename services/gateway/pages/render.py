"""Turns a view into HTML: the whole page, or for htmx only what stands in `main`. Everything is escaped.

Place in the flow: view -> **template** -> browser.
"""

import secrets
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.gateway.pages import words
from services.gateway.pages.guard import HEADERS
from services.gateway.pages.view import View
from services.serving import TEMPLATES

HERE = Path(__file__).parents[1]
STATIC = HERE / "static"
NO_STORE = {"Cache-Control": "no-store"}


def environment() -> Environment:
    """The templates; a name that is not there is an error, not a gap."""
    made = Environment(
        loader=FileSystemLoader((HERE / "templates", TEMPLATES)), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {"topic": words.topic_words, "reasons": words.reason_words, "minutes": words.minutes_words}
    made.filters |= {"listed": words.listed}
    made.globals |= {"choices": words.choices(), "new_key": lambda: secrets.token_urlsafe(18)}
    return made


_ENVIRONMENT = environment()


def is_htmx(request: Request) -> bool:
    """Whether only a part of the page is wanted."""
    return request.headers.get("hx-request") == "true"


def show(request: Request, view: View, *, signed_in: bool, status: int = 200, notice: str = "") -> Response:
    """The view; `notice` is a sentence above it."""
    # A fault is answered outside of everything that adds headers, so a page brings its own.
    template = "part.html" if is_htmx(request) else "page.html"
    told: dict[str, Any] = {"view": view, "shown": view.shown, "signed_in": signed_in, "notice": notice}
    return HTMLResponse(_ENVIRONMENT.get_template(template).render(told), status, HEADERS | NO_STORE)


def go(request: Request, path: str) -> Response:
    """Let the browser load another page."""
    if is_htmx(request):
        return Response(status_code=204, headers={"HX-Redirect": path, **NO_STORE})
    return Response(status_code=303, headers={"Location": path, **NO_STORE})
