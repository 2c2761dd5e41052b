"""Where a telephone is rung: taken from its own session, at a push service that we know, gone with the session."""

import asyncio
from typing import Any

import pytest
import redis.asyncio

from matcher.errors import BadRequest
from services.adapters.subscriptions import HOSTS, Subscription, Subscriptions, may_be_called
from services.adapters.vapid import new_key, public_key
from services.gateway.limits import TELEPHONES
from services.settings import read_settings
from tests.conftest import RedisPlace
from tests.gateway_desk import Desk, desk
from tests.page_reader import look
from tests.push_double import Subscribed

GOOGLE = "https://fcm.googleapis.com"
PATH = "/push/subscription"


def telephone(base: str = GOOGLE, path: str = "/fcm/send/abc:DEF-123") -> dict[str, Any]:
    """What a browser would give."""
    return Subscribed(path, "").as_json(base)


def _kept(gateway: Desk) -> list[dict[bytes, bytes]]:
    sessions = [gateway.redis.hgetall(key) for key in gateway.redis.scan_iter(gateway.prefix + "session:*")]
    return [one for one in sessions if b"push" in one]


def test_a_telephone_is_kept_with_its_session_until_it_is_taken_back(gateway: Desk) -> None:
    page, person = gateway.registered()
    given = telephone()
    answer = page.post(PATH, given, key="telephone-1")
    assert (answer.status_code, page.post(PATH, given, key="telephone-1").json()) == (201, answer.json())
    (kept,) = _kept(gateway)
    assert Subscription.model_validate_json(kept[b"push"]).endpoint == given["endpoint"]
    assert kept[b"person"].decode() == person
    assert [one["rings_when_locked"] for one in page.get("/me/export").json()["sessions"]] == [True]
    assert "It rings when it is locked" in look(page, "/signed-in").text
    assert given["endpoint"] not in page.get("/", headers={"Accept": "text/html"}).text
    assert answer.json()["mark"] in page.get("/", headers={"Accept": "text/html"}).text
    assert page.write("DELETE", PATH).status_code == 200
    assert _kept(gateway) == []
    assert gateway.outbox.said == []


@pytest.mark.parametrize("leave", [("DELETE", "/sessions"), ("DELETE", "/me/sessions"), ("DELETE", "/me")])
def test_whoever_signs_out_or_is_erased_is_rung_nowhere(gateway: Desk, leave: tuple[str, str]) -> None:
    page, _ = gateway.registered()
    other, _ = gateway.registered("Stan")
    assert {one.post(PATH, telephone()).status_code for one in (page, other)} == {201}
    assert page.write(*leave).status_code in (202, 204)
    assert len(_kept(gateway)) == 1
    assert page.post(PATH, telephone()).status_code == 401
    assert page.write("DELETE", PATH).status_code == 401


def test_another_person_cannot_take_ones_telephone_away(gateway: Desk) -> None:
    page, _ = gateway.registered()
    mallory, _ = gateway.registered("Mallory")
    page.post(PATH, telephone())
    assert mallory.write("DELETE", PATH).status_code == 200
    assert len(_kept(gateway)) == 1


WRONG_ADDRESSES = [
    "http://fcm.googleapis.com/x", "https://example.org/x", "https://127.0.0.1/x", "https://[::1]/x", "https://localhost/x",
    "https://169.254.169.254/latest", "https://fcm.googleapis.com.example.org/x", "https://evilfcm.googleapis.com/x",
    "https://fcm.googleapis.com@127.0.0.1/x", "https://127.0.0.1\\@fcm.googleapis.com/x", "https://x@fcm.googleapis.com/x",
    "https://fcm.googleapis.com:8443/x", "https://fcm.googleapis.com#@evil", "https://push.apple.com/x",
    "https://fcm.googleapis.com\n.example.org/x", "https://FCM.googleapis.com/x", "https://fcm.googleapis.com./x",
    "https://fcm。googleapis.com/x", "//fcm.googleapis.com/x", "file:///etc/passwd", "", "https://", "x" * 5000,
    GOOGLE + "/" + "x" * 1000, GOOGLE + "/a b", GOOGLE + "/\r\nHost: evil",
]  # fmt: skip


@pytest.mark.parametrize("address", WRONG_ADDRESSES, ids=range(len(WRONG_ADDRESSES)))
def test_no_address_but_one_of_a_push_service_is_ever_kept(gateway: Desk, address: str) -> None:
    page, _ = gateway.registered()
    answer = page.post(PATH, telephone() | {"endpoint": address})
    assert (answer.status_code, answer.json()["error"]) == (422, "bad_request")
    assert "evil" not in answer.text
    assert _kept(gateway) == []


@pytest.mark.parametrize(
    "endpoint",
    [GOOGLE + "/fcm/send/a:B_c-d", "https://updates.push.services.mozilla.com/wpush/v2/gAAAA%3D", GOOGLE,
     "https://web.push.apple.com/QGu", "https://wns2-ln2p.notify.windows.com/w/?token=BQ%2b", GOOGLE + ":443/x"],
)  # fmt: skip
def test_the_push_services_of_every_browser_are_known(endpoint: str) -> None:
    assert may_be_called(endpoint)
    assert len(HOSTS) == 4


def test_only_the_push_services_that_are_named_are_known_besides() -> None:
    assert may_be_called("https://push.example.org:8443/x", ("push.example.org:8443",))
    assert not may_be_called("https://push.example.org/x", ("push.example.org:8443",))
    assert not may_be_called("http://push.example.org:8443/x", ("push.example.org:8443",))


def _keys(**change: Any) -> dict[str, Any]:
    given = telephone()
    return given | {"keys": given["keys"] | change}


@pytest.mark.parametrize(
    "body",
    [{}, {"endpoint": GOOGLE}, telephone() | {"keys": {}}, telephone() | {"keys": "<b>"}, telephone() | {"more": 1},
     _keys(p256dh="A" * 87), _keys(p256dh="B" * 100_00), _keys(p256dh="B" * 20), _keys(auth="A" * 23), _keys(auth=""),
     _keys(auth="A" * 9000), _keys(auth=None), _keys(p256dh=7), telephone() | {"endpoint": 7}, _keys(auth="é" * 22),
     telephone() | {"expirationTime": "soon"}, [], "x"],
    ids=range(18),
)  # fmt: skip
def test_what_is_no_subscription_is_refused(gateway: Desk, body: Any) -> None:
    page, _ = gateway.registered()
    answer = page.post(PATH, body)
    assert answer.status_code == 422
    assert "<b>" not in answer.text
    assert _kept(gateway) == []


def test_a_write_without_a_key_or_a_session_or_too_often_is_refused(gateway: Desk) -> None:
    page, _ = gateway.registered()
    for method, body in (("POST", telephone()), ("DELETE", {})):
        assert page.request(method, PATH, json=body).status_code == 400
        assert gateway.page().write(method, PATH, body).status_code == 401
    asked_first = gateway.page().request("OPTIONS", PATH, headers={"Origin": "https://evil.example"})
    assert not any(name.startswith("access-control") for name in asked_first.headers)
    answers = [page.post(PATH, telephone()).status_code for _ in range(TELEPHONES.count + 1)]
    assert answers == [201] * TELEPHONES.count + [429]
    assert len(_kept(gateway)) == 1


def test_a_session_that_ended_while_its_telephone_was_saved_leaves_nothing(
    gateway: Desk, one_embedded_redis: str
) -> None:
    async def save() -> bool:
        async with redis.asyncio.Redis.from_url(one_embedded_redis) as client:
            given = Subscription(endpoint=GOOGLE, keys=telephone()["keys"])
            return await Subscriptions(client, gateway.prefix).save("gone", given)

    assert asyncio.run(save()) is False
    assert gateway.redis.keys(gateway.prefix + "session:gone") == []


def test_without_a_key_it_is_off_and_no_page_offers_it(one_embedded_redis: str) -> None:
    with desk(RedisPlace(one_embedded_redis, "no-push:"), push_key="", push_contact="") as off:
        page, person = off.registered()
        off.put_waiting(person)
        assert page.post(PATH, telephone()).status_code == 404
        for path in ("/", "/settings", "/ringing"):
            assert "data-push" not in page.get(path, headers={"Accept": "text/html"}).text, path
        off.begin_anew()


def test_a_waiting_page_offers_it_and_settings_lead_to_it(gateway: Desk) -> None:
    page, person = gateway.registered()
    gateway.put_waiting(person)
    assert "May we ring this telephone" in look(page).text
    assert look(page, "/ringing").view == "my_ringing"
    page.post(PATH, telephone())
    assert "May we ring this telephone" not in look(page).text
    assert "You may lock" in look(page).text


@pytest.mark.parametrize(
    ("name", "value"),
    [pytest.param("PUSH_KEY", new_key(), id="a key alone"), ("PUSH_CONTACT", "mailto:ops@example.org"),
     ("PUSH_KEY", "short"), ("PUSH_HOSTS", "https://push.example.org"), ("PUSH_CONTACT", "ops")],
)  # fmt: skip
def test_settings_of_push_that_are_halves_or_make_no_sense_are_refused(name: str, value: str) -> None:
    with pytest.raises(BadRequest, match="PARTYLINE_"):
        read_settings({f"PARTYLINE_{name}": value})


def test_a_key_has_the_same_public_half_each_time_and_what_is_none_is_refused() -> None:
    key = new_key()
    assert public_key(key) == public_key(key) != public_key(new_key())
    assert len(public_key(key)) == 87
    with pytest.raises(BadRequest, match="push-key"):
        public_key("A" * 43)


