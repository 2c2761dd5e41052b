"""Brings the catalogues up to date with the sentences in the sources, and says what is wrong with them.

Place in the flow: sources, templates -> **gathering** -> `catalogues/*.po` -> a translator -> speaking. Run by hand
(`partyline languages`) and by a test; the page itself only reads.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from matcher.errors import BadRequest
from services.languages.speaking import CATALOGUES, NOT_READ

SERVICES = Path(__file__).parents[1]
FOLDERS = ("gateway", "languages")
"""Where sentences for callers stand."""
COMMAND = "partyline languages"
KEYWORDS: dict[str, Any] = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2), "countdown": (2, 3)}
TEMPLATES = ("**.html", "**/templates/worker.js")
METHODS = [
    ("**.py", "python"), *((one, "jinja2") for one in TEMPLATES),
    ("**/areas.json", "services.languages.gathering:extract_areas"),
]  # fmt: skip
_JINJA = {"silent": "false", "trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true"}
OPTIONS = dict.fromkeys(TEMPLATES, _JINJA)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
"""In place of a time that would change with every run, and be in the way of every merge."""
_PLACE = re.compile(r"%\(\w+\)s|\[\w+\]")
_NOT_TEXT = re.compile(r'[<>"&]|%(?!\(\w+\)s)')
"""What would be read as HTML, or as a place for a value."""


def extracted() -> Catalog:
    """Every sentence in the sources, with the files that it stands in."""
    found = Catalog(project="Partyline", fuzzy=False)
    for folder in FOLDERS:
        inside = SERVICES / folder
        for name, _, sentence, comments, context in extract_from_dir(
            inside, METHODS, OPTIONS, KEYWORDS, ["For translators:"], strip_comment_tags=True
        ):
            where = f"services/{folder}/{Path(name).as_posix()}"
            found.add(sentence, None, [(where, 0)], auto_comments=comments, context=context)
    return found


def extract_areas(file: Any, keywords: Any, tags: Any, options: Any) -> Iterator[tuple[int, str, str, list[str]]]:
    """The names in areas.json, for Babel."""
    for area in json.load(file):
        yield 0, "", area["name"], []


def bring_up_to_date(new: str | None = None) -> list[Path]:
    """Give every catalogue what it lacks and take what nobody says any more; with a `new` language one more.

    Raises BadRequest if there is no language of that tag.
    """
    sources = extracted()
    paths = sorted({*CATALOGUES.glob("*.po"), *([_path(new)] if new else [])})
    for path in paths:
        catalogue = _read(path) if path.exists() else _begun(path)
        kept = catalogue.creation_date, catalogue.header_comment
        catalogue.update(sources, no_fuzzy_matching=True, update_header_comment=False)
        catalogue.obsolete.clear()
        catalogue.creation_date, catalogue.header_comment = kept
        with path.open("wb") as file:
            write_po(file, catalogue, width=100, sort_by_file=True, include_lineno=False)
    return paths


def complaints() -> list[str]:
    """What is wrong with the catalogues, a line each: nothing, if all is well."""
    sources, paths = extracted(), sorted(CATALOGUES.glob("*.po"))
    return [f"{path.name}: {one}" for path in paths for one in _complaints(_read(path), sources)]


def _complaints(catalogue: Catalog, sources: Catalog) -> Iterator[str]:
    there, wanted = ({_key(one) for one in each if one.id} for each in (catalogue, sources))
    for key in sorted(wanted - there):
        yield f"lacks {key[0]!r}: run `{COMMAND}`, then translate it"
    for key in sorted(there - wanted):
        yield f"has {key[0]!r}, which nobody says any more: run `{COMMAND}`"
    for one in catalogue:
        if one.id and _key(one) in wanted:
            yield from _complaints_of(one, catalogue.num_plurals)


def _complaints_of(one: Message, forms: int) -> Iterator[str]:
    asked, said = _texts(one.id), _texts(one.string)
    if one.fuzzy or not all(said) or (one.pluralizable and len(said) != forms):
        yield f"has no translation of {asked[0]!r}, or not in all {forms} forms"
        return
    for text in said:
        if set(_PLACE.findall(text)) != set(_PLACE.findall(asked[-1])):
            yield f"has other places for values in {text!r} than in {asked[-1]!r}"
        if _NOT_TEXT.search(text):
            yield f"needs typographic quotes, and no signs of HTML, in {text!r}"


def _texts(one: Any) -> tuple[str, ...]:
    return (one,) if isinstance(one, str) else tuple(one or ("",))


def _key(one: Message) -> tuple[str, ...]:
    return (*_texts(one.id), one.context or "")


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=str(Locale.parse(path.stem, sep="-")))


def _path(code: str) -> Path:
    try:
        Locale.parse(code, sep="-")
    except (ValueError, UnknownLocaleError):
        raise BadRequest(f"there is no language {code!r}: give a tag such as cy or pt-BR") from None
    return CATALOGUES / f"{code}.po"


def _begun(path: Path) -> Catalog:
    locale = Locale.parse(path.stem, sep="-")
    return Catalog(
        locale, header_comment=f"# Partyline in {locale.english_name}: {NOT_READ}.", project="Partyline", version="1",
        language_team=NOT_READ, last_translator="the developers", msgid_bugs_address="",
        creation_date=LONG_AGO, revision_date=LONG_AGO, fuzzy=False,
    )  # fmt: skip
