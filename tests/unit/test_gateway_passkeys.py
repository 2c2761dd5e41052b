"""A passkey signs in its own person, at its own site, once for each challenge; whatever is wrong with it is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from matcher.events import PasskeyAdded, PasskeyRemoved
from matcher.person import PASSKEYS_LIMIT, Passkey
from tests.gateway_desk import Desk, Page
from tests.page_reader import look, press
from tests.soft_passkey import PRESENT, SITE, SoftPasskey

HOST = {"Host": SITE}
ADDED = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def _post(page: Page, path: str, body: Any = None) -> Any:
    return page.post(path, body, headers=HOST)


def _challenge(page: Page, path: str = "/passkeys/sign-in/options") -> str:
    answer = _post(page, path)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["challenge"])


def _with_key(gateway: Desk) -> tuple[Page, SoftPasskey]:
    """Somebody who has made a key."""
    page, person = gateway.registered()
    key = SoftPasskey(person)
    made = _post(page, "/passkeys", {"credential": key.made(_challenge(page, "/passkeys/options"))})
    assert made.status_code == 202, made.text
    (event,) = (event for event in gateway.said("person-events") if isinstance(event, PasskeyAdded))
    gateway.put_person(person, passkeys=(event.passkey,))
    gateway.outbox.said.clear()
    return page, key


def test_a_key_signs_its_person_in(gateway: Desk) -> None:
    mine, key = _with_key(gateway)
    page = gateway.page()
    for _ in range(2):
        answer = _post(page, "/passkeys/sign-in", {"credential": key.signed(_challenge(page))})
        assert (answer.status_code, answer.json()) == (201, {"registered": True})
        assert page.get("/me").json() == mine.get("/me").json()
    assert page.get("/me/export").json()["phone"] is None


@pytest.mark.parametrize(
    "wrong",
    [{"origin": "http://evil.example"}, {"origin": "https://localhost:444"}, {"site": "evil.example"},
     {"flags": PRESENT}, {"flags": 0}],
    ids=str,
)  # fmt: skip
def test_what_was_signed_elsewhere_or_by_nobody_is_refused(gateway: Desk, wrong: dict[str, Any]) -> None:
    mine, key = _with_key(gateway)
    page = gateway.page()
    answer = _post(page, "/passkeys/sign-in", {"credential": key.signed(_challenge(page), **wrong)})
    assert (answer.status_code, page.get("/me").status_code) == (422, 401)
    other = SoftPasskey(key.person)
    made = other.made(_challenge(mine, "/passkeys/options"), **wrong)
    assert _post(mine, "/passkeys", {"credential": made}).status_code == 422
    assert gateway.outbox.said == []


def test_a_challenge_is_good_once_and_for_its_purpose_alone(gateway: Desk) -> None:
    mine, key = _with_key(gateway)
    page, challenge = gateway.page(), _challenge(gateway.page())
    assert _post(page, "/passkeys/sign-in", {"credential": key.signed(challenge)}).status_code == 201
    assert _post(gateway.page(), "/passkeys/sign-in", {"credential": key.signed(challenge)}).status_code == 422
    to_make = _challenge(mine, "/passkeys/options")
    assert _post(gateway.page(), "/passkeys/sign-in", {"credential": key.signed(to_make)}).status_code == 422
    theirs, person = gateway.registered()
    stolen = SoftPasskey(person).made(_challenge(mine, "/passkeys/options"))
    assert _post(theirs, "/passkeys", {"credential": stolen}).status_code == 422
    assert _post(page, "/passkeys/sign-in", {"credential": key.signed("AAAA")}).status_code == 422


def test_a_key_of_somebody_else_an_unknown_one_and_a_copy_are_refused(gateway: Desk) -> None:
    _, key = _with_key(gateway)
    _, victim = gateway.registered("Vera")
    page = gateway.page()
    handles = [victim, "p-nobody", "", "\N{BELL}"]
    for handle in handles:
        forged = SoftPasskey(handle)
        assert _post(page, "/passkeys/sign-in", {"credential": forged.signed(_challenge(page))}).status_code == 422
        key_person, key.person = key.person, handle
        assert _post(page, "/passkeys/sign-in", {"credential": key.signed(_challenge(page))}).status_code == 422
        key.person = key_person
    impostor = SoftPasskey(key.person)
    impostor.id = key.id
    assert _post(page, "/passkeys/sign-in", {"credential": impostor.signed(_challenge(page))}).status_code == 422
    assert _post(page, "/passkeys/sign-in", {"credential": key.signed(_challenge(page))}).status_code == 201
    key.count = 0
    assert _post(gateway.page(), "/passkeys/sign-in", {"credential": key.signed(_challenge(page))}).status_code == 422


@pytest.mark.parametrize(
    "credential",
    [{}, {"id": 1}, {"response": None}, {"response": {"clientDataJSON": "%%%"}},
     {"response": {"clientDataJSON": "e30"}}, {"id": "x" * 5000, "response": {"clientDataJSON": ["<script>"]}}],
    ids=range(6),
)  # fmt: skip
def test_what_is_no_passkey_is_refused(gateway: Desk, credential: dict[str, Any]) -> None:
    page, _ = gateway.registered()
    for path in ("/passkeys", "/passkeys/sign-in"):
        answer = _post(page, path, {"credential": credential})
        assert answer.status_code == 422
        assert "script" not in answer.text
    assert gateway.outbox.said == []


def test_a_removed_key_signs_nobody_in_and_somebody_elses_cannot_be_removed(gateway: Desk) -> None:
    page, key = _with_key(gateway)
    other, _ = gateway.registered("Mallory")
    assert _post(other, "/passkeys/remove", {"passkey": key.name}).status_code == 404
    seen = look(page, "/passkeys")
    assert press(page, seen.form("/passkeys/remove")).headers["location"] == "/passkeys"
    (event,) = gateway.said("person-events")
    assert isinstance(event, PasskeyRemoved)
    assert event.passkey == key.name
    gateway.put_person(key.person)
    answer = _post(gateway.page(), "/passkeys/sign-in", {"credential": key.signed(_challenge(other))})
    assert (answer.status_code, "come in with your number" in answer.text) == (422, True)


def test_at_an_address_without_a_name_there_are_no_passkeys(gateway: Desk) -> None:
    page, _ = gateway.registered()
    for path in ("/passkeys/options", "/passkeys/sign-in/options"):
        answer = page.post(path)
        assert (answer.status_code, "no name" in answer.text) == (422, True)


def test_only_who_is_in_makes_a_key_and_not_without_end(gateway: Desk) -> None:
    for path in ("/passkeys/options", "/passkeys", "/passkeys/remove"):
        assert _post(gateway.page(), path, {"credential": {}}).status_code == 401
    page, _ = gateway.signed_in()
    assert _post(page, "/passkeys/options").status_code == 403
    page, person = gateway.registered()
    keys = tuple(Passkey(id=f"k{n}", public_key="key", site=SITE, added=ADDED) for n in range(PASSKEYS_LIMIT))
    gateway.put_person(person, passkeys=keys)
    many = SoftPasskey(person).made(_challenge(page, "/passkeys/options"))
    assert "many passkeys" in _post(page, "/passkeys", {"credential": many}).text
    assert [_post(page, "/passkeys/options").status_code for _ in range(30)][-1] == 429


def test_one_is_offered_until_somebody_has_one_or_says_no(gateway: Desk) -> None:
    page, person = gateway.registered()
    assert "Next time" in look(page).text
    assert press(page, look(page).form("/passkeys/later")).headers["location"] == "/"
    assert "Next time" not in look(page).text
    page, person = gateway.registered()
    gateway.put_person(person, passkeys=(Passkey(id="k", public_key="key", site=SITE, added=ADDED),))
    assert "Next time" not in look(page).text
