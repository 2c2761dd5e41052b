"""Offers of a model that explores: the same for the same tick, with the probability that the draws give them."""

from datetime import datetime, timedelta

from matcher.events import PersonWaiting, Tick
from matcher.invitation import Invitation
from matcher.person import Features
from matcher.pool import Pool
from matcher.score import Model
from tests.learning import START

PEOPLE = ("ann", "bob", "cat", "dan", "eve", "fay")
KNOWN = Features(cell="51.5,-0.1", languages=("en",), age_band="50-64", likes=("books", "radio"))


def offered(draws: int, tick: str, now: datetime = START) -> list[Invitation]:
    pool = Pool("GB")
    pool.model = Model(draws=draws)
    for at, person in enumerate(PEOPLE):
        waiting = PersonWaiting(
            id=f"w-{person}", at=START, market="GB", person=person, seq=at, availability=f"av-{person}",
            opened_at=now, until=now + timedelta(minutes=30), company="either", posted_at=now, features=KNOWN,
        )  # fmt: skip
        pool.apply(waiting, at)
    changes = pool.apply(Tick(id=tick, at=now, market="GB", now=now, wall=now), len(PEOPLE))
    return [row for row in changes if isinstance(row, Invitation)]


def pairs(draws: int, tick: str, now: datetime = START) -> list[tuple[str, str]]:
    return sorted(one.people for one in offered(draws, tick, now))


def test_without_exploring_every_offer_was_certain_and_only_its_topic_was_drawn() -> None:
    assert {(one.propensity, one.topic_propensity) for one in offered(1, "tick")} == {(1.0, 0.5)}


def test_an_offer_says_what_was_believed_of_both_beside_the_usual_pair() -> None:
    model = Model()
    common = {"near": 1.0, "shared_likes": 0.5}
    more = model.intercept + sum(model.weights[name] * share for name, share in common.items()) - model.usual
    assert {one.believed for one in offered(1, "tick")} == {((round(more, 4),) * 2,) * 2}


def test_the_same_tick_explores_the_same_and_says_how_likely_it_was() -> None:
    assert offered(4, "tick") == offered(4, "tick")
    assert {one.propensity for one in offered(4, "tick")} <= {0.25, 0.5, 0.75, 1.0}
    assert len(offered(4, "tick")) == len(PEOPLE) // 2


def test_strangers_of_whom_nothing_is_known_are_paired_this_way_and_that() -> None:
    assert len({tuple(pairs(4, "tick", START + timedelta(hours=at))) for at in range(10)}) > 3


def test_a_pair_is_not_drawn_again_and_again_until_it_is_lucky() -> None:
    assert len({tuple(pairs(4, f"tick-{at}", START + timedelta(minutes=at))) for at in range(10)}) == 1
