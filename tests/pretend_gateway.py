"""A pretended gateway for tests of the town: docs/http.md over the real pool, in one process, without Kafka and Redis.

It can misbehave on purpose: answer 503, act and then break the line before the answer, forget all sessions.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from aiohttp import web

from matcher.availability import Waiting
from matcher.enrich import apply_person
from matcher.events import (
    AvailabilityClosed,
    AvailabilityOpened,
    CallEnded,
    CallHeartbeat,
    InvitationAnswered,
    InvitationRung,
    PersonBlocked,
    PersonRegistered,
    Tick,
)
from matcher.invitation import Invitation
from matcher.person import Person, Profile
from matcher.pool import Pool
from services.clock import SystemClock
from services.gateway.lists import AREAS, lists
from services.settings import Settings

MARKET = "GB"
TICK_S = 0.1
OPEN_TO_ALL = ("/health", "/lists", "/codes", "/sessions")


class PretendGateway:
    """State, routes and faults; `refuse_next` writes get 503, `cut_next` are done but not answered."""

    def __init__(self, settings: Settings) -> None:
        self.clock = SystemClock(settings)
        self.pool = Pool(MARKET)
        self.refuse_next = 0
        self.cut_next = 0
        self.sessions: dict[str, str] = {}
        self.profiles: dict[str, dict[str, Any]] = {}
        self.outcomes: list[tuple[str, str, str]] = []
        self.done: Counter[tuple[str, str]] = Counter()
        self._people: dict[str, Person] = {}
        self._answers: dict[tuple[str, str], tuple[bytes, int, Any]] = {}
        self._streams: dict[str, list[asyncio.Queue[tuple[str, dict[str, Any]]]]] = {}
        self._heard: dict[str, set[str]] = {}
        self._offset = 0
        self._ids = 0

    def forget_sessions(self) -> None:
        """As after Redis was wiped."""
        self.sessions.clear()
        self._answers.clear()

    # --- the pool ---

    def apply(self, event: Any) -> None:
        """Into the pool, and its rows out to whom they concern; what is offered rings at once."""
        self._offset += 1
        for row in self.pool.apply(event, self._offset):
            if isinstance(row, Waiting):
                self._tell(row.person, "availability", self.availability(row))
            elif isinstance(row, Invitation) and row.rung:
                for person in row.people:
                    self._tell(person, "invitation", self.invitation(row, person))
            elif isinstance(row, Invitation) and row.state == "offered":
                asyncio.get_running_loop().call_soon(self.apply, self._about(InvitationRung, row, token=1))

    def tick(self) -> None:
        """Time goes on."""
        common = {"id": self.new_id("tick"), "at": self.clock.wall(), "market": MARKET}
        self.apply(Tick(now=self.clock.now(), wall=self.clock.wall(), **common))

    def new_id(self, kind: str) -> str:
        """An id."""
        self._ids += 1
        return f"{kind}-{self._ids}"

    def _about(self, kind: Callable[..., Any], row: Invitation, **more: Any) -> Any:
        return kind(id=self.new_id("event"), at=self.clock.wall(), market=MARKET, invitation=row, **more)

    def _person_event(self, kind: Callable[..., Any], person: str, **more: Any) -> None:
        self._offset += 1
        event = kind(id=self.new_id("event"), at=self.clock.wall(), person=person, **more)
        self._people[person], sends = apply_person(self._people.get(person), event, self._offset, MARKET)
        for send in sends:
            self.apply(send.event)

    # --- what is shown ---

    def availability(self, row: Waiting) -> dict[str, Any]:
        """A window as its person sees it."""
        left_s = (row.until - self.clock.now()).total_seconds()
        return {
            "availability": row.availability, "state": row.end or "open", "until": row.until.isoformat(),
            "remaining_s": left_s, "company": row.company,
        }  # fmt: skip

    def invitation(self, row: Invitation, person: str) -> dict[str, Any]:
        """An invitation as one of the two sees it."""
        shown = {"offered": "ringing", "rung": "ringing", "accepted": "accepted", "confirmed": "confirmed"}
        return {
            "invitation": row.invitation, "state": shown.get(row.state, "over"), "you": row.answer_of(person),
            "first_name": "Ada", "topic": row.topic, "reasons": list(row.reasons),
            "remaining_s": (row.answer_by_wall - self.clock.wall()).total_seconds(),
            "window_s": (row.until - self.clock.now()).total_seconds(), "connected": row.connected_wall is not None,
            "called": row.called, "end": None if row.live else "ended", "you_missed": row.unanswered_by(person),
        }  # fmt: skip

    def _tell(self, person: str, name: str, data: dict[str, Any]) -> None:
        for queue in self._streams.get(person, []):
            queue.put_nowait((name, data))

    def state(self, person: str) -> dict[str, Any]:
        """The snapshot."""
        row = self.pool.waiting.get(person)
        mine = [one for one in self.pool.invitations.values() if person in one.people and one.rung]
        newest = max(mine, key=lambda one: one.decided_wall, default=None)
        return {
            "availability": self.availability(row) if row else None,
            "invitation": self.invitation(newest, person) if newest else None,
        }

    # --- routes ---

    @web.middleware
    async def once(self, request: web.Request, handler: Callable[[web.Request], Awaitable[Any]]) -> web.StreamResponse:
        """Who it is, faults, and each Idempotency-Key once."""
        person = self.sessions.get(request.cookies.get("session", ""), "")
        if not person and request.path not in OPEN_TO_ALL:
            return web.json_response({"error": "not_signed_in", "message": ""}, status=401)
        request["person"] = person
        if request.method == "GET":
            answer = await handler(request)
            return answer if isinstance(answer, web.StreamResponse) else web.json_response(answer[1], status=answer[0])
        if self.refuse_next:
            self.refuse_next -= 1
            return web.json_response({"error": "away", "message": ""}, status=503, headers={"Retry-After": "1"})
        slot, body = (person, request.headers["Idempotency-Key"]), await request.read()
        if slot not in self._answers:
            self.done[request.method, request.path] += 1
            self._answers[slot] = (body, *await handler(request))
        before, status, said = self._answers[slot]
        assert before == body, "one key, two bodies"
        if self.cut_next and request.path == "/availability":
            self.cut_next -= 1
            request.transport.close()  # type: ignore[union-attr]
        session = said.pop("_session", None)
        response = web.json_response(said, status=status)
        if session:
            response.set_cookie("session", session)
        return response

    async def codes(self, request: web.Request) -> tuple[int, Any]:
        """A code."""
        return 202, {"expires_s": 300, "demo_code": "123456", "note": "a test"}

    async def enter(self, request: web.Request) -> tuple[int, Any]:
        """A session."""
        token = self.new_id("session")
        self.sessions[token] = (await request.json())["phone"]
        return 201, {"registered": False, "_session": token}

    async def me(self, request: web.Request) -> tuple[int, Any]:
        """A profile."""
        told = await request.json()
        self.profiles[request["person"]] = dict(told)
        told.pop("quiet", None)
        profile = Profile(cell=AREAS[told["area"]]["cell"], **told)
        self._person_event(PersonRegistered, request["person"], phone=request["person"], profile=profile)
        return 202, {}

    async def open(self, request: web.Request) -> tuple[int, Any]:
        """A window."""
        said, now, availability = await request.json(), self.clock.now(), self.new_id("avail")
        until = now + timedelta(minutes=said["minutes"])
        self._person_event(
            AvailabilityOpened, request["person"], availability=availability, opened_at=now, until=until,
            company=said["company"],
        )  # fmt: skip
        return 202, {"availability": availability, "until": until.isoformat(), "remaining_s": said["minutes"] * 60}

    async def close(self, request: web.Request) -> tuple[int, Any]:
        """No window."""
        self._person_event(AvailabilityClosed, request["person"])
        return 202, {}

    async def accepted(self, request: web.Request) -> tuple[int, Any]:
        """What a test of the town needs no more of than the answer."""
        return 202, {}

    async def answer(self, request: web.Request) -> tuple[int, Any]:
        """Accept, decline, block or concern."""
        row, person = self.pool.invitations[request.match_info["id"]], request["person"]
        what = request.match_info["what"]
        if what in ("accept", "decline"):
            self.apply(self._about(InvitationAnswered, row, person=person, answer=what))
        else:
            self._person_event(PersonBlocked, person, other=row.other(person))
        return 202, {}

    async def call(self, request: web.Request) -> tuple[int, Any]:
        """Heartbeat, end or outcome."""
        row, person = self.pool.invitations[request.match_info["id"]], request["person"]
        what, said = request.match_info["what"], json.loads(await request.read() or b"{}")
        if what == "outcome":
            self.outcomes.append((row.invitation, person, said["talk_again"]))
        elif row.state != "confirmed":
            return 409, {"error": "already_ended", "message": ""}
        elif what == "end":
            self.apply(self._about(CallEnded, row, reason="hung up"))
        else:
            heard = self._heard.setdefault(row.invitation, set())
            heard.add(person)
            self.apply(self._about(CallHeartbeat, row, heard=(person,), connected=len(heard) == 2))
        return 202, {}

    async def live(self, request: web.Request) -> web.StreamResponse:
        """Live events; every connection starts with a snapshot."""
        if request.headers.get("Last-Event-ID", "1").isdigit() is False:
            return web.Response(status=400)
        queue: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self._streams.setdefault(request["person"], []).append(queue)
        queue.put_nowait(("snapshot", self.state(request["person"])))
        try:
            while True:
                name, data = await queue.get()
                await response.write(f"id: 1\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode())
        except ConnectionError:
            return response
        finally:
            self._streams[request["person"]].remove(queue)


@asynccontextmanager
async def pretend_gateway(settings: Settings) -> AsyncIterator[tuple[PretendGateway, str]]:
    """A pretended gateway on a free port, and its address."""
    gateway = PretendGateway(settings)
    app = web.Application(middlewares=[gateway.once])

    async def health(_: web.Request) -> tuple[int, Any]:
        return 200, {"ready": True}

    async def lists_(_: web.Request) -> tuple[int, Any]:
        return 200, lists()

    async def state(request: web.Request) -> tuple[int, Any]:
        return 200, gateway.state(request["person"])

    routes: list[tuple[str, str, Any]] = [
        ("GET", "/health", health), ("GET", "/lists", lists_), ("GET", "/state", state), ("GET", "/live", gateway.live),
        ("POST", "/codes", gateway.codes), ("POST", "/sessions", gateway.enter), ("PUT", "/me", gateway.me),
        ("POST", "/me/{what}", gateway.accepted), ("POST", "/availability", gateway.open),
        ("DELETE", "/availability", gateway.close), ("POST", "/invitations/{id}/{what}", gateway.answer),
        ("POST", "/calls/{id}/{what}", gateway.call),
    ]  # fmt: skip
    for method, path, handle in routes:
        app.router.add_route(method, path, handle)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    ticking = asyncio.create_task(_tick(gateway))
    try:
        yield gateway, f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        ticking.cancel()
        await runner.cleanup()


async def _tick(gateway: PretendGateway) -> None:
    while True:
        gateway.tick()
        await asyncio.sleep(TICK_S)
