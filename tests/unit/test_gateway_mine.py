"""What somebody may see, take along and undo of what we hold of them; of others a first name and nothing more."""

from datetime import timedelta
from typing import Any

import pytest

from matcher.events import PasskeyRemoved, PersonUnblocked
from matcher.person import BLOCKS_LIMIT, Call, Passkey
from services.gateway.pages.words import ago_words
from tests.gateway_desk import MORNING, Desk, Listener, Page
from tests.page_reader import look, press

READ = ("/me/calls", "/me/blocks", "/me/sessions", "/me/export")
SCREENS = ("/calls", "/blocked", "/passkeys", "/signed-in")


def _with_past(gateway: Desk) -> tuple[Page, str, tuple[str, str]]:
    """Somebody who talked with Bob and with one who has left, blocked Bob, and reported Eve; who those are."""
    _, bob = gateway.registered("Bob")
    _, eve = gateway.registered("Eve")
    page, person = gateway.registered("Ann")
    calls = (
        Call(other="p-gone", ended_at=MORNING - timedelta(days=1), talked_s=59),
        Call(other=bob, ended_at=MORNING, talked_s=720),
    )
    gateway.put_person(person, calls=calls, blocks=(bob, eve), reported=(eve,), gave=2, gave_yes=1, got=2, got_yes=2)
    return page, person, (bob, eve)


def test_calls_are_told_with_whom_when_and_how_long(gateway: Desk) -> None:
    page, _, _ = _with_past(gateway)
    assert page.get("/me/calls").json()["calls"] == [
        {"first_name": "Bob", "ended_at": "2026-11-23T08:00:00+00:00", "talked_s": 720},
        {"first_name": None, "ended_at": "2026-11-22T08:00:00+00:00", "talked_s": 59},
    ]
    text = " ".join(look(page, "/calls").text.split())
    assert "Monday 23 November, 08:00" in text
    assert "You talked for 12 minutes." in text
    assert "Somebody who has left" in text
    assert "less than a minute" in text
    page, _ = gateway.registered()
    assert "no calls yet" in look(page, "/calls").text


def test_a_block_can_be_lifted_unless_it_came_with_a_report(gateway: Desk) -> None:
    page, _, (bob, _) = _with_past(gateway)
    eves, bobs = page.get("/me/blocks").json()["blocks"]
    assert (eves["first_name"], eves["can_be_lifted"]) == ("Eve", False)
    assert (bobs["first_name"], bobs["can_be_lifted"]) == ("Bob", True)
    assert page.post("/me/unblock", {"block": eves["block"]}).status_code == 404
    seen = look(page, "/blocked")
    assert len([form for form in seen.forms if form.action == "/page/unblock"]) == 1
    assert press(page, seen.form("/unblock")).headers["location"] == "/blocked"
    (event,) = gateway.said("person-events")
    assert isinstance(event, PersonUnblocked)
    assert event.other == bob


def test_somebody_elses_block_is_not_there(gateway: Desk) -> None:
    page, _, _ = _with_past(gateway)
    theirs = page.get("/me/blocks").json()["blocks"][1]["block"]
    other, _ = gateway.registered("Mallory")
    for block in (theirs, "block-of-nobody", "x" * 80):
        assert other.post("/me/unblock", {"block": block}).status_code == 404
    for bad in ({"block": ""}, {"block": "x" * 81}, {}, {"block": 1}):
        assert other.post("/me/unblock", bad).status_code == 422
    assert gateway.outbox.said == []


def test_the_file_holds_all_of_ones_own_and_nothing_of_anybody_else(gateway: Desk) -> None:
    page, person, others = _with_past(gateway)
    gateway.put_waiting(person)
    answer = page.get("/me/export")
    assert answer.headers["content-disposition"].startswith("attachment")
    told: dict[str, Any] = answer.json()
    assert told["phone"].startswith("+44")
    assert told["about_me"]["first_name"] == "Ann"
    assert told["free"]["state"] == "open"
    assert told["answers_after_calls"] == {"given": 2, "of_them_yes": 1}
    assert [one["first_name"] for one in told["calls"]] == ["Bob", None]
    assert told["blocks"] == [
        {"first_name": "Eve", "can_be_lifted": False}, {"first_name": "Bob", "can_be_lifted": True},
    ]  # fmt: skip
    assert len(told["sessions"]) == 1
    assert not any(other in answer.text for other in (*others, "p-gone"))


def test_who_has_told_us_nothing_yet_can_have_the_file_too(gateway: Desk) -> None:
    page, _ = gateway.signed_in()
    assert page.get("/me/export").json()["about_me"] is None
    for path in SCREENS:
        assert page.get(path).status_code == 200


@pytest.mark.parametrize("path", [*READ, *SCREENS])
def test_nobody_sees_any_of_it_without_a_session(gateway: Desk, path: str) -> None:
    answer = gateway.page().get(path)
    assert (answer.status_code, answer.headers.get("location")) in ((401, None), (303, "/"))


@pytest.mark.parametrize("path", SCREENS)
def test_a_ring_comes_first(gateway: Desk, path: str) -> None:
    page, person = gateway.registered()
    gateway.put_invitation(person, "p-other")
    assert page.get(path).headers["location"] == "/"


def test_signing_out_everywhere_ends_every_session_and_every_line(gateway: Desk) -> None:
    first, person = gateway.signed_in("+447400999001")
    second, _ = gateway.signed_in("+447400999001")
    gateway.put_person(person)
    listener = Listener(second)
    assert [one["this_one"] for one in first.get("/me/sessions").json()["sessions"]].count(True) == 1
    assert "On another telephone or computer" in look(first, "/signed-in").text
    left = press(first, look(first, "/signed-in").form("/sign-out-everywhere"))
    assert left.headers["location"] == "/?signed-out"
    listener.wait_for_end()
    assert second.get("/me").status_code == first.get("/me").status_code == 401


def test_on_a_new_telephone_it_is_asked_whether_the_old_one_may_stay_signed_in(gateway: Desk) -> None:
    old, person = gateway.signed_in("+447400999001")
    gateway.put_person(person, passkeys=(Passkey(id="key", public_key="key", site="localhost", added=MORNING),))
    assert "Sign out there" not in look(old).text
    listener = Listener(old)
    new, _ = gateway.signed_in("+447400999001")
    assert "Sign out there" in look(new).text
    assert "Sign out there" not in look(old).text  # whoever was here before is not asked
    assert press(new, look(new).form("/sign-out-elsewhere")).headers["location"] == "/signed-in"
    listener.wait_for_end()
    assert (old.get("/me").status_code, new.get("/me").status_code) == (401, 200)
    assert [event.passkey for event in gateway.said("person-events") if isinstance(event, PasskeyRemoved)] == ["key"]
    assert "Sign out there" not in look(new).text


def test_whoever_uses_two_telephones_says_so_once(gateway: Desk) -> None:
    old, _ = gateway.registered("Ann")
    new, _ = gateway.signed_in(old.get("/me/export").json()["phone"])
    assert press(new, look(new).form("/sign-out-elsewhere/aside")).headers["location"] == "/"
    assert "Sign out there" not in look(new).text
    assert (old.get("/me").status_code, new.get("/me").status_code) == (200, 200)
    assert gateway.said("person-events") == []


def test_from_where_they_are_signed_in_somebody_signs_out_everywhere_else(gateway: Desk) -> None:
    old, _ = gateway.registered("Ann")
    assert len(look(old, "/signed-in").forms) == 1  # nowhere else
    new, _ = gateway.signed_in(old.get("/me/export").json()["phone"])
    press(new, look(new, "/signed-in").form("/sign-out-elsewhere"))
    assert [one["this_one"] for one in new.get("/me/sessions").json()["sessions"]] == [True]


def test_signing_out_everywhere_takes_every_passkey_away(gateway: Desk) -> None:
    page, person = gateway.registered()
    keys = tuple(Passkey(id=f"key-{n}", public_key="key", site="localhost", added=MORNING) for n in range(2))
    gateway.put_person(person, passkeys=keys)
    gateway.outbox.loses_answers = True
    assert page.write("DELETE", "/me/sessions", key="a-key-of-this-test").status_code == 503
    gateway.outbox.loses_answers = False
    assert page.write("DELETE", "/me/sessions", key="a-key-of-this-test").status_code == 202
    removed = {event.id: event.passkey for event in gateway.said("person-events")}
    assert sorted(removed.values()) == ["key-0", "key-1"]


def test_however_many_are_blocked_they_are_all_told_in_time(gateway: Desk) -> None:
    page, person = gateway.registered()
    _, last = gateway.registered("Zoe")
    gateway.put_person(person, blocks=(*(f"p-{number}" for number in range(BLOCKS_LIMIT - 1)), last))
    blocks = page.get("/me/blocks").json()["blocks"]
    assert (len(blocks), blocks[0]["first_name"]) == (BLOCKS_LIMIT, "Zoe")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "just now"), (60, "1 minute ago"), (7_200, "2 hours ago"), (90_000, "1 day ago")]
)
def test_how_long_ago_is_told_in_the_largest_unit(seconds: int, words: str) -> None:
    assert ago_words(seconds) == words


def test_a_file_is_not_asked_for_without_end(gateway: Desk) -> None:
    page, _ = gateway.registered()
    assert [page.get("/me/export").status_code for _ in range(21)][-2:] == [200, 429]


def test_no_id_stands_in_the_lists(gateway: Desk) -> None:
    page, person, others = _with_past(gateway)
    html = "".join(page.get(path).text for path in SCREENS)
    assert not any(one in html for one in (person, *others, "p-gone"))
