"""Person effects: nobody is judged before anybody answered, and with many answers the answers alone count."""

from dataclasses import replace

import numpy as np
import pytest

from matcher.effects import Counts, posterior, sigmoid
from matcher.explore import acted_upon, drawn, propensity
from matcher.score import Level, Model, Trait

NOTHING = Counts.of([(0, 0, 0, 0)])


def effect(asked: float, yes: float, sd: float = 1.0, mean: float = 0.0) -> tuple[float, float]:
    found = posterior(np.array([asked]), np.array([yes]), np.array([mean]), sd, 0.0, 0.0)
    return float(found.mean[0]), float(found.var[0])


def test_a_cold_person_stands_at_the_mean_with_all_of_the_uncertainty() -> None:
    assert effect(0, 0) == (0.0, 1.0)
    assert effect(0, 0, sd=0.5, mean=0.3) == pytest.approx((0.3, 0.25))


def test_with_many_answers_the_answers_alone_count() -> None:
    mean, var = effect(100_000, 80_000)
    assert float(sigmoid(np.array(mean))) == pytest.approx(0.8, abs=0.001)
    assert var < 0.001


@pytest.mark.parametrize("asked", [1, 5, 40])
def test_few_answers_are_drawn_towards_the_mean_and_each_tells_something(asked: int) -> None:
    mean, var = effect(asked, asked)
    less, wider = effect(asked - 1, asked - 1)
    assert less < mean < 6.0
    assert var < wider


def test_where_people_do_not_differ_no_answer_says_anything_about_one() -> None:
    assert effect(50, 50, sd=0.0) == (0.0, 0.0)


def test_one_more_yes_never_lowers_an_effect() -> None:
    means = [effect(10, yes)[0] for yes in range(11)]
    assert means == sorted(means)


def test_counts_are_judged_against_the_level_of_the_talks_they_come_from() -> None:
    kind = Model(level=Level(1.0, 1.0)).effects({}, Counts.of([(10, 7, 10, 7)]))
    stern = Model(level=Level(-1.0, -1.0)).effects({}, Counts.of([(10, 7, 10, 7)]))
    assert kind.gives.mean[0] < stern.gives.mean[0]
    assert kind.gets.mean[0] < stern.gets.mean[0]


def test_a_yes_says_less_of_somebody_whose_partners_are_said_yes_to_by_everybody() -> None:
    counts = replace(Counts.of([(10, 7, 0, 0), (10, 7, 0, 0)]), gave_ease=np.array([0.0, 10.0]))
    usual, easy = Model().effects({}, counts).gives.mean
    assert easy < usual
    assert easy == pytest.approx(Model(level=Level(1.4, 0.0)).effects({}, Counts.of([(10, 7, 0, 0)])).gives.mean[0])


def test_a_trait_that_nobody_told_counts_as_the_mean() -> None:
    model = Model(traits={"many_likes": Trait(0.5, 0.1, 1.0, 1.0)})
    assert model.effects({"many_likes": np.array([np.nan])}, NOTHING).gives.mean[0] == 0.0


def test_the_same_seed_draws_the_same_whoever_else_is_there() -> None:
    counts = Counts.of([(0, 0, 0, 0), (4, 2, 4, 2)])
    effects = Model().effects({}, counts)
    both = drawn(effects, ["ann", "bob"], "tick-1", 3)
    alone = drawn(Model().effects({}, counts.take(np.array([1]))), ["bob"], "tick-1", 3)
    assert [one.gives.mean[1] for one in both] == [one.gives.mean[0] for one in alone]
    assert drawn(effects, ["ann", "bob"], "tick-2", 3)[0].gives.mean[0] != both[0].gives.mean[0]


def test_draws_spread_as_what_is_believed() -> None:
    people = [str(number) for number in range(4_000)]
    effects = Model(gives_sd=2.0).effects({}, Counts.of([(0, 0, 0, 0)] * len(people)))
    (draw,) = drawn(effects, people, "seed", 1)
    assert draw.gives.mean.mean() == pytest.approx(0.0, abs=0.15)
    assert draw.gives.mean.std() == pytest.approx(2.0, abs=0.1)
    assert np.corrcoef(draw.gives.mean, draw.gets.mean)[0, 1] == pytest.approx(0.0, abs=0.06)
    assert not draw.gives.var.any()


def test_every_draw_is_acted_upon_about_as_often() -> None:
    acted = [acted_upon(f"tick-{number}", 4) for number in range(2_000)]
    assert all(400 < acted.count(draw) < 600 for draw in range(4))


def test_the_propensity_is_the_share_of_draws_that_would_have_made_the_offer() -> None:
    made = [{("a", "b")}, {("a", "c")}, {("a", "b"), ("c", "d")}, set()]
    assert propensity(("a", "b"), made) == 0.5
    assert propensity(("b", "d"), made) == 0.0
