"""The board: the one state that every open page shows, and the changes that lead to it, encoded once for all.

Place in the flow: figures, health, lag -> **Board** -> lines. The state is a mapping of sections; a change replaces
whole sections and adds points to the line over time. `merged` is the rule, and the page obeys the same one: a snapshot
and the changes since it make the newest snapshot.
"""

import asyncio
import json
import re
import secrets
from collections import deque
from collections.abc import Mapping
from typing import Any

POINTS_LIMIT = 360
POINT_EVERY_S = 5
"""Together the last half hour."""
CHANGES_LIMIT = 120
"""Changes that a page which comes back can still go on from; of an older one it gets a snapshot."""
LISTENERS_LIMIT = 400
BEHIND_LIMIT = 10
"""Changes that may wait for a page. A slower one is dropped, and comes back by itself."""

State = Mapping[str, Any]

_ID = re.compile(r"([0-9a-f]{12})-(\d{1,15})", re.ASCII)


def merged(state: State, change: Mapping[str, Any]) -> State:
    """The state after `change`: its sections are replaced, its points added, the oldest points forgotten."""
    points = [*state.get("points", ()), *change["points"]][-POINTS_LIMIT:]
    return {**state, **change["sections"], "points": points}


def event(kind: str, id_: str, data: Any) -> bytes:
    """One event as it goes over the line."""
    return f"id: {id_}\nevent: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


class Listener:
    """One open line: what waits to go out, and the session that it belongs to."""

    def __init__(self, session: str, ends_s: float) -> None:
        """`ends_s` is when the session ends, on the event loop's clock."""
        self.session = session
        self.ends_s = ends_s
        self.dropped = False
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(BEHIND_LIMIT + 1)

    def offer(self, encoded: bytes) -> bool:
        """Give it a change to send; False if it is too far behind."""
        if self._waiting.qsize() >= BEHIND_LIMIT:
            return False
        self._waiting.put_nowait(encoded)
        return True

    async def next(self) -> bytes | None:
        """What goes out next; None when the line is to end."""
        found = await self._waiting.get()
        return None if self.dropped else found

    def drop(self) -> None:
        """Let the line end now, whatever still waits."""
        self.dropped = True
        if self._waiting.empty():
            self._waiting.put_nowait(None)


class Board:
    """The state, the newest changes, and everybody who listens."""

    def __init__(self) -> None:
        self._boot = secrets.token_hex(6)
        self._number = 0
        self._state: State = {"points": []}
        self._snapshot: bytes | None = None
        self._changes: deque[tuple[int, bytes]] = deque(maxlen=CHANGES_LIMIT)
        self._listeners: set[Listener] = set()
        self._closed = False

    @property
    def state(self) -> State:
        """What a page that opens now shows."""
        return self._state

    @property
    def id(self) -> str:
        """The id of the newest change."""
        return f"{self._boot}-{self._number}"

    @property
    def full(self) -> bool:
        """Whether no further line may open."""
        return len(self._listeners) >= LISTENERS_LIMIT

    def publish(self, sections: State, points: list[Any], now_s: float) -> None:
        """Take in how everything stands and tell all listeners what is new; never waits for any of them."""
        known = self._state
        new = {name: value for name, value in sections.items() if name not in known or known[name] != value}
        change = {"sections": new, "points": points}
        self._state = merged(self._state, change)
        self._number += 1
        self._snapshot = None
        encoded = event("change", self.id, change)
        self._changes.append((self._number, encoded))
        for one in list(self._listeners):
            if now_s >= one.ends_s or not one.offer(encoded):
                self.leave(one)

    def join(self, listener: Listener, since: str | None) -> bytes:
        """Let a line listen from here on; what it is to send first: the changes after `since`, or a snapshot.

        An id that we never gave, or of too long ago, gets the snapshot.
        """
        self._listeners.add(listener)
        if self._closed:
            listener.drop()
        number = self._number_of(since)
        if number is None or (self._changes and number < self._changes[0][0] - 1):
            return self._whole()
        return b"".join(encoded for at, encoded in self._changes if at > number)

    def leave(self, listener: Listener) -> None:
        """A line has ended, or is to end."""
        self._listeners.discard(listener)
        listener.drop()

    def end_session(self, session: str) -> None:
        """End the lines of whoever signed out."""
        for one in [one for one in self._listeners if one.session == session]:
            self.leave(one)

    def close(self) -> None:
        """End all lines, also those that open now."""
        self._closed = True
        for one in list(self._listeners):
            self.leave(one)

    def _whole(self) -> bytes:
        if self._snapshot is None:
            self._snapshot = event("snapshot", self.id, self._state)
        return self._snapshot

    def _number_of(self, since: str | None) -> int | None:
        found = _ID.fullmatch(since or "")
        if found is None or found[1] != self._boot or int(found[2]) > self._number:
            return None
        return int(found[2])
