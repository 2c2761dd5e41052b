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


def test_more_people_than_can_be_looked_for_at_once_wait_outside_and_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("matcher.askable.STANDING_LIMIT", 2)
    pool = pool_of("ann", "bob", "cat", "dan", "eve")
    assert [one.people for one in offers(pool.apply(tick(1), 5))] == [("ann", "bob")]
    assert pool.refused["crowded"] == 3
    assert offers(pool.apply(tick(2), 6)) == []  # ann and bob are asked, and leave room
    assert [one.people for one in offers(pool.apply(tick(3), 7))] == [("cat", "dan")]
    assert pool.refused["crowded"] == 1


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


# --- what is kept from tick to tick is made again from the rows ---


def told_of_a_town(count: int) -> list[PoolEvent]:
    """Many come, some of them change or leave, and time passes."""
    events: list[PoolEvent] = []
    for number in range(count):
        told = waiting(f"p{number:03}", minutes=5 + number % 30)
        likes = (("birds",), ("radio", "birds"), ())[number % 3]
        quiet = {"start_min": 9 * 60 + 10, "end_min": 9 * 60 + 20} if number % 5 == 0 else None
        features = {"likes": likes, "quiet": quiet, "cell": f"5{number % 4}.0,-1.0"}
        told = told.model_copy(update={"features": Features.model_validate(FEATURES.model_dump() | features)})
        events.append(told)
        if number % 10 == 9:
            events.append(tick(30 * number))
        if number % 17 == 16:
            events.append(left(f"p{number - 8:03}", "closed"))
    return [*events, *(tick(30 * count + 60 * minute) for minute in range(40))]


def answered(pool: Pool, changes: list[Change], offset: int) -> int:
    """Every other offer is declined by one of the two; how many events that took."""
    offered = [row for row in offers(changes) if row.state == "offered"]
    for number, row in enumerate(offered[::2]):
        no = InvitationAnswered(
            id=f"no-{row.invitation}", at=NOW, market="GB", invitation=row, person=row.a, answer="decline"
        )
        pool.apply(no, offset + number)
    return len(offered[::2])


def lived(events: list[PoolEvent], restart_at: int | None = None) -> tuple[Pool, list[Invitation]]:
    """A pool to which all this happened, made again from its rows before the event number `restart_at`; its offers."""
    pool, offset, offered = Pool("GB"), 0, []
    for number, event in enumerate(events):
        if number == restart_at:
            pool = Pool("GB", rows_of(pool).values())
        changes = pool.apply(event, offset)
        offset += 1
        if isinstance(event, Tick):
            assert_nobody_is_asked_twice(pool)
            offered += [row for row in offers(changes) if row.state == "offered"]
            offset += answered(pool, changes, offset)
    return pool, offered


def assert_nobody_is_asked_twice(pool: Pool) -> None:
    asked = [person for row in pool.invitations.values() if row.live for person in row.people]
    assert len(asked) == len(set(asked))


def test_the_same_long_log_gives_the_same_rows() -> None:
    events = told_of_a_town(90)
    (one, offered), (two, offered_too) = lived(events), lived(events)
    assert rows_of(one) == rows_of(two)
    assert offered == offered_too


@pytest.mark.parametrize("restart_at", [25, 60, 105])
def test_a_pool_made_again_from_its_rows_goes_on_as_it_may(restart_at: int) -> None:
    events = told_of_a_town(90)
    pool, offered = lived(events, restart_at)
    assert all(row.end for row in pool.waiting.values() if row.until <= pool.now)
    assert len({row.people for row in offered}) > 20


def test_quiet_hours_begin_and_end_while_somebody_waits() -> None:
    pool = Pool("GB")
    quiet = Features.model_validate(FEATURES.model_dump() | {"quiet": {"start_min": 9 * 60, "end_min": 9 * 60 + 10}})
    pool.apply(waiting("ann").model_copy(update={"features": quiet}), 0)
    pool.apply(waiting("bob"), 1)
    assert offers(pool.apply(tick(1), 2)) == []
    assert pool.refused == {"quiet_hours": 1}
    assert offers(pool.apply(tick(599), 3)) == []
    assert len(offers(pool.apply(tick(600), 4))) == 1


def test_a_rest_after_not_now_ends_with_time_alone() -> None:
    pool = pool_of("ann", "bob")
    (row,) = offers(pool.apply(tick(1), 2))
    pool.apply(InvitationAnswered(id="no", at=NOW, market="GB", invitation=row, person="ann", answer="decline"), 3)
    pool.apply(left("bob", "closed"), 4)
    pool.apply(waiting("dan"), 5)
    assert offers(pool.apply(tick(180), 6)) == []
    assert [one.people for one in offers(pool.apply(tick(181), 7))] == [("ann", "dan")]


@pytest.mark.parametrize("no", ["says not now", "lets it ring", "has left"])
def test_whoever_said_yes_keeps_their_place_and_is_offered_somebody_else_when_the_other_cannot_come(no: str) -> None:
    pool = pool_of("ann", "bob")
    (row,) = offers(pool.apply(tick(1), 2))
    told = {"at": NOW, "market": "GB", "invitation": row}
    pool.apply(InvitationRung(id="rung", token=1, **told), 3)
    pool.apply(InvitationAnswered(id="yes", person="ann", answer="accept", **told), 4)
    place = pool.waiting["ann"].since
    if no == "says not now":
        pool.apply(InvitationAnswered(id="no", person="bob", answer="decline", **told), 5)
    elif no == "has left":
        pool.apply(left("bob", "closed"), 5)
    pool.apply(waiting("dan"), 6)
    pool.apply(tick(40), 7)
    assert (pool.waiting["ann"].since, pool.waiting["ann"].end) == (place, None)
    assert [one.people for one in pool.invitations.values() if one.live] == [("ann", "dan")]
