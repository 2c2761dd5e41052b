"""The questions to somebody who comes in for the first time: which, in which order, and what an answer may be.

Place in the flow: the page's memory -> **questions** -> the screen of one of them; a form -> its answer. Pure.
"""

from dataclasses import dataclass
from typing import Any

from matcher.errors import BadRequest
from services.gateway.body import read_values
from services.gateway.me import AboutMe, profile_of
from services.gateway.pages.fields import ERRORS, LISTS, field_in
from services.gateway.pages.guard import PageForm
from services.gateway.pages.memory import Draft
from services.gateway.pages.view import BLANK, View
from services.languages.speaking import N_, _

UNDER_AGE = "under"
NO_GENDER = N_("Please say your gender too, so that we know whom you mean.")
SOMEBODY: dict[str, Any] = {
    "first_name": "Ann", "adult": True, "languages": ["en"], "area": "SE", "age_band": "35-49",
}  # fmt: skip
"""In whose place an answer is tried before the others are there."""


@dataclass(frozen=True, slots=True)
class Question:
    """One screen: its name, the fields that it fills in, and whether it can wait."""

    name: str
    fields: tuple[str, ...]
    can_wait: bool = True


QUESTIONS = (
    Question("name", ("first_name",), can_wait=False),
    Question("age", ("age_band",), can_wait=False),
    Question("languages", ("languages",)),
    Question("area", ("area",), can_wait=False),
    Question("likes", ("likes",)),
    Question("avoids", ("avoids",)),
    Question("situation", ("situation",)),
    Question("who", ("wishes", "gender")),
    Question("quiet", ("quiet",)),
)


def first_open(draft: Draft) -> Question:
    """The question to go on with."""
    return next((one for one in QUESTIONS if one.name not in draft.asked), QUESTIONS[-1])


def question(one: Question, given: dict[str, Any], errors: dict[str, str] | None = None) -> View:
    """The screen of a question, with what was given so far and what is wrong with it."""
    place = QUESTIONS.index(one)
    asked = {"name": one.name, "number": place + 1, "of": len(QUESTIONS), "can_wait": one.can_wait,
             "back": QUESTIONS[place - 1].name if place else ""}  # fmt: skip
    shown = {"asked": asked, "given": BLANK | given, "errors": dict.fromkeys(BLANK, "") | (errors or {})}
    return View(f"welcome_{one.name}", f"welcome:{one.name}", shown)


def answer_in(form: PageForm, one: Question) -> dict[str, Any]:
    """What the form says to this question."""
    if one.name == "quiet":
        return {"quiet": {"start": form.one("quiet_start"), "end": form.one("quiet_end")}}
    return {name: form.all(name) if name in LISTS else form.one(name) for name in one.fields}


def what_is_wrong(answer: dict[str, Any]) -> dict[str, str]:
    """What is wrong with an answer, by field: the same rules as for a whole profile."""
    if "same_gender" in answer.get("wishes", ()) and answer["gender"] in ("", "unsaid"):
        return {"gender": _(NO_GENDER)}
    try:
        profile_of(read_values(SOMEBODY | answer, AboutMe), "GB")
    except BadRequest as error:
        name = field_in(error.message)
        return {name or next(iter(answer)): _(ERRORS[name]) if name in ERRORS else error.message}
    return {}
