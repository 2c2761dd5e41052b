"""This feels wrong: one tap does it all or says that it could not; words may follow, and a mistake is taken back."""

from datetime import timedelta
from typing import Any

import pytest

from matcher.events import AvailabilityClosed, ConcernRaised, ConcernWithdrawn, Event, LegHungUp
from matcher.person import TAKE_BACK_WITHIN, Raised
from services.gateway.limits import ANSWERS, CONCERNS
from tests.gateway_desk import Desk, over
from tests.page_reader import Form, Seen, look, press, press_here
from tests.unit.test_page_forms import KEY
from tests.unit.test_page_views import ENDED, in_window, people_of


def test_one_tap_that_it_feels_wrong_does_it_all_and_words_may_follow_until_done(gateway: Desk) -> None:
    page, _ = in_window(gateway, {"state": "confirmed"})
    seen = press_here(page, "/wrong")
    assert (seen.view, look(page).view) == ("wrong", "wrong")
    for words in ("116 123", "never be put through", "not called until one of us has looked"):
        assert words in seen.text
    assert [type(event) for event in gateway.said("calls")] == [LegHungUp]
    (tapped,) = gateway.said("person-events")
    assert press_here(page, "/concern", what="He asked for money.").view == "reported"
    assert "116 123" in look(page).text
    told = gateway.said("person-events")[1]
    assert [(one.type, one.invitation, one.what) for one in (tapped, told)] == [  # type: ignore[attr-defined]
        ("concern.raised.v1", tapped.invitation, ""),  # type: ignore[attr-defined]
        ("concern.raised.v1", tapped.invitation, "He asked for money."),  # type: ignore[attr-defined]
    ]
    assert press_here(page, "/aside").view == "waiting"


def test_nothing_more_need_be_said(gateway: Desk) -> None:
    page, _ = in_window(gateway, {"state": "confirmed"})
    press_here(page, "/wrong")
    assert press_here(page, "/aside").view == "waiting"
    assert [type(event) for event in gateway.said("person-events")] == [ConcernRaised]


@pytest.mark.parametrize("still_live", [True, False])
def test_a_mistake_is_taken_back_with_one_tap_and_the_call_stays_ended(gateway: Desk, still_live: bool) -> None:
    page, invitation = in_window(gateway, {"state": "confirmed"})
    press_here(page, "/wrong")
    if not still_live:
        gateway.put_invitation(*people_of(gateway, invitation), invitation=invitation, **ENDED)
    assert press_here(page, "/mistake").view == "mistake"
    raised, withdrawn = gateway.said("person-events")
    assert isinstance(withdrawn, ConcernWithdrawn)
    assert (withdrawn.invitation, withdrawn.other) == (raised.invitation, raised.other)  # type: ignore[attr-defined]
    assert press_here(page, "/enough").view == ("ending" if still_live else "outcome")


@pytest.mark.parametrize(("ago", "offered"), [(TAKE_BACK_WITHIN, False), (TAKE_BACK_WITHIN / 2, True)])
def test_after_an_hour_it_is_no_mistake_any_more(gateway: Desk, ago: timedelta, offered: bool) -> None:
    page, invitation = in_window(gateway, ENDED)
    press_here(page, "/wrong")
    form = look(page).form("/mistake")
    (tapped,) = gateway.said("person-events")
    one = Raised(concern="c", other=tapped.other, invitation=invitation, at=tapped.at - ago, blocked=False, bond=False)  # type: ignore[attr-defined]
    gateway.put_person(tapped.person, raised=(one,))  # type: ignore[attr-defined]
    assert any(one.action == form.action for one in look(page).forms) == offered
    answer = press(page, form)
    assert answer.status_code == (303 if offered else 409)
    assert look(page).view == ("mistake" if offered else "wrong")
    assert ("too late to take this back" in Seen(answer.text).text) == (not offered)


@pytest.mark.parametrize(
    ("path", "happened"),
    [("wrong", [LegHungUp, ConcernRaised]), ("no-microphone", [AvailabilityClosed, LegHungUp])],
)
def test_what_takes_several_steps_claims_nothing_before_all_are_done_and_does_each_once(
    gateway: Desk, path: str, happened: list[type[Event]]
) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", state="confirmed")
    form = Form(f"/page/invitations/{row.invitation}/{path}", dict(KEY))
    for trouble in ("away", "loses_answers"):
        setattr(gateway.outbox, trouble, True)
        for _ in range(2):
            answer = press(page, form)
            seen = Seen(answer.text)
            assert (answer.status_code, seen.view, seen.forms[0].fields) == (503, "again", KEY)
            assert ("116 123" in seen.text) == (path == "wrong")
            assert look(page).view == ("again" if path == "wrong" else "call")
        setattr(gateway.outbox, trouble, False)
    for _ in range(2):
        assert press(page, form).status_code == 303
    assert look(page).view == ("wrong" if path == "wrong" else "ending")
    ids = {event.id: type(event) for _, _, event in gateway.outbox.said}
    assert sorted(kind.__name__ for kind in ids.values()) == sorted(kind.__name__ for kind in happened)


def test_a_tap_that_it_feels_wrong_gets_through_whatever_else_was_done_too_often(gateway: Desk) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", state="confirmed")
    for _ in range(ANSWERS.count + 1):
        page.post(f"/invitations/{row.invitation}/block")
    gateway.outbox.said.clear()
    form = look(page).form("/wrong")
    assert press(page, form).status_code == 303
    assert [type(event) for _, _, event in gateway.outbox.said] == [LegHungUp, ConcernRaised]


def test_if_even_reports_come_too_often_the_call_ends_and_nothing_more_is_claimed(gateway: Desk) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", state="confirmed")
    for _ in range(CONCERNS.count):
        page.post(f"/invitations/{row.invitation}/concern")
    answer = press(page, look(page).form("/wrong"))
    assert (answer.status_code, Seen(answer.text).view) == (503, "again")
    assert [type(event) for event in gateway.said("calls")] == [LegHungUp]


def test_whoever_loads_the_page_anew_while_it_cannot_be_told_is_not_put_through_but_tells_it_again(
    gateway: Desk,
) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", state="confirmed")
    gateway.outbox.away = True
    press(page, look(page).form("/wrong"))
    seen = look(page)
    assert (seen.view, "116 123" in seen.text) == ("again", True)
    gateway.put_invitation(person, "p-other", invitation=row.invitation, **over())
    gateway.outbox.away = False
    (form,) = look(page).forms
    assert press(page, form).status_code == 303
    assert look(page).view == "wrong"
    assert [type(event) for event in gateway.said("person-events")] == [ConcernRaised]


def test_while_the_views_are_rebuilt_a_tap_that_it_feels_wrong_waits_too(gateway: Desk) -> None:
    page, _ = gateway.registered()
    gateway.break_views()
    answer = press(page, Form("/page/invitations/inv-not-yet-in-the-view/wrong", dict(KEY)))
    seen = Seen(answer.text)
    assert (answer.status_code, seen.view, seen.forms[0].fields) == (503, "again", KEY)
    assert "116 123" in seen.text


@pytest.mark.parametrize(
    "change", [over(), {"state": "voided"}, {"state": "accepted"}], ids=["over", "voided", "not begun"]
)
def test_what_feels_wrong_when_there_is_no_call_is_told_all_the_same(gateway: Desk, change: dict[str, Any]) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", **change)
    assert press(page, Form(f"/page/invitations/{row.invitation}/wrong", dict(KEY))).status_code == 303
    assert look(page).view == "wrong"
    (raised,) = [event for _, _, event in gateway.outbox.said]
    assert isinstance(raised, ConcernRaised)
    assert (raised.other, raised.what) == ("p-other", "")
