"""The town's people at a gateway: a pretended one that misbehaves on purpose, and the real one without a stream.

The pretended gateway runs the real pool, so that people meet, talk and part as they would.
"""

import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import redis
import uvicorn

from services.adapters.views import ViewWriter
from services.gateway.app import build
from services.gateway.lists import AREAS
from services.serving import Server
from services.settings import Settings
from services.simulator import app, town
from services.simulator.ledger import AVAILABILITIES_FILE, Ledger
from services.simulator.line import Line
from services.simulator.people import Area, draw_people
from tests.conftest import Parts
from tests.pretend_gateway import PretendGateway, pretend_gateway

PEOPLE, PLAY_S, SPEED, SEED = 30, 10.0, 60.0, 3
PARTITIONS = frozenset(range(4))
START_LIMIT_S = 15.0


def settings_for(data: Path, **more: Any) -> Settings:
    """A demo's settings: eight in the morning, and life runs fast."""
    eight = datetime(2026, 11, 23, 8, tzinfo=UTC)
    return Settings(
        demo=True, data=data, speed=SPEED, domain_start=eight, domain_origin=datetime.now(UTC), secret="test", **more
    )


def play(
    data: Path, trouble: "Trouble | None" = None, enough_after_s: float = 2 * PLAY_S
) -> tuple[dict[str, Any], PretendGateway]:
    """A short play at a pretended gateway, with `trouble` every second of it; its end may be brought forward."""

    async def in_town() -> tuple[dict[str, Any], PretendGateway]:
        settings = settings_for(data)
        async with pretend_gateway(settings) as (gateway, url):
            making = asyncio.create_task(_make(trouble, gateway))
            enough = asyncio.Event()
            asyncio.get_running_loop().call_later(enough_after_s, enough.set)
            said = await town.run(settings, url, PEOPLE, PLAY_S, SEED, lambda _: None, enough=enough)
            making.cancel()
            return said, gateway

    return asyncio.run(in_town())


class Trouble:
    """What goes wrong at the gateway, every second while the town plays."""

    def __init__(self, **faults: int) -> None:
        self.faults = faults

    def make(self, gateway: PretendGateway) -> None:
        """Once more."""
        if self.faults.get("forget"):
            gateway.forget_sessions()
        gateway.refuse_next += self.faults.get("refuse", 0)
        gateway.cut_next += self.faults.get("cut", 0)


async def _make(trouble: Trouble | None, gateway: PretendGateway) -> None:
    for _ in range(int(PLAY_S) - 1 if trouble else 0):
        await asyncio.sleep(1)
        trouble.make(gateway)  # type: ignore[union-attr]
    gateway.refuse_next = gateway.cut_next = 0


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], PretendGateway, Path]:
    """A play without trouble, and the town's folder."""
    data = tmp_path_factory.mktemp("calm")
    return (*play(data), data)


def kept_in(data: Path) -> list[dict[str, str]]:
    """The town's file of availabilities."""
    return [json.loads(line) for line in (data / AVAILABILITIES_FILE).read_text().splitlines()]


def all_over(gateway: PretendGateway) -> bool:
    """Whether the pool itself holds nothing open: each window ended by itself or by a call."""
    called = {
        one.availability_of(person) for one in gateway.pool.invitations.values() if one.called for person in one.people
    }
    windows = gateway.pool.waiting.values()
    live = any(one.live for one in gateway.pool.invitations.values())
    return not live and all(row.end or row.availability in called for row in windows)


def test_everybody_opens_a_window_many_talk_and_everything_comes_to_its_end(
    calm: tuple[dict[str, Any], PretendGateway, Path],
) -> None:
    said, gateway, _ = calm
    assert len(gateway.pool.waiting) == PEOPLE
    assert said["closed_in_time"], said
    assert all_over(gateway)
    assert sum(one.connected_wall is not None for one in gateway.pool.invitations.values()) >= 2
    assert set(said["outcomes"]) <= {"yes", "maybe", "no"}
    assert sum(said["outcomes"].values()) == len(gateway.outcomes) > 0


def test_every_availability_that_was_answered_is_on_disk(
    calm: tuple[dict[str, Any], PretendGateway, Path],
) -> None:
    said, _, data = calm
    kept = kept_in(data)
    assert [line["availability"] for line in kept] == said["opened_2xx"]
    assert len(said["opened_2xx"]) >= PEOPLE
    assert all(line["posted_at"] <= line["answered_at"] for line in kept)


def test_a_gateway_that_is_away_or_breaks_off_loses_no_intention_and_does_none_twice(tmp_path: Path) -> None:
    said, gateway = play(tmp_path, Trouble(refuse=5, cut=2))
    assert said["retries"] > 0
    assert len(gateway.pool.waiting) == PEOPLE
    opened = said["opened_2xx"]
    known = {one for row in gateway.pool.waiting.values() for one in (*row.ids, *row.past)}
    assert len(opened) == len(set(opened))
    assert set(opened) <= known
    assert gateway.done["POST", "/availability"] <= len(opened) + said["did"].get("gave_up", 0)
    assert said["closed_in_time"], said
    assert all_over(gateway)


def test_people_whose_sessions_are_gone_sign_in_again_and_go_on(tmp_path: Path) -> None:
    said, gateway = play(tmp_path, Trouble(forget=1))
    assert gateway.done["POST", "/sessions"] > PEOPLE
    assert len(gateway.pool.waiting) == PEOPLE
    assert said["closed_in_time"], said
    assert all_over(gateway)


def test_a_day_whose_end_is_brought_forward_comes_to_its_end_as_any_other(tmp_path: Path) -> None:
    said, gateway = play(tmp_path, enough_after_s=PLAY_S / 2)
    assert 0 < len(gateway.pool.waiting) < PEOPLE
    assert said["closed_in_time"], said
    assert all_over(gateway)


def test_the_gateway_is_told_what_was_drawn_from_the_seed(
    calm: tuple[dict[str, Any], PretendGateway, Path],
) -> None:
    _, gateway, _ = calm
    drawn = draw_people(PEOPLE, SEED, [Area(code=area["code"], cell=area["cell"]) for area in AREAS.values()])
    assert gateway.profiles == {person.phone: person.told() for person in drawn}


def test_the_process_says_so_when_it_cannot_begin(monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setattr(town, "READY_LIMIT_S", 0.1)
    assert app.main(["--people", "1", "--for", "1", "--base-url", "http://127.0.0.1:9"]) == 1
    assert "not ready" in capsys.readouterr().err


@contextmanager
def real_gateway(parts: Parts, data: Path) -> Iterator[str]:
    """The real gateway on a free port, with views that are whole and empty."""
    kafka, place = parts.kafka, parts.redis
    settings = settings_for(
        data, broker=kafka.bootstrap, embedded=kafka.embedded, topic_prefix=kafka.prefix, redis=place.url,
        redis_prefix=place.prefix,
    )  # fmt: skip
    with redis.Redis.from_url(place.url) as client:
        ViewWriter(client, place.prefix).set_whole(PARTITIONS)
    app = build(settings)
    config = uvicorn.Config(app, port=0, access_log=False, log_config=None, timeout_graceful_shutdown=1)
    server = Server(config, app.state.hub)
    serving = threading.Thread(target=server.run)
    serving.start()
    try:
        deadline_s = time.monotonic() + START_LIMIT_S
        while not server.started and time.monotonic() < deadline_s:
            time.sleep(0.05)
        assert server.started
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        serving.join(START_LIMIT_S)
    assert not serving.is_alive()


async def a_visit(url: str, data: Path, wipe: Any) -> list[tuple[int, Any]]:
    """Somebody signs in, tells about themselves, opens a window, is signed out by a wipe, closes it."""
    person = draw_people(1, SEED, [Area(code="EC", cell=AREAS["EC"]["cell"])])[0]
    ledger, answers = Ledger(data), []
    deadline_s = time.monotonic() + START_LIMIT_S
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as web:
        line = Line(web, url, person.phone, ledger)
        await line.sign_in(deadline_s)
        answers.append(await line.write("PUT", "/me", person.told(), deadline_s=deadline_s))
        window = {"minutes": 30, "company": "either"}
        answers.append(await line.write("POST", "/availability", window, deadline_s=deadline_s))
        await asyncio.to_thread(wipe)
        answers.append(await line.write("DELETE", "/availability", deadline_s=deadline_s))
        async with aclosing(line.live()) as events:
            name, _ = await anext(events)
            answers.append((200, name))
    ledger.close()
    return answers


def test_a_person_is_understood_by_the_real_gateway_also_after_redis_was_wiped(parts: Parts, tmp_path: Path) -> None:
    def wipe() -> None:
        with redis.Redis.from_url(parts.redis.url) as client:
            for key in client.scan_iter(match=parts.redis.prefix + "*"):
                client.delete(key)
            ViewWriter(client, parts.redis.prefix).set_whole(PARTITIONS)

    with real_gateway(parts, tmp_path) as url:
        answers = asyncio.run(a_visit(url, tmp_path, wipe))
    assert Counter(status for status, _ in answers) == {202: 3, 200: 1}
    assert answers[1][1]["availability"]
    assert answers[-1] == (200, "snapshot")
