"""Reads what a request carries: bounded, as JSON, into a model; says what is wrong without repeating what was sent.

Place in the flow: the first step of every route that writes.
"""

import asyncio
import json
import re
from typing import Any, TypeVar

from fastapi import Request
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from matcher.errors import BadRequest
from matcher.values import Value
from services.gateway.answers import TooLarge, Unreadable
from services.languages.speaking import _

BODY_LIMIT = 64 * 1024
BODY_WITHIN_S = 10.0
"""A page in a tunnel may take this long to send its few bytes."""

KEY = re.compile(r"[\x21-\x7e]{8,80}")

_SENTENCES = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "value_error": "is not one of those that can be chosen, see GET /lists",
    "literal_error": "is not one of those that can be chosen, see GET /lists",
    "string_too_short": "is too short",
    "string_too_long": "is too long",
    "too_short": "has too few",
    "too_long": "has too many",
    "greater_than_equal": "is too small",
    "less_than_equal": "is too large",
    "string_pattern_mismatch": "has characters that cannot be used",
}

Form = TypeVar("Form", bound=Value)


class Nothing(Value):
    """The body of a request that needs none."""


async def read_body(request: Request) -> bytes:
    """The body, at most `BODY_LIMIT` bytes of it, also when its length was not said before.

    Raises TooLarge, or Unreadable when it does not come in time.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > BODY_LIMIT:
        raise TooLarge(_("That is more than we can read at once."))
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_LIMIT:
                    raise TooLarge(_("That is more than we can read at once."))
    except TimeoutError:
        raise Unreadable(_("The request did not arrive whole.")) from None
    return bytes(body)


def read_key(request: Request) -> str:
    """The Idempotency-Key. Raises Unreadable."""
    key = request.headers.get("idempotency-key", "")
    if not KEY.fullmatch(key):
        raise Unreadable("The header Idempotency-Key is needed: 8 to 80 characters, new for each thing you do.")
    return key


def read_form(raw: bytes, form: type[Form]) -> Form:
    """The body as `form`. Raises Unreadable if it is no JSON, BadRequest if a field is wrong."""
    try:
        return form.model_validate_json(raw or b"{}")
    except ValidationError as error:
        raise complaint(error, form) from None


def read_values(values: dict[str, Any], form: type[Form]) -> Form:
    """The same of values that were not sent as JSON."""
    return read_form(json.dumps(values).encode(), form)


def complaint(error: ValidationError, form: type[Value]) -> BadRequest:
    """The first thing that is wrong, as a sentence without anything that was sent."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return Unreadable("That is not JSON that we can read.")
    name = _field(first, form)
    return BadRequest(f"{name} {_SENTENCES.get(first['type'], 'cannot be used as it is')}.")


def _field(first: ErrorDetails, form: type[Value]) -> str:
    name = str(first["loc"][0]) if first["loc"] else ""
    return f"The field {name}" if name in form.model_fields else "A field that was sent"  # never their own words
