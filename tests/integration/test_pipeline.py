"""From a window to a call and its end, through the real processes, on embedded and on real parts."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from matcher.events import OutcomeGiven, PersonBlocked
from matcher.invitation import Invitation
from matcher.outcome import pair_key
from services.adapters.backlog import backlog
from services.adapters.dead_letters import listed
from services.adapters.subscriptions import session_key, sessions_key
from services.adapters.vapid import new_key, public_key
from services.stream.rebuild import rebuild
from services.topics import PEOPLE, RECEIPTS, Topic
from tests.conftest import Parts
from tests.push_double import PushDouble, push_double
from tests.world import World, eventually, settings_for, world

PUSH_KEY = new_key()


@pytest.fixture(scope="module")
def push_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushDouble]:
    with push_double(tmp_path_factory.mktemp("push")) as made:
        yield made


@pytest.fixture(scope="module")
def running(
    shared_parts: Parts, push_service: PushDouble, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    pushing = {"push_key": PUSH_KEY, "push_contact": "mailto:ops@example.org", "push_hosts": (push_service.host,)}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_CERT_FILE", str(push_service.certificate))  # what our processes believe in
        with world(settings_for(shared_parts, tmp_path_factory.mktemp("data"), **pushing)) as made:
            yield made


@pytest.fixture
def town(running: World) -> Iterator[World]:
    """The running processes, with nobody left from the test before."""
    running.people.clear()
    yield running
    for person in running.people:
        running.leave(person)
    eventually(lambda: all(map(running.is_gone, running.people)), what="all have left")


def _confirmed(town: World, *people: str) -> Invitation:
    rung = town.wait_for(lambda row: set(row.people) == set(people) and row.state == "rung")
    for person in people:
        town.answer(rung, person, "accept")
    return town.wait_for(lambda row: row.invitation == rung.invitation and row.state == "confirmed")


def _called(town: World, *people: str) -> Invitation:
    confirmed = _confirmed(town, *people)
    for person in people:
        town.hear(confirmed, person)
    return town.wait_for(lambda row: row.invitation == confirmed.invitation and row.connected_wall is not None)


def _events(town: World, topic: Topic) -> list[dict[str, Any]]:
    return [json.loads(record.value) for record in backlog(town.settings.kafka, topic) if record.value]


def test_two_people_are_paired_talk_hang_up_and_become_a_bond(town: World) -> None:
    ann, bob = town.arrive(2)
    talking = _called(town, ann, bob)
    assert town.redis.hget(f"{town.settings.redis_prefix}invitation:{talking.invitation}", "row")
    town.hang_up(talking, ann)
    ended = town.wait_for(lambda row: row.invitation == talking.invitation and row.state == "ended")
    assert ended.called
    assert ended.end_reason == "hung up"
    eventually(lambda: not town.redis.keys(f"{town.settings.redis_prefix}*claim:*"))
    for person in (ann, bob):
        outcome = OutcomeGiven(
            id=f"out-{person}", at=town.clock.wall(), invitation=ended.invitation, person=person,
            other=ended.other(person), talk_again="yes",
        )  # fmt: skip
        town.say("outcomes", pair_key(ann, bob), outcome)

    def bonds() -> bool:
        rows = {row["person"]: row for row in _events(town, PEOPLE)}
        return rows[ann]["bonds"] == [bob] and rows[bob]["bonds"] == [ann]

    eventually(bonds)
    rows = {row["person"]: row for row in _events(town, PEOPLE)}
    assert (rows[ann]["met"], rows[bob]["met"]) == ([bob], [ann])
    assert [call["other"] for call in rows[ann]["calls"]] == [bob]
    assert {f"av-{ann}", f"av-{bob}"} <= _waits(town)


def _waits(town: World) -> set[str]:
    """The windows of which it is known how long they waited for a ring."""
    hours = town.redis.scan_iter(match=f"{town.settings.redis_prefix}waits:GB:*")
    return {window.decode() for hour in hours for window, wait in town.redis.hgetall(hour).items() if wait[-1:] == b"1"}


def test_a_decline_frees_the_other_who_keeps_their_place_and_meets_somebody_else(town: World) -> None:
    ann, bob = town.arrive(2)
    rung = town.wait_for(lambda row: set(row.people) == {ann, bob} and row.state == "rung")
    town.answer(rung, ann, "accept")
    town.answer(rung, bob, "decline")
    town.wait_for(lambda row: row.invitation == rung.invitation and row.state == "declined")
    (cyd,) = town.arrive(1)
    again = town.wait_for(lambda row: set(row.people) == {ann, cyd} and row.state == "rung")
    assert again.availability_of(ann) == f"av-{ann}"


def test_a_block_voids_the_live_invitation_and_the_two_never_meet(town: World) -> None:
    ann, bob = town.arrive(2)
    rung = town.wait_for(lambda row: set(row.people) == {ann, bob} and row.state == "rung")
    blocked = PersonBlocked(id=f"block-{ann}", at=town.clock.wall(), person=bob, other=ann)
    town.say("person-events", bob, blocked)
    voided = town.wait_for(lambda row: row.invitation == rung.invitation and not row.live)
    assert (voided.state, voided.end_reason) == ("voided", "block")


def test_what_cannot_be_read_is_dead_lettered_with_the_reason_and_what_follows_is_handled(town: World) -> None:
    for topic in ("person-events", "pool", "outcomes", "calls"):
        town.send_raw(topic, b"GB", b"{broken")
        town.send_raw(topic, b"GB", b'{"type":"tick.v99","id":"x","at":"2026-01-01T00:00:00Z"}')
    secret = b'{"type":"person.changed.v1","id":"x","at":"2026-01-01T00:00:00Z","person":"p","profile":"0161 496 0000"}'
    town.send_raw("person-events", b"p", secret)
    letters = eventually(lambda: len(found := listed(town.settings.kafka)) >= 9 and found)
    assert len(letters) == 9
    assert all("0161" not in one.letter.error for one in letters.values())
    ann, bob = town.arrive(2)
    assert _confirmed(town, ann, bob)


def test_views_are_written_again_when_redis_was_wiped_and_by_the_command(town: World) -> None:
    ann, bob = town.arrive(2)
    confirmed = _confirmed(town, ann, bob)
    key = f"{town.settings.redis_prefix}invitation:{confirmed.invitation}"
    for found in town.redis.scan_iter(match=town.settings.redis_prefix + "*"):
        town.redis.delete(found)
    eventually(lambda: town.redis.exists(key))
    counts = rebuild(town.settings, print)
    assert counts["people"] >= 2
    assert counts["invitations"] >= 1
    assert town.redis.exists(key)


def _with_telephone(town: World, push_service: PushDouble) -> str:
    """Somebody who is free, signed in on a telephone that may be rung."""
    person, prefix = f"p-{uuid4().hex}", town.settings.redis_prefix
    given = {**push_service.subscribe(public_key(PUSH_KEY))}
    del given["expirationTime"]
    session = {"person": person, "phone": "", "push": json.dumps(given), "push_mark": "mark"}
    town.redis.hset(session_key(prefix, f"s-{person}"), mapping=session)
    town.redis.zadd(sessions_key(prefix, person), {f"s-{person}": 1})
    town.register(person)
    town.open(person, f"av-{person}")
    town.people.append(person)
    return person


def test_a_locked_telephone_rings_also_when_the_notifier_dies_in_the_middle_of_it(
    town: World, push_service: PushDouble
) -> None:
    push_service.held.clear()
    ann, bob = (_with_telephone(town, push_service) for _ in range(2))
    rung = town.wait_for(lambda row: set(row.people) == {ann, bob} and row.state == "rung")
    eventually(lambda: push_service.asked, what="the push")
    town.kill("notifier")
    push_service.held.set()
    town.start("notifier")

    def told() -> bool:
        receipts = [one for one in _events(town, RECEIPTS) if one["invitation"] == rung.invitation]
        return {one["person"] for one in receipts if one["channel"] == "push"} == {ann, bob}

    eventually(told, what="both were pushed to")
    ring = {"kind": "ring", "invitation": rung.invitation}
    assert ring in [one.said for one in push_service.taken]
    town.answer(rung, ann, "decline")
    gone = {"kind": "gone", "invitation": rung.invitation}
    eventually(lambda: [one.said for one in push_service.taken].count(gone) == 1, what="bob hears of the end")
    assert {one.said["kind"] for one in push_service.taken} == {"ring", "gone"}
    assert push_service.refused == []
    town.wait_ready("notifier")
