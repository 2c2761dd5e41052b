"""The one writer of a pool: what it does after a kill in mid-event, and with a tick that comes twice."""

from datetime import UTC, datetime, timedelta

import pytest

from matcher.availability import Waiting
from matcher.events import (
    CallHeartbeat,
    InvitationAnswered,
    InvitationRung,
    InvitationVoided,
    PersonLeft,
    PersonWaiting,
    PoolEvent,
    Tick,
)
from matcher.invitation import Invitation
from matcher.person import Features
from matcher.pool import Change, Forgotten, Pool, write_order

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


# --- a kill after every prefix of the writes of one event ---

Rows = dict[tuple[str, str], Waiting | Invitation]


def left(name: str, reason: str) -> PersonLeft:
    return PersonLeft(id=f"left-{name}", at=NOW, market="GB", person=name, seq=99, reason=reason)  # type: ignore[arg-type]


def rows_of(pool: Pool) -> Rows:
    waiting = {("waiting", key): row for key, row in pool.waiting.items()}
    return {**waiting, **{("invitations", key): row for key, row in pool.invitations.items()}}


def written(rows: Rows, changes: list[Change]) -> Rows:
    rows = dict(rows)
    for change in changes:
        if isinstance(change, Forgotten):
            del rows[change.table, change.key]
        elif isinstance(change, Invitation):
            rows["invitations", change.invitation] = change
        else:
            rows["waiting", change.person] = change
    return rows


def rung(*names: str) -> Pool:
    """All whom the tick, at the offset `len(names)`, offers to each other are rung."""
    pool = pool_of(*names)
    for number, offer in enumerate(offers(pool.apply(tick(1), len(names)))):
        ring = InvitationRung(id="r", at=NOW, market="GB", invitation=offer, token=number + 1)
        pool.apply(ring, len(names) + 1 + number)
    return pool


def talking() -> Pool:
    pool = rung("ann", "bob")
    (row,) = pool.invitations.values()
    about = {"at": NOW, "market": "GB", "invitation": row}
    for offset, name in enumerate(row.people, 4):
        pool.apply(InvitationAnswered(id=f"yes-{name}", person=name, answer="accept", **about), offset)
    pool.apply(CallHeartbeat(id="h", heard=row.people, connected=True, **about), 6)
    return pool


def two_let_it_ring_and_four_come() -> Pool:
    pool = rung("ann", "bob")
    for offset, name in enumerate(("cat", "dan", "eve", "fay"), 4):
        pool.apply(waiting(name), offset)
    pool.apply(waiting("gil", minutes=1), 8)
    return pool


def two_talked_long_ago() -> Pool:
    pool = talking()
    (row,) = pool.invitations.values()
    pool.apply(InvitationAnswered(id="no", at=NOW, market="GB", invitation=row, person="ann", answer="decline"), 7)
    return pool


KILLS = {
    "paused in a call": (talking(), left("ann", "paused"), 2),
    "erased in a call": (talking(), left("ann", "erased"), 2),
    "closed while ringing": (rung("ann", "bob"), left("ann", "closed"), 2),
    "closed with a call": (talking(), left("ann", "closed"), 1),
    "a tick that ends two and offers two": (two_let_it_ring_and_four_come(), tick(70), 4),
    "a tick that forgets": (two_talked_long_ago(), tick(2 * 3600), 3),
}


@pytest.mark.parametrize(
    ("name", "count"), [(name, count) for name, (_, _, writes) in KILLS.items() for count in range(writes + 1)]
)
def test_a_kill_after_any_of_the_writes_of_an_event_changes_nothing(name: str, count: int) -> None:
    before, event, writes = KILLS[name]
    rows = rows_of(before)
    offset = 20
    changes = write_order(Pool("GB", rows.values()).apply(event, offset))
    assert len(changes) == writes
    half = written(rows, changes[:count])
    assert after(half, event, offset) == written(rows, changes)


def after(rows: Rows, event: PoolEvent, offset: int) -> Rows:
    """The rows once a worker that starts from `rows` has handled the event."""
    return written(rows, write_order(Pool("GB", rows.values()).apply(event, offset)))


def test_whoever_is_erased_in_a_call_is_also_taken_from_an_offer_that_overlaps_it() -> None:
    rows = rows_of(talking())
    (call,) = (row for row in rows.values() if isinstance(row, Invitation))
    overlap = call.model_copy(update={"invitation": "inv-0", "state": "rung", "connected_wall": None})
    pool = Pool("GB", [*rows.values(), overlap])
    pool.apply(left("ann", "erased"), 20)
    assert [pool.invitations[key].state for key in ("inv-0", call.invitation)] == ["voided", "ended"]


def test_a_pause_in_a_call_is_lost_if_the_window_is_written_before_the_call() -> None:
    rows = rows_of(talking())
    changes = write_order(Pool("GB", rows.values()).apply(left("ann", "paused"), 20))
    whole = written(rows, changes)
    assert after(written(rows, changes[::-1][:1]), left("ann", "paused"), 20) != whole


def test_rows_are_written_invitations_first_and_forgotten_windows_before_their_invitations() -> None:
    pool = talking()
    window, (invitation,) = pool.waiting["ann"], pool.invitations.values()
    gone, gone_too = Forgotten("waiting", "bob"), Forgotten("invitations", "one")
    assert write_order([gone_too, window, gone, invitation]) == [invitation, window, gone, gone_too]
