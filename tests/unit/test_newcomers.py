"""A patient pool: who came lately is taken for who may come, and a better pair is worth a wait."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import numpy as np
import pytest

from matcher.candidates import Candidates
from matcher.events import PersonLeft, PersonWaiting, PoolEvent, Tick
from matcher.invitation import Invitation
from matcher.matching import BOND_BONUS, Matching
from matcher.newcomers import Scores, scores_between
from matcher.person import Features
from matcher.pool import Pool
from matcher.prices import Prices
from matcher.rules import free
from matcher.score import Model

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
LIKES = ("animals", "baking", "birds", "books", "cooking", "crafts")
PEOPLE, EVERY_S = 40, 20


def features(number: int, alike: bool, **change: object) -> Features:
    likes = LIKES[:1] if alike else tuple(LIKES[(number * step + step) % 6] for step in (1, 5, 7))
    usual = {"cell": "51.5,-0.1", "languages": ("en",), "age_band": "35-49", "likes": tuple(dict.fromkeys(likes))}
    return Features.model_validate({**usual, **change})


def waiting(number: int, alike: bool) -> PersonWaiting:
    at = NOW + timedelta(seconds=number * EVERY_S)
    return PersonWaiting(
        id=f"w-{number}", at=at, market="GB", person=f"p-{number:02d}", seq=number, availability=f"av-{number}",
        opened_at=at, until=at + timedelta(minutes=30), company="either", posted_at=at,
        features=features(number, alike),
    )  # fmt: skip


def offered(alike: bool, patient: bool) -> list[Invitation]:
    """Everybody comes in turn, and goes when they are offered somebody: what is offered to each."""
    pool, offers = Pool("GB", patience=Prices() if patient else None), []
    for event, offset in zip(evening(alike), count()):
        rows = pool.apply(event, 1_000 * offset)
        new = [row for row in rows if isinstance(row, Invitation) and row.state == "offered"]
        for number, person in enumerate((person for row in new for person in row.people), start=1):
            gone = PersonLeft(id=f"l-{person}", at=NOW, market="GB", person=person, seq=1_000, reason="closed")
            pool.apply(gone, 1_000 * offset + number)
        offers += new
    return offers


def evening(alike: bool) -> Iterator[PoolEvent]:
    for number in range(PEOPLE):
        at = NOW + timedelta(seconds=number * EVERY_S)
        yield waiting(number, alike)
        yield Tick(id=f"t-{number}", at=at, market="GB", now=at, wall=at)


def test_where_everybody_is_alike_a_patient_pool_offers_as_soon_as_any_pool() -> None:
    patient, at_once = offered(alike=True, patient=True), offered(alike=True, patient=False)
    assert [row.decided_wall for row in patient] == [row.decided_wall for row in at_once]


def test_where_people_differ_a_patient_pool_offers_better_pairs() -> None:
    patient, at_once = offered(alike=False, patient=True), offered(alike=False, patient=False)
    assert patient
    assert np.mean([row.score for row in patient]) > np.mean([row.score for row in at_once])


def test_the_same_log_gives_a_patient_pool_the_same_offers() -> None:
    assert offered(alike=False, patient=True) == offered(alike=False, patient=True)


def test_scores_that_are_not_kept_lead_to_the_same_offers(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = offered(alike=False, patient=True)
    monkeypatch.setattr("matcher.newcomers.FEW", 0)
    assert offered(alike=False, patient=True) == kept


def test_in_a_crowd_nobody_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matcher.askable.CROWD", 1)
    assert offered(alike=False, patient=True) == offered(alike=False, patient=False)


def test_nobody_is_scored_with_themselves_or_against_a_rule() -> None:
    pool = Pool("GB")
    for number in range(3):
        pool.apply(waiting(number, alike=True), number)
    people = [free(row, NOW) for row in pool.waiting.values()]
    scores = scores_between(people, people, Model())
    assert np.isneginf(np.diag(scores)).all()
    assert scores[0, 1] == scores[1, 0] == pytest.approx(scores[1, 2])
    other = people[0].row.model_copy(update={"person": "x", "features": features(0, True, languages=("pl",))})
    assert np.isneginf(scores_between(people, [free(other, NOW)], Model())).all()


def test_two_who_keep_each_other_weigh_the_same_before_they_come_and_when_they_are_here() -> None:
    pool = Pool("GB")
    for number, other in ((0, "p-01"), (1, "p-00")):
        event = waiting(number, alike=True)
        pool.apply(event.model_copy(update={"features": features(number, True, met=(other,), bonds=(other,))}), number)
    people = [free(row, NOW) for row in pool.waiting.values()]
    candidates = Candidates(Model())
    candidates.update((), people, "tick")
    matching = Matching(candidates)
    matching.update(NOW, np.zeros(len(candidates.standing.people)))
    ((_, _, weight, _),) = matching.pairs()
    assert scores_between(people, people, Model())[0, 1] == pytest.approx(weight)
    assert weight > BOND_BONUS


def test_scores_kept_from_look_to_look_are_those_worked_out_anew() -> None:
    pool = Pool("GB")
    for number in range(8):
        pool.apply(waiting(number, alike=False), number)
    people = [free(row, NOW) for row in pool.waiting.values()]
    kept = Scores(scores_between)
    for known, model in (
        (people[:5], Model()),
        (people[2:], Model(intercept=0.5)),
        ([*people[3:], *people[:4]], Model()),
    ):
        kept.keep(known, model)
        assert (kept.between(known[1:], known) == scores_between(known[1:], known, model)).all()
    edited = people[0].row.model_copy(update={"seq": 99, "features": features(7, False)})
    kept.keep([*people[1:], free(edited, NOW)], model)
    assert (
        kept.between(people[1:], [free(edited, NOW)]) == scores_between(people[1:], [free(edited, NOW)], model)
    ).all()
