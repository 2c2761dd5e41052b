"""A changed number: the person stays, the old one no longer leads to them, and whoever gets it next is somebody new."""

import itertools
from typing import Any

import pytest

from matcher.enrich import apply_person
from matcher.events import NumberChanged, PasskeyRemoved, PersonErased
from matcher.person import NUMBERS_LIMIT, Passkey, Person
from services.gateway.numbers import number_id
from services.gateway.signin import person_id
from services.topics import PARTITIONS
from tests.conftest import RedisPlace
from tests.gateway_desk import ABOUT_ANN, MORNING, SECRET, Desk, Page, desk
from tests.page_reader import Seen, look, press
from tests.world import profile

_numbers = itertools.count(1)


def a_number() -> str:
    """A number that nobody has had."""
    return f"+4474002{next(_numbers):05d}"


def settle(gateway: Desk, person: str) -> Person:
    """Let the views show what was written about this person, as the processor would."""
    row = Person(offset=0, person=person, phone="old", profile=profile(first_name="Ann"))
    for offset, event in enumerate(gateway.said("person-events"), 1):
        if event.person == person:
            row, _ = apply_person(row, event, offset, "GB")
    gateway.views.put_person(row.model_copy(update={"offset": row.offset + 10_000}))
    return row


def proved(page: Page, phone: str, key: str | None = None) -> Any:
    """Ask for the code to this number, and use it."""
    code = page.post("/me/number/code", {"phone": phone}).json()["demo_code"]
    return page.post("/me/number", {"phone": phone, "code": code}, key)


def moved(gateway: Desk) -> tuple[Page, str, str, str]:
    """Ann, who has moved: her page, her id, her old and her new number."""
    old, new = a_number(), a_number()
    page, ann = gateway.signed_in(old)
    gateway.put_person(ann, "Ann")
    assert proved(page, new).status_code == 202
    return page, ann, old, new


def whose(page: Page, gateway: Desk) -> str:
    """The id of whoever is signed in there."""
    page.write("PUT", "/me", ABOUT_ANN)
    return str(gateway.said("person-events")[-1].person)


@pytest.mark.parametrize("when", ["at once", "when the views show it", "after a wipe"])
def test_the_new_number_signs_in_to_the_same_person_and_the_old_one_to_somebody_new(gateway: Desk, when: str) -> None:
    _, ann, old, new = moved(gateway)
    if when == "after a wipe":
        for key in gateway.redis.scan_iter(gateway.prefix + "*"):
            gateway.redis.delete(key)
        gateway.views.set_whole(frozenset(range(PARTITIONS)))
    if when != "at once":
        settle(gateway, ann)
    assert whose(gateway.signed_in(new)[0], gateway) == ann
    next_one = whose(gateway.signed_in(old)[0], gateway)
    assert next_one == number_id(SECRET, old, 1) != ann
    assert whose(gateway.signed_in(old)[0], gateway) == next_one


def test_all_other_sessions_end_and_this_one_goes_on_with_the_new_number(gateway: Desk) -> None:
    old, new = a_number(), a_number()
    page, ann = gateway.signed_in(old)
    elsewhere, _ = gateway.signed_in(old)
    gateway.put_person(ann, "Ann")
    assert proved(page, new).status_code == 202
    assert elsewhere.get("/me").status_code == 401
    assert page.get("/me").json()["first_name"] == "Ann"
    assert page.get("/me/export").json()["phone"] == new
    (event,) = gateway.said("person-events")
    assert isinstance(event, NumberChanged)
    assert (event.person, event.phone, event.number) == (ann, new, person_id(SECRET, new))


def test_a_number_that_somebody_has_is_refused_plainly_and_only_to_whoever_proved_it(gateway: Desk) -> None:
    bobs = a_number()
    _, bob = gateway.signed_in(bobs)
    gateway.put_person(bob, "Bob")
    page, _ = gateway.registered("Ann")
    free, taken = (page.post("/me/number/code", {"phone": one}) for one in (a_number(), bobs))
    assert (free.status_code, set(free.json())) == (taken.status_code, set(taken.json()))
    assert page.post("/me/number", {"phone": bobs, "code": "000000x"}).status_code == 422
    answer = page.post("/me/number", {"phone": bobs, "code": taken.json()["demo_code"]})
    assert (answer.status_code, answer.json()["error"]) == (409, "taken")
    assert gateway.outbox.said == []
    assert whose(gateway.signed_in(bobs)[0], gateway) == bob


def test_a_number_that_somebody_moved_to_is_taken_too_and_one_that_was_left_is_free(gateway: Desk) -> None:
    _, ann, old, new = moved(gateway)
    settle(gateway, ann)
    page, bob = gateway.registered("Bob")
    assert proved(page, new).status_code == 409
    assert proved(page, old).status_code == 202
    settle(gateway, bob)
    assert whose(gateway.signed_in(old)[0], gateway) == bob
    assert whose(gateway.signed_in(new)[0], gateway) == ann


def test_moving_on_and_back_leaves_every_number_with_one_person(gateway: Desk) -> None:
    page, ann, old, new = moved(gateway)
    settle(gateway, ann)
    third = a_number()
    assert proved(page, third).status_code == 202
    row = settle(gateway, ann)
    assert row.left == (ann, person_id(SECRET, new))
    assert whose(gateway.signed_in(new)[0], gateway) == person_id(SECRET, new)
    assert proved(page, old).status_code == 202
    settle(gateway, ann)
    for phone, person in ((old, ann), (third, person_id(SECRET, third))):
        assert whose(gateway.signed_in(phone)[0], gateway) == person


def test_what_is_sent_again_changes_once_and_a_code_is_not_needed_twice(gateway: Desk) -> None:
    page, _ = gateway.registered("Ann")
    new = a_number()
    code = page.post("/me/number/code", {"phone": new}).json()["demo_code"]
    gateway.outbox.away = True
    assert page.post("/me/number", {"phone": new, "code": code}, "patient-key").status_code == 503
    gateway.outbox.away = False
    for _ in range(2):
        assert page.post("/me/number", {"phone": new, "code": code}, "patient-key").status_code == 202
    assert len(gateway.said("person-events")) == 1


def test_a_code_for_this_signs_nobody_in_and_is_of_no_use_to_anybody_else(gateway: Desk) -> None:
    new = a_number()
    page, _ = gateway.registered("Ann")
    other, _ = gateway.registered("Mallory")
    code = page.post("/me/number/code", {"phone": new}).json()["demo_code"]
    assert gateway.page().post("/sessions", {"phone": new, "code": code}).status_code == 422
    assert other.post("/me/number", {"phone": new, "code": code}).status_code == 422
    assert gateway.outbox.said == []


@pytest.mark.parametrize("path", ["/me/number/code", "/me/number"])
def test_bad_input_and_whoever_may_not_are_refused(gateway: Desk, path: str) -> None:
    page, _ = gateway.registered("Ann")
    for body in ({}, {"phone": "12"}, {"phone": 1}, {"phone": "12", "code": "1", "more": 1}):
        assert page.post(path, body).status_code == 422
    body = {"phone": a_number()} | ({} if path.endswith("code") else {"code": "1"})
    assert gateway.page().post(path, body).status_code == 401
    assert gateway.signed_in()[0].post(path, body).status_code == 403
    assert gateway.registered(held=True)[0].post(path, body).status_code == 403
    gateway.break_views()
    if path == "/me/number":
        assert page.post(path, body).status_code == 503
    assert gateway.outbox.said == []


def test_the_same_number_again_is_said_to_be_it_already(gateway: Desk) -> None:
    page, ann, _, new = moved(gateway)
    settle(gateway, ann)
    assert "your number already" in proved(page, new).json()["message"]


def test_erased_and_back_with_the_new_number_is_the_same_id_and_holds_stay(gateway: Desk) -> None:
    row = Person(offset=0, person="p-ann", phone="old", profile=profile(), held=True, left=(), passkeys=())
    told: dict[str, Any] = {"at": "2026-11-23T08:00:00Z", "person": "p-ann"}
    row, _ = apply_person(row, NumberChanged(id="n", phone="new", number="p-new", **told), 1, "GB")
    row, _ = apply_person(row, PersonErased(id="e", **told), 2, "GB")
    assert (row.phone, row.held, row.answers_to, row.left) == (None, True, "p-new", ("p-ann",))
    gateway.views.put_person(row)
    assert gateway.redis.get(gateway.prefix + "number:p-new") == b"p-ann"


def test_what_is_remembered_of_left_numbers_is_bounded() -> None:
    row = Person(offset=0, person="p-ann", phone="old", profile=profile())
    for count in range(1, 2 * NUMBERS_LIMIT):
        told: dict[str, Any] = {"at": "2026-11-23T08:00:00Z", "person": "p-ann", "phone": "x"}
        event = NumberChanged(id=f"n-{count}", number=f"p-{count}", **told)
        row, _ = apply_person(row, event, count, "GB")
    assert len(row.left) == NUMBERS_LIMIT
    assert row.answers_to == f"p-{2 * NUMBERS_LIMIT - 1}"


def test_the_page_goes_from_settings_to_the_new_number(gateway: Desk) -> None:
    page, _ = gateway.registered("Ann")
    assert "My number has changed" in look(page, "/settings").text
    wrong = Seen(press(page, look(page, "/number").form("/code"), phone="07400").text)
    assert (wrong.view, "not a phone number" in wrong.text) == ("my_number", True)
    new = a_number()
    seen = Seen(press(page, look(page, "/number").form("/code"), phone=new).text)
    code = seen.form("/number").fields["demo_code"]
    wrong = Seen(press(page, seen.form("/number"), code="").text)
    assert (wrong.view, "six digits of the code" in wrong.text) == ("my_number_code", True)
    done = Seen(press(page, wrong.form("/number"), code=code).text)
    assert (done.view, new in done.text) == ("number_changed", True)
    assert "one touch, please set that up again" in done.text
    assert len(gateway.said("person-events")) == 1


def test_nobody_has_codes_sent_to_strangers_without_end(gateway: Desk) -> None:
    page, _ = gateway.registered("Mallory")
    answers = [page.post("/me/number/code", {"phone": a_number()}).status_code for _ in range(6)]
    assert answers == [202] * 5 + [429]
    late = Seen(press(page, look(page, "/number").form("/code"), phone=a_number()).text)
    assert (late.view, "Please wait a little" in late.text) == ("my_number", True)
    assert gateway.registered("Ann")[0].post("/me/number/code", {"phone": a_number()}).status_code == 202


def test_codes_for_a_new_number_and_codes_to_come_in_share_the_limit_of_their_address(one_embedded_redis: str) -> None:
    with desk(RedisPlace(one_embedded_redis, "codes-of-one-address:"), codes_per_address=3) as few:
        page, _ = few.registered("Ann")
        answers = [page.post("/me/number/code", {"phone": a_number()}).status_code for _ in range(3)]
        assert answers == [202, 202, 429]
        assert few.page().post("/codes", {"phone": a_number()}).status_code == 429


def test_the_same_key_of_several_people_does_not_take_one_place_for_all_of_them(gateway: Desk) -> None:
    number = {"phone": a_number()}
    people = [gateway.registered()[0] for _ in range(4)]
    assert [one.post("/me/number/code", number, "one-for-all").status_code for one in people] == [202, 202, 202, 429]


def test_a_patient_retry_of_a_new_number_takes_one_place(gateway: Desk) -> None:
    page, _ = gateway.registered("Ann")
    new = a_number()
    body = {"phone": new, "code": page.post("/me/number/code", {"phone": new}).json()["demo_code"]}
    gateway.outbox.away = True
    assert {page.post("/me/number", body, "patient-key").status_code for _ in range(25)} == {503}
    gateway.outbox.away = False
    assert page.post("/me/number", body, "patient-key").status_code == 202


def test_a_passkey_of_the_old_telephone_comes_in_no_more(gateway: Desk) -> None:
    page, ann = gateway.registered("Ann")
    keys = tuple(Passkey(id=f"key-{n}", public_key="key", site="localhost", added=MORNING) for n in range(2))
    gateway.put_person(ann, "Ann", passkeys=keys)
    assert proved(page, a_number()).status_code == 202
    *removed, changed = gateway.said("person-events")
    assert [event.passkey for event in removed if isinstance(event, PasskeyRemoved)] == ["key-0", "key-1"]
    assert isinstance(changed, NumberChanged)
