"""Every hard rule alone: it refuses, it lets through, and it is asked both ways."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from matcher.availability import Waiting
from matcher.person import Features, QuietHours
from matcher.rules import RULES, Free, free, own_refusal, refusal

NOW = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)  # nine in the morning in London
LONDON, LUTON, LEEDS = "51.5,-0.1", "51.7,-0.1", "53.8,-1.5"
ROW = ("company", "until", "since", "asked")


def person(name: str, now: datetime = NOW, **told: Any) -> Free:
    features = {"cell": LONDON, "languages": ("en",), "age_band": "50-64", "gender": "woman"}
    features |= {key: value for key, value in told.items() if key not in ROW}
    row = Waiting(
        offset=1, person=name, market="GB", availability=f"av-{name}", opened_at=NOW, since=told.get("since", NOW),
        until=told.get("until", NOW + timedelta(minutes=20)), company=told.get("company", "either"),
        features=Features(**features), seq=1, asked=1, posted_at=NOW, pool_now=NOW, pool_wall=NOW,
    )  # fmt: skip
    return free(row, now, told.get("asked", ()))


def quiet(start: int, end: int) -> QuietHours:
    return QuietHours(start_min=start * 60, end_min=end * 60)


REFUSED = {
    "no common language": ("language", {"languages": ("cy",)}, {}),
    "a block": ("block", {"blocks": ("bob",)}, {}),
    "a man for one who wishes for women": ("gender_wish", {"wishes": ("same_gender",)}, {"gender": "man"}),
    "one who would not say": ("gender_wish", {"wishes": ("same_gender",)}, {"gender": "unsaid"}),
    "two who would not say": ("gender_wish", {"wishes": ("same_gender",), "gender": "unsaid"}, {"gender": "unsaid"}),
    "two bands apart": ("age_wish", {"wishes": ("near_age",)}, {"age_band": "75+"}),
    "far away": ("home_wish", {"wishes": ("near_home",)}, {"cell": LEEDS}),
    "quiet hours": ("quiet_hours", {"quiet": quiet(9, 10)}, {}),
    "quiet hours over midnight": ("quiet_hours", {"quiet": quiet(22, 10)}, {}),
    "two minutes left": ("window", {"until": NOW + timedelta(minutes=2, seconds=59)}, {}),
    "a stranger for one who wants somebody known": ("company", {"company": "known"}, {}),
    "a bond for one who wants somebody new": ("company", {"company": "new", "bonds": ("bob",)}, {}),
    "one met before without a bond": ("company", {"met": ("bob",)}, {}),
    "one they were asked about before": ("asked_before", {"asked": ("bob",)}, {}),
    "one met before for one who wants somebody new": ("company", {"company": "new", "met": ("bob",)}, {}),
}
ALLOWED = {
    "one common language of two": ({"languages": ("cy", "en")}, {}),
    "a block of somebody else": ({"blocks": ("eve",)}, {}),
    "the same gender": ({"wishes": ("same_gender",)}, {}),
    "the next band": ({"wishes": ("near_age",)}, {"age_band": "65-74"}),
    "the next town": ({"wishes": ("near_home",)}, {"cell": LUTON}),
    "far away without the wish": ({}, {"cell": LEEDS}),
    "quiet hours that are over in local time": ({"quiet": quiet(8, 9)}, {}),
    "quiet hours of no length": ({"quiet": quiet(9, 9)}, {}),
    "three minutes left": ({"until": NOW + timedelta(minutes=3)}, {}),
    "a bond for one who wants somebody known": ({"company": "known", "bonds": ("bob",)}, {"bonds": ("ann",)}),
    "somebody new": ({"company": "new"}, {}),
    "a bond met before": ({"bonds": ("bob",), "met": ("bob",)}, {"bonds": ("ann",), "met": ("ann",)}),
}


@pytest.mark.parametrize(("rule", "mine", "yours"), REFUSED.values(), ids=REFUSED.keys())
def test_a_rule_refuses_whichever_way_round_it_is_asked(rule: str, mine: dict[str, Any], yours: dict[str, Any]) -> None:
    ann, bob = person("ann", **mine), person("bob", **yours)
    assert refusal(ann, bob) == rule
    assert refusal(bob, ann) == rule


@pytest.mark.parametrize(("mine", "yours"), ALLOWED.values(), ids=ALLOWED.keys())
def test_a_rule_lets_through_what_it_should(mine: dict[str, Any], yours: dict[str, Any]) -> None:
    ann, bob = person("ann", **mine), person("bob", **yours)
    assert refusal(ann, bob) is None
    assert refusal(bob, ann) is None


def test_every_rule_is_seen_to_refuse() -> None:
    assert {rule for rule, _, _ in REFUSED.values()} == set(RULES)


def test_in_winter_local_time_is_utc() -> None:
    winter = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
    told: dict[str, Any] = {"until": winter + timedelta(hours=1)}
    assert refusal(person("ann", winter, quiet=quiet(8, 9), **told), person("bob", winter, **told)) == "quiet_hours"


def test_a_rule_of_one_person_and_the_hour_keeps_them_from_everybody() -> None:
    assert own_refusal(person("ann", quiet=quiet(9, 10))) == "quiet_hours"
    assert own_refusal(person("ann", until=NOW + timedelta(minutes=2))) == "window"
    assert own_refusal(person("ann", blocks=("ann",))) is None
