"""A live line (Server-Sent Events): what the board says first, then every change as it comes.

Place in the flow: board -> **LineResponse** -> page. What goes out was encoded once for all; a page that does not take
it in time is let go and comes back by itself.
"""

import asyncio

from fastapi.responses import StreamingResponse
from starlette.types import Send

from services.dashboard.board import Board, Listener

RECONNECT_MS = 1_000
SEND_WITHIN_S = 10.0
"""A page that has not taken what was sent by then has gone, or is as good as gone."""


class LineResponse(StreamingResponse):
    """One page's line; it joins the board while it is open."""

    def __init__(self, board: Board, session: str, ends_in_s: float, since: str | None) -> None:
        super().__init__(iter(()), media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        self._board = board
        self._session = session
        self._ends_in_s = ends_in_s
        self._since = since

    async def stream_response(self, send: Send) -> None:
        """Write until the page or we end the line."""
        listener = Listener(self._session, asyncio.get_running_loop().time() + self._ends_in_s)
        first = self._board.join(listener, self._since)
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await _write(send, f"retry: {RECONNECT_MS}\n\n".encode() + first)
            while (encoded := await listener.next()) is not None:
                await _write(send, encoded)
            async with asyncio.timeout(SEND_WITHIN_S):
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            return
        finally:
            self._board.leave(listener)


async def _write(send: Send, encoded: bytes) -> None:
    async with asyncio.timeout(SEND_WITHIN_S):
        await send({"type": "http.response.body", "body": encoded, "more_body": True})
