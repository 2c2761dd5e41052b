"""The page's forms: they do what the API does, once, and for our own page only; errors stand beside their field."""

from datetime import timedelta
from typing import Any

import pytest

from matcher.events import InvitationAnswered, OutcomeGiven, PersonErased, PersonRegistered
from services.gateway.body import BODY_LIMIT
from services.gateway.pages.guard import HEADERS
from services.gateway.signin import person_id
from tests.gateway_desk import MORNING, SECRET, Desk, over
from tests.newcomer import ANSWERS, answer_to
from tests.page_reader import SAME_SITE, Form, Seen, look, press, press_here

ABOUT = {"first_name": "Ann", "adult": "yes", "age_band": "65-74", "area": "SW", "languages": "en"}
KEY = {"key": "a-key-of-this-test"}
OF_AN_INVITATION = [
    ("/page/invitations/{}/accept", {}),
    ("/page/invitations/{}/decline", {}),
    ("/page/invitations/{}/block", {}),
    ("/page/invitations/{}/wrong", {}),
    ("/page/invitations/{}/mistake", {}),
    ("/page/invitations/{}/no-microphone", {}),
    ("/page/invitations/{}/aside", {}),
    ("/page/invitations/{}/concern", {"what": "He asked for money."}),
    ("/page/calls/{}/hang-up", {}),
    ("/page/calls/{}/go-on", {}),
    ("/page/calls/{}/enough", {}),
    ("/page/calls/{}/outcome", {"talk_again": "yes"}),
]
OTHERS: list[tuple[str, dict[str, str]]] = [
    ("/page/code", {"phone": "07400 123456"}),
    ("/page/session", {"phone": "07400 123456", "code": "1"}),
    ("/page/about-me", ABOUT),
    *((f"/page/welcome/{name}", fields) for name, fields in ANSWERS.items()),
    ("/page/free", {"minutes": "20", "company": "either"}),
    ("/page/not-free", {}),
    ("/page/pause", {}),
    ("/page/resume", {}),
    ("/page/unblock", {"block": "block-of-nobody"}),
    ("/page/passkeys/remove", {"passkey": "of-nobody"}),
    ("/page/passkeys/later", {}),
    ("/page/sign-out-elsewhere", {}),
    ("/page/sign-out-elsewhere/aside", {}),
    ("/page/language", {"language": "de"}),
    ("/page/wishes/aside", {}),
    ("/page/ringing/later", {}),
    ("/page/number/code", {"phone": "07400 123457"}),
    ("/page/number", {"phone": "07400 123457", "code": "1"}),
    ("/page/sign-out", {}),
    ("/page/sign-out-everywhere", {}),
    ("/page/erase", {}),
]
FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "HX-Request": "true"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": "https://evil.example"},
    {"Origin": "null", "HX-Request": "true"},
    {},
]


def _send(page: Any, path: str, fields: dict[str, Any], headers: dict[str, str]) -> Any:
    return page.request("POST", path, data=KEY | fields, headers={"Accept": "text/html", **headers})


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_form_from_another_site_does_nothing(gateway: Desk, headers: dict[str, str]) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", **over())
    for path, fields in OTHERS + OF_AN_INVITATION:
        answer = _send(page, path.format(row.invitation), fields, headers)
        assert answer.status_code == 403, path
    assert gateway.outbox.said == []
    assert look(page).view == "outcome"


NASTY = "'\"></textarea></title><script>alert(1)</script><img src=x onerror=alert(1)>"
MORE_FIELDS = {
    "/page/about-me": ("likes", "avoids", "wishes", "gender", "quiet", "quiet_start", "quiet_end", "situation"),
    "/page/session": ("demo_code",),
    "/page/number": ("demo_code",),
    "/page/calls/{}/outcome": ("felt",),
    "/page/free": ("until", "hopes_for"),
}


@pytest.mark.parametrize("headers", [{"HX-Request": "true"}, SAME_SITE], ids=["htmx", "plain"])
def test_markup_in_any_field_of_any_form_stays_text(gateway: Desk, headers: dict[str, str]) -> None:
    for path, fields in OTHERS + OF_AN_INVITATION:
        page, person = gateway.signed_in() if "welcome" in path else gateway.registered()
        row = gateway.put_invitation(person, "p-other", **over())
        for name in ("key", "unheard-of", *fields, *MORE_FIELDS.get(path, ())):
            for away in (False, True):
                gateway.outbox.away = away
                answer = _send(page, path.format(row.invitation), {**fields, name: NASTY, "quiet": "yes"}, headers)
                assert "img" not in dict(Seen(answer.text).tags), (path, name)


@pytest.mark.parametrize("headers", [{"HX-Request": "true"}, SAME_SITE, None], ids=str)
def test_a_form_from_our_own_page_is_taken(gateway: Desk, headers: dict[str, str] | None) -> None:
    page, _ = gateway.registered()
    headers = headers or {"Origin": gateway.url}
    assert _send(page, "/page/free", {"minutes": "20"}, headers).status_code in (200, 303)
    assert len(gateway.said("person-events")) == 1


@pytest.mark.parametrize(("path", "fields"), OF_AN_INVITATION)
def test_somebody_elses_invitation_is_not_there(gateway: Desk, path: str, fields: dict[str, str]) -> None:
    page, _ = gateway.registered()
    theirs = gateway.put_invitation("p-1", "p-2", **over())
    for one in (theirs.invitation, "inv-none", "x" * 500, "%2e%2e"):
        for given in (fields, {"what": ""}) if "what" in fields else (fields,):
            assert _send(page, path.format(one), given, SAME_SITE).status_code == 404
    assert gateway.outbox.said == []
    assert look(page).view == "home"


@pytest.mark.parametrize(("path", "fields"), OTHERS[2:-1] + OF_AN_INVITATION)
def test_without_a_session_every_form_leads_to_the_door(gateway: Desk, path: str, fields: dict[str, str]) -> None:
    page = gateway.page()
    answer = _send(page, path.format("inv-1"), fields, SAME_SITE)
    assert answer.status_code == 303
    assert look(page, answer.headers["location"]).view == "sign_in"
    part = _send(page, path.format("inv-1"), fields, {"HX-Request": "true"})
    assert part.headers["hx-redirect"].startswith("/")


def test_an_oversized_or_broken_form_is_refused(gateway: Desk) -> None:
    page, _ = gateway.registered()
    for path, _ in OTHERS:
        large = page.request("POST", path, data={**KEY, "what": "x" * (BODY_LIMIT + 1)}, headers=SAME_SITE)
        assert large.status_code == 413
        many = page.request("POST", path, data={**KEY, "a": ["1"] * 300}, headers=SAME_SITE)
        assert many.status_code == 400
        for raw in (b"\xff\xfe=1", b"key=%ff%fe", b"key=short", b""):
            broken = page.request("POST", path, content=raw, headers=SAME_SITE)
            assert broken.status_code == 400
        wrong_type = page.request("POST", path, json={}, headers=SAME_SITE)
        assert wrong_type.status_code == 400
    assert gateway.outbox.said == []


def test_somebody_comes_in_tells_about_themselves_and_leaves_for_good(gateway: Desk) -> None:
    page = gateway.page()
    code = press_here(page, "/code", phone="07400 777001")
    assert "This is a demo" in code.text
    signed_in = press(page, code.form("/session"), code=code.form("/session").fields["demo_code"])
    assert signed_in.headers["location"] == "/"
    for name in ANSWERS:
        seen = answer_to(page, name)
    assert seen.view == "home"
    (registered,) = gateway.said("person-events")
    assert isinstance(registered, PersonRegistered)
    assert registered.person == person_id(SECRET, "+447400777001")
    assert (registered.profile.first_name, registered.profile.likes) == ("Ann", ("birds", "music"))
    assert registered.profile.quiet is not None
    erased = press(page, look(page, "/erase").form("/erase"))
    assert look(page, erased.headers["location"]).view == "sign_in"
    assert isinstance(gateway.said("person-events")[-1], PersonErased)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"first_name": ""}, "Please give a first name"),
        ({"first_name": "4711"}, "Please give a first name"),
        ({"first_name": "<b>Ann</b>"}, "Please give a first name"),
        ({"first_name": "x" * 41}, "Please give a first name"),
        ({"adult": ""}, "18 and over"),
        ({"age_band": ""}, "Please choose your age"),
        ({"area": ""}, "Please choose where you live"),
        ({"languages": []}, "at least one language"),
        ({"likes": ["<script>"]}, "Please choose from the list"),
        ({"wishes": ["all"]}, "Please choose from the list"),
        ({"gender": "'\"><script>"}, "Please choose from the list"),
        ({"quiet": "yes", "quiet_start": "22:00", "quiet_end": "22:00"}, "two different times"),
        ({"quiet": "yes", "quiet_start": '"><script>', "quiet_end": "x"}, "two different times"),
    ],
)
def test_what_is_wrong_stands_beside_the_field_and_what_was_typed_stays(
    gateway: Desk, change: dict[str, Any], words: str
) -> None:
    page, _ = gateway.registered()
    answer = press(page, look(page, "/about-me").form("/about-me"), **(ABOUT | change))
    assert answer.status_code in (403, 422)
    seen = Seen(answer.text)
    assert (seen.view, words in seen.text) == ("about_me", True)
    assert any(str(attrs.get("id")).endswith("-error") for _, attrs in seen.tags)
    kept = next(attrs for tag, attrs in seen.tags if attrs.get("id") == "first_name")
    assert kept["value"] == change.get("first_name", "Ann")
    assert "<script>" not in answer.text
    assert gateway.outbox.said == []


def test_all_that_was_left_blank_is_named_at_once(gateway: Desk) -> None:
    page, _ = gateway.registered()
    text = Seen(press(page, look(page, "/about-me").form("/about-me")).text).text
    for words in ("first name of", "18 and over", "choose your age", "choose where you live", "at least one language"):
        assert words in text


@pytest.mark.parametrize("phone", ["", "12", "not a number", "<script>alert(1)</script>", "0" * 60, "+44 999"])
def test_a_number_that_is_none_stays_to_be_put_right(gateway: Desk, phone: str) -> None:
    page = gateway.page()
    answer = press(page, look(page).form("/code"), phone=phone)
    seen = Seen(answer.text)
    assert (answer.status_code, seen.view) == (422, "sign_in")
    kept = next(attrs for _, attrs in seen.tags if attrs.get("id") == "phone")
    assert (kept["value"], kept["aria-invalid"]) == (phone, "true")


@pytest.mark.parametrize("code", ["", "000", "<script>", "x" * 100])
def test_a_wrong_code_can_be_tried_again(gateway: Desk, code: str) -> None:
    page = gateway.page()
    form = press_here(page, "/code", phone="07400 777002").form("/session")
    wrong = Seen(press(page, form, code=code).text)
    assert wrong.view == "code"
    again = wrong.form("/session")
    assert press(page, again, code=form.fields["demo_code"]).headers["location"] == "/"


@pytest.mark.parametrize("minutes", ["", "0", "-5", "1e9", "999999999999", "²", "twenty"])
def test_a_length_that_is_none_is_refused_in_plain_words(gateway: Desk, minutes: str) -> None:
    page, _ = gateway.registered()
    answer = press(page, look(page).form("/free"), minutes=minutes)
    assert answer.status_code == 422
    assert Seen(answer.text).view == "home"
    assert gateway.outbox.said == []


@pytest.mark.parametrize(
    ("fields", "minutes", "company"),
    [
        ({"until": "08:40"}, 40, "either"),
        ({"until": "08:40", "minutes": ""}, 40, "either"),
        ({"until": "08:40", "minutes": "10"}, 10, "either"),
        ({"until": "00:10", "company": "known"}, None, "known"),
        ({"until": "19:59", "company": "new"}, 719, "new"),
    ],
)
def test_somebody_is_free_until_their_stop_and_with_whom_they_like(
    gateway: Desk, fields: dict[str, str], minutes: int | None, company: str
) -> None:
    page, _ = gateway.registered()
    gateway.clock.domain = MORNING if minutes else MORNING.replace(hour=23, minute=50)
    assert press(page, look(page).form("/free"), **fields).status_code == 303
    (opened,) = gateway.said("person-events")
    assert opened.until - gateway.clock.domain == timedelta(minutes=minutes or 20)
    assert opened.company == company


@pytest.mark.parametrize(
    ("until", "words"),
    [("21:00", "more than twelve hours away"), ("07:55", "more than twelve hours away"), ("08:02", "five minutes"),
     ("soon", "such as 08:40"), ("24:00", "such as 08:40"), ("<b>", "such as 08:40"), ("x" * 60, "such as 08:40")],
)  # fmt: skip
def test_a_stop_that_is_none_is_refused_beside_its_field_and_stays(gateway: Desk, until: str, words: str) -> None:
    page, person = gateway.registered()
    gateway.put_person(person, bonds=("p-other",))
    answer = press(page, look(page).form("/free"), until=until, company="known")
    seen = Seen(answer.text)
    assert (answer.status_code, seen.view) == (422, "home")
    assert words in seen.text
    kept = next(attrs for _, attrs in seen.tags if attrs.get("id") == "until")
    assert (kept["value"], kept["aria-describedby"]) == (until, "until-error")
    (chosen,) = [attrs for _, attrs in seen.tags if "checked" in attrs]
    assert chosen["value"] == "known"
    assert gateway.outbox.said == []


def test_a_double_tap_is_one_request(gateway: Desk) -> None:
    page, person = gateway.registered()
    gateway.put_invitation(person, "p-other")
    form = look(page).form("/accept")
    for _ in range(2):
        assert press(page, form).status_code == 303
    assert [type(event) for event in gateway.said("pool")] == [InvitationAnswered]


STANDS = {"hang-up": {"state": "confirmed"}, "outcome": over()}
ONE_EVENT = (
    "about-me",
    "free",
    "not-free",
    "pause",
    "resume",
    "erase",
    "accept",
    "decline",
    "block",
    "concern",
    "mistake",
    *STANDS,
)


@pytest.mark.parametrize(
    ("path", "fields"), [one for one in OTHERS + OF_AN_INVITATION if one[0].rpartition("/")[2] in ONE_EVENT]
)
def test_while_kafka_is_away_a_form_is_kept_whole_and_sent_again_it_happens_once(
    gateway: Desk, path: str, fields: dict[str, str]
) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", **STANDS.get(path.rpartition("/")[2], {}))
    gateway.outbox.loses_answers = True
    answer = _send(page, path.format(row.invitation), fields, SAME_SITE)
    seen = Seen(answer.text)
    assert (answer.status_code, seen.view) == (503, "again")
    assert seen.forms[0].fields == KEY | fields
    assert ("116 123" in seen.text) == path.endswith("/concern")
    assert Seen(press(page, seen.forms[0]).text).forms[0].fields == KEY | fields
    gateway.outbox.loses_answers = False
    assert press(page, seen.forms[0]).status_code in (200, 303)
    said = [event.id for _, _, event in gateway.outbox.said]
    assert len(said) == 3
    assert len(set(said)) == 1


def test_the_same_form_with_something_else_in_it_is_another_request(gateway: Desk) -> None:
    page, person = gateway.registered()
    gateway.put_invitation(person, "p-other", **over())
    form = look(page).form("/outcome")
    for answer in ("no", "yes"):
        assert press(page, form, talk_again=answer).status_code == 303
    assert [event.talk_again for event in gateway.said("outcomes")] == ["no", "yes"]


def test_an_invitation_that_is_over_is_told_kindly(gateway: Desk) -> None:
    page, person = gateway.registered()
    gateway.put_waiting(person)
    row = gateway.put_invitation(person, "p-other")
    form = look(page).form("/accept")
    gateway.put_invitation(person, "p-other", invitation=row.invitation, state="expired")
    answer = press(page, form)
    assert answer.status_code == 409
    assert "already gone" in Seen(answer.text).text


@pytest.mark.parametrize("what", ["", "   ", "x" * 2001])
def test_a_report_that_cannot_be_taken_keeps_its_words_and_names_the_crisis_line(gateway: Desk, what: str) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, "p-other", **over())
    answer = press(page, Form(f"/page/invitations/{row.invitation}/concern", dict(KEY)), what=what)
    seen = Seen(answer.text)
    assert (answer.status_code, seen.view) == (422, "wrong")
    assert "116 123" in seen.text
    assert what.strip() in seen.text


def test_every_answer_has_the_safe_headers(gateway: Desk) -> None:
    page, _ = gateway.registered()
    for path in ("/", "/view", "/settings", "/nowhere", "/static/page.js", "/lists", "/health", "/page/free"):
        answer = page.get(path, headers={"Accept": "text/html"})
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, path


def test_a_fault_of_ours_is_a_page_with_safe_headers_too(gateway: Desk) -> None:
    page, person = gateway.registered()
    gateway.redis.hset(f"{gateway.prefix}person:{person}", "row", "not a row")
    answer = page.get("/", headers={"Accept": "text/html"})
    assert (answer.status_code, Seen(answer.text).view) == (500, "refused")
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


def test_nothing_on_the_page_would_need_an_unsafe_policy(gateway: Desk) -> None:
    page, _ = gateway.registered()
    for path in ("/", "/settings", "/about-me", "/erase", "/calls", "/blocked", "/passkeys", "/signed-in", "/ringing"):
        for tag, attrs in look(page, path).tags:
            assert tag != "style"
            assert "style" not in attrs
            assert tag != "script" or attrs.get("src", "").startswith("/static/")  # type: ignore[union-attr]
            assert not any(name.startswith("on") for name in attrs)


def test_what_is_not_there_is_a_page_for_people_and_json_for_machines(gateway: Desk) -> None:
    page = gateway.page()
    assert look(page, "/nowhere").view == "nothing"
    assert page.get("/nowhere").json()["error"] == "not_found"
    assert page.get("/static/../app.py").status_code == 404


@pytest.mark.parametrize("felt", [None, "good", "fine", "awkward", "sad"])
def test_how_it_felt_is_one_tap_and_can_be_left_out(gateway: Desk, felt: str | None) -> None:
    page, person = gateway.registered()
    gateway.put_invitation(person, "p-other", **over())
    seen = look(page)
    offered = [one["value"] for tag, one in seen.tags if tag == "input" and one.get("name") == "felt"]
    assert offered == ["good", "fine", "awkward", "sad"]
    assert not [one for _, one in seen.tags if "checked" in one]
    press_here(page, "/outcome", talk_again="yes", **({"felt": felt} if felt else {}))
    (given,) = gateway.said("outcomes")
    assert isinstance(given, OutcomeGiven)
    assert (given.talk_again, given.felt) == ("yes", felt)


def test_a_feeling_that_is_not_on_the_list_is_refused(gateway: Desk) -> None:
    page, person = gateway.registered()
    gateway.put_invitation(person, "p-other", **over())
    assert press(page, look(page).form("/outcome"), talk_again="yes", felt="elated").status_code == 422
    assert gateway.outbox.said == []
