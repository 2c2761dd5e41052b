"""The gateway as a process while Kafka or Redis is away, at start and later, and when Redis was wiped."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import redis
from kafka import TopicPartition

from matcher.events import AvailabilityOpened, read_event
from services import topics
from services.adapters.kafka import consumer
from services.adapters.views import ViewWriter
from services.demo.options import free_port
from services.embedded.broker import embedded_broker
from services.embedded.redis import embedded_redis
from services.gateway.signin import person_id
from services.settings import Settings
from services.topics import PARTITIONS, PERSON_EVENTS, KafkaAddress
from tests.conftest import Parts, RedisPlace
from tests.gateway_desk import ABOUT_ANN, SECRET, Listener, Page
from tests.still import port_of, still
from tests.world import eventually

WAIT_S = 20.0
AWAY_WITHIN_S = 2.0
SLOW_MACHINE_S = 1.0
"""What a loaded machine may add to the bound under test."""
RUN = "from services.gateway.app import run; from services.settings import read_settings; run(read_settings())"


@dataclass
class Served:
    """A gateway that runs as a process of its own."""

    url: str
    log: Path
    process: "subprocess.Popen[bytes]"
    settings: Settings

    def page(self) -> Page:
        """A page of somebody who is not signed in."""
        return Page(base_url=self.url, timeout=WAIT_S)

    def signed_in(self, phone: str) -> Page:
        """A page of somebody who has signed in and told about themselves."""
        page = self.page()
        code = page.post("/codes", {"phone": phone}).json()["demo_code"]
        assert page.post("/sessions", {"phone": phone, "code": code}).status_code == 201
        assert page.write("PUT", "/me", ABOUT_ANN).status_code == 202
        return page

    def health(self) -> dict[str, Any]:
        """What it says of itself; nothing before it listens."""
        try:
            answer: dict[str, Any] = httpx.get(self.url + "/health", timeout=WAIT_S).json()
        except httpx.TransportError:
            return {}
        return answer


@contextmanager
def served(kafka: KafkaAddress, place: RedisPlace, folder: Path) -> Iterator[Served]:
    """A gateway on these parts."""
    settings = Settings(
        broker=kafka.bootstrap, topic_prefix=kafka.prefix, embedded=kafka.embedded, redis=place.url,
        redis_prefix=place.prefix, demo=True, secret=SECRET, port=free_port(), codes_per_address=500,
    )  # fmt: skip
    log = folder / "gateway.log"
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-c", RUN], env=os.environ | settings.environment(), stderr=out)
    try:
        yield Served(f"http://127.0.0.1:{settings.port}", log, process, settings)
    finally:
        process.terminate()
        process.wait(WAIT_S)


def set_whole(place: RedisPlace) -> None:
    """What the projector does once it has written all rows."""
    with redis.Redis.from_url(place.url) as client:
        ViewWriter(client, place.prefix).set_whole(frozenset(range(PARTITIONS)))


def wipe(place: RedisPlace) -> None:
    """Redis has lost all that is ours."""
    with redis.Redis.from_url(place.url) as client:
        for key in client.scan_iter(match=place.prefix + "*", count=1000):
            client.delete(key)


def opened(kafka: KafkaAddress, person: str) -> list[AvailabilityOpened]:
    """All windows of a person in the log, repeats included."""
    reader = consumer(kafka, group=None)
    try:
        parts = [TopicPartition(kafka.topic(PERSON_EVENTS), number) for number in range(PARTITIONS)]
        reader.assign(parts)
        ends = reader.end_offsets(parts)
        events = []
        while any(reader.position(part) < ends[part] for part in parts):
            for records in reader.poll(timeout_ms=200).values():
                events += [read_event("person-events", record.value) for record in records]
    finally:
        reader.close()
    return [event for event in events if isinstance(event, AvailabilityOpened) and event.person == person]


def timed(page: Page, key: str) -> tuple[httpx.Response, float]:
    """Open a window, and how long the answer took."""
    begun = time.monotonic()
    answer = page.post("/availability", {"minutes": 20}, key=key)
    return answer, time.monotonic() - begun


def is_away(answer: httpx.Response, took_s: float) -> None:
    """It was said in time that a part is away, and when to come back."""
    assert (answer.status_code, answer.json()["error"]) == (503, "away"), answer.text
    assert int(answer.headers["retry-after"]) >= 1
    assert took_s < AWAY_WITHIN_S + SLOW_MACHINE_S


def test_windows_go_to_the_log_once_and_survive_a_redis_that_was_wiped(parts: Parts, tmp_path: Path) -> None:
    with served(parts.kafka, parts.redis, tmp_path) as gateway:
        eventually(lambda: gateway.health().get("waits_for") == ["views"], WAIT_S)
        set_whole(parts.redis)
        eventually(lambda: gateway.health() == {"ready": True}, WAIT_S)
        person = person_id(SECRET, "+447400123456")
        page = gateway.signed_in("+447400123456")
        line = Listener(page)
        answers = [page.post("/availability", {"minutes": 20}, key="same-key-1") for _ in range(2)]
        assert {one.status_code for one in answers} == {202}
        wipe(parts.redis)
        assert page.get("/me").status_code == 401
        assert "views" in gateway.health()["waits_for"]
        set_whole(parts.redis)
        again = gateway.signed_in("+447400123456")
        assert again.post("/availability", {"minutes": 20}, key="same-key-1").status_code == 202
        assert not line.ended
        events = opened(parts.kafka, person)
        assert len(events) == 2  # the stream tells the repeat by its id
        assert len({(event.id, event.availability) for event in events}) == 1


def test_the_gateway_ends_in_time_with_lines_open(parts: Parts, tmp_path: Path) -> None:
    with served(parts.kafka, parts.redis, tmp_path) as gateway:
        eventually(lambda: gateway.health(), WAIT_S)
        set_whole(parts.redis)
        eventually(lambda: gateway.health() == {"ready": True}, WAIT_S)
        line = Listener(gateway.signed_in("+447400123456"))
        gateway.process.terminate()
        assert gateway.process.wait(WAIT_S) == 0
        line.wait_for_end()


def test_with_no_broker_at_start_the_gateway_waits_and_says_so(one_embedded_redis: str, tmp_path: Path) -> None:
    nowhere = KafkaAddress(f"127.0.0.1:{free_port()}", embedded=True)
    with served(nowhere, RedisPlace(one_embedded_redis, "away-at-start:"), tmp_path) as gateway:
        eventually(lambda: "kafka" in gateway.health().get("waits_for", ()), WAIT_S)
        eventually(lambda: b"kafka.awaited" in gateway.log.read_bytes(), WAIT_S)
        set_whole(RedisPlace(one_embedded_redis, "away-at-start:"))
        page = gateway.page()
        code = page.post("/codes", {"phone": "+447400123456"}).json()["demo_code"]
        page.post("/sessions", {"phone": "+447400123456", "code": code})
        begun = time.monotonic()
        is_away(page.write("PUT", "/me", ABOUT_ANN), time.monotonic() - begun)


def test_a_broker_that_stands_still_is_away_in_time_and_the_retry_is_one_window(tmp_path: Path) -> None:
    with embedded_broker() as kafka, embedded_redis() as url:
        kafka, place = replace(kafka, prefix="still-"), RedisPlace(url, "still:")
        topics.create(kafka.bootstrap, kafka.prefix, embedded=True)
        with served(kafka, place, tmp_path) as gateway:
            eventually(lambda: gateway.health(), WAIT_S)
            set_whole(place)
            eventually(lambda: gateway.health() == {"ready": True}, WAIT_S)
            page = gateway.signed_in("+447400123456")
            with still(port_of(kafka.bootstrap)):
                is_away(*timed(page, "same-key-1"))
            answer = eventually(lambda: _accepted(timed(page, "same-key-1")[0]), WAIT_S)
            ids = {event.id for event in opened(kafka, person_id(SECRET, "+447400123456"))}
            assert len(ids) == 1
            assert datetime.fromisoformat(answer["until"])


def test_a_redis_that_stands_still_is_away_in_time_and_the_retry_is_one_window(tmp_path: Path) -> None:
    with embedded_broker() as kafka, embedded_redis() as url:
        kafka, place = replace(kafka, prefix="still-"), RedisPlace(url, "still:")
        topics.create(kafka.bootstrap, kafka.prefix, embedded=True)
        with served(kafka, place, tmp_path) as gateway:
            eventually(lambda: gateway.health(), WAIT_S)
            set_whole(place)
            eventually(lambda: gateway.health() == {"ready": True}, WAIT_S)
            page = gateway.signed_in("+447400123456")
            with still(port_of(url)):
                is_away(*timed(page, "same-key-1"))
                begun = time.monotonic()
                is_away(page.get("/state"), time.monotonic() - begun)
                assert gateway.health()["waits_for"] == ["redis"]
            eventually(lambda: _accepted(timed(page, "same-key-1")[0]), WAIT_S)
            assert len(opened(kafka, person_id(SECRET, "+447400123456"))) == 1


def _accepted(answer: httpx.Response) -> dict[str, Any] | None:
    assert answer.status_code in (202, 503), answer.text
    return answer.json() if answer.status_code == 202 else None
