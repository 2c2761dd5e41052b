"""The matching that is kept from tick to tick: nearly as heavy as one made anew, whatever came and went."""

from datetime import timedelta

import numpy as np
import pytest

from matcher.candidates import Candidates
from matcher.matching import BOND_BONUS, WAIT_BONUS_PER_MIN, Matching
from matcher.rules import Free
from matcher.score import Model
from matcher.solve import exact, weight_of
from services.bench.crowd import NOW, crowd, pairs_only

TICKS = 8
TICK = timedelta(minutes=1)


def made_of(people: list[Free]) -> tuple[Candidates, Matching]:
    candidates = Candidates(Model())
    candidates.update((), people, "tick-0")
    matching = Matching(candidates)
    matching.update(NOW)
    return candidates, matching


@pytest.mark.parametrize("count", [60, 500])
def test_after_many_ticks_the_mended_matching_weighs_what_a_new_one_does(count: int) -> None:
    people = crowd(count, 7)
    candidates, matching = made_of(people)
    for number in range(1, TICKS + 1):
        gone = [one.person for one in people[:10]]
        come = crowd(10, 7, count + 10 * number)
        people = [*people[10:], *come]
        candidates.update(gone, come, f"tick-{number}")
        matching.update(NOW + number * TICK)
        pairs = matching.pairs()
        slots = [slot for pair in pairs for slot in pair[:2]]
        assert len(slots) == len(set(slots))
        assert {candidates.standing.free_at(slot).person for slot in slots} <= {one.person for one in people}
        assert sum(pair[2] for pair in pairs) == pytest.approx(matching.weight)
    anew = Matching(candidates)
    anew.update(NOW + TICKS * TICK)
    assert matching.weight >= 0.98 * anew.weight


def test_every_pair_is_an_edge_and_together_they_weigh_what_the_matching_says() -> None:
    candidates, matching = made_of(crowd(400, 9))
    graph = matching.edges(NOW)
    by_id = sorted(candidates.standing.slots.tolist(), key=lambda slot: candidates.standing.free_at(slot).person)
    number = {slot: place for place, slot in enumerate(by_id)}
    weights = {(u, v): w for u, v, w in zip(graph.u.tolist(), graph.v.tolist(), graph.w.tolist(), strict=True)}
    for a, b, weight, _ in matching.pairs():
        assert weights[tuple(sorted((number[a], number[b])))] == pytest.approx(weight)  # type: ignore[index]
    assert matching.weight <= weight_of(graph, exact(graph)) * (1 + 1e-9)
    assert matching.weight >= 0.985 * weight_of(graph, exact(graph))


def test_a_first_matching_is_as_heavy_as_another_of_the_same_candidates_whoever_changed_last() -> None:
    candidates, matching = made_of(crowd(500, 11))
    anew = Matching(candidates)
    anew.update(NOW)  # nobody has changed since the other looked
    assert anew.weight == pytest.approx(matching.weight)


def test_a_long_wait_weighs_where_nobody_looks_ahead_and_not_twice_where_they_do() -> None:
    candidates, matching = made_of(crowd(60, 13))
    later = NOW + timedelta(minutes=20)
    nothing = np.zeros(len(candidates.standing.people))
    for expects, more in ((None, WAIT_BONUS_PER_MIN * 20), (nothing, 0.0)):
        matching.update(later, expects)
        for a, b, weight, _ in matching.pairs():
            score, bond = candidates.linked(a, b)
            assert weight >= score + BOND_BONUS * bond + more - 1e-9
            assert more or weight == pytest.approx(score + BOND_BONUS * bond)


@pytest.mark.parametrize("count", [40, 50, 100, 300])
def test_of_people_who_all_score_alike_nobody_is_left_over(count: int) -> None:
    _, matching = made_of(pairs_only(count, 0))
    assert len(matching.pairs()) == count // 2
