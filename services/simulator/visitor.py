"""A call with somebody who came with a browser of their own: the town's side of it, with a real voice.

Place in the flow: meeting -> **visitor** -> voice, line. aiortc is loaded beside the town's life when it is needed.
"""

import asyncio
import importlib
import importlib.util
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from services.simulator.line import GaveUp, Line

if TYPE_CHECKING:
    from services.simulator.voice import Voice

SIGNAL_LIMIT_S = 10.0


def can_speak() -> bool:
    """Whether people of this town have a voice: it comes with the extra `embedded`."""
    return importlib.util.find_spec("aiortc") is not None


class VisitorCall:
    """One call with a visitor, from the first signal to the last."""

    def __init__(self, line: Line, invitation: str) -> None:
        self._line = line
        self._path = f"/invitations/{invitation}"
        self._voice: Voice | None = None
        self.sounding = asyncio.Event()
        """Set once sound has gone both ways."""

    def flowed(self) -> bool:
        """Whether sound went both ways since this was last asked."""
        return self._voice is not None and self._voice.flowed()

    async def run(self) -> None:
        """Until the call is over, or cancelled."""
        try:
            voice = self._voice = await self._found()
            await voice.begin()
            async for name, signal in self._line.live(self._path + "/signals"):
                if name == "over":
                    return
                await voice.take(signal)
        except GaveUp:
            return  # the gateway is away, or the call is over
        finally:
            if self._voice is not None:
                await self._voice.end()

    async def _found(self) -> "Voice":
        module, tunes, (status, ice) = await asyncio.gather(
            asyncio.to_thread(importlib.import_module, "services.simulator.voice"),
            asyncio.to_thread(importlib.import_module, "services.simulator.tune"),
            self._line.write("GET", self._path + "/ice", deadline_s=time.monotonic() + SIGNAL_LIMIT_S),
        )
        if status != HTTPStatus.OK:
            raise GaveUp("the call is over already")
        made: Voice = module.Voice(ice, self._say, tunes.Tune(self._path), self.sounding)
        return made

    async def _say(self, signal: dict[str, Any]) -> None:
        deadline_s = time.monotonic() + SIGNAL_LIMIT_S
        await self._line.write("POST", self._path + "/signal", signal, deadline_s=deadline_s)
