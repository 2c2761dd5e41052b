"""The dashboard as a process: who gets in, what they are told, and what happens while Kafka or Redis is away."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from matcher.errors import BadRequest
from services import topics
from services.adapters.dead_letters import letter
from services.dashboard.app import build
from services.dashboard.guard import COOKIE
from services.dashboard.health import WATCHED
from services.dashboard.sessions import ATTEMPTS_PER_ADDRESS
from services.embedded.broker import embedded_broker
from services.embedded.redis import embedded_redis
from services.settings import Settings
from services.topics import DEAD_LETTERS, WAITING, KafkaAddress
from tests.conftest import Parts, RedisPlace
from tests.dashboard_desk import PASSWORD, DashboardDesk, Operator, agree, dashboard
from tests.gateway_desk import Listener, waiting
from tests.world import eventually

ROUTES = ("/", "/figures", "/live", "/nothing", "/figures/1", "/sign-out", "/%2e%2e/figures", "/docs", "/openapi.json")
PAGE = {"Accept": "text/html"}
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
BACK_WITHIN_S = 30.0


@pytest.fixture(scope="module")
def desk(shared_parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardDesk]:
    with dashboard(shared_parts, tmp_path_factory.mktemp("dashboard")) as made:
        yield made


@pytest.fixture
def stranger(desk: DashboardDesk) -> Operator:
    """Somebody who is not signed in; no attempt of an earlier test counts."""
    forget_attempts(desk)
    return desk.operator()


@pytest.fixture
def operator(desk: DashboardDesk) -> Operator:
    forget_attempts(desk)
    return desk.signed_in()


def forget_attempts(desk: DashboardDesk) -> None:
    with desk.redis() as client:
        for key in client.scan_iter(match=desk.settings.redis_prefix + "limit:*", count=1000):
            client.delete(key)


# --- who gets in ---


@pytest.mark.parametrize("password", ["", "short", "x" * 201])
def test_without_a_password_worth_the_name_it_does_not_start(password: str) -> None:
    with pytest.raises(BadRequest, match="PARTYLINE_DASHBOARD_PASSWORD"):
        build(Settings(dashboard_password=password))


@pytest.mark.parametrize("path", ROUTES)
def test_a_stranger_is_shown_the_way_in_and_learns_nothing_of_what_exists(stranger: Operator, path: str) -> None:
    page, other = stranger.get(path, headers=PAGE), stranger.get(path)
    assert (page.status_code, page.headers["location"], page.content) == (303, "/sign-in", b"")
    assert (other.status_code, other.json()["error"]) == (401, "not_signed_in")


@pytest.mark.parametrize("cookie", ["", "x", "x" * 4000, "../operator", "é".encode().hex(), '"; DROP', "*"])
def test_a_made_up_session_is_none(stranger: Operator, cookie: str) -> None:
    assert stranger.get("/figures", headers={"Cookie": f"{COOKIE}={cookie}"}).status_code == 401


def test_the_right_password_opens_a_session_that_only_the_browser_holds(stranger: Operator) -> None:
    answer = stranger.sign_in()
    cookie = answer.headers["set-cookie"]
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Max-Age=43200", "Path=/"))
    assert stranger.get("/", headers=PAGE).status_code == 200
    assert stranger.get("/nothing").status_code == 404


@pytest.mark.parametrize("password", ["", "a mistaken guess", PASSWORD + " ", "\x00", "😀😀😀", "%ff%fe"])
def test_another_password_does_not(stranger: Operator, password: str) -> None:
    answer = stranger.sign_in(password)
    assert (answer.status_code, "That is not the password." in answer.text) == (401, True)
    assert "set-cookie" not in answer.headers
    assert password == "" or password not in answer.text


def test_guessing_is_slowed_down_even_for_the_right_guess(stranger: Operator) -> None:
    answers = [stranger.sign_in("wrong").status_code for _ in range(ATTEMPTS_PER_ADDRESS.count)]
    last = stranger.sign_in()
    assert set(answers) == {401}
    assert (last.status_code, int(last.headers["retry-after"]) > 0) == (429, True)


@pytest.mark.parametrize("origin", ["", "null", "http://elsewhere.example", "http://127.0.0.1:1", "http://[", "//"])
@pytest.mark.parametrize("path", ["/sign-in", "/sign-out"])
def test_a_form_of_another_site_does_nothing(operator: Operator, path: str, origin: str) -> None:
    before = operator.cookies[COOKIE]
    assert operator.form(path, {"password": PASSWORD}, Origin=origin).status_code == 403
    assert operator.post(path, data={"password": PASSWORD}).status_code == 403
    assert operator.cookies[COOKIE] == before
    assert operator.get("/figures").status_code == 200


def test_signing_out_ends_the_session_and_its_lines_and_no_others(desk: DashboardDesk, operator: Operator) -> None:
    other, token = desk.signed_in(), operator.cookies[COOKIE]
    line, others_line = Listener(operator), Listener(other)
    assert operator.form("/sign-out", {}).headers["location"] == "/sign-in"
    line.wait_for_end()
    assert httpx.get(desk.url + "/figures", headers={"Cookie": f"{COOKIE}={token}"}).status_code == 401
    assert not others_line.ended
    assert other.get("/figures").status_code == 200


def test_a_session_that_has_run_out_is_none_and_its_lines_end(desk: DashboardDesk, operator: Operator) -> None:
    with desk.redis() as client:
        for key in client.scan_iter(match=desk.settings.redis_prefix + "operator:*"):
            client.pexpire(key, 1_500)
    line = Listener(operator)
    line.wait_for_end()
    eventually(lambda: operator.get("/figures").status_code == 401)


@pytest.mark.parametrize("size", [65 * 1024, 5 * 1024 * 1024])
def test_an_oversized_form_is_refused(stranger: Operator, size: int) -> None:
    def pieces() -> Iterator[bytes]:
        yield from (b"x" * 1024 for _ in range(size // 1024))

    headers = {"Origin": str(stranger.base_url)}
    for body in (b"x" * size, pieces()):
        with suppress(httpx.WriteError):  # it may be hung up on
            assert stranger.post("/sign-in", content=body, headers=headers).status_code == 413
    assert stranger.get("/sign-in").status_code == 200


@pytest.mark.parametrize("body", [b"\xff\xfe", b"password", b"&" * 1000, b"password=%ff", b"a=1&" * 50, b"{}"])
def test_a_form_that_cannot_be_read_is_a_wrong_password(stranger: Operator, body: bytes) -> None:
    assert stranger.post("/sign-in", content=body, headers={"Origin": str(stranger.base_url)}).status_code == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_but_signing_in_and_out_can_be_written(operator: Operator, method: str) -> None:
    for path in ("/", "/figures", "/live", "/health", "/static/board.css"):
        assert operator.request(method, path, headers={"Origin": str(operator.base_url)}).status_code in (404, 405)


@pytest.mark.parametrize("path", ["/sign-in", "/", "/figures", "/health", "/static/board.js", "/nothing"])
def test_every_answer_is_under_a_strict_policy(operator: Operator, path: str) -> None:
    headers = operator.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'")
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/"])
def test_only_what_is_meant_to_be_seen_is_served(operator: Operator, path: str) -> None:
    assert operator.get(path).status_code == 404


def test_no_page_has_a_script_or_a_style_in_it(operator: Operator) -> None:
    for path in ("/", "/sign-in"):
        text = operator.get(path).text
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", text)


# --- what they are told ---


def test_the_snapshot_and_the_changes_make_the_newest_snapshot(desk: DashboardDesk, operator: Operator) -> None:
    with desk.producer() as kafka:
        desk.send(kafka, WAITING, "p-agree", waiting("p-agree"))
        agree(operator)


@pytest.mark.parametrize("since", ["nonsense", "000000000000-1", "x" * 3000, "-1", "1-1", "ffffffffffff-9999999999"])
def test_a_forged_id_gets_a_snapshot(operator: Operator, since: str) -> None:
    assert Listener(operator, since).wait_for(1)[0][0] == "snapshot"


def test_a_page_that_comes_back_goes_on_from_where_it_was(operator: Operator) -> None:
    (_, id_, _), *_ = Listener(operator).wait_for(2)
    heard = Listener(operator, id_).wait_for(1)
    assert heard[0][0] == "change"
    assert int(heard[0][1].split("-")[1]) == int(id_.split("-")[1]) + 1


def test_what_was_planted_in_a_dead_letter_stays_text_and_its_payload_stays_away(
    desk: DashboardDesk, operator: Operator
) -> None:
    planted = "<img src=x onerror=alert(1)>\n\nevent: snapshot\ndata: {}"
    dead = letter(source_topic=f"{desk.settings.topic_prefix}{planted}", partition=0, offset=1, key=b"k",
                  value=b"0161 496 0000", error=planted, attempts=1, at=NOW)  # fmt: skip
    with desk.producer() as kafka:
        desk.send(kafka, DEAD_LETTERS, "x", dead)
        desk.send(kafka, DEAD_LETTERS, "x", b"{broken")
    shown = eventually(lambda: operator.figures()["letters"]["newest"])
    assert (shown[0]["topic"], shown[0]["reason"]) == (planted, planted)
    assert "0161" not in operator.get("/figures").text
    state = agree(operator)
    assert state["letters"]["newest"] == shown
    assert operator.get("/figures").headers["content-type"] == "application/json"


def test_a_process_that_fell_silent_is_said_to_be_gone(desk: DashboardDesk, operator: Operator) -> None:
    with desk.redis() as client:
        client.set(f"{desk.settings.redis_prefix}ready:processor", 1, ex=10)
        client.set(f"{desk.settings.redis_prefix}ready:bridge", 1, ex=5)
        client.set(f"{desk.settings.redis_prefix}refused:GB", '{"language": 3, "block": 7}', ex=10)
        told = eventually(lambda: (found := operator.figures())["refused"] and found)
    states = {one["name"]: one["state"] for one in told["processes"]}
    assert states == dict.fromkeys(WATCHED, "gone") | {"processor": "well", "bridge": "late"}
    assert list(told["refused"].items()) == [("block", 7), ("language", 3)]


# --- started again ---


def test_started_again_it_knows_its_sessions_and_its_line_and_counts_the_same(
    shared_parts: Parts, tmp_path: Path
) -> None:
    with dashboard(shared_parts, tmp_path) as desk, desk.producer() as kafka:
        operator = desk.signed_in()
        opened = caught_up(operator)["totals"]["opened"]  # by tests before this one
        desk.send(kafka, WAITING, "p-again", waiting("p-again"))
        before = eventually(lambda: (found := operator.figures())["totals"]["opened"] > opened and found)
        restart(desk)
        after = caught_up(operator)
        assert after["points"][0] == before["points"][0]
        assert after["totals"] == before["totals"]
        desk.settings = desk.settings.model_copy(update={"dashboard_password": "another secret"})
        restart(desk)
        assert operator.get("/figures").status_code == 401


def caught_up(operator: Operator) -> dict[str, Any]:
    """The figures once all that had been written was read."""
    found: dict[str, Any] = eventually(
        lambda: (found := operator.figures()).get("reading", {}).get("caught_up") and found["points"] and found
    )
    return found


def restart(desk: DashboardDesk) -> None:
    """kill -9 and a new start."""
    assert desk.process is not None
    desk.process.kill()
    desk.process.wait()
    desk.start()


# --- Kafka or Redis away ---


@pytest.fixture
def broker_of_its_own(one_embedded_redis: str) -> Iterator[tuple[Parts, psutil.Process]]:
    """Parts whose broker may be stopped, and its process."""
    known = set(psutil.Process().children())
    with embedded_broker() as address:
        (process,) = (one for one in psutil.Process().children() if one not in known)
        topics.create(address.bootstrap, address.prefix, address.embedded)
        yield Parts(address, RedisPlace(one_embedded_redis, "test-broker-away:")), process


def test_kafka_away_is_said_and_reading_goes_on_when_it_is_back(
    broker_of_its_own: tuple[Parts, psutil.Process], tmp_path: Path
) -> None:
    parts, broker = broker_of_its_own
    with dashboard(parts, tmp_path) as desk, desk.producer() as kafka:
        operator = desk.signed_in()
        desk.send(kafka, WAITING, "one", waiting("one"))
        eventually(lambda: operator.figures()["totals"]["opened"] == 1)
        broker.send_signal(signal.SIGSTOP)
        try:
            eventually(lambda: operator.figures()["parts"] == {"kafka": "away", "redis": "here"}, BACK_WITHIN_S)
            assert operator.figures()["totals"]["opened"] == 1
            agree(operator)
        finally:
            broker.send_signal(signal.SIGCONT)
        eventually(lambda: operator.figures()["parts"]["kafka"] == "here", BACK_WITHIN_S)
        desk.send(kafka, WAITING, "two", waiting("two"))
        eventually(lambda: operator.figures()["totals"]["opened"] == 2, BACK_WITHIN_S)


def test_it_starts_while_kafka_is_away_and_says_so(one_embedded_redis: str, tmp_path: Path) -> None:
    nowhere = KafkaAddress("127.0.0.1:1", embedded=True)
    with dashboard(Parts(nowhere, RedisPlace(one_embedded_redis, "test-no-broker:")), tmp_path) as desk:
        operator = desk.signed_in()
        eventually(lambda: operator.figures()["parts"]["kafka"] == "away", BACK_WITHIN_S)
        assert operator.get("/", headers=PAGE).status_code == 200


def test_redis_away_is_said_on_open_lines_and_to_whoever_comes(
    one_embedded_broker: KafkaAddress, tmp_path: Path
) -> None:
    address = replace(one_embedded_broker, prefix="test-redis-away-")
    topics.create(address.bootstrap, address.prefix, address.embedded)
    with embedded_redis() as url, dashboard(Parts(address, RedisPlace(url, "p:")), tmp_path) as desk:
        operator = desk.signed_in()
        line = Listener(operator)
        server = redis_server(url)
        os.kill(server, signal.SIGSTOP)
        try:
            eventually(lambda: parts_told(line) == {"kafka": "here", "redis": "away"}, BACK_WITHIN_S)
            page = operator.get("/", headers=PAGE)
            assert (page.status_code, "Redis does not answer" in page.text) == (503, True)
            assert (operator.get("/figures").status_code, operator.sign_in().status_code) == (503, 503)
        finally:
            os.kill(server, signal.SIGCONT)
        eventually(lambda: parts_told(line)["redis"] == "here", BACK_WITHIN_S)
        assert operator.get("/figures").status_code == 200


def parts_told(line: Listener) -> dict[str, Any]:
    """The newest word on the parts that came over a line."""
    told = [data.get("sections", data).get("parts") for _, _, data in line.heard]
    return next(parts for parts in reversed(told) if parts)


def redis_server(url: str) -> int:
    """The process id of the server that listens there."""
    port = int(url.rsplit(":", 1)[1])
    children = psutil.Process().children(recursive=True)
    return next(one.pid for one in children for link in one.net_connections() if link.laddr.port == port)
