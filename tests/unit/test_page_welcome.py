"""Coming in: a question at a time, back and forth, with nothing lost; nobody under 18."""

from typing import Any

import pytest

from matcher.events import PersonRegistered
from matcher.person import Features, Person
from services.gateway.pages.questions import QUESTIONS
from services.topics import PARTITIONS
from tests.gateway_desk import Desk
from tests.newcomer import ANSWERS, SKIP, answer_to
from tests.page_reader import Form, look, press

NEEDED = [one.name for one in QUESTIONS if not one.can_wait]


def _registered(gateway: Desk) -> PersonRegistered:
    (event,) = gateway.said("person-events")
    assert isinstance(event, PersonRegistered)
    return event


def kept_of(gateway: Desk, *words: str) -> list[bytes]:
    """Keys in Redis that name or hold one of these, but for how often they asked."""
    found = []
    for key in gateway.redis.scan_iter(gateway.prefix + "*"):
        held = (gateway.redis.dump(key) or b"") + key
        if not key.startswith(f"{gateway.prefix}limit:".encode()) and any(word.encode() in held for word in words):
            found.append(key)
    return found


def test_nine_answers_make_a_profile(gateway: Desk) -> None:
    page, _ = gateway.signed_in()
    for number, name in enumerate(ANSWERS, start=1):
        assert f"Question {number} of 9" in look(page).text
        seen = answer_to(page, name)
    assert seen.view == "home"
    profile = _registered(gateway).profile
    told = profile.model_dump(include={"first_name", "age_band", "languages", "area", "likes", "avoids", "situation",
                                       "wishes", "gender", "adult"})  # fmt: skip
    assert told == {
        "first_name": "Ann", "age_band": "65-74", "languages": ("en", "cy"), "area": "SW", "likes": ("birds", "music"),
        "avoids": ("news",), "situation": ("living-alone",), "wishes": ("near_home",), "gender": "woman", "adult": True,
    }  # fmt: skip
    assert profile.quiet is not None


def test_three_answers_are_enough(gateway: Desk) -> None:
    page, _ = gateway.signed_in()
    assert len(NEEDED) == 3
    for name in ANSWERS:
        seen = answer_to(page, name, None if name in NEEDED else SKIP)
    assert seen.view == "home"
    profile = _registered(gateway).profile
    assert (profile.languages, profile.likes, profile.wishes, profile.quiet) == (("en",), (), (), None)


@pytest.mark.parametrize("name", NEEDED)
def test_what_is_needed_cannot_be_skipped(gateway: Desk, name: str) -> None:
    page, _ = gateway.signed_in()
    assert "Skip" not in look(page, f"/welcome/{name}").text
    assert answer_to(page, name, SKIP).view == f"welcome_{name}"
    for other in ANSWERS:
        if other != name:
            seen = answer_to(page, other)
    assert seen.view == f"welcome_{name}"
    assert gateway.outbox.said == []


def test_nobody_under_eighteen_comes_in_and_nothing_is_kept_of_them(gateway: Desk) -> None:
    number = "+447400888001"
    page, person = gateway.signed_in(number)
    elsewhere, _ = gateway.signed_in(number)
    answer_to(page, "name")
    seen = answer_to(page, "age", {"age_band": "under"})
    assert (seen.view, "0800 1111" in seen.text) == ("welcome_too_young", True)
    assert "not your number either" in seen.text
    assert gateway.outbox.said == []
    assert kept_of(gateway, person, number) == []
    assert "session" not in page.cookies
    assert elsewhere.get("/me").status_code == 401
    assert [look(page, path).view for path in ("/welcome/too-young", "/")] == ["welcome_too_young", "sign_in"]


def test_who_is_too_young_reads_so_and_is_not_led_to_the_door_by_what_the_page_asks_meanwhile(gateway: Desk) -> None:
    page, _ = gateway.signed_in()
    answer_to(page, "name")
    form = look(page, "/welcome/age").form("/welcome/age")
    sent = press(page, form, headers={"HX-Request": "true"}, age_band="under")
    assert (sent.status_code, sent.headers["hx-redirect"]) == (204, "/welcome/too-young")
    assert "session=" in sent.headers["set-cookie"]
    assert sent.headers["clear-site-data"] == '"storage"'
    assert page.get("/view", params={"showing": "welcome:age"}, headers={"HX-Request": "true"}).status_code == 204
    assert "hx-redirect" in page.get("/view", params={"showing": "home"}, headers={"HX-Request": "true"}).headers


def test_while_a_part_is_away_who_is_too_young_is_turned_away_once_it_is_back(gateway: Desk) -> None:
    page, person = gateway.signed_in()
    form = look(page, "/welcome/age").form("/welcome/age")
    gateway.break_views()
    assert press(page, form, age_band="under").status_code == 503
    gateway.views.set_whole(frozenset(range(PARTITIONS)))
    assert press(page, form, age_band="under").headers["location"] == "/welcome/too-young"
    assert kept_of(gateway, person) == []


def test_a_reload_and_the_way_back_lose_nothing(gateway: Desk) -> None:
    page, _ = gateway.signed_in()
    for name in ("name", "age", "languages"):
        answer_to(page, name)
    assert look(page).view == look(page).view == "welcome_area"
    back = [attrs["href"] for tag, attrs in look(page).tags if attrs.get("class") == "quiet"]
    assert back == ["/welcome/languages"]
    chosen = [attrs["value"] for _, attrs in look(page, "/welcome/languages").tags if "checked" in attrs]
    assert sorted(map(str, chosen)) == ["cy", "en"]
    assert answer_to(page, "languages", {"languages": ["pl"]}).view == "welcome_area"
    kept = next(attrs for _, attrs in look(page, "/welcome/name").tags if attrs.get("id") == "first_name")
    assert kept["value"] == "Ann"
    for name in ("area", "likes", "avoids", "situation", "who", "quiet"):
        answer_to(page, name)
    assert _registered(gateway).profile.languages == ("pl",)


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("name", {"first_name": ""}, "Please give a first name"),
        ("name", {"first_name": "ann@example.org"}, "Please give a first name"),
        ("name", {"first_name": "x" * 41}, "Please give a first name"),
        ("age", {}, "Please choose your age"),
        ("age", {"age_band": "17"}, "Please choose your age"),
        ("languages", {"languages": []}, "at least one language"),
        ("languages", {"languages": ["<b>"]}, "at least one language"),
        ("area", {"area": ""}, "choose where you live"),
        ("likes", {"likes": ["<script>"]}, "choose from the list"),
        ("avoids", {"avoids": ["war"]}, "choose from the list"),
        ("situation", {"situation": ["rich"]}, "choose from the list"),
        ("who", {"wishes": ["tall"], "gender": "woman"}, "choose from the list"),
        ("who", {"wishes": ["same_gender"], "gender": "unsaid"}, "say your gender too"),
        ("quiet", {"quiet_start": "22:00", "quiet_end": "22:00"}, "two different times"),
        ("quiet", {"quiet_start": "", "quiet_end": "<b>"}, "two different times"),
    ],
)
def test_what_is_wrong_is_said_on_its_own_screen(
    gateway: Desk, name: str, fields: dict[str, Any], words: str
) -> None:
    page, _ = gateway.signed_in()
    seen = answer_to(page, name, fields or {"age_band": ""})
    assert (seen.view, words in seen.text) == (f"welcome_{name}", True)
    assert any(str(attrs.get("id")).endswith("-error") for _, attrs in seen.tags)
    assert look(page).view == "welcome_name"


def test_a_topic_that_is_liked_cannot_be_avoided_as_well(gateway: Desk) -> None:
    page, _ = gateway.signed_in()
    for name in ANSWERS:
        assert "Birds" not in (answer_to(page, "likes").text if name == "avoids" else "")
        answer_to(page, name, {"avoids": ["birds", "news"]} if name == "avoids" else None)
    assert _registered(gateway).profile.avoids == ("news",)


def test_while_kafka_is_away_the_last_answer_is_sent_again_and_happens_once(gateway: Desk) -> None:
    page, _ = gateway.signed_in()
    for name in ANSWERS:
        gateway.outbox.loses_answers = name == "quiet"
        seen = answer_to(page, name)
    assert seen.view == "again"
    gateway.outbox.loses_answers = False
    assert press(page, seen.forms[0]).headers["location"] == "/"
    assert len({event.id for event in gateway.said("person-events")}) == 1


def test_who_is_in_is_asked_nothing_of_this_again(gateway: Desk) -> None:
    page, _ = gateway.registered()
    for name in ANSWERS:
        assert page.get(f"/welcome/{name}").headers["location"] == "/"
        sent = press(page, Form(f"/page/welcome/{name}", {"key": "a-key-of-this-test"}), **ANSWERS[name])
        assert sent.headers["location"] == "/"
    assert gateway.outbox.said == []
    assert gateway.page().get("/welcome/name").headers["location"] == "/"


def test_a_question_stays_while_the_page_looks_for_news(gateway: Desk) -> None:
    page, _ = gateway.signed_in()
    assert page.get("/view", params={"showing": "welcome:quiet"}).status_code == 204
    assert page.get("/view", params={"showing": "welcome:too-young"}).status_code == 204


def test_answers_without_end_are_refused(gateway: Desk) -> None:
    page, _ = gateway.signed_in()
    form = look(page).form("/welcome/name")
    codes = [press(page, Form(form.action, {"key": f"{form.fields['key']}{n}"})).status_code for n in range(61)]
    assert (codes[0], codes[-1]) == (422, 429)


def test_a_stated_situation_ends_with_the_profile(gateway: Desk) -> None:
    page, person = gateway.signed_in()
    assert "situation" not in Features.model_fields
    body = {"first_name": "Ann", "adult": True, "languages": ["en"], "area": "SW", "age_band": "65-74"}
    page.write("PUT", "/me", {**body, "situation": ["bereaved", "caring", "bereaved"]})
    profile = gateway.said("person-events")[0].profile
    assert profile.situation == ("bereaved", "caring")
    assert page.get("/me").json()["situation"] == ["bereaved", "caring"]
    row = Person(offset=1, person=person, profile=profile)
    assert "bereaved" not in row.features().model_dump_json()
