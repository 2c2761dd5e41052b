"""Turns a view into HTML: the whole page, or for htmx only what stands in `main`. Everything is escaped.

Place in the flow: view -> **template** -> browser.
"""

import secrets
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.gateway.contact import linked
from services.gateway.pages import words
from services.gateway.pages.guard import HEADERS
from services.gateway.pages.view import View
from services.gateway.signin import Session
from services.languages.speaking import _, language, languages, listed
from services.serving import TEMPLATES

HERE = Path(__file__).parents[1]
STATIC = HERE / "static"
NO_STORE = {"Cache-Control": "no-store"}


class Choices:
    """`words.choices()` for templates, looked up when a page is made, since each is made in a language."""

    def __getitem__(self, name: str) -> list[tuple[str, str]]:
        return words.choices()[name]


def environment() -> Environment:
    """The templates; a name that is not there is an error, not a gap."""
    made = Environment(
        loader=FileSystemLoader((HERE / "templates", TEMPLATES)), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_callables(  # type: ignore[attr-defined]
        lambda one: language().sentences.gettext(one),
        lambda one, many, number: language().sentences.ngettext(one, many, number), newstyle=True,
    )  # fmt: skip
    made.filters |= {"topic": words.topic_words, "reasons": words.reason_words, "minutes": words.minutes_words}
    # What `_()` says in a template is taken for HTML; this says a sentence that came in a variable, as text.
    made.filters |= {"translated": _, "listed": listed, "linked": linked}
    made.globals |= {"choices": Choices(), "new_key": lambda: secrets.token_urlsafe(18)}
    made.globals |= {"language": language, "languages": languages, "countdown": words.countdown}
    return made


_ENVIRONMENT = environment()


def rung_here(request: Request) -> dict[str, str] | None:
    """Our public key for a browser, and what marks the telephone that is rung in this session; None: no push here."""
    me: Session | None = getattr(request.state, "session", None)
    key: str = request.app.state.push_key
    return {"key": key, "mark": me.rung} if key and me else None


def is_htmx(request: Request) -> bool:
    """Whether only a part of the page is wanted."""
    return request.headers.get("hx-request") == "true"


def rendered(request: Request, template: str, **told: Any) -> str:
    """A template; every one is told the version of what it names, and how to get in touch with us."""
    state = request.app.state
    return _ENVIRONMENT.get_template(template).render(version=state.version, contact=state.contact, **told)


def show(request: Request, view: View, *, signed_in: bool, status: int = 200, notice: str = "") -> Response:
    """The view; `notice` is a sentence above it."""
    # A fault is answered outside of everything that adds headers, so a page brings its own.
    template = "part.html" if is_htmx(request) else "page.html"
    told: dict[str, Any] = {"view": view, "shown": view.shown, "signed_in": signed_in, "notice": notice}
    told["push"] = rung_here(request)
    return HTMLResponse(rendered(request, template, **told), status, HEADERS | NO_STORE)


def go(request: Request, path: str) -> Response:
    """Let the browser load another page."""
    if is_htmx(request):
        return Response(status_code=204, headers={"HX-Redirect": path, **NO_STORE})
    return Response(status_code=303, headers={"Location": path, **NO_STORE})
