"""The claims of the small town: every change of a lease is seen by the checker.

Place in the flow: world -> **watched** -> truths.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from matcher.invitation import Invitation
from matcher.twins import MemoryClaims
from tests.property.truths import Truths


class WatchedClaims(MemoryClaims):
    """The twin, with every change of its leases shown to Truths."""

    def __init__(self, truths: Truths, wall: Callable[[], datetime]) -> None:
        super().__init__(wall)
        self.truths = truths

    @contextmanager
    def _watched(self, op: str, key: str) -> Iterator[None]:
        before = {person: (lease.invitation, lease.until) for person, lease in self.leases.items()}
        yield
        after = {person: (lease.invitation, lease.until) for person, lease in self.leases.items()}
        self.truths.leased(op, key, before, after, self.wall())

    def claim(self, row: Invitation, lease_s: int) -> Any:
        with self._watched("claim", row.invitation):
            return super().claim(row, lease_s)

    def renew(self, row: Invitation, lease_s: int) -> bool:
        with self._watched("renew", row.invitation):
            return super().renew(row, lease_s)

    def release(self, row: Invitation) -> None:
        with self._watched("release", row.invitation):
            super().release(row)

    def restore(self, row: Invitation, lease_s: int) -> bool:
        with self._watched("restore", row.invitation):
            return super().restore(row, lease_s)

    def wipe(self) -> None:
        with self._watched("wipe", ""):
            super().wipe()
