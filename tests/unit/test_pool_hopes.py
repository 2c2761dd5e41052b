"""A window that hopes for one person: who is offered under it, and until when."""

from datetime import timedelta

import pytest

from matcher.events import PersonEdited, PersonWaiting
from matcher.invitation import Invitation
from matcher.pool import Pool
from tests.unit.test_pool import FEATURES, NOW, offers, tick, waiting


def known(name: str, *bonds: str, **change: object) -> PersonWaiting:
    """Somebody who is free, and has met and keeps these people."""
    features = FEATURES.model_copy(update={"bonds": bonds, "met": bonds})
    return waiting(name).model_copy(update={"features": features} | change)


def offered(*events: PersonWaiting) -> list[tuple[str, str]]:
    """Who is offered to whom at the first tick."""
    pool = Pool("GB")
    for offset, event in enumerate(events):
        pool.apply(event, offset)
    return [one.people for one in offers(pool.apply(tick(1), len(events)))]


ONLY = {"company": "known", "hopes_for": "stan"}
FIRST = {"company": "either", "hopes_for": "stan"}


@pytest.mark.parametrize("wanted", [ONLY, FIRST], ids=["only", "first"])
@pytest.mark.parametrize("company", ["known", "either"])
def test_the_one_who_is_hoped_for_is_offered_once_they_are_free(wanted: dict[str, str], company: str) -> None:
    assert offered(known("ada", "stan", **wanted), known("stan", "ada", company=company)) == [("ada", "stan")]


def test_nobody_else_is_offered_to_whoever_wants_only_one() -> None:
    others = (known("bob", "ada"), waiting("cat", seq=2))
    assert offered(known("ada", "stan", "bob", **ONLY), *others) == [("bob", "cat")]


def test_of_those_whom_one_knows_only_the_hoped_for_come_and_beside_them_somebody_new() -> None:
    ada = known("ada", "stan", "bob", **FIRST)
    assert offered(ada, known("bob", "ada")) == []
    assert offered(ada, waiting("cat")) == [("ada", "cat")]
    assert offered(ada, waiting("cat"), known("stan", "ada")) == [("ada", "stan")]


@pytest.mark.parametrize("stan", [
    known("stan", "ada", company="new"),
    known("stan", features=FEATURES.model_copy(update={"met": ("ada",)})),
    waiting("stan").model_copy(update={"features": None, "refused": "held"}),
])  # fmt: skip
def test_who_does_not_keep_one_or_wants_somebody_new_is_not_offered(stan: PersonWaiting) -> None:
    assert offered(known("ada", "stan", **ONLY), stan) == []


def test_a_hope_is_given_up_by_asking_for_somebody_else_and_lost_with_the_bond() -> None:
    pool = Pool("GB")
    pool.apply(known("ada", "stan", **ONLY), 0)
    pool.apply(waiting("cat"), 1)
    assert offers(pool.apply(tick(1), 2)) == []
    undone = PersonEdited(id="e", at=NOW, market="GB", person="ada", seq=2, features=FEATURES)
    pool.apply(undone, 3)
    pool.apply(waiting("stan"), 4)
    assert [one.people for one in offers(pool.apply(tick(2), 5))] == [("cat", "stan")]
    pool.apply(waiting("bob"), 6)
    again = waiting("ada", seq=3).model_copy(update={"until": NOW + timedelta(minutes=10)})
    pool.apply(again, 7)
    (one,) = offers(pool.apply(tick(3), 8))
    assert isinstance(one, Invitation)
    assert one.people == ("ada", "bob")
    assert pool.waiting["ada"].availability == "av-ada-1"
    assert pool.waiting["ada"].hopes_for is None
