"""Sign-in: numbers, codes, sessions; and what the gateway refuses to start without."""

import pytest

from matcher.errors import BadRequest
from services.gateway.app import build
from services.gateway.signin import DemoSender, person_id, read_phone
from services.settings import Settings
from services.topics import PARTITIONS
from tests.gateway_desk import ABOUT_ANN, SECRET, Desk

PHONE = "07400 123456"


def a_code(gateway: Desk, phone: str = PHONE) -> str:
    """A fresh code."""
    return gateway.page().post("/codes", {"phone": phone}).json()["demo_code"]


def wrong(code: str) -> str:
    """Another code."""
    return f"{(int(code) + 1) % 10**6:06d}"


def test_a_demo_shows_the_code_and_says_that_it_is_a_demo(gateway: Desk) -> None:
    answer = gateway.page().post("/codes", {"phone": PHONE})
    assert answer.status_code == 202
    assert answer.json()["expires_s"] == 300
    assert "demo" in answer.json()["note"]


def test_however_a_number_is_written_it_is_one_person(gateway: Desk) -> None:
    assert (
        len({person_id(SECRET, read_phone(text)) for text in ("07400 123456", "+44 7400 123456", "00447400123456")})
        == 1
    )


@pytest.mark.parametrize("phone", ["12345", "hello there", "+999 123456789", "07400", "0" * 40])
def test_a_phone_number_that_is_none_is_refused_without_repeating_it(gateway: Desk, phone: str) -> None:
    answer = gateway.page().post("/codes", {"phone": phone})
    assert answer.status_code == 422
    assert phone not in answer.text


def test_the_sixth_try_of_a_code_says_that_the_code_is_dead_even_if_it_is_right(gateway: Desk) -> None:
    code = a_code(gateway)
    tries = [gateway.page().post("/sessions", {"phone": PHONE, "code": wrong(code)}) for _ in range(5)]
    assert [one.status_code for one in tries] == [422] * 5
    sixth = gateway.page().post("/sessions", {"phone": PHONE, "code": code})
    assert sixth.status_code == 422
    assert "too often" in sixth.json()["message"]
    assert "set-cookie" not in sixth.headers


def test_a_code_opens_one_session_only(gateway: Desk) -> None:
    code = a_code(gateway)
    assert gateway.page().post("/sessions", {"phone": PHONE, "code": code}).status_code == 201
    assert gateway.page().post("/sessions", {"phone": PHONE, "code": code}).status_code == 422


def test_a_code_is_of_no_use_for_another_number(gateway: Desk) -> None:
    code = a_code(gateway)
    assert gateway.page().post("/sessions", {"phone": "07400 123457", "code": code}).status_code == 422


def test_the_fourth_code_for_a_number_in_ten_minutes_is_too_many(gateway: Desk) -> None:
    answers = [gateway.page().post("/codes", {"phone": PHONE}) for _ in range(4)]
    assert [one.status_code for one in answers] == [202, 202, 202, 429]
    assert int(answers[3].headers["retry-after"]) > 500
    assert answers[3].json()["error"] == "too_many"


def test_the_session_cookie_cannot_be_read_by_a_script_or_sent_from_elsewhere(gateway: Desk) -> None:
    answer = gateway.page().post("/sessions", {"phone": PHONE, "code": a_code(gateway)})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_a_sign_in_sent_twice_is_one_session_and_the_same_cookie(gateway: Desk) -> None:
    body = {"phone": PHONE, "code": a_code(gateway)}
    first, second = (gateway.page().post("/sessions", body, key="same-key-1") for _ in range(2))
    assert (second.status_code, second.json()) == (first.status_code, first.json())
    assert second.headers["set-cookie"] == first.headers["set-cookie"]
    assert len(list(gateway.redis.scan_iter(gateway.prefix + "session:*"))) == 1


def test_neither_token_nor_code_stands_in_redis(gateway: Desk) -> None:
    page, _ = gateway.signed_in()
    token = page.cookies["session"]
    for key in gateway.redis.scan_iter(gateway.prefix + "*"):
        assert token.encode() not in key
        if gateway.redis.type(key) == b"hash":
            assert token.encode() not in b"".join(gateway.redis.hvals(key))


def test_a_forged_session_is_no_session(gateway: Desk) -> None:
    page = gateway.page()
    page.cookies.set("session", "0" * 64)
    assert page.get("/me").status_code == 401


def test_signing_out_ends_the_session_and_twice_does_no_harm(gateway: Desk) -> None:
    page, _ = gateway.registered()
    token = page.cookies["session"]
    assert page.write("DELETE", "/sessions").status_code == 204
    page.cookies.set("session", token)
    assert page.get("/me").status_code == 401
    assert page.write("DELETE", "/sessions").status_code == 204


def test_somebody_known_is_told_so_at_sign_in(gateway: Desk) -> None:
    gateway.put_person(person_id(SECRET, "+447400123456"))
    answer = gateway.page().post("/sessions", {"phone": PHONE, "code": a_code(gateway)})
    assert answer.json() == {"registered": True}


def test_while_the_views_are_rebuilt_nobody_is_taken_for_somebody_else_and_the_code_stays_good(gateway: Desk) -> None:
    gateway.break_views()
    page, body = gateway.page(), {"phone": PHONE, "code": a_code(gateway)}
    assert page.post("/sessions", body, key="patient-key").status_code == 503
    gateway.views.set_whole(frozenset(range(PARTITIONS)))
    answer = page.post("/sessions", body, key="patient-key")
    assert (answer.status_code, answer.json()) == (201, {"registered": False})


def test_after_redis_was_wiped_signing_in_again_gives_the_same_person(gateway: Desk) -> None:
    page, person = gateway.signed_in("+447400123456")
    for key in gateway.redis.scan_iter(gateway.prefix + "*"):
        gateway.redis.delete(key)
    assert page.get("/me").status_code == 401
    gateway.views.set_whole(frozenset(range(PARTITIONS)))
    again, _ = gateway.signed_in("+447400123456")
    again.write("PUT", "/me", ABOUT_ANN)
    assert gateway.said("person-events")[-1].person == person


def test_the_lists_name_all_that_may_be_chosen_and_no_place_on_the_map(gateway: Desk) -> None:
    lists = gateway.page().get("/lists").json()
    assert set(lists) >= {"topics", "languages", "areas", "age_bands", "wishes"}
    assert all(set(area) == {"code", "name"} for area in lists["areas"])


def test_without_a_secret_the_gateway_does_not_start() -> None:
    with pytest.raises(BadRequest, match="SECRET"):
        build(Settings(), sender=DemoSender())


def test_without_a_way_to_send_codes_the_gateway_does_not_start() -> None:
    with pytest.raises(BadRequest, match="codes"):
        build(Settings(secret="long enough"))
