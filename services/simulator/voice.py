"""The voice of a neighbour: a real leg of sound for somebody of the town who meets a visitor from outside it.

Place in the flow: meeting -> **voice** -> line (signals) -> the visitor's browser. It speaks as call.js does: an id for
each beginning, "I am here now", side a makes the offer. What it cannot do, restart a lost connection, it does by
beginning anew. Imported only when a visitor comes: aiortc is large, and part of the extra `embedded`.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import aiortc
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.sdp import candidate_from_sdp

from services.simulator.tune import Tune

BEGIN_AGAIN_S = 4.0
"""Between two beginnings: a line that stays bad is not worn out."""

Say = Callable[[dict[str, Any]], Awaitable[Any]]


class Voice:
    """One leg of one call; `ice` is the gateway's answer to GET /invitations/{id}/ice, `say` posts a signal.

    `sounding` is set once sound has gone both ways.
    """

    def __init__(self, ice: dict[str, Any], say: Say, tune: Tune, sounding: asyncio.Event) -> None:
        self._configuration = aiortc.RTCConfiguration(
            iceServers=[aiortc.RTCIceServer(**server) for server in ice["ice_servers"]],
            iceTransportPolicy=aiortc.RTCIceTransportPolicy(ice["policy"]),
        )
        self._offers = ice["side"] == "a"
        self._say = say
        self._tune = tune
        self._page = ""
        self._peer = ""
        self._connection: aiortc.RTCPeerConnection | None = None
        self._listening: asyncio.Task[None] | None = None
        self._begun_s = 0.0
        self._looked = (0, 0)
        self._received = 0
        self._sounding = sounding

    async def begin(self) -> None:
        """I am here now: whoever is on the other side begins with us, or begins anew."""
        self._begun_s = asyncio.get_running_loop().time()
        await self._hang_up()
        self._page, self._peer = secrets.token_hex(8), ""
        await self._say({"page": self._page})

    async def take(self, signal: dict[str, Any]) -> None:
        """Something that the other side signals; what makes no sense is passed over."""
        if signal["mine"] or signal.get("to", self._page) != self._page:
            return
        if signal["page"] != self._peer:
            await self._begin_with(signal["page"])
        if "to" not in signal:
            await self._signal()
        await self._describe(signal.get("description"))
        for candidate in signal["candidates"]:
            await self._add(candidate)

    def flowed(self) -> bool:
        """Whether sound went both ways since this was last asked."""
        before, self._looked = self._looked, (self._received, self._tune.frames)
        return all(now > then for then, now in zip(before, self._looked, strict=True))

    async def end(self) -> None:
        """No more sound."""
        await self._hang_up()

    # --- the connection ---

    async def _hang_up(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()

    async def _begin_with(self, peer: str) -> None:
        await self._hang_up()
        self._peer = peer
        connection = self._connection = aiortc.RTCPeerConnection(self._configuration)
        connection.on("track", self._hear)
        connection.on("connectionstatechange", lambda: self._look_at(connection))
        connection.addTrack(self._tune.track())
        if self._offers:
            await connection.setLocalDescription(await connection.createOffer())
            await self._send_description(connection)

    async def _describe(self, given: dict[str, str] | None) -> None:
        connection = self._connection
        if given is None or connection is None:
            return
        if given["type"] == "offer" and (self._offers or connection.remoteDescription):
            await self.begin()  # the page lost the line, and asks for a restart
            return
        understood = False
        with suppress(Exception):  # aiortc meets garbage with errors of every kind, failed assertions among them
            await connection.setRemoteDescription(aiortc.RTCSessionDescription(**given))
            understood = True
        if understood and given["type"] == "offer":
            await connection.setLocalDescription(await connection.createAnswer())
            await self._send_description(connection)

    async def _send_description(self, connection: aiortc.RTCPeerConnection) -> None:
        if connection is self._connection:
            local = connection.localDescription
            await self._signal(description={"type": local.type, "sdp": local.sdp})

    async def _signal(self, **said: Any) -> None:
        await self._say({"page": self._page, "to": self._peer, **said})

    async def _add(self, given: dict[str, Any]) -> None:
        if self._connection is None or not given["candidate"]:
            return
        with suppress(Exception):  # the same of a candidate: the others may do
            candidate = candidate_from_sdp(given["candidate"].partition(":")[2])
            candidate.sdpMid, candidate.sdpMLineIndex = given.get("sdpMid"), given.get("sdpMLineIndex")
            await self._connection.addIceCandidate(candidate)

    async def _look_at(self, connection: aiortc.RTCPeerConnection) -> None:
        failed = connection is self._connection and connection.connectionState == "failed"
        if failed and asyncio.get_running_loop().time() - self._begun_s > BEGIN_AGAIN_S:
            await self.begin()

    def _hear(self, track: MediaStreamTrack) -> None:
        self._listening = asyncio.create_task(self._listen(track))

    async def _listen(self, track: MediaStreamTrack) -> None:
        with suppress(MediaStreamError):
            while True:
                await track.recv()
                self._received += 1
                if self._tune.frames:
                    self._sounding.set()
