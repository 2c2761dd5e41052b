"""The live line: a snapshot, then events since an id, without a gap or a double; and what is never in them."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from matcher.events import Event, ReceiptGiven
from services.adapters.views import news_channel
from services.gateway.live import LINES_PER_PERSON, Receipts
from services.gateway.outbox import AsyncMemoryOutbox
from services.topics import Topic
from tests.gateway_desk import WAIT_S, Desk, Listener, over
from tests.world import eventually

OTHER = "p-" + "0" * 24


def test_a_line_starts_with_the_state_and_goes_on_with_events(gateway: Desk) -> None:
    page, person = gateway.registered()
    window = gateway.put_waiting(person)
    line = Listener(page)
    row = gateway.put_invitation(person, OTHER)
    gateway.put_invitation(person, OTHER, invitation=row.invitation, state="declined")
    snapshot, ringing, gone = line.wait_for(3)
    assert (snapshot[0], snapshot[2]["availability"]["availability"]) == ("snapshot", window.availability)
    assert snapshot[2]["availability"]["remaining_s"] == 1200
    assert (ringing[0], ringing[2]["state"], ringing[2]["window_s"]) == ("invitation", "ringing", 1200)
    assert 0 < ringing[2]["remaining_s"] <= 30
    assert (gone[2]["state"], gone[2]["end"]) == ("over", "declined")


def test_the_other_side_is_a_first_name_and_nothing_else(gateway: Desk) -> None:
    page, person = gateway.registered()
    gateway.put_person(OTHER, first_name="Bert")
    gateway.put_invitation(person, OTHER)
    line = Listener(page)
    gateway.put_invitation(person, OTHER)
    for _, _, data in line.wait_for(2):
        assert (data.get("invitation") if "availability" in data else data)["first_name"] == "Bert"
        assert OTHER not in json.dumps(data)
        assert person not in json.dumps(data)


def test_a_line_resumed_with_our_id_goes_on_after_it_without_a_snapshot(gateway: Desk) -> None:
    page, person = gateway.registered()
    gateway.put_waiting(person)
    first = Listener(page).wait_for(1)[0]
    row = gateway.put_invitation(person, OTHER)
    again = Listener(page, since=first[1]).wait_for(1)
    assert [(kind, data["invitation"]) for kind, _, data in again] == [("invitation", row.invitation)]


def test_an_id_that_we_do_not_hold_gets_a_snapshot(gateway: Desk) -> None:
    page, person = gateway.registered()
    gateway.put_waiting(person)
    for forged in ("1-1", "99999999999999-0", "0-0", "18446744073709551615-18446744073709551615"):
        assert Listener(page, since=forged).wait_for(1)[0][0] == "snapshot"


@pytest.mark.parametrize(
    "forged", ["nonsense", "-", "1", "1-", "-1-1", "1-1-1", "18446744073709551616-0", "+", "$", "(1-1"]
)
def test_what_is_no_id_of_ours_is_a_400(gateway: Desk, forged: str) -> None:
    page, _ = gateway.registered()
    for answer in (page.get("/live", headers={"Last-Event-ID": forged}), page.get("/live", params={"since": forged})):
        assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")


def test_every_event_comes_once_however_many_at_a_time(gateway: Desk) -> None:
    page, person = gateway.registered()
    line = Listener(page)
    rows = [gateway.put_invitation(person, OTHER) for _ in range(50)]
    heard = line.wait_for(51)
    assert [data["invitation"] for _, _, data in heard[1:]] == [row.invitation for row in rows]
    assert len({id_ for _, id_, _ in heard}) == 51


def test_nobody_hears_what_concerns_others(gateway: Desk) -> None:
    page, person = gateway.registered()
    line = Listener(page)
    gateway.put_invitation(OTHER, "p-third")
    mine = gateway.put_invitation(person, OTHER)
    assert line.wait_for(2)[1][2]["invitation"] == mine.invitation


def test_a_ring_that_reached_the_page_has_one_receipt(gateway: Desk) -> None:
    page, person = gateway.registered()
    lines = [Listener(page) for _ in range(2)]
    row = gateway.put_invitation(person, OTHER)
    gateway.put_invitation(person, OTHER, invitation=row.invitation, state="expired")
    for line in lines:
        line.wait_for(3)
    eventually(lambda: gateway.said("receipts"), WAIT_S)
    (receipt,) = gateway.said("receipts")
    assert (receipt.invitation, receipt.person, receipt.channel, receipt.result) == (
        row.invitation, person, "live", "held",
    )  # fmt: skip


def test_a_ring_within_a_snapshot_was_seen(gateway: Desk) -> None:
    page, person = gateway.registered()
    row = gateway.put_invitation(person, OTHER)
    Listener(page).wait_for(1)
    eventually(lambda: gateway.said("receipts"), WAIT_S)
    assert [(one.invitation, one.result) for one in gateway.said("receipts")] == [(row.invitation, "seen")]


def test_a_fourth_line_closes_the_oldest(gateway: Desk) -> None:
    page, person = gateway.registered()
    lines = [Listener(gateway_page) for gateway_page in [page] * (LINES_PER_PERSON + 1)]
    lines[0].wait_for_end()
    assert [name for name, _, _ in lines[0].heard] == ["snapshot", "crowded"]
    gateway.put_invitation(person, OTHER)
    for line in lines[1:]:
        line.wait_for(2)


def test_signing_out_closes_the_lines_of_that_session_only(gateway: Desk) -> None:
    page, person = gateway.registered()
    line = Listener(page)
    gateway.put_invitation(person, OTHER)
    line.wait_for(2)
    page.write("DELETE", "/sessions")
    line.wait_for_end()
    assert page.get("/live").status_code == 401


def test_a_line_goes_on_when_redis_was_wiped(gateway: Desk) -> None:
    page, person = gateway.registered()
    gateway.put_waiting(person)
    line = Listener(page)
    line.wait_for(1)
    for key in gateway.redis.scan_iter(gateway.prefix + "*"):
        gateway.redis.delete(key)
    row = gateway.put_invitation(person, OTHER)
    assert line.wait_for(2)[1][2]["invitation"] == row.invitation


def test_who_let_a_ring_pass_is_told_and_the_other_is_not_told_who(gateway: Desk) -> None:
    page, person = gateway.registered("Ann")
    mine, theirs = ("answer_a", "answer_b") if person < OTHER else ("answer_b", "answer_a")
    gateway.put_invitation(person, OTHER, state="expired", **{theirs: "accept"})
    assert page.get("/state").json()["invitation"]["you_missed"] is True
    gateway.put_invitation(person, OTHER, state="expired", **{mine: "accept"})
    state = page.get("/state").json()["invitation"]
    assert (state["you_missed"], state["end"], state["you"]) == (False, "no_answer", "accept")


@pytest.mark.parametrize(
    ("row", "shown", "end"),
    [
        ("rung", "ringing", None),
        ("accepted", "accepted", None),
        ("confirmed", "confirmed", None),
        ("declined", "over", "declined"),
        ("expired", "over", "no_answer"),
        ("voided", "over", "withdrawn"),
        ("ended", "over", "ended"),
    ],
)
def test_each_state_is_shown_in_plain_words(gateway: Desk, row: str, shown: str, end: str | None) -> None:
    page, person = gateway.registered()
    gateway.put_invitation(person, OTHER, state=row)
    state = page.get("/state").json()["invitation"]
    assert (state["state"], state["end"], state["called"]) == (shown, end, False)


def test_a_call_that_was_one_says_so(gateway: Desk) -> None:
    page, person = gateway.registered()
    gateway.put_invitation(person, OTHER, **over())
    state = page.get("/state").json()["invitation"]
    assert (state["connected"], state["called"], state["remaining_s"]) == (True, True, 0)


def test_a_window_that_is_over_says_why(gateway: Desk) -> None:
    page, person = gateway.registered()
    gateway.put_waiting(person, end="ran_out", until=gateway.clock.domain - timedelta(minutes=1))
    window = page.get("/state").json()["availability"]
    assert (window["state"], window["remaining_s"]) == ("ran_out", 0)


def test_news_that_cannot_be_read_does_not_stop_the_gateway_from_listening(gateway: Desk) -> None:
    page, person = gateway.registered()
    line = Listener(page)
    (session,) = gateway.redis.zrange(gateway.prefix + "sessions:" + person, 0, -1)
    gateway.redis.publish(news_channel(gateway.prefix), b"\xff")

    def said_elsewhere_and_heard_here() -> bool:
        gateway.redis.publish(gateway.prefix + "ended", session)
        return line.ended

    eventually(said_elsewhere_and_heard_here, WAIT_S)


class FaultyOnce(AsyncMemoryOutbox):
    """Fails at its first event in a way that nobody thought of."""

    def __init__(self) -> None:
        super().__init__()
        self.failed = False
        self.heard = asyncio.Event()

    async def say(self, topic: Topic, key: str, event: Event) -> int:
        if not self.failed:
            self.failed = True
            raise ValueError("a thing that nobody thought of")
        self.heard.set()
        return await super().say(topic, key, event)


def test_a_receipt_that_fails_does_not_hold_up_the_next(caplog: pytest.LogCaptureFixture) -> None:
    outbox = FaultyOnce()

    async def give_two() -> None:
        receipts = Receipts(outbox)
        for number in (1, 2):
            receipts.give(
                ReceiptGiven(
                    id=f"receipt-{number}", at=datetime.now(UTC), invitation=f"inv-{number}", person=OTHER,
                    channel="live", result="held",
                )
            )  # fmt: skip
        sending = asyncio.create_task(receipts.send())
        async with asyncio.timeout(WAIT_S):
            await outbox.heard.wait()
        sending.cancel()

    asyncio.run(give_two())
    assert [event.id for _, _, event in outbox.said] == ["receipt-2"]
    assert [one.getMessage() for one in caplog.records] == ["receipt.fault receipt-1 ValueError"]
