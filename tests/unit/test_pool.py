"""The one writer of a pool: what it does after a kill in mid-event, and with a tick that comes twice."""

from datetime import UTC, datetime, timedelta

import pytest

from matcher.events import InvitationRung, InvitationVoided, PersonWaiting, Tick
from matcher.invitation import Invitation
from matcher.person import Features
from matcher.pool import Change, Pool

NOW = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
FEATURES = Features(cell="51.5,-0.1", languages=("en",), age_band="50-64", likes=("birds",))


def waiting(name: str, seq: int = 1, minutes: int = 20) -> PersonWaiting:
    return PersonWaiting(
        id=f"waiting-{name}-{seq}", at=NOW, market="GB", person=name, seq=seq, availability=f"av-{name}-{seq}",
        opened_at=NOW, until=NOW + timedelta(minutes=minutes), company="either", posted_at=NOW, features=FEATURES,
    )  # fmt: skip


def tick(second: int) -> Tick:
    time = NOW + timedelta(seconds=second)
    return Tick(id=f"tick-{second}", at=time, market="GB", now=time, wall=time)


def pool_of(*names: str) -> Pool:
    pool = Pool("GB")
    for offset, name in enumerate(names):
        pool.apply(waiting(name), offset)
    return pool


def offers(changes: list[Change]) -> list[Invitation]:
    return [row for row in changes if isinstance(row, Invitation)]


def test_the_same_log_gives_the_same_rows() -> None:
    one, two = pool_of("ann", "bob", "cat", "dan"), pool_of("ann", "bob", "cat", "dan")
    assert one.apply(tick(1), 4) == two.apply(tick(1), 4)
    assert len(one.invitations) == 2


@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_tick_that_was_half_written_is_completed_with_the_same_choice(written: int) -> None:
    before = pool_of("ann", "bob", "cat", "dan")
    rows = list(before.waiting.values())
    whole = offers(before.apply(tick(1), 4))
    assert len(whole) == 2
    after_the_kill = Pool("GB", [*rows, *whole[:written]])
    assert offers(after_the_kill.apply(tick(1), 4)) == whole[written:]
    assert after_the_kill.invitations == before.invitations


def test_an_older_tick_that_is_delivered_again_offers_nothing() -> None:
    pool = pool_of("ann", "bob")
    pool.apply(tick(1), 2)
    pool.apply(waiting("cat"), 3)
    pool.apply(waiting("dan"), 4)
    assert pool.apply(tick(1), 2) == []


def test_a_tick_that_was_sent_twice_does_not_bring_back_a_voided_offer() -> None:
    pool = pool_of("ann", "bob")
    (offer,) = offers(pool.apply(tick(1), 2))
    void = InvitationVoided(id="v", at=NOW, market="GB", invitation=offer, reason="overdue")
    pool.apply(void, 3)
    (again,) = offers(pool.apply(tick(1), 4))
    assert again.invitation != offer.invitation
    assert pool.invitations[offer.invitation].state == "voided"


def test_an_offer_that_this_writer_never_made_is_voided_at_its_first_sign_of_life() -> None:
    (offer,) = offers(pool_of("ann", "bob").apply(tick(1), 2))
    other = pool_of("ann", "bob")
    (voided,) = offers(other.apply(InvitationRung(id="r", at=NOW, market="GB", invitation=offer, token=1), 3))
    assert (voided.state, voided.end_reason) == ("voided", "another writer's")


def test_whoever_has_less_than_three_minutes_left_is_counted_and_not_offered() -> None:
    pool = Pool("GB")
    pool.apply(waiting("ann", minutes=2), 0)
    pool.apply(waiting("bob"), 1)
    assert offers(pool.apply(tick(1), 2)) == []
    assert pool.refused == {"window": 1}
