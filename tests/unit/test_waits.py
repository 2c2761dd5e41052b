"""What people are told of waits is taken from what others waited, those who were never rung with them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis

from matcher.values import Row
from matcher.waits import ENOUGH, Usual, Wait, usual
from services.adapters.views import ViewWriter
from services.adapters.waits import KEPT, WaitWriter
from tests.conftest import RedisPlace
from tests.gateway_desk import MORNING, invitation, waiting


def _rang(*seconds: float) -> list[Wait]:
    return [Wait(one, rang=True) for one in seconds]


def _left(*seconds: float) -> list[Wait]:
    return [Wait(one, rang=False) for one in seconds]


def test_of_few_waits_nothing_is_said() -> None:
    assert usual(_rang(*range(ENOUGH - 1))) is None
    assert usual(_rang(*range(ENOUGH))) is not None


def test_of_waits_that_all_ended_in_a_ring_the_quartiles_are_told() -> None:
    assert usual(_rang(*range(10, 170, 10))) == Usual(40, 120)


def test_who_left_at_once_says_nothing_about_those_who_stayed() -> None:
    stayed = _rang(*range(10, 170, 10))
    assert usual(stayed + _left(*[1] * 50)) == usual(stayed)


def test_who_waited_long_in_vain_counts() -> None:
    assert usual(_rang(*range(10, 170, 10)) + _left(*[500] * 8)) == Usual(60, None)
    assert usual(_rang(10, 20) + _left(*[500] * 20)) == Usual(0, None)


class Kept:
    """A writer, and what it kept of the hour from eight."""

    def __init__(self, place: RedisPlace) -> None:
        self.redis = redis.Redis.from_url(place.url)
        self.prefix = place.prefix
        self.views, self.waits = ViewWriter(self.redis, place.prefix), WaitWriter(self.redis, place.prefix)

    def note(self, *rows: Row) -> None:
        for row in rows:
            self.waits.note(row)

    @property
    def seconds(self) -> list[bytes]:
        return sorted(self.redis.hvals(f"{self.prefix}waits:GB:08"))


@pytest.fixture
def kept(redis_url: RedisPlace) -> Iterator[Kept]:
    made = Kept(redis_url)
    yield made
    made.redis.close()


def test_a_ring_is_the_end_of_the_wait_of_both_once(kept: Kept) -> None:
    ann, bob = waiting("ann"), waiting("bob", since=MORNING - timedelta(minutes=1))
    both = {"availability_a": ann.availability, "availability_b": bob.availability}
    for row in (ann, bob.model_copy(update={"since": MORNING + timedelta(minutes=1)})):
        kept.views.put_waiting(row)
    later = MORNING + timedelta(minutes=5)
    ring = invitation("ann", "bob", pool_now=later, **both)
    kept.note(ring, ring, invitation("ann", "bob", pool_now=later + timedelta(minutes=3), **both))
    kept.note(ann.model_copy(update={"end": "closed", "pool_now": later}))
    assert kept.seconds == [b"240.0 1", b"300.0 1"]


def test_an_end_before_any_ring_is_kept_as_such_and_a_withdrawal_not_at_all(kept: Kept) -> None:
    for end in ("closed", "ran_out", "paused", "held", "erased", None):
        kept.note(waiting(f"p-{end}", end=end, pool_now=MORNING + timedelta(seconds=90)))
    assert kept.seconds == [b"90.0 0", b"90.0 0"]


def test_rows_that_do_not_tell_when_it_rang_or_ask_for_friends_only_are_passed_over(kept: Kept) -> None:
    known = waiting("ann", company="known")
    kept.views.put_waiting(known)
    kept.note(invitation("ann", "bob", availability_a=known.availability))
    kept.views.put_waiting(waiting("cat"))
    kept.note(invitation("cat", "dan"), invitation("cat", "dan", state="ended"))
    assert kept.seconds == []


def test_only_the_newest_waits_of_an_hour_are_kept(kept: Kept) -> None:
    for number in range(KEPT + 3):
        since = MORNING + timedelta(seconds=number)
        kept.note(waiting(f"p-{number}", since=since, pool_now=MORNING + timedelta(hours=1), end="ran_out"))
    assert len(kept.seconds) == KEPT
    assert b"3600.0 0" not in kept.seconds
