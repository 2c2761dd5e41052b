"""Offers of a model that explores: the same for the same tick, with the probability that the draws give them."""

from datetime import timedelta

from matcher.availability import Waiting
from matcher.candidates import Free, free
from matcher.match import Match, choose
from matcher.person import Features
from matcher.score import Model
from tests.learning import START

PEOPLE = ("ann", "bob", "cat", "dan", "eve", "fay")


def waits(person: str) -> Free:
    known = Features(cell="51.5,-0.1", languages=("en",), age_band="50-64", likes=("books", "radio"))
    row = Waiting(
        offset=0, person=person, market="GB", availability=f"av-{person}", opened_at=START, since=START,
        until=START + timedelta(minutes=30), features=known, seq=0, asked=0, posted_at=START, pool_now=START,
        pool_wall=START,
    )  # fmt: skip
    return free(row, START)


def offered(draws: int, tick: str) -> list[Match]:
    people = [waits(person) for person in PEOPLE]
    pairs = [(a, b) for at, a in enumerate(people) for b in people[at + 1 :]]
    return choose(pairs, START, Model(draws=draws), tick)


def test_without_exploring_every_offer_was_certain_and_only_its_topic_was_drawn() -> None:
    assert {(one.propensity, one.topic_propensity) for one in offered(1, "tick")} == {(1.0, 0.5)}


def test_the_same_tick_explores_the_same_and_says_how_likely_it_was() -> None:
    assert offered(4, "tick") == offered(4, "tick")
    assert {one.propensity for one in offered(4, "tick")} <= {0.25, 0.5, 0.75, 1.0}


def test_strangers_of_whom_nothing_is_known_are_paired_this_way_and_that() -> None:
    made = {tuple(sorted((one.a.person, one.b.person) for one in offered(4, f"tick-{at}"))) for at in range(10)}
    assert len(made) > 3
