"""What the core asks of the world: ports of one to three methods, each with an in-memory twin.

The twin of `Claims` is `matcher.twins.MemoryClaims`; both pass the same contract tests.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from matcher.events import Event
from matcher.invitation import Invitation


class Clock(Protocol):
    """Two clocks: domain time for people's lives, wall time for machines."""

    def now(self) -> datetime:
        """Domain time, UTC."""

    def wall(self) -> datetime:
        """Wall time, UTC."""


@dataclass(frozen=True, slots=True)
class Granted:
    """Both people are claimed for the invitation under a fencing token."""

    token: int


@dataclass(frozen=True, slots=True)
class Busy:
    """Somebody stands in another claim for about `left_ms` more."""

    people: tuple[str, ...]
    left_ms: int


@dataclass(frozen=True, slots=True)
class Done:
    """The invitation has ended or is overdue: it is never claimed."""


@dataclass(frozen=True, slots=True)
class Wiped:
    """The claims were lost; they must be rebuilt before anything is claimed."""


DONE_S = 2 * 3600
"""How long a claim remembers that an invitation is done."""

ClaimResult = Granted | Busy | Done | Wiped


class Claims(Protocol):
    """Leases on both people of an invitation: the fence before anything rings."""

    def claim(self, row: Invitation, lease_s: int) -> ClaimResult:
        """Claim both people; idempotent for the same invitation, which keeps its token."""

    def renew(self, row: Invitation, lease_s: int) -> bool:
        """Lengthen the lease of both; False if it is no longer this invitation's."""

    def release(self, row: Invitation) -> None:
        """Free both and never claim this invitation again."""

    def restore(self, row: Invitation, lease_s: int) -> bool:
        """Claim again what rang before the claims were lost, under its own token; False if that cannot be."""

    def set_whole(self, market: str) -> None:
        """Everything that must be claimed is: others may be claimed from now on."""


class Channel(Protocol):
    """A way to reach a person: the live page, push; SMS, mail and telephone later. Neither call may wait for others."""

    name: str

    def ring(self, row: Invitation, person: str) -> None:
        """Ask `person` about the invitation; the same ring twice is one ring for them."""

    def hush(self, row: Invitation, person: str) -> None:
        """`person` has answered or the invitation has ended: take the ring back as far as can be; twice is once."""


class Outbox(Protocol):
    """Where a process says what happened."""

    def say(self, topic: str, key: str, event: Event) -> None:
        """Returns once the broker has it. Raises Away if it cannot be reached."""
