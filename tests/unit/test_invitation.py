"""An invitation's life, transition by transition."""

from datetime import UTC, datetime, timedelta

import pytest

from matcher import invitation as life
from matcher.invitation import Invitation

NOW = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=5)


def offered(**told: object) -> Invitation:
    row = Invitation(
        offset=1, invitation="inv", market="GB", a="ann", b="bob", availability_a="av-a", availability_b="av-b",
        topic="birds", reasons=("near",), score=0.5, decided_wall=NOW, answer_by_wall=NOW + life.ANSWER,
        until=NOW + timedelta(minutes=20), pool_now=NOW, pool_wall=NOW,
    )  # fmt: skip
    return row.model_copy(update=told)


def confirmed(**told: object) -> Invitation:
    row = life.answered(life.answered(offered(), "ann", "accept", NOW, NOW), "bob", "accept", NOW, NOW)
    return row.model_copy(update=told)


def test_two_accepts_confirm_and_one_does_not() -> None:
    one = life.answered(offered(), "ann", "accept", NOW, NOW)
    assert one.state == "accepted"
    assert life.answered(one, "ann", "accept", NOW, NOW).state == "accepted"
    assert life.answered(one, "bob", "accept", NOW, LATER).state == "confirmed"


def test_the_first_accept_leaves_the_other_twenty_seconds_and_never_more_than_there_were() -> None:
    assert life.answered(offered(), "ann", "accept", NOW, NOW).answer_by_wall == NOW + life.FIRST_ACCEPT
    late = NOW + timedelta(seconds=25)
    assert life.answered(offered(), "ann", "accept", NOW, late).answer_by_wall == NOW + life.ANSWER


def test_a_second_accept_of_the_same_person_gives_no_more_time() -> None:
    one = life.answered(offered(), "ann", "accept", NOW, NOW)
    assert life.answered(one, "ann", "accept", NOW, LATER).answer_by_wall == one.answer_by_wall


def test_an_accept_that_overtakes_the_ring_counts_and_keeps_the_token_that_follows() -> None:
    row = life.rang(life.answered(offered(), "ann", "accept", NOW, NOW), 7)
    assert (row.state, row.rung, row.token) == ("accepted", True, 7)


def test_a_decline_ends_a_ringing_invitation_as_declined_and_a_call_as_ended() -> None:
    assert life.answered(offered(), "bob", "decline", NOW, LATER).state == "declined"
    assert life.answered(confirmed(), "bob", "decline", NOW, LATER).state == "ended"


@pytest.mark.parametrize("answer", ["accept", "decline"])
def test_a_stranger_changes_nothing(answer: life.Answer) -> None:
    assert life.answered(offered(), "eve", answer, NOW, LATER) == offered()


@pytest.mark.parametrize("state", ["declined", "expired", "voided", "ended"])
def test_what_is_over_stays_as_it_is(state: life.State) -> None:
    row = life.over(offered(), state, "over", NOW, NOW)
    assert life.answered(row, "ann", "accept", LATER, LATER) == row
    assert life.answered(row, "ann", "decline", LATER, LATER) == row
    assert life.rang(row, 9) == row
    assert life.refused(row, "busy", ("ann",), LATER, LATER, LATER) == row
    assert life.heard(row, ("ann", "bob"), True, LATER) == row
    assert life.hung_up(row, "hung up", LATER, LATER) == row
    assert life.withdrawn(row, "paused", LATER, LATER) == row
    assert life.overdue(row, NOW, NOW + timedelta(days=1), NOW + timedelta(days=1)) == row


def test_a_refused_claim_voids_only_what_has_not_rung() -> None:
    voided = life.refused(offered(), "busy", ("bob",), LATER, NOW, NOW)
    assert (voided.state, voided.busy, voided.busy_until_wall) == ("voided", ("bob",), LATER)
    rung = life.rang(offered(), 3)
    assert life.refused(rung, "busy", ("bob",), LATER, NOW, NOW) == rung


def test_an_answer_in_the_last_moment_before_the_deadline_still_counts() -> None:
    deadline = NOW + life.ANSWER
    just_before = deadline - timedelta(milliseconds=1)
    assert life.overdue(offered(), NOW, NOW, just_before).live
    assert life.overdue(offered(), NOW, NOW, deadline).state == "expired"


def test_only_a_ring_that_was_let_pass_counts_as_unanswered() -> None:
    expired = life.overdue(life.rang(offered(), 1), NOW, NOW, NOW + life.ANSWER)
    assert expired.unanswered_by("ann")
    assert expired.unanswered_by("bob")
    never_rung = life.overdue(offered(), NOW, NOW, NOW + life.ANSWER)
    assert not never_rung.unanswered_by("ann")
    accepted = life.answered(offered(), "ann", "accept", NOW, NOW)
    half = life.overdue(accepted, NOW, NOW, NOW + life.ANSWER)
    assert not half.unanswered_by("ann")
    assert half.unanswered_by("bob")


def test_a_call_that_never_had_audio_both_ways_is_not_called() -> None:
    row = life.overdue(confirmed(), NOW + timedelta(hours=1), NOW, NOW + life.CONNECT)
    assert (row.state, row.end_reason, row.called) == ("ended", "never connected", False)
    assert not life.hung_up(confirmed(), "hung up", NOW, LATER).called


def test_audio_both_ways_makes_it_called_whatever_ends_it() -> None:
    talking = life.heard(confirmed(), ("ann", "bob"), True, LATER)
    assert life.hung_up(talking, "hung up", NOW, LATER).called
    assert life.withdrawn(talking, "block", NOW, LATER).called


def test_one_silent_side_ends_the_call_after_sixty_seconds_though_the_other_is_heard() -> None:
    talking = life.heard(confirmed(), ("ann", "bob"), True, NOW)
    alone = life.heard(talking, ("ann",), True, NOW + timedelta(seconds=50))
    assert life.overdue(alone, NOW + timedelta(hours=1), NOW, NOW + timedelta(seconds=59)).live
    ended = life.overdue(alone, NOW + timedelta(hours=1), NOW, NOW + life.SILENCE)
    assert (ended.state, ended.end_reason) == ("ended", "lost")


def test_a_call_may_outlast_the_window_by_fifteen_minutes_and_no_more() -> None:
    talking = life.heard(confirmed(), ("ann", "bob"), True, LATER)
    end = NOW + timedelta(minutes=20)
    assert life.overdue(talking, end, end + life.OVERRUN - timedelta(seconds=1), LATER).live
    assert life.overdue(talking, end, end + life.OVERRUN, LATER).end_reason == "time"


def test_each_person_has_their_own_side() -> None:
    row = life.answered(offered(), "bob", "accept", NOW, NOW)
    assert (row.other("ann"), row.other("bob")) == ("bob", "ann")
    assert (row.availability_of("ann"), row.availability_of("bob")) == ("av-a", "av-b")
    assert (row.answer_of("ann"), row.answer_of("bob")) == (None, "accept")
