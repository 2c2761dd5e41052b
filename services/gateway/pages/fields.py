"""The fields in which somebody tells about themselves: their kinds, and plain words for what is wrong with each.

Place in the flow: **fields** -> profile, questions, welcome: the form of all of them and the screens of one each.
"""

import re
from typing import Any

from services.gateway.pages.asking import Reply
from services.languages.speaking import N_, _

LISTS = ("languages", "likes", "avoids", "wishes", "situation")
NEEDED = ("first_name", "adult", "age_band", "area", "languages")
ERRORS = {
    "first_name": N_("Please give a first name of up to 40 letters, without digits."),
    "adult": N_("Partyline is for people of 18 and over. Please tick this if you are."),
    "age_band": N_("Please choose your age."),
    "area": N_("Please choose where you live."),
    "languages": N_("Please choose at least one language."),
    "likes": N_("Please choose from the list."),
    "avoids": N_("Please choose from the list."),
    "wishes": N_("Please choose from the list."),
    "situation": N_("Please choose from the list."),
    "gender": N_("Please choose from the list."),
    "quiet": N_("Please give two different times, such as 22:00 and 07:00."),
}


def without_likes(body: dict[str, Any]) -> dict[str, Any]:
    """The same without topics to avoid that are liked as well."""
    return body | {"avoids": [topic for topic in body.get("avoids", ()) if topic not in body.get("likes", ())]}


def field_in(message: str) -> str:
    """The field that a refusal of the API names, or nothing."""
    found = re.match(r"The field (\w+) ", message)
    return found[1] if found and found[1] in ERRORS else ""


def errors_of(reply: Reply, body: dict[str, Any]) -> dict[str, str]:
    """What was wrong, by field; under "" what belongs to none.

    The API names the first fault; what was left blank is named with it, so that nobody is sent back field by field.
    """
    blank = {name: _(ERRORS[name]) for name in NEEDED if not body[name]}
    name = "adult" if reply.status == 403 else field_in(reply.message)
    return {name: _(ERRORS[name]) if name in ERRORS else reply.message} | blank
