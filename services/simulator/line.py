"""One person's line to the gateway: sign-in, writes that are tried again until they are through, and live events.

Place in the flow: person_life -> **line** -> the gateway. The line is down in a tunnel: nothing is sent and the stream
of events breaks; afterwards it goes on after the last event. An intention keeps one Idempotency-Key for all its tries,
so that a gateway killed in the middle neither loses it nor does it twice.
"""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from http import HTTPStatus
from random import Random
from typing import Any

import aiohttp

from services.simulator.ledger import Ledger

TRY_TIMEOUT_S = 8.0  # the gateway says within 2 s that a part is away
QUIET_STREAM_S = 25.0  # a comment comes every 10 s
BACKOFF_FIRST_S, BACKOFF_LIMIT_S = 0.25, 2.0
RETRY_AFTER_LIMIT_S = 10.0
SIGN_IN_TRIES_LIMIT = 200  # about five minutes of a gateway that is away
TRY_AGAIN = frozenset({429, 500, 502, 503, 504})


class GaveUp(Exception):
    """An intention was not through by its deadline."""


class Line:
    """The line of one person."""

    def __init__(self, web: aiohttp.ClientSession, base_url: str, phone: str, ledger: Ledger) -> None:
        self._web, self._base_url, self._phone, self._ledger = web, base_url.rstrip("/"), phone, ledger
        self._rng = Random(phone)
        self._session = ""
        self._sign_in = asyncio.Lock()
        self._last_ids: dict[str, str] = {}
        self._streams: set[aiohttp.ClientResponse] = set()
        self._signal = asyncio.Event()
        self._signal.set()

    def lose_signal(self) -> None:
        """Into a tunnel: the stream of events breaks, and whatever is written waits."""
        self._signal.clear()
        for stream in self._streams:
            stream.close()

    def find_signal(self) -> None:
        """Out of the tunnel."""
        self._signal.set()

    # --- requests ---

    async def write(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, deadline_s: float
    ) -> tuple[int, Any]:
        """One intention, tried until it is answered: status and body. `deadline_s` is on `time.monotonic`.

        Raises GaveUp at the deadline. Signs in again when the session is gone.
        """
        key = secrets.token_hex(16)  # not from the seed: a second play on the same Kafka has intentions of its own
        tries = 0
        while True:
            session = self._session
            status, answer, pause_s = await self._try(method, path, body, key, tries)
            if status == HTTPStatus.UNAUTHORIZED:
                await self.sign_in(deadline_s, instead_of=session)
            elif status not in TRY_AGAIN and status:
                return status, answer
            if time.monotonic() + pause_s >= deadline_s:
                raise GaveUp(path)
            await asyncio.sleep(pause_s)
            tries += 1
            self._ledger.retries += 1

    async def sign_in(self, deadline_s: float, *, instead_of: str = "") -> None:
        """Sign in by a code to the phone, unless somebody else of this person's tasks already did."""
        async with self._sign_in:
            if self._session != instead_of:
                return
            key = secrets.token_hex(16)
            for tries in range(SIGN_IN_TRIES_LIMIT):
                sent, pause_s = await self._sign_in_once(key, tries)
                if not pause_s:
                    return
                if sent:  # a request that was never answered is sent again: it costs no second code
                    key = secrets.token_hex(16)
                if time.monotonic() + pause_s >= deadline_s:
                    break
                await asyncio.sleep(pause_s)
        raise GaveUp("sign in")

    async def _sign_in_once(self, key: str, tries: int) -> tuple[bool, float]:
        """Whether a code was sent, and 0 when signed in with it, else the seconds to wait.

        A code may be lost with Redis, so one that was of no use is not tried again.
        """
        status, answer, pause_s = await self._try("POST", "/codes", {"phone": self._phone}, key, tries)
        if status != HTTPStatus.ACCEPTED:
            return False, pause_s
        body = {"phone": self._phone, "code": answer["demo_code"]}
        status, _, pause_s = await self._try("POST", "/sessions", body, secrets.token_hex(16), tries)
        return True, 0.0 if status == HTTPStatus.CREATED else pause_s

    async def _try(
        self, method: str, path: str, body: dict[str, Any] | None, key: str, tries: int
    ) -> tuple[int, Any, float]:
        """Status (0 for no answer), body, and the seconds to wait should it be tried again."""
        await self._signal.wait()
        self._ledger.requests += 1
        pause_s = self._backoff_s(tries)
        try:
            async with self._web.request(
                method,
                self._base_url + path,
                json=body,
                headers={"Idempotency-Key": key, **self._cookie()},
                timeout=aiohttp.ClientTimeout(total=TRY_TIMEOUT_S),
            ) as response:
                answer = await response.json(content_type=None) if response.status != HTTPStatus.NO_CONTENT else None
                if "session" in response.cookies:
                    self._session = response.cookies["session"].value
                return self._counted(response, answer, pause_s)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            self._ledger.errors[type(error).__name__] += 1
            return 0, None, pause_s

    def _counted(self, response: aiohttp.ClientResponse, answer: Any, pause_s: float) -> tuple[int, Any, float]:
        if response.status >= HTTPStatus.BAD_REQUEST:
            code = answer.get("error", "") if isinstance(answer, dict) else ""
            self._ledger.errors[f"{response.status} {code}".strip()] += 1
        asked = response.headers.get("Retry-After", "")
        if asked.isdigit():
            pause_s = min(float(asked), RETRY_AFTER_LIMIT_S) * self._rng.uniform(1.0, 1.3)
        return response.status, answer, pause_s

    def _backoff_s(self, tries: int) -> float:
        return float(min(BACKOFF_FIRST_S * 2 ** min(tries, 10), BACKOFF_LIMIT_S) * self._rng.uniform(0.5, 1.5))

    def _cookie(self) -> dict[str, str]:
        return {"Cookie": f"session={self._session}"} if self._session else {}

    # --- live events ---

    async def live(self, path: str = "/live") -> AsyncIterator[tuple[str, Any]]:
        """The name and data of each event there, for ever: broken lines are taken up after the last event."""
        tries = 0
        while True:
            await self._signal.wait()
            session = self._session
            try:
                async with self._web.get(
                    self._base_url + path, headers=self._live_headers(path), timeout=_STREAM
                ) as got:
                    await self._answered(got, path, session)
                    async for event in self._events(got, path):
                        tries = 0
                        yield event
            except (aiohttp.ClientError, TimeoutError, ValueError, GaveUp) as error:
                if self._signal.is_set():
                    self._ledger.errors[f"live {type(error).__name__}"] += 1
            await asyncio.sleep(self._backoff_s(tries))
            tries += 1

    async def _answered(self, got: aiohttp.ClientResponse, path: str, session: str) -> None:
        """What to change before the next try, if this one was refused."""
        if got.status == HTTPStatus.OK:
            return
        self._ledger.errors[f"{got.status} live"] += 1
        if got.status == HTTPStatus.UNAUTHORIZED:
            await self.sign_in(time.monotonic() + TRY_TIMEOUT_S, instead_of=session)
        elif got.status == HTTPStatus.BAD_REQUEST:
            self._last_ids.pop(path, None)  # it is not an id of theirs: start from a snapshot

    def _live_headers(self, path: str) -> dict[str, str]:
        last_id = self._last_ids.get(path)
        return {**self._cookie(), **({"Last-Event-ID": last_id} if last_id else {})}

    async def _events(self, got: aiohttp.ClientResponse, path: str) -> AsyncIterator[tuple[str, Any]]:
        """Events of one connection, until it breaks or the person enters a tunnel; none of one that was refused."""
        name, data, event_id = "", "", ""
        self._streams = {one for one in self._streams if not one.closed} | {got}
        while got.status == HTTPStatus.OK and self._signal.is_set():
            line = (await got.content.readline()).decode()
            if not line:
                return
            field, _, value = line.rstrip("\r\n").partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif field == "data":
                data += value
            elif field == "id":
                event_id = value
            elif not line.strip() and data:
                if event_id:
                    self._last_ids[path] = event_id  # only now: half an event was not had
                yield name, json.loads(data)
                name, data, event_id = "", "", ""


_STREAM = aiohttp.ClientTimeout(total=None, sock_connect=TRY_TIMEOUT_S, sock_read=QUIET_STREAM_S)
