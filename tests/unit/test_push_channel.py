"""The push channel against a push service after the published contract: what is sent, to whom, and until when."""

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from matcher.events import ReceiptGiven
from matcher.invitation import Invitation
from services.adapters.subscriptions import session_key, sessions_key
from services.adapters.vapid import new_key, public_key
from services.notifier.push import PushChannel
from services.settings import Settings
from tests.conftest import RedisPlace
from tests.gateway_desk import PUSH_KEY, Desk, Page, desk, invitation
from tests.push_double import PushDouble, Pushed, push_double
from tests.world import eventually

SOON_S = 10
PATH = "/push/subscription"


@dataclass
class Bench:
    """A gateway, a push service, and channels as of a notifier that may be started more than once."""

    gateway: Desk
    double: PushDouble
    settings: Settings
    receipts: list[ReceiptGiven] = field(default_factory=list)
    channels: list[PushChannel] = field(default_factory=list)

    def channel(self, key: str = PUSH_KEY) -> PushChannel:
        """A channel that works until the end of the test."""
        settings = self.settings.model_copy(update={"push_key": key})
        made = PushChannel(
            settings, self.gateway.redis, lambda: datetime.now(UTC), self.receipts.append, self.double.trust
        )
        self.channels.append(made)
        return made

    def telephone(self, page: Page) -> dict[str, Any]:
        """A telephone on which this page was opened, and which may be rung."""
        made = self.double.subscribe(public_key(PUSH_KEY))
        assert page.post(PATH, made).status_code == 201
        return made

    def rung(self) -> tuple[Page, str, dict[str, Any]]:
        """Somebody with a telephone, and their id."""
        page, person = self.gateway.registered()
        return page, person, self.telephone(page)

    def taken(self, count: int = 1) -> list[Pushed]:
        """What the service has taken, once there are so many."""
        eventually(lambda: len(self.double.taken) >= count or self.double.refused, SOON_S, "the push")
        assert self.double.refused == []
        return self.double.taken

    def settled(self) -> None:
        """Until nothing is left to do."""
        key = self.gateway.prefix + "push-due"
        eventually(lambda: self.gateway.redis.zcard(key) == 0, SOON_S, "errands")


@pytest.fixture(scope="module")
def served(one_embedded_redis: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, PushDouble]]:
    folder: Path = tmp_path_factory.mktemp("push")
    with push_double(folder) as double:
        place = RedisPlace(one_embedded_redis, f"push-{secrets.token_hex(4)}:")
        with desk(place, push_hosts=(double.host,)) as gateway:
            yield gateway, double


@pytest.fixture
def bench(served: tuple[Desk, PushDouble], one_embedded_redis: str) -> Iterator[Bench]:
    gateway, double = served
    settings = Settings(
        redis=one_embedded_redis, redis_prefix=gateway.prefix, push_key=PUSH_KEY, push_contact="mailto:ops@example.org",
        push_hosts=(double.host,),
    )  # fmt: skip
    made = Bench(gateway, double, settings)
    yield made
    double.held.set()
    for channel in made.channels:
        channel.close()
    double.telephones, double.taken, double.refused, double.fails, double.asked = {}, [], [], [], 0
    double.retry_after = double.redirect_to = ""
    gateway.begin_anew()


def _ringing(person: str, **change: Any) -> Invitation:
    return invitation(person, "p-zzz", **change)


def _ended(row: Invitation, **change: Any) -> Invitation:
    return row.model_copy(update={"state": "expired", "pool_wall": datetime.now(UTC), **change})


def test_a_ring_reaches_every_telephone_of_the_person_and_of_nobody_else(bench: Bench) -> None:
    number = "+447400300301"
    pages = [bench.gateway.signed_in(number) for _ in range(2)]
    person = pages[0][1]
    mine = {bench.telephone(page)["endpoint"] for page, _ in pages}
    _, _, theirs = bench.rung()
    row = _ringing(person)
    bench.channel().ring(row, person)
    for push in bench.taken(2):
        assert push.said == {"kind": "ring", "invitation": row.invitation}
        assert (push.urgency, push.topic) == ("high", "invitation")
        assert 20 <= push.ttl <= 30
    bench.settled()
    assert {bench.double.base + push.path for push in bench.double.taken} == mine
    assert bench.double.waiting(theirs) == []
    assert {(one.person, one.channel, one.result) for one in bench.receipts} == {(person, "push", "sent")}
    assert len({one.id for one in bench.receipts}) == 1


def test_the_next_ring_takes_the_place_of_one_that_was_not_fetched_yet(bench: Bench) -> None:
    _, person, telephone = bench.rung()
    channel, rows = bench.channel(), [_ringing(person) for _ in range(2)]
    for count, row in enumerate(rows, 1):
        channel.ring(row, person)
        bench.taken(count)
    assert [one.said["invitation"] for one in bench.double.waiting(telephone)] == [rows[1].invitation]


def test_a_burst_of_rings_is_carried_out_each_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    people = [f"p-{number}" for number in range(150)]
    for person in people:
        given = {**bench.double.subscribe(public_key(PUSH_KEY))}
        del given["expirationTime"]
        session = {"person": person, "phone": "", "push": json.dumps(given), "push_mark": "mark"}
        bench.gateway.redis.hset(session_key(bench.gateway.prefix, f"s-{person}"), mapping=session)
        bench.gateway.redis.zadd(sessions_key(bench.gateway.prefix, person), {f"s-{person}": 1})
    channel = bench.channel()
    for person in people:
        channel.ring(_ringing(person), person)
    assert len({one.path for one in bench.taken(len(people))}) == bench.double.asked == len(people)
    assert [one.message for one in caplog.records if one.name.startswith("services.notifier")] == []


def test_somebody_without_a_telephone_or_signed_out_is_not_pushed_to(bench: Bench) -> None:
    page, person, _ = bench.rung()
    assert page.write("DELETE", "/sessions").status_code == 204
    bench.channel().ring(_ringing(person), person)
    bench.settled()
    assert bench.double.asked == 0


@pytest.mark.parametrize("status", [404, 410])
def test_a_telephone_that_is_gone_is_forgotten(bench: Bench, status: int) -> None:
    _, person, _ = bench.rung()
    bench.double.fails = [status]
    channel = bench.channel()
    channel.ring(_ringing(person), person)
    bench.settled()
    channel.ring(_ringing(person), person)
    bench.settled()
    assert (bench.double.asked, bench.double.taken) == (1, [])


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_service_that_fails_is_asked_again_while_it_rings(bench: Bench, status: int) -> None:
    _, person, _ = bench.rung()
    bench.double.fails = [status]
    bench.channel().ring(_ringing(person), person)
    assert bench.taken()[0].ttl < 30
    assert bench.double.asked == 2


def test_after_the_ring_nobody_is_asked_again(bench: Bench) -> None:
    _, person, _ = bench.rung()
    bench.double.fails = [503] * 20
    bench.channel().ring(_ringing(person, answer_by_wall=datetime.now(UTC) + timedelta(seconds=3)), person)
    bench.settled()
    assert bench.double.taken == []
    assert 1 <= bench.double.asked <= 3


@pytest.mark.parametrize("status", [400, 401, 403, 413])
def test_what_the_service_will_never_take_is_not_sent_twice(bench: Bench, status: int) -> None:
    _, person, telephone = bench.rung()
    bench.double.fails = [status]
    channel = bench.channel()
    channel.ring(_ringing(person), person)
    bench.settled()
    assert bench.double.asked == 1
    channel.ring(_ringing(person), person)
    bench.taken()
    assert len(bench.double.waiting(telephone)) == 1


def test_a_service_never_leads_us_elsewhere(bench: Bench) -> None:
    _, person, _ = bench.rung()
    bench.double.fails, bench.double.redirect_to = [307, 307], bench.double.base + "/elsewhere"
    bench.channel().ring(_ringing(person), person)
    bench.settled()
    assert bench.double.asked == 1


def test_an_address_that_is_no_longer_allowed_is_not_called(bench: Bench) -> None:
    _, person, _ = bench.rung()
    bench.settings = bench.settings.model_copy(update={"push_hosts": ()})
    bench.channel().ring(_ringing(person), person)
    bench.settled()
    assert bench.double.asked == 0


def test_another_key_than_the_telephone_was_made_for_is_refused_by_the_service(bench: Bench) -> None:
    _, person, _ = bench.rung()
    bench.channel(new_key()).ring(_ringing(person), person)
    bench.settled()
    assert bench.double.taken == []
    assert "another key" in bench.double.refused[0]


def test_a_notifier_that_starts_again_rings_once_more_only_where_it_had_not(bench: Bench) -> None:
    _, person, _ = bench.rung()
    row, first = _ringing(person), bench.channel()
    bench.double.held.clear()
    first.ring(row, person)
    eventually(lambda: bench.double.asked, SOON_S)
    first.close()  # in the middle of it
    bench.double.held.set()
    bench.double.taken.clear()
    second = bench.channel()
    assert bench.taken()[0].said["invitation"] == row.invitation
    bench.settled()
    asked = bench.double.asked
    second.ring(row, person)
    bench.settled()
    assert bench.double.asked == asked
    assert len({receipt.id for receipt in bench.receipts}) == 1


def test_a_service_that_hangs_holds_up_neither_the_notifier_nor_another_ring(bench: Bench) -> None:
    _, person, _ = bench.rung()
    channel = bench.channel()
    bench.double.held.clear()
    channel.ring(_ringing(person), person)
    eventually(lambda: bench.double.asked, SOON_S)
    for _ in range(100):
        channel.ring(_ringing("p-nobody"), "p-nobody")
    key = bench.gateway.prefix + "push-due"
    eventually(lambda: bench.gateway.redis.zcard(key) == 1, SOON_S, "the others")
    bench.double.held.set()
    bench.taken()


@pytest.mark.parametrize(("state", "kind"), [("expired", "missed"), ("declined", "gone"), ("voided", "gone")])
def test_whoever_was_rung_and_did_not_answer_is_told_how_it_ended(bench: Bench, state: str, kind: str) -> None:
    _, person, telephone = bench.rung()
    row, channel = _ringing(person), bench.channel()
    channel.ring(row, person)
    bench.taken()
    for _ in range(2):
        channel.hush(_ended(row, state=state), person)
        bench.settled()
    (last,) = bench.double.waiting(telephone)
    assert (last.said["kind"], last.urgency, bench.double.asked) == (kind, "normal", 2)


def test_an_answer_on_one_telephone_is_told_to_a_person_who_has_several(bench: Bench) -> None:
    pages = [bench.gateway.signed_in("+447400300302") for _ in range(2)]
    person = pages[0][1]
    telephones = [bench.telephone(page) for page, _ in pages]
    row, channel = _ringing(person), bench.channel()
    channel.ring(row, person)
    bench.taken(2)
    side = "answer_a" if person == row.a else "answer_b"
    for state in ("accepted", "confirmed", "ended"):
        channel.hush(row.model_copy(update={"state": state, "pool_wall": datetime.now(UTC), side: "accept"}), person)
        bench.settled()
    assert [bench.double.waiting(one)[0].said["kind"] for one in telephones] == ["answered"] * 2
    assert bench.double.asked == 4


def test_whoever_answered_or_was_never_rung_hears_of_no_end(bench: Bench) -> None:
    _, person, _ = bench.rung()
    row, channel = _ringing(person), bench.channel()
    channel.hush(_ended(row, state="voided"), person)
    bench.settled()
    channel.ring(row, person)  # an errand that was taken up late: it has ended meanwhile
    bench.settled()
    assert bench.double.asked == 0
    other = _ringing(person)
    channel.ring(other, person)
    bench.taken()
    side = "answer_a" if person == other.a else "answer_b"
    channel.hush(_ended(other, state="declined", **{side: "decline"}), person)
    bench.settled()
    assert bench.double.asked == 1


def test_an_end_stops_a_ring_that_is_still_being_tried(bench: Bench) -> None:
    _, person, _ = bench.rung()
    row, channel = _ringing(person), bench.channel()
    bench.double.fails, bench.double.retry_after = [429], "20"
    channel.ring(row, person)
    eventually(lambda: bench.double.asked, SOON_S)
    channel.hush(_ended(row), person)
    bench.settled()
    assert (bench.double.asked, bench.double.taken) == (1, [])


def test_nothing_that_is_sent_names_anybody(bench: Bench) -> None:
    _, person, _ = bench.rung()
    bench.channel().ring(_ringing(person), person)
    (push,) = bench.taken()
    assert set(push.said) == {"kind", "invitation"}
    assert person not in str(push.said)
    assert push.size < 300
