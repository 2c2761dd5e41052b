"""What is wrong with a request whatever its route, and what happens when the same one comes twice."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from matcher.errors import Away
from matcher.events import PersonPaused
from services.gateway.gateway import Room
from services.gateway.outbox import WAITING_LIMIT, AsyncKafkaOutbox
from services.topics import PARTITIONS, PERSON_EVENTS, KafkaAddress
from tests.conftest import RedisPlace
from tests.gateway_desk import ABOUT_ANN, Desk, desk

LARGE = b'{"first_name": "' + b"x" * (64 * 1024) + b'"}'


def test_a_body_over_64_kib_is_too_large(gateway: Desk) -> None:
    page, _ = gateway.signed_in()
    answer = page.put("/me", content=LARGE, headers={"Idempotency-Key": "large-one"})
    assert (answer.status_code, answer.json()["error"]) == (413, "bad_request")


def test_a_body_over_64_kib_is_too_large_also_when_its_length_is_not_said(gateway: Desk) -> None:
    def pieces() -> Iterator[bytes]:
        for start in range(0, len(LARGE), 8192):
            yield LARGE[start : start + 8192]

    answer = gateway.page().post("/codes", content=pieces())
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"nonsense", b'"x"', b"\xff\xfe", b"[" * 20_000, b'{"phone": NaN}', b"null"]
)
def test_what_is_no_json_object_is_refused(gateway: Desk, body: bytes) -> None:
    answer = gateway.page().request("POST", "/codes", content=body, headers={"Idempotency-Key": "any-key-1"})
    assert answer.status_code in (400, 422)
    assert answer.json()["error"] == "bad_request"


def test_a_field_that_is_not_known_is_refused_even_where_no_body_is_needed(gateway: Desk) -> None:
    page, _ = gateway.registered()
    assert page.post("/me/pause", {"please": True}).status_code == 422
    assert gateway.outbox.said == []


@pytest.mark.parametrize("key", [None, "short", "x" * 81, "has a space"])
def test_a_write_needs_an_idempotency_key_of_8_to_80_characters(gateway: Desk, key: str | None) -> None:
    page, _ = gateway.registered()
    answer = page.request("POST", "/me/pause", headers={"Idempotency-Key": key} if key else {})
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
    assert gateway.outbox.said == []


def test_the_same_request_sent_twice_happens_once_and_is_answered_alike(gateway: Desk) -> None:
    page, _ = gateway.registered()
    first, second = (page.post("/availability", {"minutes": 20}, key="same-key-1") for _ in range(2))
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert len(gateway.outbox.said) == 1


def test_the_same_request_sent_ten_times_at_once_happens_once(gateway: Desk) -> None:
    page, _ = gateway.registered()
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: page.post("/availability", {"minutes": 20}, key="same-key-1"), range(10)))
    assert {one.status_code for one in answers} == {202}
    assert len({one.text for one in answers}) == 1
    assert len(gateway.outbox.said) == 1


def test_the_same_key_for_something_else_is_refused(gateway: Desk) -> None:
    page, _ = gateway.registered()
    assert page.post("/availability", {"minutes": 20}, key="same-key-1").status_code == 202
    assert page.post("/availability", {"minutes": 30}, key="same-key-1").status_code == 422
    assert page.post("/me/pause", key="same-key-1").status_code == 422
    assert len(gateway.outbox.said) == 1


def test_the_same_key_of_two_people_is_two_requests(gateway: Desk) -> None:
    for _ in range(2):
        page, _ = gateway.registered()
        assert page.post("/availability", {"minutes": 20}, key="same-key-1").status_code == 202
    assert len({event.id for event in gateway.said("person-events")}) == 2


def test_while_the_broker_is_away_it_is_503_and_the_retry_yields_exactly_one(gateway: Desk) -> None:
    page, _ = gateway.registered()
    gateway.outbox.away = True
    answer = page.post("/availability", {"minutes": 20}, key="same-key-1")
    assert (answer.status_code, answer.json()["error"], answer.headers["retry-after"]) == (503, "away", "1")
    assert page.post("/availability", {"minutes": 30}, key="same-key-1").status_code == 422
    gateway.outbox.away = False
    answers = [page.post("/availability", {"minutes": 20}, key="same-key-1") for _ in range(2)]
    assert [one.status_code for one in answers] == [202, 202]
    assert len(gateway.outbox.said) == 1


def test_a_patient_retry_uses_up_no_limit(gateway: Desk) -> None:
    page, _ = gateway.registered()
    gateway.outbox.away = True
    assert {page.post("/me/pause", key="same-key-1").status_code for _ in range(80)} == {503}
    gateway.outbox.away = False
    assert page.post("/me/pause", key="same-key-1").status_code == 202


def test_when_redis_was_wiped_between_two_tries_both_events_have_one_id(gateway: Desk) -> None:
    page, person = gateway.registered()
    page.post("/availability", {"minutes": 20}, key="same-key-1")
    kept = {key: gateway.redis.dump(key) for key in gateway.redis.scan_iter(gateway.prefix + "once:*")}
    gateway.redis.delete(*kept)
    page.post("/availability", {"minutes": 20}, key="same-key-1")
    first, second = gateway.said("person-events")
    assert (first.id, first.availability) == (second.id, second.availability)
    assert first.person == person


def test_a_route_that_does_not_exist_is_answered_in_the_same_form(gateway: Desk) -> None:
    for answer in (gateway.page().get("/docs"), gateway.page().get("/nothing"), gateway.page().put("/codes")):
        assert answer.json()["error"] == "not_found"
        assert answer.status_code in (404, 405)


def test_logs_hold_no_number_name_or_code(gateway: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    page, _ = gateway.signed_in("+447400123459")
    page.write("PUT", "/me", ABOUT_ANN | {"first_name": "Hyacinth"})
    page.post("/codes", {"phone": "07400 123459 0000"})
    ours = [one.getMessage() for one in caplog.records if one.name.startswith(("services", "uvicorn"))]
    assert not any(word in line for line in ours for word in ("7400123459", "Hyacinth"))


def test_when_very_many_ask_at_once_the_next_one_is_told_at_once_and_room_comes_back() -> None:
    async def ask() -> None:
        room = Room(limit=1)
        async with room.in_time():
            with pytest.raises(Away):
                async with room.in_time():
                    pytest.fail("there was room")
        async with room.in_time():
            pass

    asyncio.run(ask())


def test_an_outbox_that_has_not_found_its_broker_says_at_once_that_it_is_away() -> None:
    async def ask() -> None:
        outbox = AsyncKafkaOutbox(KafkaAddress("127.0.0.1:9"))
        assert not await outbox.answers()
        event = PersonPaused(id="paused-1", at=datetime.now(UTC), person="p-1")
        for _ in range(WAITING_LIMIT + 1):
            with pytest.raises(Away):
                await outbox.say(PERSON_EVENTS, "p-1", event)
        outbox.close()

    asyncio.run(ask())


def test_a_patient_retry_at_the_door_uses_up_no_limit(gateway: Desk) -> None:
    page, body = gateway.page(), {"phone": "07400 555666"}
    body["code"] = page.post("/codes", body).json()["demo_code"]
    gateway.break_views()
    assert {page.post("/sessions", body, key="same-key-1").status_code for _ in range(25)} == {503}
    gateway.views.set_whole(frozenset(range(PARTITIONS)))
    assert page.post("/sessions", body, key="same-key-1").status_code == 201


def test_a_code_that_is_refused_again_and_again_takes_nobody_else_s_place(one_embedded_redis: str) -> None:
    with desk(RedisPlace(one_embedded_redis, "refused-again:"), codes_per_address=5) as few:
        page, often, other = few.page(), {"phone": "07400 555667"}, {"phone": "07400 555668"}
        assert [page.post("/codes", often).status_code for _ in range(3)] == [202] * 3
        assert {page.post("/codes", often, key="same-key-1").status_code for _ in range(5)} == {429}
        assert page.post("/codes", other).status_code == 202
