"""What two pages signal to each other: in order, only to each other, bounded, short-lived, and nowhere else."""

import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from matcher.invitation import Invitation
from services.adapters.signals import KEEP_S, STREAM_LIMIT
from services.gateway.limits import SIGNALS
from services.gateway.signals import CANDIDATES_LIMIT, SDP_LIMIT, Signal, without_addresses
from tests.conftest import RedisPlace
from tests.gateway_desk import WAIT_S, Desk, Listener, Page, desk, over

SDP = "v=0\r\no=- 1 2 IN IP4 192.0.2.7\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 192.0.2.7\r\n"
MY_PAGE, YOUR_PAGE = "page-of-mine", "page-of-yours"
HERE = {"page": MY_PAGE}
OFFER = {"page": MY_PAGE, "to": YOUR_PAGE, "description": {"type": "offer", "sdp": SDP}}
HOST = "candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host generation 0"
RELAY = "candidate:2 1 udp 41885439 198.51.100.2 60000 typ relay raddr 192.0.2.7 rport 50000 generation 0"


@pytest.fixture
def call(gateway: Desk) -> tuple[Page, Page, Invitation]:
    """Two people in a call."""
    return _call(gateway)


def _call(gateway: Desk, **change: Any) -> tuple[Page, Page, Invitation]:
    (ann, a), (bob, b) = gateway.registered(), gateway.registered("Bob")
    return ann, bob, gateway.put_invitation(a, b, **{"state": "confirmed", **change})


def signal(page: Page, row: Invitation, body: Any, **more: Any) -> httpx.Response:
    """Send a signal."""
    return page.post(f"/invitations/{row.invitation}/signal", body, **more)


class Signals(Listener):
    """Reads a line of signals."""

    def __init__(self, page: Page, row: Invitation, since: str | None = None) -> None:
        self.path = f"/invitations/{row.invitation}/signals"
        super().__init__(page, since)

    def told(self, count: int) -> list[dict[str, Any]]:
        """The first signals that were told."""
        return [data for _, _, data in self.wait_for(count)[:count]]


def test_signals_come_in_order_to_the_other_alone_and_say_nothing_of_who_sent_them(
    gateway: Desk, call: tuple[Page, Page, Invitation]
) -> None:
    ann, bob, row = call
    early = [{**OFFER, "candidates": [{"candidate": f"candidate:{number}"}]} for number in range(5)]
    late = [{**OFFER, "candidates": [{"candidate": f"candidate:{number}"}]} for number in range(5, 10)]
    for one in early:
        assert signal(ann, row, one).status_code == 202
    heard = Signals(bob, row)
    heard.wait_for(5)
    for one in late:
        signal(ann, row, one)
    told = heard.told(10)
    assert [one["candidates"][0]["candidate"] for one in told] == [f"candidate:{number}" for number in range(10)]
    assert all(set(one) == {"page", "to", "description", "candidates", "mine"} for one in told)
    assert not any(person in json.dumps(told) for person in row.people)
    assert gateway.outbox.said == []


def test_the_last_word_of_a_page_that_is_closed_reaches_the_other(
    gateway: Desk, call: tuple[Page, Page, Invitation]
) -> None:
    ann, bob, row = call
    last_word = {"page": OFFER["page"], "to": OFFER["to"], "leaving": True}
    assert signal(ann, row, {**last_word, "leaving": False}).status_code == 422
    for_good = {**last_word, "leaving": "for good"}
    for one in (last_word, for_good):
        assert signal(ann, row, one).status_code == 202
    assert Signals(bob, row).told(2) == [{**one, "candidates": [], "mine": False} for one in (last_word, for_good)]


def test_a_line_goes_on_after_the_last_id_also_at_another_gateway(
    gateway: Desk, call: tuple[Page, Page, Invitation]
) -> None:
    ann, bob, row = call
    with desk(RedisPlace(_redis_of(gateway), gateway.prefix)) as other:
        page = other.page()
        page.cookies = bob.cookies
        first = Signals(bob, row)
        for number in range(3):
            signal(ann, row, {**OFFER, "candidates": [{"candidate": f"candidate:{number}"}]})
        since = first.wait_for(3)[1][1]
        second = Signals(page, row, since)
        signal(ann, row, {**OFFER, "candidates": [{"candidate": "candidate:3"}]})
        assert [one["candidates"][0]["candidate"] for one in second.told(2)] == ["candidate:2", "candidate:3"]


def _redis_of(gateway: Desk) -> str:
    options = gateway.redis.connection_pool.connection_kwargs
    return f"redis://{options['host']}:{options['port']}"


def test_who_comes_anew_is_told_to_both_and_the_rest_to_the_other_alone(
    call: tuple[Page, Page, Invitation],
) -> None:
    ann, bob, row = call
    signal(ann, row, HERE)
    signal(ann, row, OFFER)
    assert [one["mine"] for one in Signals(bob, row).told(2)] == [False, False]
    mine = Signals(ann, row)
    assert mine.told(1) == [{"page": MY_PAGE, "candidates": [], "mine": True}]
    signal(bob, row, {"page": YOUR_PAGE, "to": MY_PAGE})
    assert mine.told(2)[1]["page"] == YOUR_PAGE


def test_the_same_signal_sent_twice_is_told_once(call: tuple[Page, Page, Invitation]) -> None:
    ann, bob, row = call
    for _ in range(2):
        assert signal(ann, row, OFFER, key="the-same-key").status_code == 202
    signal(ann, row, {"page": MY_PAGE, "to": YOUR_PAGE})
    assert ["description" in one for one in Signals(bob, row).told(2)] == [True, False]


def test_signals_fade_and_are_bounded(gateway: Desk, call: tuple[Page, Page, Invitation]) -> None:
    ann, _, row = call
    signal(ann, row, OFFER)
    (key,) = gateway.redis.keys(f"{gateway.prefix}signal:*")
    assert 0 < gateway.redis.ttl(key) <= KEEP_S <= 180
    for _ in range(STREAM_LIMIT + 5):
        signal(ann, row, OFFER)
    assert gateway.redis.xlen(key) < 2 * STREAM_LIMIT


BAD: list[Any] = [
    {},
    {"page": "short"},
    {"page": "with spaces in it"},
    {**HERE, "unknown": 1},
    {**OFFER, "description": {"type": "rollback", "sdp": SDP}},
    {**OFFER, "description": {"type": "offer", "sdp": "garbage"}},
    {**OFFER, "description": {"type": "offer", "sdp": "v=0\r\n\x00"}},
    {**OFFER, "description": {"type": "offer", "sdp": "v=0\r\n<script>"}},
    {**OFFER, "description": {"type": "offer", "sdp": SDP + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"}},
    {**OFFER, "description": {"type": "offer", "sdp": SDP + "a" * SDP_LIMIT}},
    {**OFFER, "candidates": [{"candidate": "candidate:1"}] * (CANDIDATES_LIMIT + 1)},
    {**OFFER, "candidates": [{"candidate": "x" * 501}]},
    {**OFFER, "candidates": [{"candidate": "candidate:1\r\na=x"}]},
    {**OFFER, "candidates": [{"candidate": 7}]},
    {**OFFER, "candidates": [{"candidate": "candidate:1", "sdpMLineIndex": -1}]},
    [],
]


@pytest.mark.parametrize("body", BAD)
def test_garbage_is_refused_and_not_repeated(gateway: Desk, call: tuple[Page, Page, Invitation], body: Any) -> None:
    ann, _, row = call
    answer = signal(ann, row, body)
    assert (answer.status_code, answer.json()["error"]) == (422, "bad_request")
    assert "<script>" not in answer.text
    assert gateway.redis.keys(f"{gateway.prefix}signal:*") == []


def test_a_body_of_a_megabyte_is_refused(call: tuple[Page, Page, Invitation]) -> None:
    ann, _, row = call
    assert signal(ann, row, {**OFFER, "description": {"type": "offer", "sdp": "v=0" * 350_000}}).status_code == 413


ROUTES = [("POST", "signal"), ("GET", "signals"), ("GET", "ice")]


def _ask(page: Page, method: str, invitation: str, route: str) -> httpx.Response:
    path = f"/invitations/{invitation}/{route}"
    return page.get(path) if method == "GET" else page.post(path, HERE)


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_somebody_elses_call_looks_like_one_that_does_not_exist(gateway: Desk, method: str, route: str) -> None:
    _, _, row = _call(gateway)
    stranger, _ = gateway.registered("Eve")
    answers = [_ask(stranger, method, one, route) for one in (row.invitation, "inv-none", "x" * 500)]
    assert [one.status_code for one in answers] == [404] * 3
    assert len({one.content for one in answers}) == 1
    assert gateway.redis.keys(f"{gateway.prefix}signal:*") == []


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_without_a_session_nothing_is_told(gateway: Desk, method: str, route: str) -> None:
    _, _, row = _call(gateway)
    assert _ask(gateway.page(), method, row.invitation, route).status_code == 401


@pytest.mark.parametrize(("method", "route"), ROUTES)
@pytest.mark.parametrize(("change", "code"), [(over(), "already_ended"), ({"state": "accepted"}, "not_yet")])
def test_before_both_accepted_and_after_the_end_nobody_signals(
    gateway: Desk, method: str, route: str, change: dict[str, Any], code: str
) -> None:
    ann, _, row = _call(gateway, **change)
    answer = _ask(ann, method, row.invitation, route)
    assert (answer.status_code, answer.json()["error"]) == (409, code)


def test_a_flood_is_held_back(gateway: Desk, call: tuple[Page, Page, Invitation]) -> None:
    ann, bob, row = call
    asked: list[int] = []

    def ask(times: int) -> None:
        asked.extend(signal(ann, row, HERE).status_code for _ in range(times))

    several = [threading.Thread(target=ask, args=(SIGNALS.count // 4 + 1,)) for _ in range(4)]
    for one in several:
        one.start()
    for one in several:
        one.join(WAIT_S * 3)
    assert asked.count(202) == SIGNALS.count
    assert set(asked) == {202, 429}
    assert signal(bob, row, HERE).status_code == 202


def test_the_end_of_the_call_is_told_and_ends_the_line(gateway: Desk, call: tuple[Page, Page, Invitation]) -> None:
    _, bob, row = call
    heard = Signals(bob, row)
    gateway.put_invitation(row.a, row.b, invitation=row.invitation, **over())
    gateway.redis.publish(f"{gateway.prefix}news", f"signal|{row.invitation}|{row.b}")
    gateway.redis.publish(f"{gateway.prefix}news", f"signal|{row.invitation}|{row.a}")
    heard.wait_for_end()
    assert heard.heard[-1][0] == "over"


def test_directly_each_side_is_told_what_it_is_and_no_server(call: tuple[Page, Page, Invitation]) -> None:
    ann, bob, row = call
    told = [page.get(f"/invitations/{row.invitation}/ice").json() for page in (ann, bob)]
    assert {one["side"] for one in told} == {"a", "b"}
    assert all(one["policy"] == "all" and one["ice_servers"] == [] for one in told)


@pytest.fixture
def relaying(one_embedded_redis: str) -> Iterator[Desk]:
    """A gateway with a TURN server."""
    turn = {"turn_urls": ("turn:turn.example.org:3478",), "turn_secret": "shared"}
    with desk(RedisPlace(one_embedded_redis, "test-relaying:"), **turn) as made:
        yield made


def test_with_turn_each_side_gets_a_password_of_its_own_and_relays_only(relaying: Desk) -> None:
    ann, bob, row = _call(relaying)
    told = [page.get(f"/invitations/{row.invitation}/ice").json() for page in (ann, bob)]
    assert [one["policy"] for one in told] == ["relay", "relay"]
    servers = [one["ice_servers"][0] for one in told]
    assert servers[0]["username"] != servers[1]["username"]
    assert not any(person in json.dumps(told) for person in row.people)


def test_with_turn_no_address_of_a_person_reaches_the_other(relaying: Desk) -> None:
    ann, bob, row = _call(relaying)
    described = {"type": "offer", "sdp": f"{SDP}a=rtcp:9 IN IP4 192.0.2.7\r\na={HOST}\r\na={RELAY}\r\n"}
    ways = [{"candidate": HOST, "sdpMid": "0"}, {"candidate": RELAY, "sdpMid": "0"}, {"candidate": ""}]
    assert signal(ann, row, {**OFFER, "description": described, "candidates": ways}).status_code == 202
    (told,) = Signals(bob, row).told(1)
    assert "192.0.2.7" not in json.dumps(told)
    assert [one["candidate"].split(" ")[4:5] for one in told["candidates"]] == [["198.51.100.2"], []]
    assert "198.51.100.2" in told["description"]["sdp"]
    assert "typ host" not in told["description"]["sdp"]


def test_a_description_without_addresses_stays_as_it_was() -> None:
    clean = SDP.replace("192.0.2.7", "0.0.0.0")
    given = Signal.model_validate({**OFFER, "description": {"type": "offer", "sdp": clean}})
    assert without_addresses(given) == given


def test_no_log_holds_an_address(call: tuple[Page, Page, Invitation], caplog: pytest.LogCaptureFixture) -> None:
    ann, _, row = call
    with caplog.at_level(logging.DEBUG, logger="services"):
        signal(ann, row, {**OFFER, "candidates": [{"candidate": HOST}]})
        signal(ann, row, {**OFFER, "description": {"type": "offer", "sdp": "192.0.2.7"}})
    assert "192.0.2.7" not in caplog.text
