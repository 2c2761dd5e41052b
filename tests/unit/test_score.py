"""The score: symmetric, a logistic model like any other, and blind to what it may not see."""

import itertools
import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from matcher.errors import BadEvent
from matcher.features import BOND, FEATURE_NAMES, FIRM, NO_BOND, distance_km, pair_features, shared_topics
from matcher.person import Features
from matcher.score import Model

PEOPLE = [
    Features(cell="51.5,-0.1", languages=("en",), age_band="50-64", likes=("birds", "radio"), avoids=("news",)),
    Features(cell="51.6,-0.3", languages=("cy", "en"), age_band="75+", gender="man", likes=("radio", "news")),
    Features(cell="55.9,-3.2", languages=("en",), age_band="18-24", gender="woman"),
    Features(cell="53.8,-1.5", languages=("en",), age_band="25-34", likes=("birds", "radio", "trains")),
]
PAIRS = list(itertools.combinations(PEOPLE, 2))
NOT_LOOKED_AT = {"gender": "man", "age_band": "65-74", "languages": ("pl",), "wishes": ("near_age",), "met": ("x",)}
FORBIDDEN = ("sex", "gender", "age", "race", "ethnic", "religio", "orient", "disab", "health", "lonel", "situation")


@pytest.mark.parametrize(("a", "b"), PAIRS)
@pytest.mark.parametrize("bond", [NO_BOND, BOND, FIRM])
def test_the_score_is_the_same_whichever_way_round(a: Features, b: Features, bond: int) -> None:
    model = Model()
    one = model.score(pair_features(a, b, bond))
    assert one == model.score(pair_features(b, a, bond))
    assert 0.0 <= one <= 1.0


def test_the_score_is_the_square_of_what_scikit_learn_says_with_the_same_coefficients() -> None:
    dice = np.random.default_rng(1)
    rows = dice.random((400, len(FEATURE_NAMES)))
    answers = dice.random(400) < rows.mean(axis=1)
    learned = LogisticRegression().fit(rows, answers)
    weights = dict(zip(FEATURE_NAMES, map(float, learned.coef_[0]), strict=True))
    model = Model("learned", float(learned.intercept_[0]), weights, gives_sd=0.0, gets_sd=0.0)
    ours = [model.score(dict(zip(FEATURE_NAMES, map(float, row), strict=True))) for row in rows]
    assert np.allclose(ours, learned.predict_proba(rows)[:, 1] ** 2, rtol=1e-12)


def test_no_feature_is_named_after_what_may_not_count() -> None:
    words = [word for name in FEATURE_NAMES for word in name.split("_")]
    assert not [word for word in words if any(word.startswith(bad) for bad in FORBIDDEN)]


@pytest.mark.parametrize("name", NOT_LOOKED_AT)
def test_what_may_not_count_changes_no_feature(name: str) -> None:
    a, b = PEOPLE[0], PEOPLE[1]
    other = a.model_copy(update={name: NOT_LOOKED_AT[name]})
    assert pair_features(other, b, NO_BOND) == pair_features(a, b, NO_BOND)


def test_every_feature_lies_between_nought_and_one_and_has_its_name() -> None:
    for a, b in PAIRS:
        features = pair_features(a, b, FIRM)
        assert tuple(features) == FEATURE_NAMES
        assert all(0.0 <= value <= 1.0 for value in features.values())


def test_a_topic_that_either_would_rather_avoid_is_not_shared() -> None:
    assert shared_topics(PEOPLE[0], PEOPLE[1]) == ["radio"]


def test_two_people_without_likes_share_nothing() -> None:
    assert pair_features(PEOPLE[2], PEOPLE[2], NO_BOND)["shared_likes"] == 0.0


def test_london_to_edinburgh_is_about_as_far_as_the_map_says() -> None:
    assert distance_km("51.5,-0.1", "55.9,-3.2") == pytest.approx(534, rel=0.02)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_coefficient_that_is_no_number_is_refused(number: float) -> None:
    with pytest.raises(BadEvent):
        Model("bad", number, {})
    with pytest.raises(BadEvent):
        Model("bad", 0.0, {"near": number})


def test_a_feature_that_nobody_knows_is_refused() -> None:
    with pytest.raises(BadEvent, match="gender"):
        Model("bad", 0.0, {"gender": 1.0})


@pytest.mark.parametrize("weight", [1e4, -1e4])
def test_a_large_coefficient_is_no_overflow(weight: float) -> None:
    assert 0.0 <= Model("steep", 0.0, {"spoiled": weight}).score({"spoiled": 1.0}) <= 1.0
