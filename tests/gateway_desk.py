"""A gateway for tests: served for real on loopback, on real Redis; Kafka is the twin in memory unless one is given."""

import itertools
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import redis
import uvicorn

from matcher.availability import Waiting
from matcher.events import Event
from matcher.invitation import Invitation
from matcher.person import Person
from services.adapters.vapid import new_key
from services.adapters.views import ViewWriter
from services.gateway.app import build
from services.gateway.outbox import AsyncMemoryOutbox, AsyncOutbox
from services.gateway.pages.installed import VERSION
from services.gateway.signin import person_id
from services.serving import Server
from services.settings import Settings
from services.topics import PARTITIONS
from tests.conftest import RedisPlace
from tests.world import eventually, profile

SECRET = "a secret that only tests have"
PUSH_KEY = new_key()
MORNING = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
ABOUT_ANN = {"first_name": "Ann", "adult": True, "languages": ["en"], "area": "SW", "age_band": "65-74"}
WAIT_S = 10.0

_numbers = itertools.count(1)


class StandingClock:
    """Domain time stands where the test puts it; wall time is the machine's."""

    def __init__(self) -> None:
        self.domain = MORNING

    def now(self) -> datetime:
        """Domain time."""
        return self.domain

    def wall(self) -> datetime:
        """Wall time."""
        return datetime.now(UTC)


class Page(httpx.Client):
    """One person's page: a cookie jar, and a new Idempotency-Key for each write."""

    def write(self, method: str, path: str, body: Any = None, key: str | None = None, **more: Any) -> httpx.Response:
        """Send a write; a `key` of one's own repeats one."""
        headers = {"Idempotency-Key": key or secrets.token_hex(8), **more.pop("headers", {})}
        return self.request(method, path, json=body, headers=headers, **more)

    def post(self, path: str, body: Any = None, key: str | None = None, **more: Any) -> httpx.Response:  # type: ignore[override]
        """POST as a write."""
        return self.write("POST", path, body, key, **more)


@dataclass
class Desk:
    """The gateway under test, and a hand on what lies behind it."""

    url: str
    views: ViewWriter
    redis: "redis.Redis"
    prefix: str
    outbox: Any
    clock: StandingClock
    pages: list[Page] = field(default_factory=list)
    _offset: Iterator[int] = field(default_factory=lambda: itertools.count(1000))

    def page(self) -> Page:
        """Somebody who is not signed in."""
        page = Page(base_url=self.url, timeout=WAIT_S)
        self.pages.append(page)
        return page

    def signed_in(self, phone: str | None = None) -> tuple[Page, str]:
        """Somebody who is signed in and not registered, and their id."""
        phone = phone or f"+4474001{next(_numbers):05d}"
        page = self.page()
        code = page.post("/codes", {"phone": phone}).json()["demo_code"]
        answer = page.post("/sessions", {"phone": phone, "code": code})
        assert answer.status_code == 201, answer.text
        return page, person_id(SECRET, phone)

    def registered(self, first_name: str = "Ann", **change: Any) -> tuple[Page, str]:
        """Somebody whom the view knows, and their id."""
        page, person = self.signed_in()
        self.put_person(person, first_name=first_name, **change)
        return page, person

    def put_person(self, person: str, first_name: str = "Ann", **change: Any) -> None:
        """Let the view show a person."""
        row = Person(offset=next(self._offset), person=person, profile=profile(first_name=first_name), **change)
        self.views.put_person(row)

    def put_invitation(self, a: str, b: str, **change: Any) -> Invitation:
        """Let the view show an invitation of these two, ringing unless changed."""
        row = invitation(a, b, offset=next(self._offset), **change)
        self.views.put_invitation(row)
        return row

    def put_waiting(self, person: str, **change: Any) -> Waiting:
        """Let the view show an open window."""
        row = waiting(person, offset=next(self._offset), **change)
        self.views.put_waiting(row)
        return row

    def break_views(self) -> None:
        """Let the views be as after a wipe: not whole until the projector has written all rows again."""
        self.redis.delete(self.prefix + "views")

    def close_pages(self) -> None:
        """Everybody leaves."""
        for page in self.pages:
            page.close()
        self.pages.clear()

    def begin_anew(self) -> None:
        """Forget everything and everybody: for another test."""
        self.close_pages()
        for key in self.redis.scan_iter(match=self.prefix + "*", count=1000):
            self.redis.delete(key)
        self.views.set_whole(frozenset(range(PARTITIONS)))
        self.outbox.said.clear()
        self.outbox.away = self.outbox.loses_answers = False
        self.clock.domain = MORNING

    def said(self, topic: str) -> list[Event]:
        """What the gateway wrote to a topic."""
        return [event for name, _, event in self.outbox.said if name == topic]


def invitation(a: str, b: str, **change: Any) -> Invitation:
    """An invitation that rings."""
    a, b = sorted((a, b))
    now = datetime.now(UTC)
    usual: dict[str, Any] = {
        "offset": 1, "invitation": "inv-" + secrets.token_hex(6), "market": "GB", "a": a, "b": b,
        "availability_a": "av-a", "availability_b": "av-b", "topic": "birds", "reasons": ("you both like birds",),
        "score": 0.5, "state": "rung", "rung": True, "decided_wall": now, "answer_by_wall": now + timedelta(seconds=30),
        "until": MORNING + timedelta(minutes=20), "pool_now": MORNING, "pool_wall": now,
    }  # fmt: skip
    return Invitation(**{**usual, **change})


def over(**change: Any) -> dict[str, Any]:
    """What turns an invitation into a call that has been."""
    now = datetime.now(UTC)
    return {
        "state": "ended",
        "connected_wall": now,
        "confirmed_wall": now,
        "ended_wall": now,
        "ended_at": MORNING,
    } | change


def waiting(person: str, **change: Any) -> Waiting:
    """An open window."""
    now = datetime.now(UTC)
    usual: dict[str, Any] = {
        "offset": 1, "person": person, "market": "GB", "availability": "av-" + secrets.token_hex(6),
        "opened_at": MORNING, "since": MORNING, "until": MORNING + timedelta(minutes=20), "seq": 1, "asked": 1,
        "posted_at": now, "pool_now": MORNING, "pool_wall": now,
    }  # fmt: skip
    return Waiting(**{**usual, **change})


@contextmanager
def desk(
    place: RedisPlace, outbox: AsyncOutbox | None = None, port: int = 0, version: str = VERSION, **settings: Any
) -> Iterator[Desk]:
    """A gateway that is served for the length of a `with` block."""
    chosen = Settings(
        **{"redis": place.url, "redis_prefix": place.prefix, "demo": True, "secret": SECRET, "codes_per_address": 500,
           "push_key": PUSH_KEY, "push_contact": "mailto:ops@example.org"}
        | settings
    )
    clock, outbox = StandingClock(), outbox or AsyncMemoryOutbox()
    app = build(chosen, outbox=outbox, clock=clock, version=version)
    config = uvicorn.Config(app, port=port, log_config=None, ws="none", timeout_graceful_shutdown=1)
    server = Server(config, app.state.hub)
    thread = threading.Thread(target=server.run)
    thread.start()
    client = redis.Redis.from_url(chosen.redis)
    try:
        eventually(lambda: server.started, WAIT_S)
        port = server.servers[0].sockets[0].getsockname()[1]
        made = Desk(
            f"http://127.0.0.1:{port}", ViewWriter(client, place.prefix), client, place.prefix, outbox, clock
        )  # fmt: skip
        made.views.set_whole(frozenset(range(PARTITIONS)))
        yield made
        made.close_pages()
    finally:
        client.close()
        server.should_exit = True
        thread.join(WAIT_S)


class Listener:
    """Reads a live line in a thread: (event, id, data) as they come."""

    path = "/live"

    def __init__(self, page: Page, since: str | None = None) -> None:
        self.heard: list[tuple[str, str, dict[str, Any]]] = []
        self.status: int | None = None
        self.ended = False
        self._page = page
        self._since = since
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        eventually(lambda: self.status, WAIT_S)

    def wait_for(self, count: int) -> list[tuple[str, str, dict[str, Any]]]:
        """The first `count` events."""
        eventually(lambda: len(self.heard) >= count, WAIT_S)
        return self.heard

    def wait_for_end(self) -> None:
        """Until the gateway has closed the line."""
        eventually(lambda: self.ended, WAIT_S)

    def _read(self) -> None:
        headers = {"Last-Event-ID": self._since} if self._since else {}
        try:
            with self._page.stream("GET", self.path, headers=headers, timeout=httpx.Timeout(WAIT_S, read=30)) as answer:
                self.status = answer.status_code
                self._events(answer.iter_lines())
        except httpx.HTTPError:
            pass  # the page was closed
        self.ended = True

    def _events(self, lines: Iterator[str]) -> None:
        event: dict[str, str] = {}
        for line in lines:
            if line == "" and "data" in event:
                self.heard.append((event["event"], event.get("id", ""), json.loads(event["data"])))
                event = {}
            elif line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = value
