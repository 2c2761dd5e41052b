"""What holds of every score, whoever the two are and whatever was learned."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from matcher.effects import sigmoid
from matcher.fairness import FORBIDDEN, check_allowed, forbidden_word
from matcher.features import (
    BOND,
    FEATURE_NAMES,
    FIRM,
    NEVER_WORSE,
    NO_BOND,
    SOURCES,
    TRAIT_NAMES,
    crowd,
    pair_columns,
)
from matcher.person import AGE_BANDS, TOPICS, Features
from matcher.score import Level, Model, Trait, believed, joined
from matcher.scored import score_pairs

numbers = st.floats(-3, 3)
answers = st.integers(0, 40).flatmap(lambda count: st.tuples(st.just(count), st.integers(0, count)))
chances = st.floats(0, 1)
bonds = st.sampled_from((NO_BOND, BOND, FIRM))
topics = st.lists(st.sampled_from(TOPICS), max_size=8, unique=True).map(tuple)
cells = st.tuples(st.integers(500, 580), st.integers(-50, 17)).map(lambda at: f"{at[0] / 10:.1f},{at[1] / 10:.1f}")


@st.composite
def somebody(draw: st.DrawFn) -> Features:
    (gave, gave_yes), (got, got_yes) = draw(answers), draw(answers)
    return Features(
        cell=draw(cells), languages=("en",), age_band=draw(st.sampled_from(AGE_BANDS)), likes=draw(topics),
        avoids=draw(topics), gave=gave, gave_yes=gave_yes, got=got, got_yes=got_yes,
    )  # fmt: skip


@st.composite
def models(draw: st.DrawFn) -> Model:
    weights = {name: abs(draw(numbers)) if name in NEVER_WORSE else draw(numbers) for name in FEATURE_NAMES}
    return Model(
        version="any", intercept=draw(numbers), weights=weights,
        traits={"many_likes": Trait(0.5, 0.2, draw(numbers), draw(numbers))},
        gives_sd=draw(st.floats(0, 3)), gets_sd=draw(st.floats(0, 3)), level=Level(draw(numbers), draw(numbers)),
        slope=draw(st.floats(0.1, 2)), shift=draw(numbers), bond_slope=draw(st.floats(0.1, 2)),
        bond_shift=draw(numbers), dependence=draw(numbers), of_unknown=draw(numbers),
    )  # fmt: skip


def score(model: Model, a: Features, b: Features, bond: int = NO_BOND) -> float:
    people = crowd([a, b])
    here, there, by = np.array([0]), np.array([1]), np.array([bond], np.int8)
    return float(score_pairs(model, people, believed(model, people), here, there, by)[0])


@given(models(), somebody(), somebody(), bonds)
def test_the_score_is_exactly_the_same_whichever_way_round(model: Model, a: Features, b: Features, bond: int) -> None:
    assert score(model, a, b, bond) == score(model, b, a, bond)
    assert 0.0 <= score(model, a, b, bond) <= 1.0


@given(models(), somebody(), somebody(), bonds)
def test_the_loop_over_pairs_says_what_the_formula_says(model: Model, a: Features, b: Features, bond: int) -> None:
    people, here, there = crowd([a, b]), np.array([0]), np.array([1])
    effects = believed(model, people)
    pair = pair_columns(people, here, there, np.array([bond], np.int8))
    says = sigmoid(model.one_way(pair, effects.gives.take(here), effects.gets.take(there)))
    answers = sigmoid(model.one_way(pair, effects.gives.take(there), effects.gets.take(here)))
    both = model.both(says, answers, effects.take(here), effects.take(there))
    assert score(model, a, b, bond) == pytest.approx(float(both[0]), abs=1e-9)


@given(models(), somebody(), somebody(), cells, cells)
def test_nearer_is_never_worse(model: Model, a: Features, b: Features, one: str, other: str) -> None:
    from matcher.features import distance_km

    near, far = sorted((one, other), key=lambda cell: distance_km(a.cell, cell))
    there = [score(model, a, b.model_copy(update={"cell": cell})) for cell in (near, far)]
    assert there[0] >= there[1] - 1e-12


@given(models(), somebody(), somebody(), st.data())
def test_one_more_shared_topic_is_never_worse(model: Model, a: Features, b: Features, data: st.DataObject) -> None:
    # All else equal: each of the two likes as many topics as before.
    model = replace(model, traits={}, weights={**model.weights, "spoiled": 0.0})
    a, b = (one.model_copy(update={"avoids": ()}) for one in (a, b))
    free = [topic for topic in TOPICS if topic not in (*a.likes, *b.likes)]
    topic, other = data.draw(st.permutations(free))[:2]
    apart = score(
        model, a.model_copy(update={"likes": (*a.likes, topic)}), b.model_copy(update={"likes": (*b.likes, other)})
    )
    shared = score(
        model, a.model_copy(update={"likes": (*a.likes, topic)}), b.model_copy(update={"likes": (*b.likes, topic)})
    )
    assert shared >= apart - 1e-12


@given(models(), somebody(), somebody())
def test_a_bond_is_never_worse_and_a_firm_one_never_worse_than_another(model: Model, a: Features, b: Features) -> None:
    none, bond, firm = (score(model, a, b, one) for one in (NO_BOND, BOND, FIRM))
    assert firm >= bond - 1e-12
    assert bond >= none - 1e-12


@given(chances, chances, numbers)
def test_both_is_never_likelier_than_one_and_never_less_than_it_must_be(p: float, q: float, dependence: float) -> None:
    both = float(joined(np.array(p), np.array(q), dependence))
    assert max(0.0, p + q - 1) - 1e-9 <= both <= min(p, q) + 1e-9


@given(chances, chances)
def test_independent_answers_are_the_product(p: float, q: float) -> None:
    assert float(joined(np.array(p), np.array(q), 0.0)) == pytest.approx(p * q)


@given(somebody(), somebody(), st.sampled_from(AGE_BANDS), st.sampled_from(["woman", "man", "other", "unsaid"]))
def test_who_somebody_is_changes_no_score(a: Features, b: Features, age: str, gender: str) -> None:
    model = Model(traits={"many_likes": Trait(0.5, 0.2, 0.3, 0.3)})
    other = a.model_copy(update={"age_band": age, "gender": gender, "languages": ("pl", "en"), "wishes": ("near_age",)})
    assert score(model, other, b) == score(model, a, b)


def test_no_feature_and_no_field_that_it_is_made_of_is_on_the_list() -> None:
    check_allowed((*FEATURE_NAMES, *TRAIT_NAMES))
    assert set(SOURCES) == {*FEATURE_NAMES, *TRAIT_NAMES}
    for fields in SOURCES.values():
        check_allowed(fields)
        assert set(fields) <= set(Features.model_fields)


@pytest.mark.parametrize("word", FORBIDDEN)
def test_each_word_of_the_list_is_found_wherever_it_stands(word: str) -> None:
    assert forbidden_word(f"near_{word}") == word
    assert forbidden_word(word.upper()) == word


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("ageband", "age"), ("agegroup", "age"), ("near_ages", "age"), ("genders", "gender"), ("gender1", "gender"),
        ("sexual", "sex"), ("race2", "race"), ("race_o", "race"), ("married2", "marri"), ("carer", "carer"),
        ("religiosity", "relig"), ("is-illness", "ill"), ("men2women", "men"), ("languages", "language"),
    ],
)  # fmt: skip
def test_a_word_of_the_list_is_found_also_bent_numbered_or_joined(name: str, word: str) -> None:
    assert forbidden_word(name) == word


def test_a_word_that_only_holds_one_of_the_list_is_none_of_it() -> None:
    harmless = ("message", "essex", "storage", "average", "pages", "shared_likes", "manage", "agenda", "many_likes")
    assert [forbidden_word(name) for name in (*harmless, *TOPICS)] == [None] * (len(harmless) + len(TOPICS))
