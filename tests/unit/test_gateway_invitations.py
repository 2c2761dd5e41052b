"""Answers, calls, outcomes, blocks and concerns: whose they are, when they are in time, and what is written."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from matcher.events import (
    AvailabilityOpened,
    ConcernRaised,
    ConcernWithdrawn,
    InvitationAnswered,
    LegHeard,
    LegHungUp,
    OutcomeGiven,
    PersonBlocked,
)
from matcher.outcome import pair_key
from services.gateway.limits import ANSWERS
from tests.gateway_desk import Desk, over

ROUTES: list[tuple[str, Any]] = [
    ("/invitations/{}/accept", None),
    ("/invitations/{}/decline", None),
    ("/invitations/{}/block", None),
    ("/invitations/{}/concern", {"what": "He asked for money."}),
    ("/invitations/{}/concern/withdraw", None),
    ("/calls/{}/heartbeat", {"connected": True}),
    ("/calls/{}/end", None),
    ("/calls/{}/go-on", None),
    ("/calls/{}/outcome", {"talk_again": "yes"}),
]


@pytest.mark.parametrize(("path", "body"), ROUTES)
def test_somebody_elses_invitation_looks_like_one_that_does_not_exist(gateway: Desk, path: str, body: Any) -> None:
    page, _ = gateway.registered()
    theirs = gateway.put_invitation("p-1", "p-2", **over())
    answers = [page.post(path.format(one), body) for one in (theirs.invitation, "inv-none", "x" * 500)]
    assert [one.status_code for one in answers] == [404] * 3
    assert len({one.content for one in answers}) == 1
    assert gateway.outbox.said == []


@pytest.mark.parametrize(("path", "body"), ROUTES)
def test_without_a_session_nothing_is_answered(gateway: Desk, path: str, body: Any) -> None:
    assert gateway.page().post(path.format("inv-1"), body).status_code == 401


@pytest.mark.parametrize("reply", ["accept", "decline"])
def test_an_answer_goes_into_the_pools_log_with_the_whole_invitation(gateway: Desk, reply: str) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other")
    assert page.post(f"/invitations/{row.invitation}/{reply}").status_code == 202
    ((topic, key, event),) = gateway.outbox.said
    assert (topic, key) == ("pool", "GB")
    assert isinstance(event, InvitationAnswered)
    assert (event.person, event.answer, event.invitation) == (person, reply, row)


@pytest.mark.parametrize("state", ["declined", "expired", "voided", "ended"])
def test_an_answer_after_the_end_is_a_409(gateway: Desk, state: str) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", state=state)
    for reply in ("accept", "decline"):
        answer = page.post(f"/invitations/{row.invitation}/{reply}")
        assert (answer.status_code, answer.json()["error"]) == (409, "already_ended")
    assert gateway.outbox.said == []


def test_while_the_views_are_rebuilt_an_unknown_invitation_is_not_denied(gateway: Desk) -> None:
    page, person = gateway.registered()
    gateway.break_views()
    assert page.post("/invitations/inv-1/accept", key="patient-key").status_code == 503
    row = gateway.put_invitation(person, "p-other", invitation="inv-1")
    assert page.post(f"/invitations/{row.invitation}/accept", key="patient-key").status_code == 202
    assert len(gateway.outbox.said) == 1


def test_a_call_lives_by_heartbeats_and_ends_by_hanging_up(gateway: Desk) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", state="confirmed")
    assert page.post(f"/calls/{row.invitation}/heartbeat", {"connected": True}).status_code == 202
    assert page.post(f"/calls/{row.invitation}/end").status_code == 202
    heard, hung_up = gateway.said("calls")
    assert isinstance(heard, LegHeard)
    assert heard.connected
    assert isinstance(hung_up, LegHungUp)
    assert {key for _, key, _ in gateway.outbox.said} == {row.invitation}


QUALITY = {"loss": 0.02, "jitter_ms": 7.5, "round_trip_ms": 80.0}


def test_how_well_one_hears_the_other_is_passed_on_as_numbers(gateway: Desk) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", state="confirmed")
    for quality in (QUALITY, {**QUALITY, "round_trip_ms": None}, None):
        beat = page.post(f"/calls/{row.invitation}/heartbeat", {"connected": True, "quality": quality})
        assert beat.status_code == 202
    told = [heard.quality.model_dump() if heard.quality else None for heard in gateway.said("calls")]
    assert told == [QUALITY, {**QUALITY, "round_trip_ms": None}, None]


@pytest.mark.parametrize(
    "wrong", [{"loss": 1.5}, {"loss": -0.1}, {"jitter_ms": "loud"}, {"round_trip_ms": 1e9}, {"words": "what was said"}]
)
def test_what_is_no_such_number_is_refused(gateway: Desk, wrong: dict[str, Any]) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", state="confirmed")
    told = page.post(f"/calls/{row.invitation}/heartbeat", {"connected": True, "quality": {**QUALITY, **wrong}})
    assert told.status_code == 422
    assert not gateway.said("calls")


def test_a_call_route_opens_when_both_have_accepted_and_closes_with_the_call(gateway: Desk) -> None:
    page, person = gateway.registered()
    ringing, ended = gateway.put_invitation(person, "p-other"), gateway.put_invitation(person, "p-third", **over())
    early = page.post(f"/calls/{ringing.invitation}/heartbeat", {"connected": False})
    late = page.post(f"/calls/{ended.invitation}/heartbeat", {"connected": False})
    assert (early.status_code, early.json()["error"]) == (409, "not_yet")
    assert (late.status_code, late.json()["error"]) == (409, "already_ended")


def test_an_outcome_can_be_given_once_the_call_is_over_and_be_changed(gateway: Desk) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", **over())
    for word in ("maybe", "yes"):
        assert page.post(f"/calls/{row.invitation}/outcome", {"talk_again": word, "felt": "good"}).status_code == 202
    events = gateway.said("outcomes")
    assert [event.talk_again for event in events if isinstance(event, OutcomeGiven)] == ["maybe", "yes"]
    assert len({event.id for event in events}) == 2
    assert {key for _, key, _ in gateway.outbox.said} == {pair_key(person, "p-other")}


def test_with_an_outcome_goes_what_its_offer_believed(gateway: Desk) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", believed=((0.1, 0.2), (0.3, 0.4)), **over())
    mine, other = (row.people.index(one) for one in (person, "p-other"))
    assert page.post(f"/calls/{row.invitation}/outcome", {"talk_again": "yes"}).status_code == 202
    (event,) = gateway.said("outcomes")
    assert isinstance(event, OutcomeGiven)
    assert (event.gives, event.gets) == (row.believed[mine][0], row.believed[other][1])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"state": "confirmed"}, "not_yet"),
        ({}, "not_yet"),
        ({"state": "expired"}, "already_ended"),
        ({"state": "ended"}, "already_ended"),
    ],
)
def test_a_call_that_was_none_has_no_outcome(gateway: Desk, change: dict[str, Any], code: str) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", **change)
    answer = page.post(f"/calls/{row.invitation}/outcome", {"talk_again": "yes"})
    assert (answer.status_code, answer.json()["error"]) == (409, code)


def test_a_block_names_the_other_in_the_log_only(gateway: Desk) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", **over())
    answer = page.post(f"/invitations/{row.invitation}/block")
    (event,) = gateway.said("person-events")
    assert isinstance(event, PersonBlocked)
    assert (event.person, event.other) == (person, "p-other")
    assert (answer.status_code, answer.text) == (202, "{}")


def test_a_concern_is_raised_at_once_and_the_answer_names_a_crisis_line(gateway: Desk) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", **over())
    answer = page.post(f"/invitations/{row.invitation}/concern", {"what": "He asked for money."})
    (event,) = gateway.said("person-events")
    assert isinstance(event, ConcernRaised)
    assert (event.person, event.other, event.invitation) == (person, "p-other", row.invitation)
    assert answer.status_code == 202
    assert answer.json()["crisis_line"]["number"] == "116 123"
    assert "999" in answer.json()["message"]
    assert "p-other" not in answer.text


def test_a_concern_that_cannot_be_taken_still_names_a_crisis_line(gateway: Desk) -> None:
    page, person = gateway.registered()
    stranger = gateway.page()
    row = gateway.put_invitation(person, "p-other")
    concern = {"what": "He asked for money."}
    refused = [
        page.post("/invitations/inv-none/concern", concern),
        page.post(f"/invitations/{row.invitation}/concern", {"what": 7}),
        page.post(f"/invitations/{row.invitation}/concern", concern, key="short"),
        stranger.post(f"/invitations/{row.invitation}/concern", concern),
    ]
    gateway.outbox.away = True
    refused.append(page.post(f"/invitations/{row.invitation}/concern", concern))
    assert [one.status_code for one in refused] == [404, 422, 400, 401, 503]
    for one in refused:
        assert one.json()["crisis_line"]["number"] == "116 123"
        assert one.json()["message"].endswith("if somebody is in danger now, please call 999.")


def test_other_refusals_do_not_speak_of_a_crisis(gateway: Desk) -> None:
    page, _ = gateway.registered()
    assert set(page.post("/invitations/inv-none/block").json()) == {"error", "message"}


@pytest.mark.parametrize("body", [{}, None, {"what": ""}, {"what": " \n"}])
def test_that_it_felt_wrong_is_a_concern_without_a_word(gateway: Desk, body: Any) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", **over())
    assert page.post(f"/invitations/{row.invitation}/concern", body).status_code == 202
    (event,) = gateway.said("person-events")
    assert isinstance(event, ConcernRaised)
    assert event.what == ""


def test_a_concern_is_taken_back_once_under_the_same_key(gateway: Desk) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", **over())
    page.post(f"/invitations/{row.invitation}/concern")
    for _ in range(2):
        answer = page.post(f"/invitations/{row.invitation}/concern/withdraw", key="the-same-key")
        assert (answer.status_code, answer.text) == (202, "{}")
    _, withdrawn = gateway.said("person-events")
    assert isinstance(withdrawn, ConcernWithdrawn)
    assert (withdrawn.person, withdrawn.other, withdrawn.invitation) == (person, "p-other", row.invitation)


@pytest.mark.parametrize("what", ["x" * 2001, 7, None])
def test_a_concern_out_of_bounds_is_refused(gateway: Desk, what: Any) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other")
    assert page.post(f"/invitations/{row.invitation}/concern", {"what": what}).status_code == 422


def test_answers_have_a_limit_and_a_concern_is_still_heard_beyond_it(gateway: Desk) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other")
    path = f"/invitations/{row.invitation}"
    answers = [page.post(path + "/accept") for _ in range(ANSWERS.count + 1)]
    assert [one.status_code for one in answers] == [202] * ANSWERS.count + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert page.post(path + "/concern", {"what": "Please look at this."}).status_code == 202


def test_a_line_that_was_lost_is_told_apart_from_hanging_up(gateway: Desk) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", state="confirmed")
    for body in ({"lost": True}, None):
        assert page.post(f"/calls/{row.invitation}/end", body).status_code == 202
    assert page.post(f"/calls/{row.invitation}/end", {"lost": "yes"}).status_code == 422
    assert [event.lost for event in gateway.said("calls") if isinstance(event, LegHungUp)] == [True, False]


def test_going_on_opens_a_window_for_the_other_of_this_call_alone_and_once(gateway: Desk) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", **over(end_reason="lost"))
    first = page.post(f"/calls/{row.invitation}/go-on", key="the-same-key")
    assert first.status_code == 202
    assert page.post(f"/calls/{row.invitation}/go-on", key="the-same-key").json() == first.json()
    (opened,) = gateway.said("person-events")
    assert isinstance(opened, AvailabilityOpened)
    assert (opened.hopes_for, opened.goes_on, opened.company) == ("p-other", row.invitation, "known")


LONG_AGO = datetime.now(UTC) - timedelta(seconds=121)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (over(end_reason="hung up"), "already_ended"),
        (over(end_reason="lost", connected_wall=None), "already_ended"),
        (over(end_reason="lost", ended_wall=LONG_AGO), "already_ended"),
        ({"state": "confirmed"}, "not_yet"),
    ],
)
def test_nobody_goes_on_with_what_did_not_break_just_now(gateway: Desk, change: dict[str, Any], error: str) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", **change)
    answer = page.post(f"/calls/{row.invitation}/go-on")
    assert (answer.status_code, answer.json()["error"]) == (409, error)
    assert gateway.outbox.said == []


@pytest.mark.parametrize(("change", "status"), [({"paused": True}, 409), ({"held": True}, 403)])
def test_who_may_not_be_rung_does_not_go_on(gateway: Desk, change: dict[str, Any], status: int) -> None:
    page, person = gateway.registered(**change)
    row = gateway.put_invitation(person, "p-other", **over(end_reason="lost"))
    assert page.post(f"/calls/{row.invitation}/go-on").status_code == status
    assert gateway.outbox.said == []
