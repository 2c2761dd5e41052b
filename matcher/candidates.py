"""Who could be matched with whom: the hard rules, asked both ways, whatever the wait.

Place in the flow: pool -> **candidates** -> features. `RULES` is a closed list; each rule says whether `a` can accept
`b`, and is asked the other way round too. What each rule refused is counted: it answers "why is nobody found?".
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from matcher.availability import MIN_TALK, Waiting
from matcher.features import distance_km
from matcher.person import AGE_BANDS, Features, local_minute

NEAR_HOME_KM = 25.0
CANDIDATES_PER_PERSON = 24


@dataclass(frozen=True, slots=True)
class Free:
    """A person who can be offered a call now, and what the rules ask of them."""

    row: Waiting
    features: Features
    minute: int
    left: timedelta

    @property
    def person(self) -> str:
        """Their id."""
        return self.row.person


def free(row: Waiting, now: datetime) -> Free:
    """`row` at `now`; the row must have features."""
    assert row.features is not None
    return Free(row, row.features, local_minute(row.market, now), row.until - now)


def _longest_wait(one: Free) -> tuple[datetime, str]:
    return one.row.since, one.person


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


RULES: dict[str, Callable[[Free, Free], bool]] = {
    "block": _block,  # guard: rule-block
    "window": _window,  # guard: rule-window
    "quiet_hours": _quiet,  # guard: rule-quiet-hours
    "language": _language,  # guard: rule-language
    "gender_wish": _gender,  # guard: rule-gender
    "age_wish": _age,  # guard: rule-age
    "home_wish": _home,  # guard: rule-home
    "company": _company,  # guard: rule-company
}
LASTING = ("block", "language", "gender_wish", "age_wish", "home_wish")
"""The rules that an edit can break while an invitation lives; the others depend on the hour."""


def refusal(a: Free, b: Free, rules: tuple[str, ...] = tuple(RULES)) -> str | None:
    """The name of the first rule that refuses the pair either way, or None."""
    for name in rules:
        rule = RULES.get(name)
        if rule and not (rule(a, b) and rule(b, a)):
            return name
    return None


def candidates(
    askers: list[Free], people: list[Free], apart: Callable[[str, str], bool], refused: Counter[str]
) -> Iterator[tuple[Free, Free]]:
    """Pairs of an asker and somebody else that pass every rule, each pair once, longest wait first.

    At most `CANDIDATES_PER_PERSON` for each asker. `apart` says that two people were already asked about each other;
    `refused` counts pairs by the rule they failed.
    """
    people = sorted(people, key=_longest_wait)
    done: set[str] = set()
    for a in sorted(askers, key=_longest_wait):
        done.add(a.person)
        found = 0
        for b in people:
            if b.person in done:
                continue
            name = "asked_before" if apart(a.person, b.person) else refusal(a, b)
            if name:
                refused[name] += 1
                continue
            yield (a, b) if a.person < b.person else (b, a)
            found += 1
            if found == CANDIDATES_PER_PERSON:
                break
