"""What becomes of a row that speaks of somebody who was erased.

Place in the flow: erasure, writer -> **forget** -> files. Their id gives way to an alias wherever it stands. Rows of
`person-events` and `people`, and dead letters of such, also lose what the person told of themselves and what anybody
wrote in a concern that involves them: of their own events only fields stay that hold ids, times and switches.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from matcher.errors import BadEvent
from matcher.events import read_event
from matcher.person import Person
from services.archivist.rows import Row, row as row_of
from services.topics import DEAD_LETTERS, PEOPLE, PERSON_EVENTS

Aliases = Mapping[str, str]
"""The alias of each erased id."""

PERSONAL = (PERSON_EVENTS.name, PEOPLE.name)
KEPT = frozenset({
    "type", "id", "at", "person", "other", "invitation", "by", "bond", "firm", "availability", "opened_at", "until",
    "company", "offset", "paused", "held", "erased", "blocks", "bonds", "met", "recent", "concerns", "what", "concern",
})  # fmt: skip
"""Fields of a person's own events and row that stay; a new field is forgotten until it is named here."""
REMOVED = b"(removed)"
"""Stands for bytes that are no JSON."""
SURE_LENGTH = 16
"""An id of so many characters is replaced inside longer words too; a shorter one only where it is the whole word."""

_WORD = re.compile(r"[A-Za-z0-9_-]+")
_WORD_LIMIT = 80
_WHOLE_WORD = r"(?<![A-Za-z0-9_-]){}(?![A-Za-z0-9_-])"


def forget(row: Row, aliases: Aliases) -> Row:
    """The row without the people of these ids; the same row if it does not speak of them."""
    told = {person for person in aliases if any(_mentions(text, person) for text in texts(row))}
    if not told:
        return row
    return _forgotten(row, {person: aliases[person] for person in told})


def words(row: Row) -> Iterator[str]:
    """Everything in a row that may be an id."""
    for text in texts(row):
        yield from (word for word in _WORD.findall(text) if len(word) <= _WORD_LIMIT)


def texts(row: Row) -> Iterator[str]:
    """Where an id can stand; a dead letter is opened."""
    for text in (row.key, row.value):
        if text is not None:
            yield text
    for raw in (row.raw_key, row.raw):
        if raw is not None:
            yield raw.decode("latin-1")
    letter = _opened(row)
    if letter is not None:
        yield from texts(letter)


def _forgotten(row: Row, aliases: Aliases) -> Row:
    if row.topic == DEAD_LETTERS.name:
        row = _letter_without(row, aliases)
    elif row.topic in PERSONAL:
        row = _without_words(row, aliases)
    change: dict[str, Any] = {name: _replaced(getattr(row, name), aliases) for name in ("key", "value")}
    for name in ("raw_key", "raw"):
        raw = getattr(row, name)
        change[name] = raw and (_replaced(raw.decode("latin-1"), aliases) or "").encode("latin-1")
    return replace(row, **change)


def _replaced(text: str | None, aliases: Aliases) -> str | None:
    for person, alias in aliases.items():
        if text is None:
            return None
        text = text.replace(person, alias) if len(person) >= SURE_LENGTH else _whole(person).sub(alias, text)
    return text


def _mentions(text: str, person: str) -> bool:
    return person in text and (len(person) >= SURE_LENGTH or _whole(person).search(text) is not None)


def _whole(person: str) -> re.Pattern[str]:
    return re.compile(_WHOLE_WORD.format(re.escape(person)))


# --- names, numbers, free text ---


def _without_words(row: Row, aliases: Aliases) -> Row:
    if row.value is None:
        return row if row.raw is None else row.with_value(REMOVED)
    found = from_json(row.value)
    own = row.key in aliases or not isinstance(found, dict) or str(found.get("person")) in aliases
    if own and not _known(row):  # anything may stand anywhere in it
        return replace(row, type=None, value="{}")
    if own:
        found = {name: value for name, value in found.items() if name in KEPT}
    return row.with_value(_dumped(_without_text(found)))


def _without_text(found: dict[str, Any]) -> dict[str, Any]:
    """What is written in a concern, in an event or in a row, goes."""
    concerns = found.get("concerns")
    if isinstance(concerns, list):
        found["concerns"] = [{**one, "what": ""} if isinstance(one, dict) else {} for one in concerns]
    return {**found, "what": ""} if "what" in found else found


def _known(row: Row) -> bool:
    value = (row.value or "").encode()
    try:
        if row.topic == PEOPLE.name:
            Person.model_validate_json(value)
        else:
            read_event(row.topic, value)
    except (ValidationError, BadEvent):
        return False
    return True


# --- dead letters ---


def _opened(row: Row) -> Row | None:
    """The message in a dead letter, as far as the letter can be read."""
    if row.topic != DEAD_LETTERS.name or row.value is None:
        return None
    letter = from_json(row.value)
    if not isinstance(letter, dict) or not isinstance(letter.get("source_topic"), str):
        return None
    source = letter["source_topic"]
    topic = next((name for name in PERSONAL if source.endswith(name)), source)
    try:
        return row_of(topic, 0, 0, 0, _bytes(letter.get("key")), _bytes(letter.get("value")))
    except (ValueError, TypeError):
        return None


def _letter_without(row: Row, aliases: Aliases) -> Row:
    inside = _opened(row)
    if inside is None:
        return row
    clean = _forgotten(inside, aliases)
    letter = from_json(row.value or "")
    letter["key"] = _base64(clean.raw_key if clean.key is None else clean.key.encode())
    letter["value"] = _base64(clean.raw if clean.value is None else clean.value.encode())
    return row.with_value(_dumped(letter))


def _bytes(text: Any) -> bytes | None:
    return None if text is None else b64decode(text)


def _base64(raw: bytes | None) -> str | None:
    return None if raw is None else b64encode(raw).decode()


def _dumped(found: Any) -> str:
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))
