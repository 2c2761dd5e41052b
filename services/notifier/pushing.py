"""Carries errands to the push services: encrypted for one telephone, signed by us, given up when it is too late.

Place in the flow: errands -> **pushing** -> push service (RFC 8030, 8291, 8292) -> worker of the page; receipts.
What is sent names nobody: the kind of the news and the id of the invitation, which only its two people can use.
"""

import asyncio
import json
import logging
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import aiohttp
import redis.asyncio
from py_vapid import Vapid02
from pywebpush import WebPusher

from matcher.errors import Away
from matcher.events import ReceiptGiven
from matcher.values import derived_id
from services.adapters.subscriptions import Subscriptions, Telephone, may_be_called
from services.adapters.vapid import public_key
from services.notifier.errands import Errand, ErrandDesk

TOPIC = "invitation"
"""Of several that a telephone has not fetched yet the push service keeps the last."""
SEND_WITHIN_S = 5.0
CONNECTIONS, CONNECTIONS_PER_HOST = 100, 25
"""One push service that hangs leaves room for the others."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 8.0
SIGNED_FOR_S = 12 * 3600
"""RFC 8292 allows 24 hours; clocks differ."""
GONE = (404, 410)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a push service said, and when it may be asked again."""

    status: int
    again_after_s: float = 0.0

    @property
    def taken(self) -> bool:
        """The telephone will be told."""
        return 200 <= self.status < 300

    @property
    def passing(self) -> bool:
        """It may go well later."""
        return self.status in (408, 429) or self.status >= 500


class Signer:
    """Says who we are to each push service, as RFC 8292 wants it. Raises BadRequest for what is no key."""

    def __init__(self, key: str, contact: str) -> None:
        public_key(key)  # says kindly what is wrong with it
        self._vapid = Vapid02.from_string(key)
        self._contact = contact

    def header(self, endpoint: str) -> str:
        """The header Authorization for this address."""
        parts = urlsplit(endpoint)
        until = int(time.time()) + SIGNED_FOR_S
        claims = {"aud": f"{parts.scheme}://{parts.netloc}", "sub": self._contact, "exp": until}
        header: str = self._vapid.sign(claims)["Authorization"]
        return header


class Pushing:
    """Carries one errand at a time to all telephones of its person; many side by side."""

    def __init__(
        self, client: "redis.asyncio.Redis[bytes]", prefix: str, signer: Signer, hosts: tuple[str, ...],
        wall: Callable[[], datetime], say: Callable[[ReceiptGiven], None], trust: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self.desk = ErrandDesk(client, prefix)
        self._subscriptions = Subscriptions(client, prefix)
        self._signer = signer
        self._hosts = hosts
        self._wall = wall
        self._say = say
        connector = aiohttp.TCPConnector(
            limit=CONNECTIONS, limit_per_host=CONNECTIONS_PER_HOST, ssl=trust if trust is not None else True
        )
        self._web = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        """Let go of all connections."""
        await self._web.close()

    async def carry(self, errand: Errand, over: asyncio.Event) -> None:
        """Tell every telephone of the person, unless it gets too late or is `over` before."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                if not over.is_set() and self._left_s(errand) > 0:
                    await self._tell_all(errand, over)
                await self.desk.settle(errand)
                return
            except redis.RedisError as error:
                log.warning("push.redis_away %s", type(error).__name__)
                if self._left_s(errand) <= 0:
                    return
                pause_s = await self._pause(over, pause_s)

    async def _tell_all(self, errand: Errand, over: asyncio.Event) -> None:
        telephones = await self._subscriptions.of(errand.person)
        if errand.kind == "answered" and len(telephones) == 1:
            return  # it was answered on this very one
        told = (self._tell(errand, one, over) for one in telephones)
        for result in await asyncio.gather(*told, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def _tell(self, errand: Errand, telephone: Telephone, over: asyncio.Event) -> None:
        pause_s = FIRST_PAUSE_S
        while not over.is_set() and self._left_s(errand) > 0 and await self.desk.may_tell(errand, telephone.session):
            answer = await self._send(errand, telephone)
            if answer.taken:
                if errand.kind == "ring":
                    await self.desk.put_rung(errand, telephone.session)
                    await self._give_receipt(errand)
                return
            log.warning("push.not_taken %s %d", errand.invitation, answer.status)
            if answer.status in GONE:
                await self._subscriptions.drop(telephone.session, telephone.subscription.mark)
            if not answer.passing:
                return
            pause_s = await self._pause(over, max(pause_s, answer.again_after_s))

    async def _send(self, errand: Errand, telephone: Telephone) -> Answer:
        endpoint = telephone.subscription.endpoint
        if not may_be_called(endpoint, self._hosts):
            return Answer(GONE[0])
        told = json.dumps({"kind": errand.kind, "invitation": errand.invitation}, separators=(",", ":"))
        body = WebPusher(telephone.subscription.model_dump()).encode(told.encode())["body"]
        left_s = self._left_s(errand)
        headers = {
            "Authorization": self._signer.header(endpoint), "Content-Encoding": "aes128gcm", "Topic": TOPIC,
            "Content-Type": "application/octet-stream", "TTL": str(max(1, int(left_s))),
            "Urgency": "high" if errand.kind == "ring" else "normal",
        }  # fmt: skip
        within = aiohttp.ClientTimeout(total=min(SEND_WITHIN_S, max(left_s, 0.1)))
        try:
            async with self._web.post(
                endpoint, data=body, headers=headers, timeout=within, allow_redirects=False
            ) as answer:
                return Answer(answer.status, _seconds(answer.headers.get("Retry-After", "")))
        except (aiohttp.ClientError, TimeoutError, OSError):
            return Answer(503)

    async def _give_receipt(self, errand: Errand) -> None:
        receipt = ReceiptGiven(
            id=derived_id("receipt", errand.invitation, errand.person, "push"), at=self._wall(),
            invitation=errand.invitation, person=errand.person, channel="push", result="sent",
        )  # fmt: skip
        try:
            await asyncio.to_thread(self._say, receipt)
        except Away:
            log.warning("receipt.dropped %s", receipt.id)

    def _left_s(self, errand: Errand) -> float:
        return (errand.until - self._wall()).total_seconds()

    async def _pause(self, over: asyncio.Event, pause_s: float) -> float:
        """Wait, but not past the end; returns how long to wait next time."""
        try:
            async with asyncio.timeout(pause_s):
                await over.wait()
        except TimeoutError:
            pass
        return min(2 * pause_s, LONGEST_PAUSE_S)


def _seconds(text: str) -> float:
    """What Retry-After says; a date is none that anybody could wait for here."""
    return float(text) if text.isascii() and text.isdigit() else 0.0
