"""Who may be matched with whom: the hard rules, asked both ways, whatever the wait.

Place in the flow: pool -> **rules** -> candidates. `RULES` is a closed list; each rule says whether `a` can accept `b`,
and is asked the other way round too. What they say is the truth: `matcher/search.py` asks the same of many pairs at
once, and every pair is asked here once more before it is offered.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from matcher.availability import MIN_TALK, Waiting
from matcher.features import distance_km
from matcher.person import AGE_BANDS, Features, local_minute

NEAR_HOME_KM = 25.0


@dataclass(frozen=True, slots=True)
class Free:
    """A person who can be offered a call now, and what the rules ask of them."""

    row: Waiting
    features: Features
    minute: int
    left: timedelta
    asked: tuple[str, ...] = ()
    """Whom they were already asked about in this window."""

    @property
    def person(self) -> str:
        """Their id."""
        return self.row.person


def free(row: Waiting, now: datetime, asked: tuple[str, ...] = ()) -> Free:
    """`row` at `now`; the row must have features.

    To whoever hopes for one person nobody else is known; and that one is if their call broke, bond or not.
    """
    assert row.features is not None
    features = row.features
    if row.hopes_for:  # guard: hopes-for-one
        kept = tuple(one for one in (row.hopes_for,) if row.goes_on or one in features.bonds)
        features = features.model_copy(update={"bonds": kept})
    return Free(row, features, local_minute(row.market, now), row.until - now, asked)


def _language(a: Free, b: Free) -> bool:
    return bool(set(a.features.languages) & set(b.features.languages))


def _block(a: Free, b: Free) -> bool:
    return b.person not in a.features.blocks


def _gender(a: Free, b: Free) -> bool:
    wished = "same_gender" in a.features.wishes
    return not wished or (a.features.gender != "unsaid" and a.features.gender == b.features.gender)


def _age(a: Free, b: Free) -> bool:
    if "near_age" not in a.features.wishes:
        return True
    return abs(AGE_BANDS.index(a.features.age_band) - AGE_BANDS.index(b.features.age_band)) <= 1


def _home(a: Free, b: Free) -> bool:
    return "near_home" not in a.features.wishes or distance_km(a.features.cell, b.features.cell) <= NEAR_HOME_KM


def _quiet(a: Free, b: Free) -> bool:
    return a.features.quiet is None or not a.features.quiet.cover(a.minute)


def _window(a: Free, b: Free) -> bool:
    return a.left >= MIN_TALK


def _company(a: Free, b: Free) -> bool:
    if a.row.company == "known":
        return b.person in a.features.bonds
    if a.row.company == "new":
        return b.person not in a.features.bonds and b.person not in a.features.met
    return b.person in a.features.bonds or b.person not in a.features.met


def _asked(a: Free, b: Free) -> bool:
    return b.person not in a.asked


RULES: dict[str, Callable[[Free, Free], bool]] = {
    "block": _block,  # guard: rule-block
    "window": _window,  # guard: rule-window
    "quiet_hours": _quiet,  # guard: rule-quiet-hours
    "language": _language,  # guard: rule-language
    "gender_wish": _gender,  # guard: rule-gender
    "age_wish": _age,  # guard: rule-age
    "home_wish": _home,  # guard: rule-home
    "company": _company,  # guard: rule-company
    "asked_before": _asked,  # guard: asked-before
}
OF_ONE = ("window", "quiet_hours")
"""The rules that look at one person and the hour, and not at the other."""
LASTING = ("block", "language", "gender_wish", "age_wish", "home_wish")
"""The rules that an edit can break while an invitation lives; the others depend on the hour."""


def refusal(a: Free, b: Free, rules: tuple[str, ...] = tuple(RULES)) -> str | None:
    """The name of the first rule that refuses the pair either way, or None."""
    for name in rules:
        rule = RULES.get(name)
        if rule and not (rule(a, b) and rule(b, a)):
            return name
    return None


def own_refusal(one: Free) -> str | None:
    """The name of the first rule that keeps this person from everybody at this hour, or None."""
    return refusal(one, one, OF_ONE)
