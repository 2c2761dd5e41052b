"""The language in which somebody reads us: chosen by themselves, else by their browser, else English.

Place in the flow: cookie, Accept-Language -> **speaking** -> every sentence, date and number of the page. `_`, `N_` and
`ngettext` are gettext's own names: English sentences stand in the code, and a catalogue has each in another language. A
sentence that it lacks is said in English. What people typed never comes here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_skeleton, format_timedelta, get_datetime_format
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

CATALOGUES = Path(__file__).with_name("catalogues")
ENGLISH = "en"
NOT_READ = "not yet read by a native speaker"
"""A catalogue's Language-Team until one has; then it says who and when."""
COOKIE = "language"
COOKIE_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its tag, its name in itself, how it writes dates, its sentences, whether a native has read it."""

    code: str
    name: str
    locale: Locale
    sentences: NullTranslations
    read: bool = True

    @property
    def direction(self) -> str:
        """"ltr" or "rtl"."""
        return self.locale.text_direction


@cache
def languages() -> dict[str, Language]:
    """Every language that there is, by its tag, English first; catalogues are read once."""
    made = {ENGLISH: Language(ENGLISH, "English", Locale("en", "GB"), NullTranslations())}
    return made | {path.stem: read_language(path) for path in sorted(CATALOGUES.glob("*.po"))}


def read_language(path: Path) -> Language:
    """The language of a catalogue, ready to be spoken."""
    locale = Locale.parse(path.stem, sep="-")
    with path.open("rb") as file:
        catalogue = read_po(file, locale=str(locale))
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    name, read = str(locale.get_display_name(locale)), catalogue.language_team != NOT_READ
    return Language(path.stem, name, locale, Translations(compiled), read)


_spoken: ContextVar[Language | None] = ContextVar("language", default=None)


def language() -> Language:
    """The language of whoever is being answered."""
    return _spoken.get() or languages()[ENGLISH]


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Within this block it is said in this language; in English if there is no such."""
    token = _spoken.set(languages().get(code))
    try:
        yield
    finally:
        _spoken.reset(token)


def chosen(cookie: str | None, accepted: str) -> Language:
    """The language of somebody with this cookie, whose browser asks for these (an Accept-Language)."""
    known = languages()
    if cookie in known:
        return known[cookie]
    for tag in _liked_first(accepted):
        found = known.get(tag) or known.get(tag.partition("-")[0])
        if found:
            return found
    return known[ENGLISH]


def _liked_first(accepted: str) -> list[str]:
    liked: list[tuple[float, str]] = []
    for one in accepted.split(",")[:20]:
        tag, _, quality = one.strip().partition(";q=")
        try:
            liked.append((-float(quality or 1), tag.strip().lower()))
        except ValueError:
            continue
    return [tag for quality, tag in sorted(liked, key=lambda one: one[0]) if quality < 0]


class InTheirLanguage:
    """Answers every request in the language of whoever asks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            request = Request(scope)
            # Not taken back: each request has a context of its own, and a fault is answered outside of this.
            _spoken.set(chosen(request.cookies.get(COOKIE), request.headers.get("accept-language", "")))
        await self._app(scope, receive, send)


# --- sentences ---


def _(sentence: str, **values: Any) -> str:
    """The sentence in the language of whoever is being answered, with values in place of its `%(names)s`."""
    said = language().sentences.gettext(sentence)
    return said % values if values else said


def N_(sentence: str) -> str:  # noqa: N802 - gettext's name for it
    """The sentence as it is: it belongs into the catalogues, and `_` says it later."""
    return sentence


def ngettext(one: str, many: str, number: int, **values: Any) -> str:
    """The form of the sentence that goes with this number, which stands in it as `%(number)s`."""
    return language().sentences.ngettext(one, many, number) % {"number": number, **values}


def in_all_forms(one: str, many: str) -> dict[str, str]:
    """The sentence in every form of the plural, by CLDR's name of it, for a page that counts; `%(number)s` stays."""
    said, rule = language().sentences, language().locale.plural_form
    return {rule(number): said.ngettext(one, many, number) for number in reversed(range(101))}


# --- dates, times, lists ---


def clock(local: datetime) -> str:
    """An hour and its minutes."""
    return str(format_skeleton("Hm", local, locale=language().locale))


def day_and_clock(local: datetime) -> str:
    """A day and an hour."""
    locale = language().locale
    day = format_skeleton("MMMMEEEEd", local, locale=locale)
    return get_datetime_format("medium", locale=locale).format(clock(local), day)


def ago(seconds: float) -> str:
    """How long ago something was, a minute or more, in the largest unit that fits."""
    return str(format_timedelta(timedelta(seconds=-seconds), threshold=1, add_direction=True, locale=language().locale))


def listed(words: list[str]) -> str:
    """A, b and c."""
    return format_list(words, locale=language().locale)
