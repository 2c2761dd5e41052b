"""The checker's judge over hand-made histories: invitations and calls, and who was rung for two at once."""

import pytest

from services.checker.times import percentiles
from tests.history import History, both_stand, faultless


@pytest.fixture
def history() -> History:
    return History()


# --- invitations and calls ---


def test_a_call_counts_at_every_step(history: History) -> None:
    both_stand(history)
    history.call()
    history.outcome("one", "a", "b", "yes")
    history.outcome("one", "b", "a", "yes")
    report = history.report()
    assert faultless(report)
    steps = ("offered", "rung", "accepted_both", "connected", "both_would_talk_again")
    assert {name: report[name] for name in steps} == dict.fromkeys(steps, 1)


@pytest.mark.parametrize("state", ["expired", "declined", "voided"])
def test_an_invitation_that_came_to_nothing_is_counted(history: History, state: str) -> None:
    history.invitation("one")
    history.invitation("one", state=state)
    report = history.report()
    assert report[state] == 1
    assert (report["offered"], report["rung"], report["connected"]) == (1, 0, 0)
    assert faultless(report)


def test_an_invitation_without_an_end_is_lost_and_open(history: History) -> None:
    history.invitation("one")
    assert history.report()["lost_of"]["invitations"] == 1
    assert history.report()["open_now"]["invitations"] == 1
    assert history.report()["violations"] == ["invitation one has no end"]


def test_a_call_under_way_is_shown(history: History) -> None:
    history.confirmed()
    assert history.report()["open_now"]["calls"] == 1


def test_an_invitation_that_lives_again_after_its_end_is_found(history: History) -> None:
    history.invitation("one", state="expired")
    history.invitation("one", state="rung")
    assert history.report()["violations"] == ["invitation one changed after its end"]
    assert history.report()["expired"] == 1


def test_a_call_without_two_accepts_in_the_log_is_found(history: History) -> None:
    history.invitation("one", offset=history.answer("one", "a", "accept"), answer_a="accept", rung=True)
    history.invitation("one", state="confirmed", answer_b="accept")
    history.invitation("one", state="ended")
    assert history.report()["violations"] == ["invitation one became a call without two accepts"]


def test_a_row_that_is_confirmed_without_two_accepts_is_found(history: History) -> None:
    history.answer("one", "a", "accept")
    history.answer("one", "b", "accept")
    history.invitation("one", state="confirmed", answer_a="accept")
    assert "invitation one was confirmed without two accepts" in history.report()["violations"]


def test_the_latest_word_of_each_counts(history: History) -> None:
    history.call()
    history.outcome("one", "a", "b", "yes")
    history.outcome("one", "b", "a", "maybe")
    assert history.report()["both_would_talk_again"] == 0
    history.outcome("one", "b", "a", "yes")
    assert history.report()["both_would_talk_again"] == 1
    history.outcome("one", "a", "b", "no")
    assert history.report()["both_would_talk_again"] == 0


def test_pairing_somebody_with_a_person_they_blocked_is_found(history: History) -> None:
    history.waiting("a", "window-a", features={"blocks": ["b"]})
    history.invitation("one")
    assert "invitation one pairs somebody with a person they blocked" in history.report()["violations"]


def test_a_block_that_came_after_the_offer_is_no_fault(history: History) -> None:
    history.invitation("one")
    history.waiting("a", "window-a", features={"blocks": ["b"]})
    history.invitation("one", state="voided")
    assert history.report()["violations"] == []


# --- rung for two at once ---


def test_rings_that_follow_each_other_do_not_overlap(history: History) -> None:
    history.call("one")
    history.call("two")
    assert history.report()["double_booked"] == 0


def test_two_offers_at_once_of_which_one_is_voided_do_not_overlap(history: History) -> None:
    history.invitation("one")
    history.invitation("two", b="c")
    history.invitation("two", state="voided")
    history.invitation("one", offset=history.rung("one"), state="rung", rung=True)
    history.invitation("one", state="expired")
    assert history.report()["double_booked"] == 0


def test_a_ring_during_another_ring_is_found(history: History) -> None:
    history.rung("one")
    history.rung("two")
    history.invitation("one", state="expired")
    history.invitation("two", state="expired", b="c", a="a")
    report = history.report()
    assert report["double_booked"] == 1
    assert report["violations"] == ["person a was rung for one and two at once"]


def test_a_ring_during_a_call_that_has_not_ended_is_found(history: History) -> None:
    history.confirmed("one")
    history.invitation("two", rung=True, a="b", b="c")
    assert history.report()["double_booked"] == 1


def test_a_ring_that_is_told_after_the_end_still_rang(history: History) -> None:
    history.invitation("one", state="voided")
    history.rung("two")
    history.rung("one")
    history.invitation("two", state="expired")
    assert history.report()["double_booked"] == 2


def test_rows_before_their_events_and_events_before_their_rows_are_judged_alike(history: History) -> None:
    history.invitation("one", offset=1, rung=True)
    history.invitation("one", offset=3, state="expired")
    history.invitation("two", offset=2, rung=True, b="c")
    history.invitation("two", offset=4, state="expired")
    assert history.report()["double_booked"] == 1


def test_double_bookings_outlive_the_limit_of_memory(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.checker.offers.SETTLED_LIMIT", 2)
    history.rung("one")
    history.rung("two")
    for name in ("one", "two", "three", "four", "five"):
        history.invitation(name)
        history.invitation(name, state="expired")
    assert history.report()["double_booked"] == 2  # two people, one pair of invitations each
    assert history.report()["offered"] == 5
    assert len(history.judge._offers._offers) == 2


def test_late_news_of_a_forgotten_invitation_is_no_loss(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.checker.offers.SETTLED_LIMIT", 1)
    history.confirmed("one")
    history.invitation("one", state="ended")
    history.invitation("two")
    history.invitation("two", state="expired")
    before = history.report()
    history.answer("one", "a", "accept")
    history.rung("one")
    history.receipt("one", "a", "held", 5)
    history.invitation("one", offset=0, state="offered")
    assert faultless(before)
    assert history.report() == before
    history.invitation("one", state="rung")
    assert history.report()["violations"] == ["invitation one changed after its end"]


def test_ids_of_forgotten_invitations_are_bounded(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.checker.offers.SETTLED_LIMIT", 1)
    monkeypatch.setattr("services.checker.offers.DROPPED_LIMIT", 3)
    for number in range(10):
        history.invitation(f"number-{number}", a=f"a-{number}")
        history.invitation(f"number-{number}", state="expired")
    offers = history.judge._offers
    assert list(offers._ended_at) == ["number-6", "number-7", "number-8"]
    assert offers._of_person == {"a-9": {"number-9"}, "b": {"number-9"}}
    assert history.report()["expired"] == 10


# --- how long it took ---


def test_delivery_is_from_the_decision_until_both_hold_it(history: History) -> None:
    history.invitation("one")
    history.receipt("one", "a", "held", 0.040)
    assert history.report()["offer_delivery_ms"] == {"p50": None, "p99": None}
    history.receipt("one", "b", "held", 0.090)
    history.receipt("one", "b", "held", 7)
    assert history.report()["offer_delivery_ms"] == {"p50": 90, "p99": 90}
    assert history.report()["offers_met_offline"] == 0


def test_an_offer_found_on_coming_back_is_counted_apart(history: History) -> None:
    history.invitation("one")
    history.receipt("one", "a", "held", 0.040)
    history.receipt("one", "b", "seen", 12)
    report = history.report()
    assert report["offers_met_offline"] == 1
    assert report["offer_delivery_ms"]["p50"] is None


def test_percentiles_are_the_nearest_rank() -> None:
    assert percentiles(range(1, 101)) == {"p50": 50, "p99": 99}
    assert percentiles([7]) == {"p50": 7, "p99": 7}
    assert percentiles([]) == {"p50": None, "p99": None}
