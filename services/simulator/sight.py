"""What one person sees of themselves: their window and their invitations, as the live events told.

Place in the flow: line (live events) -> **sight** -> person_life, meeting. Events may come late, twice, or after a gap,
and a snapshot may be older than our own last request; so nothing here ends by not being mentioned.
"""

import asyncio
from collections.abc import Callable
from typing import Any

OVER = "over"


class Sight:
    """The window and invitations of one person; `until` waits for a change of them."""

    def __init__(self) -> None:
        self.window_open = False
        self.end = ""
        self.invitations: dict[str, dict[str, Any]] = {}
        self._ids: set[str] = set()
        self._past: set[str] = set()
        self._window_of: dict[str, int] = {}
        self._window = 0
        self._changed = asyncio.Event()

    # --- what was seen ---

    def opened(self, availability: str) -> None:
        """The gateway took our window, or our move of it."""
        if not self.window_open:
            self._window += 1
            self._ids = set()
        self._ids.add(availability)
        self.window_open, self.end = True, ""
        self.wake()

    def saw(self, name: str, data: dict[str, Any]) -> None:
        """A live event."""
        if name == "snapshot":
            if data.get("availability"):
                self._saw_availability(data["availability"])
            if data.get("invitation"):
                self._saw_invitation(data["invitation"], newest=True)
        elif name == "availability":
            self._saw_availability(data)
        elif name == "invitation":
            self._saw_invitation(data)
        self.wake()

    def _saw_availability(self, seen: dict[str, Any]) -> None:
        availability, state = seen["availability"], seen["state"]
        if availability in self._past:
            return
        if state == "open":
            if not self.window_open and availability in self._ids:
                return  # this window ended by a call: its row stays as it was
            if not self.window_open:
                self.opened(availability)
            self._ids.add(availability)
            return
        self._past.add(availability)
        if availability in self._ids:
            self._window_over(state)

    def _saw_invitation(self, seen: dict[str, Any], *, newest: bool = False) -> None:
        invitation = seen["invitation"]
        if self.over(invitation):
            return
        if invitation not in self.invitations and (newest or seen["state"] != OVER):
            self._forget_rings()
        window = self._window_of.setdefault(invitation, self._window)
        self.invitations[invitation] = seen
        if seen["state"] == OVER and seen["called"] and window == self._window:
            self._window_over("called")

    def _forget_rings(self) -> None:
        """Who was rung anew is in no other meeting: if we saw no end of one, we were in a tunnel."""
        for invitation, seen in self.invitations.items():
            self.invitations[invitation] = {**seen, "state": OVER}

    def _window_over(self, end: str) -> None:
        if self.window_open:
            self.window_open, self.end = False, end

    # --- what follows ---

    def over(self, invitation: str) -> bool:
        """Whether this invitation is over."""
        return self.invitations.get(invitation, {}).get("state") == OVER

    def is_in(self, invitation: str, *states: str) -> bool:
        """Whether this invitation stands in one of `states`."""
        return self.invitations.get(invitation, {}).get("state") in states

    @property
    def settled(self) -> bool:
        """Whether nothing of ours is open any more."""
        return not self.window_open and all(map(self.over, self.invitations))

    def wake(self) -> None:
        """Let everybody who waits look again."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def until(self, true: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until `true()`, at most `timeout_s`; whether it came true."""
        end_s = asyncio.get_running_loop().time() + timeout_s
        while not true():
            left_s = end_s - asyncio.get_running_loop().time()
            if left_s <= 0:
                return False
            try:
                async with asyncio.timeout(left_s):
                    await self._changed.wait()
            except TimeoutError:
                return true()
        return True
