"""Reads the companion page as HTML, and sends its forms as a browser would: with what is in them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx

from tests.gateway_desk import Page

SAME_SITE = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


@dataclass
class Form:
    """A form as it was rendered: where it goes, and its hidden fields."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Seen(HTMLParser):
    """What stands on a page: its view, its first heading, its text, its forms, and every tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.view = ""
        self.heading = ""
        self.text = ""
        self.forms: list[Form] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._in: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what matters."""
        given = dict(attrs)
        self.tags.append((tag, given))
        self._in.append(tag)
        if "data-view" in given:
            self.view = str(given["data-view"])
        if tag == "form":
            self.forms.append(Form(str(given["action"])))
        elif tag == "input" and given.get("type") == "hidden" and self.forms:
            self.forms[-1].fields[str(given["name"])] = str(given["value"])

    def handle_endtag(self, tag: str) -> None:
        """Leave it."""
        while self._in and self._in.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Text, as a person reads it."""
        self.text += data
        if "h1" in self._in:
            self.heading += data

    def form(self, end: str) -> Form:
        """The first form whose address ends like this."""
        return next(form for form in self.forms if form.action.endswith(end))


def look(page: Page, path: str = "/", **headers: str) -> Seen:
    """Load a page and read it."""
    return Seen(page.get(path, headers={"Accept": "text/html", **headers}).text)


def press(page: Page, form: Form, headers: dict[str, str] | None = None, **fields: Any) -> httpx.Response:
    """Send a form with these fields filled in."""
    return page.request("POST", form.action, data=form.fields | fields, headers=headers or SAME_SITE)


def press_here(page: Page, end: str, **fields: Any) -> Seen:
    """Send the form of the present page whose address ends like this, and read the page that follows."""
    answer = press(page, look(page).form(end), **fields)
    return look(page) if answer.status_code == 303 else Seen(answer.text)
