"""What a route answers, and how an error of the core becomes an answer: the gateway's edge.

Place in the flow: the last step of every route. An answer names no other person and never repeats what was sent.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from matcher.errors import AlreadyEnded, BadRequest, NotFound, PartylineError, TooMany
from services.languages.speaking import _

STATUS: dict[str, int] = {
    "bad_request": 422,
    "not_signed_in": 401,
    "not_allowed": 403,
    "not_found": 404,
    "already_ended": 409,
    "not_yet": 409,
    "paused": 409,
    "taken": 409,
    "too_many": 429,
    "away": 503,
}
PASSING = {401, 429, 503}
"""Answers that say "not now": the same request may be answered otherwise later, so they are not kept."""
RETRY_S = 1


class Unreadable(BadRequest):
    """It is no JSON, or lacks a header, or an id has the wrong form."""

    status = 400


class TooLarge(BadRequest):
    """The body is larger than `BODY_LIMIT`."""

    status = 413


class NotSignedIn(PartylineError):
    """There is no session, or it has ended."""

    code = "not_signed_in"


class NotYet(AlreadyEnded):
    """The call has not begun, or is not over yet."""

    code = "not_yet"


class Paused(AlreadyEnded):
    """The person asked to be left alone, and has not come back yet."""

    code = "paused"


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, what is said with it, and the nonce of the session that it opens, if any."""

    status: int
    said: Mapping[str, Any] | None = None
    opens: str | None = None
    retry_after_s: int | None = None

    def kept(self) -> str:
        """The answer as text, to give it again."""
        return json.dumps({"status": self.status, "said": self.said, "opens": self.opens})

    def response(self) -> Response:
        """The answer over HTTP; the session's cookie is added by whoever knows the token."""
        headers = {"Cache-Control": "no-store"}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(self.retry_after_s)
        if self.said is None:
            return Response(status_code=self.status, headers=headers)
        return JSONResponse(self.said, self.status, headers)


ACCEPTED = Answer(202, {})


def kept_answer(text: str) -> Answer:
    """The answer that `Answer.kept` wrote."""
    return Answer(**json.loads(text))


def refusal(error: PartylineError) -> Answer:
    """An error as an answer."""
    status = getattr(error, "status", STATUS.get(error.code, 500))
    retry_after_s = error.retry_after_s
    if status in (429, 503):
        retry_after_s = retry_after_s or RETRY_S
    return Answer(status, {"error": error.code, "message": error.message}, retry_after_s=retry_after_s)


@dataclass(frozen=True, slots=True)
class Comfort:
    """What a route adds to each of its refusals: a sentence after ours, and fields."""

    sentence: str
    said: Mapping[str, Any]


def promise_comfort(request: Request, comfort: Comfort) -> None:
    """From here on no refusal of this request goes out without `comfort`, wherever it is made."""
    request.state.comfort = comfort


def comforted(answer: Answer, request: Request) -> Answer:
    """The answer, with the comfort that its route promised if it is a refusal."""
    comfort: Comfort | None = getattr(request.state, "comfort", None)
    if comfort is None or answer.said is None or "error" not in answer.said:
        return answer
    message = f"{answer.said['message']} {_(comfort.sentence)}"
    return replace(answer, said={**answer.said, "message": message, **comfort.said})


def nowhere() -> NotFound:
    """The one answer to what does not exist and to what is somebody else's."""
    return NotFound(_("There is no such invitation."))


def too_many(wait_ms: int) -> TooMany:
    """A limit was reached; `wait_ms` until there is room again."""
    wait_s = max(1, -(-wait_ms // 1000))
    return TooMany(_("That was too often. Please wait a little and try again."), retry_after_s=wait_s)
