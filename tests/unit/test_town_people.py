"""The people of the town: drawn from the seed alone, within bounds, and acceptable to the core."""

import json
from collections import Counter
from importlib.resources import files
from random import Random
from statistics import mean, median

import phonenumbers
import pytest

from matcher.person import AGE_BANDS, Profile, QuietHours
from services.gateway.lists import AREAS
from services.simulator.figures import figures
from services.simulator.habits import (
    LAST_ARRIVAL_SHARE,
    REPLY_LIMIT_S,
    Habit,
    arrival_s,
    arrivals_curve,
    commute_min,
    daylight_s,
    draw_window,
    no_signal_share,
    reply_delay_s,
    tunnel_s,
)
from services.simulator.people import PEOPLE_LIMIT, Area, TownPerson, draw_people

HOMES = [Area(code=area["code"], cell=area["cell"]) for area in AREAS.values()]
SEED = 1
RUSH_HOUR, NIGHT_HOUR = 8, 3


@pytest.fixture(scope="module")
def town() -> list[TownPerson]:
    """A thousand people."""
    return draw_people(1000, SEED, HOMES)


def profile(person: TownPerson) -> Profile:
    """What the gateway makes of what a person tells."""
    told = person.told()
    quiet = told.pop("quiet", None)
    minutes = {f"{end}_min": int(at[:2]) * 60 + int(at[3:]) for end, at in (quiet or {}).items()}
    return Profile(cell=person.area.cell, quiet=QuietHours(**minutes) if quiet else None, **told)


def test_the_same_seed_gives_the_same_people_however_many_are_drawn(town: list[TownPerson]) -> None:
    assert draw_people(50, SEED, HOMES) == town[:50]


def test_another_seed_gives_other_people(town: list[TownPerson]) -> None:
    assert draw_people(50, SEED + 1, HOMES) != town[:50]


def test_everybody_is_accepted_by_the_core(town: list[TownPerson]) -> None:
    assert len({profile(person).first_name for person in town}) > 10


def test_every_number_is_valid_and_a_persons_own() -> None:
    numbers = [person.phone for person in draw_people(PEOPLE_LIMIT, 7, HOMES[:3])]
    assert len(set(numbers)) == PEOPLE_LIMIT
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(number)) for number in numbers[:: len(numbers) // 500])


def test_a_town_larger_than_its_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="up to"):
        draw_people(PEOPLE_LIMIT + 1, SEED, HOMES)


def test_nearly_all_share_a_language_and_wishes_are_for_the_few(town: list[TownPerson]) -> None:
    assert mean("en" in person.languages for person in town) > 0.95
    assert 0.03 < mean(bool(person.wishes) for person in town) < 0.3


def test_nobody_avoids_what_they_like(town: list[TownPerson]) -> None:
    assert not [person for person in town if set(person.likes) & set(person.avoids)]


def test_all_age_bands_live_in_the_town(town: list[TownPerson]) -> None:
    ages = Counter(person.age_band for person in town)
    assert set(ages) == set(AGE_BANDS)
    assert min(ages.values()) > 50


def test_a_person_tells_nothing_sensitive(town: list[TownPerson]) -> None:
    fields = {
        "first_name", "adult", "languages", "area", "age_band", "gender", "likes", "avoids", "wishes", "quiet",
    }  # fmt: skip
    assert all(set(person.told()) <= fields for person in town)
    assert set(figures().lonely_share_by_age) == set(AGE_BANDS)


def test_who_holds_the_page_open_answers_more_often_than_a_push_is_opened(town: list[TownPerson]) -> None:
    chances = [person.habit.answers for person in town]
    assert min(chances) >= figures().push_opened_share
    assert max(chances) <= 1
    assert 0.85 <= mean(chances) <= 0.9


def test_a_tap_comes_after_three_seconds_or_so_and_never_too_late(town: list[TownPerson]) -> None:
    delays_s = [reply_delay_s(Random(person.number), person.habit) for person in town]
    assert 2.5 < median(delays_s) < 3.5
    assert max(delays_s) <= REPLY_LIMIT_S


def test_both_sources_of_the_tubes_load_agree() -> None:
    text = (files("services.simulator") / "data" / "sim_params.json").read_text()
    stated = json.loads(text)["tube_load_share_by_hour_05_to_01"]
    load = figures().tube_load
    assert sum(load) == pytest.approx(1)
    assert [*load[5:], load[0]] == pytest.approx(stated, abs=0.001)


def test_commutes_are_as_long_as_published() -> None:
    minutes = [commute_min(share / 1000, figures()) for share in range(1000)]
    for limit_min, share in figures().commute_share_below_min:
        assert mean(one < limit_min for one in minutes) == pytest.approx(share, abs=0.01)


def test_windows_are_long_enough_to_talk_and_trains_run_by_day(town: list[TownPerson]) -> None:
    rush = [draw_window(Random(person.number), person.habit, RUSH_HOUR, figures()) for person in town]
    night = [draw_window(Random(person.number), person.habit, NIGHT_HOUR, figures()) for person in town]
    assert all(8 <= window.minutes <= 120 for window in rush)
    assert any(window.on_train for window in rush)
    assert not any(window.on_train for window in night)


def test_tunnels_take_their_published_share_of_a_ride() -> None:
    rng = Random(SEED)
    dark_s = sum(tunnel_s(rng) for _ in range(5000))
    light_s = sum(daylight_s(rng, figures()) for _ in range(5000))
    assert dark_s / (dark_s + light_s) == pytest.approx(no_signal_share(figures()), abs=0.03)


@pytest.mark.parametrize("hour", range(24))
@pytest.mark.parametrize("commutes", [True, False])
def test_everybody_arrives_in_time_at_any_hour_of_the_day(hour: int, commutes: bool) -> None:
    curve = arrivals_curve(60, 20, lambda passed: hour, commutes, figures())
    arrivals_s = [arrival_s(share / 500, curve, 60) for share in range(500)]
    assert arrivals_s == sorted(arrivals_s)
    assert 0 <= arrivals_s[0] < arrivals_s[-1] <= LAST_ARRIVAL_SHARE * 60
    assert mean(at_s <= 0.7 * 60 for at_s in arrivals_s) > 0.8


def test_commuters_come_with_the_rush_hour() -> None:
    def hour_after(passed: object) -> int:
        return 10 if passed.total_seconds() < 3600 else 17  # type: ignore[attr-defined]

    curve = arrivals_curve(360, 20, hour_after, True, figures())
    early = mean(arrival_s(share / 500, curve, 360) < 180 for share in range(500))
    assert early < 0.5


def test_every_chance_of_a_habit_is_a_chance(town: list[TownPerson]) -> None:
    names = [name for name in Habit.__dataclass_fields__ if name not in ("commutes", "reply_s")]
    assert all(0 <= getattr(person.habit, name) <= 1 for person in town for name in names)
