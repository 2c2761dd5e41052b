"""Candidates kept from tick to tick: exactly what the hard rules allow, bounded, and nobody left without."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from matcher.availability import Waiting
from matcher.candidates import NOBODY, Candidates
from matcher.keys import key_of, keys_of
from matcher.person import AGE_BANDS, Features
from matcher.rules import RULES, Free, free, refusal
from matcher.score import Model
from matcher.search import PAIR_RULES, bits_of, refused_by
from matcher.standing import Standing
from services.adapters.threads import spread

NOW = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
NAMES = [f"p{number}" for number in range(8)]
CELLS = ("51.5,-0.1", "51.6,-0.1", "51.7,-0.1", "53.8,-1.5")


def person(name: str, company: str = "either", asked: tuple[str, ...] = (), since: datetime = NOW, **told: Any) -> Free:
    usual: dict[str, Any] = {"cell": CELLS[0], "languages": ("en",), "age_band": "50-64", "likes": ("birds",)}
    row = Waiting(
        offset=1, person=name, market="GB", availability=f"av-{name}", opened_at=NOW, since=since,
        until=NOW + timedelta(hours=1), company=company, features=Features(**{**usual, **told}), seq=1, asked=1,
        posted_at=NOW, pool_now=NOW, pool_wall=NOW,
    )  # fmt: skip
    return free(row, NOW, asked)


def standing(*people: Free, bound: int = 24) -> Candidates:
    made = Candidates(Model(), bound)
    made.update((), people, "tick-1")
    return made


def linked(candidates: Candidates) -> set[tuple[str, str]]:
    kept, one = candidates.pairs, candidates.standing.free_at
    names = [(one(u).person, one(v).person) for u, v in zip(kept.u.tolist(), kept.v.tolist(), strict=True)]
    assert len({tuple(sorted(pair)) for pair in names}) == len(names)
    return {(min(pair), max(pair)) for pair in names}


def allowed(people: list[Free]) -> set[tuple[str, str]]:
    return {(a.person, b.person) for a in people for b in people if a.person < b.person and not refusal(a, b)}


@st.composite
def crowds(draw: st.DrawFn) -> list[Free]:
    def some(values: Any, most: int = 2) -> tuple[str, ...]:
        return tuple(draw(st.lists(st.sampled_from(values), max_size=most, unique=True)))

    return [
        person(
            name, draw(st.sampled_from(("either", "new", "known"))), some(NAMES, 1), cell=draw(st.sampled_from(CELLS)),
            languages=some(("en", "cy", "pl")) or ("en",), age_band=draw(st.sampled_from(AGE_BANDS)),
            gender=draw(st.sampled_from(("woman", "man", "other", "unsaid"))),
            wishes=some(("same_gender", "near_age", "near_home"), 1), blocks=some(NAMES, 1), bonds=some(NAMES),
            met=some(NAMES),
        )
        for name in NAMES[: draw(st.integers(0, len(NAMES)))]
    ]  # fmt: skip


@given(people=crowds())
@settings(max_examples=100, deadline=None)
def test_many_pairs_at_once_are_refused_by_the_very_rule_that_refuses_them_one_by_one(people: list[Free]) -> None:
    made = Standing()
    slots = made.enter(people, Model())
    for a, at in zip(people, slots.tolist(), strict=True):
        for b, bt in zip(people, slots.tolist(), strict=True):
            if a is not b:
                rule = refused_by(at, bt, made.brief, made.people, made.lists, bits_of(RULES))
                assert (PAIR_RULES[rule] if rule >= 0 else None) == refusal(a, b)


def test_every_rule_about_two_people_is_asked_of_many_pairs_too() -> None:
    assert {*PAIR_RULES, "window", "quiet_hours"} == set(RULES)


@given(people=crowds(), gone=st.sets(st.sampled_from(NAMES)), back=st.sets(st.sampled_from(NAMES)))
@settings(max_examples=60, deadline=None)
def test_whoever_came_went_and_came_back_the_candidates_of_few_are_all_that_the_rules_allow(
    people: list[Free], gone: set[str], back: set[str]
) -> None:
    candidates = standing(*people)
    assert linked(candidates) == allowed(people)
    candidates.update(sorted(gone), [], "tick-2")
    assert linked(candidates) == allowed([one for one in people if one.person not in gone])
    candidates.update([], [one for one in people if one.person in gone & back], "tick-3")
    assert linked(candidates) == allowed([one for one in people if one.person not in gone - back])


def many(count: int) -> list[Free]:
    dice = np.random.default_rng(3)
    cells = [f"{lat:.1f},{lon:.1f}" for lat, lon in dice.uniform((50, -4), (57, 1), (40, 2))]
    tongues = (("en",), ("en",), ("en", "cy"), ("cy",))
    return [
        person(
            f"p{number:04}", cell=cells[dice.integers(40)], languages=tongues[dice.integers(4)],
            likes=(("birds",), ("books", "radio"))[number % 2], wishes=((), ("near_home",))[number % 7 == 0],
        )
        for number in range(count)
    ]  # fmt: skip


def degrees(candidates: Candidates) -> dict[str, int]:
    _, _, _, degree = candidates.links
    return {candidates.standing.free_at(slot).person: int(degree[slot]) for slot in candidates.standing.slots.tolist()}


def assert_enough(candidates: Candidates, people: list[Free]) -> None:
    """All are allowed, and everybody has a quarter of the bound of 12, or all whom they may meet."""
    possible = allowed(people)
    assert linked(candidates) <= possible
    whom = Counter(name for pair in possible for name in pair)
    assert [name for name, degree in degrees(candidates).items() if degree < min(3, whom[name])] == []


def test_of_many_nobody_has_more_candidates_than_the_bound_or_hardly_any_and_all_are_allowed() -> None:
    people = many(300)
    candidates = standing(*people, bound=12)
    assert max(degrees(candidates).values()) == 12
    assert_enough(candidates, people)


def test_whose_candidates_have_left_is_looked_for_again() -> None:
    people = many(300)
    candidates = standing(*people, bound=12)
    gone = [one.person for one in people[::2]]
    candidates.update(gone, [], "tick-2")
    for tick in range(3, 6):
        candidates.update([], [], f"tick-{tick}")
    assert_enough(candidates, people[1::2])


def test_the_same_comings_and_goings_give_the_same_candidates() -> None:
    people = many(400)

    def once() -> set[tuple[str, str]]:
        candidates = standing(*people[:300], bound=12)
        candidates.update([one.person for one in people[:50]], people[300:], "tick-2")
        return linked(candidates)

    assert once() == once()


def test_threads_find_whom_one_loop_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matcher.candidates.PART", 60)
    people = many(400)
    candidates = Candidates(Model(), 12, spread)
    candidates.update((), people, "tick-1")
    assert linked(candidates) == linked(standing(*people, bound=12))
    assert candidates.refused == standing(*people, bound=12).refused


def test_who_came_and_went_since_all_was_written_down_is_found_and_passed_over() -> None:
    people = many(400)
    candidates = standing(*people[:360], bound=12)
    for tick, number in enumerate(range(0, 40, 4)):
        gone = [one.person for one in people[number : number + 4]]
        candidates.update(gone, people[360 + number : 364 + number], f"tick-{tick}")
        assert_enough(candidates, [*people[number + 4 : 360], *people[360 : 364 + number]])


def test_somebody_at_the_end_of_the_world_makes_nobody_elses_search_larger() -> None:
    people = [*many(300), person("ann", cell="-89.9,-999.9"), person("zoe", cell="89.9,999.9")]
    candidates = standing(*people, bound=12)
    assert_enough(candidates, people)
    (_, _, rows, columns), _, _, _ = candidates._places.of(candidates.standing, NOBODY, 0)
    assert max(rows, columns) <= 512


def test_the_names_in_a_list_are_told_apart_by_their_keys() -> None:
    names = ["ann", "bob", "", "zoë", "p-00000001", "p-00000002"]
    assert [key_of(name) for name in names] == keys_of(names).tolist()
    assert len(set(keys_of([f"p-{number:08}" for number in range(50_000)]).tolist())) == 50_000


def test_bonds_find_each_other_in_any_crowd() -> None:
    ann = person("ann", "known", bonds=("zoe",), cell="50.1,-5.0")
    zoe = person("zoe", "known", bonds=("ann",), cell="57.0,-2.0")
    assert ("ann", "zoe") in linked(standing(ann, *many(400), zoe))


def test_a_bond_that_both_know_to_be_firm_counts_for_more() -> None:
    model = Model(weights={"bond": 0.5, "firm": 0.5})
    candidates, scores = Candidates(model), []
    for tick, (firm_of_ann, firm_of_zoe) in enumerate([((), ()), (("zoe",), ()), (("zoe",), ("ann",))]):
        ann = person("ann", bonds=("zoe",), firm=firm_of_ann)
        zoe = person("zoe", bonds=("ann",), firm=firm_of_zoe)
        candidates.update(["ann", "zoe"], [ann, zoe], f"tick-{tick}")
        scores.append(candidates.linked(*candidates.standing.by_id().tolist()))
    (one, _), (two, _), (firmly, bond) = scores
    assert one == two < firmly
    assert bond


def test_how_often_each_rule_ruled_somebody_out_is_counted_until_they_leave() -> None:
    candidates = standing(person("ann"), person("bob", languages=("cy",)))
    assert candidates.refused == {"language": 2}
    candidates.update(["bob"], [], "tick-2")
    assert candidates.refused == {}


def test_another_model_changes_the_scores_that_are_kept() -> None:
    candidates = standing(*(person(name) for name in NAMES))
    before = candidates.pairs.score
    candidates.promote(Model("kinder", 1.0))
    assert (candidates.pairs.score > before).all()
    assert candidates.linked(0, 1)[0] == pytest.approx(candidates.pairs.score[0])
