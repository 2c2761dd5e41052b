"""What a person tells about themselves, and the windows in which they are free."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis as AsyncRedis

from matcher.events import AvailabilityMoved, AvailabilityOpened, PersonChanged, PersonErased, PersonRegistered
from matcher.person import Profile
from services.gateway.lists import AREAS
from services.gateway.pages.memory import Memory
from services.topics import PARTITIONS
from tests.gateway_desk import ABOUT_ANN, MORNING, Desk, Listener


def test_the_first_time_a_person_tells_about_themselves_they_are_registered_with_their_number(gateway: Desk) -> None:
    page, person = gateway.signed_in("+447400123456")
    assert page.write("PUT", "/me", ABOUT_ANN).status_code == 202
    (event,) = gateway.said("person-events")
    assert isinstance(event, PersonRegistered)
    assert (event.person, event.phone, event.profile.cell) == (person, "+447400123456", "51.5,-0.2")


def test_what_was_just_told_is_shown_before_the_view_knows_it(gateway: Desk) -> None:
    page, _ = gateway.signed_in()
    told = ABOUT_ANN | {"quiet": {"start": "22:00", "end": "07:00"}, "likes": ["birds"]}
    page.write("PUT", "/me", told)
    assert page.get("/me").json() == told | {
        "gender": "unsaid", "avoids": [], "wishes": [], "situation": [], "paused": False, "held": False,
    }  # fmt: skip


def test_the_second_time_they_have_changed(gateway: Desk) -> None:
    page, _ = gateway.registered()
    page.write("PUT", "/me", ABOUT_ANN | {"first_name": "Anna"})
    assert isinstance(gateway.said("person-events")[0], PersonChanged)
    assert page.get("/me").json()["first_name"] == "Ann"  # the view was later in the log than this twin's offset


def test_under_18_there_is_no_entry_and_nothing_is_kept(gateway: Desk) -> None:
    page, person = gateway.signed_in()
    answer = page.write("PUT", "/me", ABOUT_ANN | {"adult": False})
    assert (answer.status_code, answer.json()["error"]) == (403, "not_allowed")
    assert gateway.outbox.said == []
    assert not gateway.redis.exists(gateway.prefix + "told:" + person)


@pytest.mark.parametrize(
    "change",
    [
        {"languages": ["klingon"]},
        {"languages": []},
        {"likes": ["fire-eating"]},
        {"avoids": ["fire-eating"]},
        {"area": "XYZZY"},
        {"age_band": "12-17"},
        {"adult": "yes"},
        {"first_name": ""},
        {"first_name": "  "},
        {"first_name": "x" * 41},
        {"first_name": "Ann 07400123456"},
        {"first_name": "ann@home"},
        {"first_name": "A\u202enn"},
        {"first_name": "<b>Ann"},
        {"wishes": ["tall"]},
        {"quiet": {"start": "25:00", "end": "07:00"}},
        {"quiet": {"start": "07:00", "end": "07:00"}},
        {"quiet": "always"},
        {"surname": "Jones"},
        {"market": "FR"},
    ],
)
def test_a_profile_out_of_bounds_is_refused_without_repeating_it(gateway: Desk, change: dict[str, Any]) -> None:
    page, _ = gateway.signed_in()
    answer = page.write("PUT", "/me", ABOUT_ANN | change)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"] == "bad_request"
    assert not any(word in answer.text for word in ("klingon", "fire-eating", "XYZZY", "Jones", "surname", "0740"))
    assert gateway.outbox.said == []


def test_erasing_ends_every_session_and_every_live_line(gateway: Desk) -> None:
    page, person = gateway.registered()
    token = page.cookies["session"]
    line = Listener(page)
    assert page.write("DELETE", "/me").status_code == 202
    line.wait_for_end()
    assert isinstance(gateway.said("person-events")[0], PersonErased)
    page.cookies.set("session", token)
    assert page.get("/me").status_code == 401
    assert not gateway.redis.exists(gateway.prefix + "sessions:" + person)


@pytest.mark.parametrize("known", [True, False], ids=["registered", "a newcomer"])
def test_the_pages_memory_goes_with_whoever_is_erased(gateway: Desk, known: bool) -> None:
    page, person = gateway.registered() if known else gateway.signed_in()
    kinds = [kind for kind in vars(Memory(AsyncRedis(), gateway.prefix)).values() if isinstance(kind, str)]
    for kind in (*kinds, f"{gateway.prefix}wishes:"):
        gateway.redis.hset(kind + person, "first_name", "Ann")
    assert len(kinds) == 5
    assert page.write("DELETE", "/me").status_code == 202
    assert [kind for kind in kinds if gateway.redis.exists(kind + person)] == []
    assert not gateway.redis.exists(f"{gateway.prefix}wishes:{person}")


def test_who_could_not_be_erased_just_now_keeps_the_session_to_try_again_with(gateway: Desk) -> None:
    page, _ = gateway.registered()
    gateway.outbox.away = True
    assert page.write("DELETE", "/me", key="a-key-of-this-test").status_code == 503
    gateway.outbox.away = False
    assert page.write("DELETE", "/me", key="a-key-of-this-test").status_code == 202
    assert page.get("/me").status_code == 401


def test_a_session_in_use_is_still_found_when_its_person_is_erased_long_after(gateway: Desk) -> None:
    page, person = gateway.registered()
    other = gateway.page()
    other.cookies.set("session", page.cookies["session"])
    sessions = gateway.prefix + "sessions:" + person
    gateway.redis.expire(sessions, 60)  # as if signed in a month ago, and here every day since
    assert page.get("/me").status_code == 200
    (session,) = gateway.redis.zrange(sessions, 0, -1)
    assert gateway.redis.ttl(sessions) >= gateway.redis.ttl(gateway.prefix + "session:" + session.decode()) > 60
    assert page.write("DELETE", "/me").status_code == 202
    assert other.get("/me").status_code == 401


@pytest.mark.parametrize("with_cookie", [True, False])
def test_erasing_again_with_the_same_key_is_answered_alike(gateway: Desk, with_cookie: bool) -> None:
    page, _ = gateway.registered()
    token = page.cookies["session"]
    assert page.write("DELETE", "/me", key="erase-me-1").status_code == 202
    if with_cookie:
        page.cookies.set("session", token)
    again = page.write("DELETE", "/me", key="erase-me-1")
    assert (again.status_code, again.text) == (202, "{}")
    assert len(gateway.said("person-events")) == 1
    assert page.write("DELETE", "/me", key="erase-me-2").status_code == 401


def test_somebody_whose_session_ran_out_is_not_told_that_they_were_erased(gateway: Desk) -> None:
    page, _ = gateway.registered()
    page.write("DELETE", "/me", key="erase-me-1")
    stranger = gateway.page()
    stranger.cookies.set("session", "a session that has run out")
    assert stranger.write("DELETE", "/me", key="erase-me-1").status_code == 401


def test_somebody_erased_who_comes_back_at_once_is_registered_anew(gateway: Desk) -> None:
    page, person = gateway.signed_in("+447400123458")
    page.write("PUT", "/me", ABOUT_ANN)
    page.write("DELETE", "/me")
    again, _ = gateway.signed_in("+447400123458")
    again.write("PUT", "/me", ABOUT_ANN)
    events = gateway.said("person-events")
    assert [type(event) for event in events] == [PersonRegistered, PersonErased, PersonRegistered]
    assert {event.person for event in events} == {person}


def test_every_area_can_stand_in_a_profile() -> None:
    for area in AREAS.values():
        Profile(**ABOUT_ANN | {"area": area["code"], "cell": area["cell"]})


def test_a_window_opens_in_domain_time_with_the_wall_time_of_the_request(gateway: Desk) -> None:
    page, person = gateway.registered()
    before = datetime.now(UTC)
    answer = page.post("/availability", {"minutes": 20, "company": "new"})
    (event,) = gateway.said("person-events")
    assert isinstance(event, AvailabilityOpened)
    assert (event.opened_at, event.until, event.company) == (MORNING, MORNING + timedelta(minutes=20), "new")
    assert before <= event.at <= datetime.now(UTC)
    assert (answer.status_code, answer.json()["remaining_s"]) == (202, 1200)
    assert answer.json()["availability"] == event.availability
    assert event.person == person


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("08:40", MORNING + timedelta(minutes=40)),
        ("2026-11-23T08:40:00Z", MORNING + timedelta(minutes=40)),
        ("2026-11-23T09:40:00+01:00", MORNING + timedelta(minutes=40)),
    ],
)
def test_until_may_be_local_or_utc(gateway: Desk, until: str, expected: datetime) -> None:
    page, _ = gateway.registered()
    assert page.post("/availability", {"until": until}).status_code == 202
    assert gateway.said("person-events")[0].until == expected


def test_a_local_time_that_has_passed_today_is_tomorrow_and_summer_time_counts(gateway: Desk) -> None:
    gateway.clock.domain = datetime(2026, 7, 1, 21, 30, tzinfo=UTC)
    page, _ = gateway.registered()
    page.post("/availability", {"until": "00:15"})
    assert gateway.said("person-events")[0].until == datetime(2026, 7, 1, 23, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"minutes": 0},
        {"minutes": -5},
        {"minutes": 25 * 60},
        {"minutes": 721},
        {"minutes": 10**30},
        {"minutes": 2.5},
        {"minutes": True},
        {"minutes": 10, "until": "09:00"},
        {"until": "2026-11-23T07:00:00Z"},
        {"until": "2026-11-23T08:00:00Z"},
        {"until": "2026-11-24T09:00:00Z"},
        {"until": "2026-11-23T08:40:00"},
        {"until": "9999-12-31T23:59:59-10:00"},
        {"until": "08:00"},
        {"until": "08:61"},
        {"until": "soon"},
        {"minutes": 10, "company": "anybody"},
        {"minutes": 10, "now": "2026-11-23T03:00:00Z"},
    ],
)
def test_a_window_in_the_past_or_of_zero_or_of_25_hours_is_refused_clearly(gateway: Desk, body: dict[str, Any]) -> None:
    page, _ = gateway.registered()
    for method in ("POST", "PATCH"):
        answer = page.write(method, "/availability", body)
        assert answer.status_code == 422, answer.text
        assert answer.json()["message"].endswith(".")
    assert gateway.outbox.said == []


def test_a_client_whose_clock_is_hours_wrong_gets_the_servers_window(gateway: Desk) -> None:
    page, _ = gateway.registered()
    headers = {"Date": "Mon, 23 Nov 2026 03:00:00 GMT"}
    page.post("/availability", {"minutes": 20}, headers=headers)
    assert gateway.said("person-events")[0].until == MORNING + timedelta(minutes=20)


def test_when_an_hour_comes_twice_the_next_of_the_two_is_meant(gateway: Desk) -> None:
    page, _ = gateway.registered()
    gateway.clock.domain = datetime(2026, 10, 25, 0, 40, tzinfo=UTC)  # 01:40, and summer ends at 02:00
    page.post("/availability", {"until": "01:30"})
    assert gateway.said("person-events")[0].until == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_while_paused_no_window_opens_until_they_come_back(gateway: Desk) -> None:
    page, _ = gateway.signed_in()
    page.write("PUT", "/me", ABOUT_ANN)
    assert page.post("/me/pause").status_code == 202
    assert page.post("/availability", {"minutes": 20}).status_code == 409
    assert page.post("/me/resume").status_code == 202
    assert page.post("/availability", {"minutes": 20}).status_code == 202


def test_while_held_no_window_opens_and_the_words_are_kind(gateway: Desk) -> None:
    page, _ = gateway.registered(held=True)
    answer = page.post("/availability", {"minutes": 20})
    assert (answer.status_code, answer.json()["error"]) == (403, "not_allowed")
    assert "concern" not in answer.text


def test_without_a_profile_no_window_opens(gateway: Desk) -> None:
    page, _ = gateway.signed_in()
    assert page.post("/availability", {"minutes": 20}).status_code == 403


QUIET = {"quiet": {"start": "22:00", "end": "09:30"}}


def test_a_window_in_ones_own_quiet_hours_opens_with_a_kind_note(gateway: Desk) -> None:
    page, _ = gateway.signed_in()
    page.write("PUT", "/me", ABOUT_ANN | QUIET)
    answer = page.post("/availability", {"minutes": 20})
    assert answer.status_code == 202
    assert answer.json()["note"] == "These are your quiet hours: nobody rings you before 09:30."


def test_the_note_is_about_local_hours_and_only_within_them(gateway: Desk) -> None:
    page, _ = gateway.signed_in()
    page.write("PUT", "/me", ABOUT_ANN | QUIET)
    gateway.clock.domain = datetime(2026, 7, 1, 8, 30, tzinfo=UTC)  # 09:30 in London
    assert "note" not in page.post("/availability", {"minutes": 20}).json()
    gateway.clock.domain = datetime(2026, 7, 1, 21, 0, tzinfo=UTC)
    assert "09:30" in page.post("/availability", {"minutes": 20}).json()["note"]


def test_a_window_is_moved_and_closed(gateway: Desk) -> None:
    page, _ = gateway.registered()
    answer = page.write("PATCH", "/availability", {"minutes": 45})
    assert (answer.status_code, answer.json()["remaining_s"]) == (202, 2700)
    assert page.write("DELETE", "/availability").status_code == 202
    moved, closed = gateway.said("person-events")
    assert isinstance(moved, AvailabilityMoved)
    assert closed.type == "availability.closed.v1"


def test_while_the_views_are_rebuilt_somebody_unknown_is_asked_to_try_again(gateway: Desk) -> None:
    page, _ = gateway.signed_in()
    gateway.break_views()
    answer = page.post("/availability", {"minutes": 20}, key="patient-key")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    gateway.views.set_whole(frozenset(range(PARTITIONS)))
    page.write("PUT", "/me", ABOUT_ANN)
    assert page.post("/availability", {"minutes": 20}, key="patient-key").status_code == 202
