"""In-memory twins of the ports: the same contract without a server, for tests of the core under attack."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from matcher.events import Event
from matcher.invitation import Invitation
from matcher.ports import DONE_S, Busy, ClaimResult, Done, Granted, Wiped


@dataclass(slots=True)
class _Lease:
    invitation: str
    token: int
    until: datetime


@dataclass
class MemoryClaims:
    """The claims of claims.lua in memory; `wall` is the clock that leases run on."""

    wall: Callable[[], datetime]
    whole: set[str] = field(default_factory=set)
    fence: int = 0
    leases: dict[str, _Lease] = field(default_factory=dict)
    done: dict[str, datetime] = field(default_factory=dict)

    def wipe(self) -> None:
        """Lose everything, as a Redis that was flushed."""
        self.whole, self.fence, self.leases, self.done = set(), 0, {}, {}

    def claim(self, row: Invitation, lease_s: int) -> ClaimResult:
        """Claim both people; idempotent for the same invitation."""
        if row.market not in self.whole:  # guard: claims-wiped
            return Wiped()
        if self._is_done(row) or row.answer_by_wall < self.wall():  # guard: done-is-never-claimed
            return Done()
        others = tuple(person for person in row.people if self._held_by_other(person, row))
        if others:  # guard: claim-of-another
            left = max(self.leases[person].until for person in others) - self.wall()
            return Busy(others, int(left.total_seconds() * 1000))
        token = self._token(row)
        if token is None:
            self.fence = token = self.fence + 1
        self._take(row, token, lease_s)
        return Granted(token)

    def renew(self, row: Invitation, lease_s: int) -> bool:
        """Lengthen the lease of both."""
        if not all(self._ours(person, row) for person in row.people):  # guard: renew-only-ones-own
            return False
        self._take(row, self._token(row) or row.token, lease_s)
        return True

    def release(self, row: Invitation) -> None:
        """Free both and mark the invitation as done."""
        for person in row.people:
            if self._ours(person, row):  # guard: release-only-ones-own
                self.leases.pop(person, None)
        self.done[row.invitation] = self.wall() + timedelta(seconds=DONE_S)

    def restore(self, row: Invitation, lease_s: int) -> bool:
        """Claim again what rang or talked before the claims were lost."""
        self.fence = max(self.fence, row.token)
        if self._is_done(row) or any(self._held_by_other(person, row) for person in row.people):
            return False
        token = self._token(row) or row.token
        if not token:  # rang, perhaps, but the pool has not said so yet
            self.fence = token = self.fence + 1
        self._take(row, token, lease_s)
        return True

    def set_whole(self, market: str) -> None:
        """The claims are whole again."""
        self.whole.add(market)

    def _is_done(self, row: Invitation) -> bool:
        return self.done.get(row.invitation, self.wall()) > self.wall()

    def _lease(self, person: str) -> _Lease | None:
        lease = self.leases.get(person)
        return lease if lease and lease.until > self.wall() else None

    def _ours(self, person: str, row: Invitation) -> bool:
        lease = self._lease(person)
        return lease is not None and lease.invitation == row.invitation

    def _token(self, row: Invitation) -> int | None:
        return next((self.leases[person].token for person in row.people if self._ours(person, row)), None)

    def _held_by_other(self, person: str, row: Invitation) -> bool:
        lease = self._lease(person)
        return lease is not None and lease.invitation != row.invitation

    def _take(self, row: Invitation, token: int, lease_s: int) -> None:
        for person in row.people:
            self.leases[person] = _Lease(row.invitation, token, self.wall() + timedelta(seconds=lease_s))


@dataclass
class MemoryChannel:
    """A channel that remembers whom it rang."""

    name: str = "memory"
    rings: list[tuple[str, str]] = field(default_factory=list)
    hushed: list[tuple[str, str]] = field(default_factory=list)

    def ring(self, row: Invitation, person: str) -> None:
        """Remember the ring."""
        self.rings.append((row.invitation, person))

    def hush(self, row: Invitation, person: str) -> None:
        """Remember that it was taken back."""
        self.hushed.append((row.invitation, person))


@dataclass
class MemoryOutbox:
    """An outbox that remembers what was said."""

    said: list[tuple[str, str, Event]] = field(default_factory=list)

    def say(self, topic: str, key: str, event: Event) -> None:
        """Remember the event."""
        self.said.append((topic, key, event))
