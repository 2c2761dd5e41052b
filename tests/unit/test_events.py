"""What comes in from a topic is an event or a reason, and the reason never repeats what somebody wrote."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from matcher.errors import BadEvent
from matcher.events import ADAPTERS, AvailabilityOpened, ModelPromoted, PersonBlocked, Tick, read_event
from matcher.pool import Pool
from matcher.values import wire

AT = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
SECRET = "07700900123"
BLOCKED: dict[str, Any] = {
    "type": "person.blocked.v1", "id": "b", "at": "2026-06-15T08:00:00Z", "person": "ann", "other": "bob",
}  # fmt: skip

BAD = {
    "nothing": None,
    "no JSON": SECRET.encode() + b"{",
    "no object": json.dumps([SECRET]).encode(),
    "no text": b"\xff\xfe" + SECRET.encode(),
    "an unknown type": {**BLOCKED, "type": SECRET},
    "an unknown version": {**BLOCKED, "type": "person.blocked.v2", "other": SECRET},
    "no type": {key: value for key, value in BLOCKED.items() if key != "type"} | {"other": SECRET},
    "an unknown field": {**BLOCKED, "phone": SECRET},
    "a missing field": {key: value for key, value in BLOCKED.items() if key != "other"} | {"id": SECRET},
    "a naive time": {**BLOCKED, "at": "2026-06-15T08:00:00", "other": SECRET},
    "another zone's time": {**BLOCKED, "at": "2026-06-15T09:00:00+01:00", "other": SECRET},
    "no time at all": {**BLOCKED, "at": "call " + SECRET},
    "a number for a name": {**BLOCKED, "other": int(SECRET)},
    "an empty id": {**BLOCKED, "id": "", "other": SECRET},
    "an id without end": {**BLOCKED, "id": SECRET * 20},
}


@pytest.mark.parametrize("given", BAD.values(), ids=BAD.keys())
def test_a_bad_event_is_refused_with_a_reason_that_repeats_nothing(given: Any) -> None:
    value = given if given is None or isinstance(given, bytes) else json.dumps(given).encode()
    with pytest.raises(BadEvent) as refused:
        read_event("person-events", value)
    assert refused.value.message
    assert SECRET.lstrip("0") not in str(refused.value)
    assert refused.value.__cause__ is None


def test_the_reason_names_the_field() -> None:
    with pytest.raises(BadEvent, match="other: string_type"):
        read_event("person-events", json.dumps({**BLOCKED, "other": 7}).encode())


def test_the_reason_does_not_name_a_field_that_is_none_of_ours() -> None:
    with pytest.raises(BadEvent, match=r"^person\.blocked\.v1: extra_forbidden$"):
        read_event("person-events", json.dumps({**BLOCKED, SECRET: ""}).encode())


def test_what_a_value_refuses_is_not_repeated_even_in_a_traceback() -> None:
    with pytest.raises(ValidationError) as refused:
        PersonBlocked.model_validate({**BLOCKED, "other": {"name": SECRET}})
    assert SECRET not in str(refused.value)


def test_an_event_of_another_topic_is_refused() -> None:
    tick = Tick(id="t", at=AT, market="GB", now=AT, wall=AT)
    with pytest.raises(BadEvent):
        read_event("person-events", wire(tick))
    assert read_event("pool", wire(tick)) == tick


def test_what_goes_out_comes_in_the_same() -> None:
    event = PersonBlocked(id="b", at=AT, person="ann", other="bob")
    assert read_event("person-events", wire(event)) == event
    assert json.loads(wire(event)) == BLOCKED


@pytest.mark.parametrize("minutes", [0, -1, 12 * 60 + 1, 25 * 60])
def test_a_window_of_nothing_of_the_past_or_of_more_than_twelve_hours_is_refused(minutes: int) -> None:
    good = AvailabilityOpened(
        id="w", at=AT, person="ann", availability="av", opened_at=AT, until=AT + timedelta(minutes=1)
    )
    bad = json.loads(wire(good)) | {"until": (AT + timedelta(minutes=minutes)).isoformat()}
    with pytest.raises(BadEvent):
        read_event("person-events", json.dumps(bad).encode())


@pytest.mark.parametrize("intercept", ["NaN", "Infinity", "-Infinity"])
def test_a_model_of_no_numbers_never_reaches_the_score(intercept: str) -> None:
    event = f'{{"type":"model.promoted.v1","id":"m","at":"2026-06-15T08:00:00Z","market":"GB","version":"1",\
"intercept":{intercept},"weights":{{}}}}'
    pool = Pool("GB")
    with pytest.raises(BadEvent):
        pool.apply(read_event("pool", event.encode()), 0)
    assert pool.model.version == "fallback"


def test_a_promoted_model_is_used_from_there_on() -> None:
    pool = Pool("GB")
    promoted = ModelPromoted(id="m", at=AT, market="GB", version="2", intercept=0.1, weights={"near": 1})
    assert pool.apply(promoted, 0) == []
    assert pool.model.version == "2"


@pytest.mark.parametrize("topic", ADAPTERS)
def test_every_event_has_a_type_with_a_version(topic: str) -> None:
    schema = ADAPTERS[topic].json_schema(mode="serialization")
    kinds = [one for one in schema.get("$defs", {}).values() if "type" in one.get("properties", {})] or [schema]
    assert all(one["properties"]["type"]["const"].rsplit(".v")[-1].isdigit() for one in kinds)
    assert all(one["additionalProperties"] is False for one in kinds)
