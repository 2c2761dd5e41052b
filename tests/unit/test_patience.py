"""Whether to offer now or to wait: what waiting on is worth, and what it must never do."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from matcher.patience import (
    FEW,
    RECENT_LEAST,
    WORK_LIMIT,
    Patience,
    Present,
    Recent,
    arrivals_per_min,
    asked_of_offers,
    look_ahead,
    recent_limit,
    worth_at,
)
from matcher.prices import Prices

Numbers = NDArray[np.float64]
ANSWERED = 0.7


def scores(people: int, spread: float, seed: int = 1) -> Numbers:
    """Symmetric scores around a third, never with oneself."""
    half = np.triu(np.random.default_rng(seed).normal(0.33, spread, (people, people)), 1)
    both: Numbers = np.clip(half + half.T, 0.01, 0.99)
    np.fill_diagonal(both, -np.inf)
    return both


def market(among: Numbers, waiting: int, per_min: float, left_min: float = 30.0) -> tuple[Present, Recent]:
    """The first ones wait, the others came lately."""
    a, b = np.triu_indices(waiting, 1)
    later = among[waiting:, waiting:]
    present = Present(
        left_min=np.full(waiting, left_min), to_recent=among[:waiting, waiting:], a=a, b=b, score=among[a, b]
    )
    return present, Recent(stays_min=np.full(len(later), left_min), scores=later, per_min=per_min)


def values(present: Present, recent: Recent, minute_costs: float = 0.01) -> Numbers:
    curves, _ = look_ahead(present, recent, ANSWERED, Prices(minute_costs))
    return worth_at(curves, present.left_min)


def gained(present: Present, recent: Recent) -> Numbers:
    """What each pair is worth more now than later."""
    curves, outlook = look_ahead(present, recent, ANSWERED)
    assert outlook is not None
    expects = asked_of_offers(curves, present.left_min, outlook)
    return present.score - expects[present.a] - expects[present.b]


@given(
    waiting=st.integers(2, 12), recent=st.integers(RECENT_LEAST, 40), per_min=st.floats(0, 20), left=st.floats(0, 99)
)  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_where_all_scores_are_alike_every_pair_is_offered_at_once(
    waiting: int, recent: int, per_min: float, left: float
) -> None:
    present, later = market(scores(waiting + recent, 0.0), waiting, per_min, left)
    assert (gained(present, later) > 0).all()


def test_where_nobody_comes_the_best_pair_is_offered_at_once() -> None:
    present, recent = market(scores(40, 0.2), 10, 0.0)
    assert gained(present, recent).max() > 0
    assert gained(present, recent).argmax() == present.score.argmax()


def test_where_too_few_came_to_know_anything_every_pair_is_offered() -> None:
    present, recent = market(scores(4 + RECENT_LEAST - 1, 0.2), 4, 5.0)
    assert (values(present, recent) == 0).all()


def test_an_ordinary_pair_waits_where_many_different_people_come_and_an_excellent_one_does_not() -> None:
    among = scores(80, 0.2)
    among[0, 1] = among[1, 0] = 0.33
    among[2, 3] = among[3, 2] = 0.99
    present, recent = market(among, 4, 4.0)
    gains = np.full((4, 4), np.nan)
    gains[present.a, present.b] = gained(present, recent)
    assert gains[0, 1] < 0 < gains[2, 3]


def test_waiting_is_worth_more_the_more_people_come_and_the_longer_the_window() -> None:
    among = scores(80, 0.2)
    rare, frequent = (values(*market(among, 1, per_min))[0] for per_min in (0.2, 4.0))
    assert 0 < rare < frequent
    curve, _ = look_ahead(*market(among, 1, 2.0), ANSWERED)
    assert (np.diff(curve[0]) >= 0).all()
    assert curve[0, 0] == pytest.approx(0, abs=0.01)


def test_whoever_is_about_to_leave_expects_nothing_and_is_offered_whatever_the_other_can_spare() -> None:
    present, recent = market(scores(60, 0.2), 6, 4.0)
    leaving = Present(
        left_min=np.where(np.arange(6) == 0, -0.1, 30.0), to_recent=present.to_recent, a=present.a, b=present.b,
        score=present.score,
    )  # fmt: skip
    assert values(leaving, recent)[0] == 0
    assert values(present, recent)[0] > 0


def test_a_free_wait_is_worth_more_and_one_beyond_price_nothing() -> None:
    present, recent = market(scores(60, 0.2), 1, 1.0)
    free, usual, dear = (values(present, recent, costs)[0] for costs in (0.0, 0.01, 1.0))
    assert free > usual > dear
    assert values(present, recent, 100.0)[0] == pytest.approx(0, abs=0.01)


def test_somebody_with_nobody_else_to_talk_to_holds_nobody_up() -> None:
    among = scores(60, 0.2)
    among[0, 1:] = among[1:, 0] = -np.inf
    among[0, 1] = among[1, 0] = 0.9
    present, recent = market(among, 2, 4.0)
    assert gained(present, recent)[0] > 0


@pytest.mark.parametrize("waiting", [0, 1])
def test_an_empty_pool_and_a_single_person_are_no_trouble(waiting: int) -> None:
    present, recent = market(scores(waiting + 20, 0.2), waiting, 2.0)
    assert values(present, recent).shape == (waiting,)


def test_the_same_pool_gives_the_same_values() -> None:
    present, recent = market(scores(60, 0.2), 8, 3.0)
    assert (values(present, recent) == values(present, recent)).all()


def test_people_who_come_between_two_looks_are_taken_in() -> None:
    present, recent = market(scores(60, 0.2), 3, 3.0)
    patience = Patience()
    assert patience.due(0.2, FEW + 1)
    patience.look(0.2, ["a", "b", "c"], present, recent, ANSWERED)
    assert not patience.due(0.9, FEW + 1)
    assert patience.due(1.0, FEW + 1)  # with the minute, whenever this process looked last
    assert patience.due(0.9, FEW)
    assert patience.new(["b", "d"]) == [1]
    patience.meet(["d"], present.to_recent[:1])
    assert patience.new(["b", "d"]) == []
    known, unknown = patience.expects(["a", "d"], np.full(2, 20.0)), patience.expects(["e"], np.full(1, 20.0))
    assert (known > unknown).all()
    assert (Patience().expects(["a", "d"], np.full(2, 20.0)) == 0).all()


def test_arrivals_are_counted_over_the_last_minutes_or_over_the_last_few() -> None:
    assert arrivals_per_min(np.zeros(0), 5.0) == 0
    assert arrivals_per_min(np.arange(100.0), 100.0) == pytest.approx(1.0, rel=0.1)
    assert arrivals_per_min(np.arange(0.0, 10_000.0, 100.0), 10_000.0) == pytest.approx(0.01, rel=0.1)


def test_the_work_of_a_look_is_bounded_however_many_wait() -> None:
    assert recent_limit(1_000) * 1_000 <= WORK_LIMIT
    assert recent_limit(1_000_000) == RECENT_LEAST
