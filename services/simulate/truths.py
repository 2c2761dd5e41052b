"""Truths 1 to 5, asserted after every event of the simulated town: between two events nothing changes.

Place in the flow: engine -> **truths**. They are worked out from the rows that the pool writes and from what was told
to it. A violation is counted and the first ones are kept as sentences; the play goes on.
"""

from datetime import datetime

from matcher.availability import Waiting
from matcher.invitation import Invitation
from matcher.pool import Change, Forgotten
from matcher.rules import free, refusal

SHOWN_LIMIT = 20
RINGING = ("offered", "rung", "accepted")
LIVE = (*RINGING, "confirmed")


class Truths:
    """What is known of each person, window and invitation."""

    def __init__(self) -> None:
        self.violations = 0
        self.shown: list[str] = []
        self._live: dict[str, str] = {}
        self._accepts: set[tuple[str, str]] = set()
        self._over: dict[str, str] = {}
        self._ends: dict[str, str] = {}
        self._opened: set[str] = set()

    def insist(self, holds: object, truth: int, sentence: str) -> None:
        """Count a violation of this truth unless it holds."""
        if holds:
            return
        self.violations += 1
        if len(self.shown) < SHOWN_LIMIT:
            self.shown.append(f"truth {truth}: {sentence}")

    def opened(self, availability: str) -> None:
        """A window was asked for: it must have exactly one end."""
        self._opened.add(availability)

    def accepted(self, invitation: str, person: str) -> None:
        """Somebody said yes."""
        self._accepts.add((invitation, person))

    def wrote(self, changes: list[Change], waiting: dict[str, Waiting], now: datetime) -> None:
        """What the pool wrote for one event; `waiting` are the rows as they stand."""
        for change in changes:
            if isinstance(change, Waiting):
                # One asked for before the pool knew that the last had ended moves that one's end: it is no other.
                self._opened -= {*change.ids} - {change.availability}
            if isinstance(change, Waiting) and change.end:
                self._ended(change.availability, change.end)
            elif isinstance(change, Invitation):
                self._invited(change, waiting, now)
            elif isinstance(change, Forgotten) and change.table == "invitations":
                self.insist(change.key in self._over, 3, f"{change.key} was forgotten without an end")

    def at_rest(self) -> None:
        """The play is over: every window and every offer has its end."""
        for availability in self._opened - self._ends.keys():
            self.insist(False, 3, f"{availability} has no end")
        for person, invitation in self._live.items():
            self.insist(False, 3, f"{invitation} of {person} has no end")

    def symmetric(self, a: str, b: str, one_way: float, other_way: float) -> None:
        """The score of a pair that is offered, asked both ways."""
        self.insist(one_way == other_way, 4, f"{a} and {b} score differently either way round")

    def _ended(self, availability: str, kind: str) -> None:
        known = self._ends.setdefault(availability, kind)
        self.insist(known == kind, 3, f"{availability} ended as {known} and as {kind}")
        self.insist(availability in self._opened, 3, f"{availability} ended and was never asked for")

    def _invited(self, row: Invitation, waiting: dict[str, Waiting], now: datetime) -> None:
        if row.state == "offered":
            self._offered(row, waiting, now)
        if row.state not in LIVE:
            known = self._over.setdefault(row.invitation, row.state)
            self.insist(known == row.state, 3, f"{row.invitation} ended as {known} and as {row.state}")
            for person in row.people:
                if self._live.get(person) == row.invitation:
                    del self._live[person]
            if row.called:
                self._ended(row.availability_a, "called")
                self._ended(row.availability_b, "called")
            return
        self.insist(row.invitation not in self._over, 3, f"{row.invitation} is over and lives again")
        for person in row.people:
            known = self._live.setdefault(person, row.invitation)
            self.insist(known == row.invitation, 1, f"{person} is asked or talks twice: {known}, {row.invitation}")
        if row.state == "confirmed":
            both = all((row.invitation, person) in self._accepts for person in row.people)
            self.insist(both, 2, f"{row.invitation} is confirmed without both accepts")

    def _offered(self, row: Invitation, waiting: dict[str, Waiting], now: datetime) -> None:
        a, b = (waiting[person] for person in row.people)
        for one in (a, b):
            self.insist(one.end is None and one.availability not in self._ends, 3, f"{one.person} is asked too late")
        if a.features and b.features:
            why = refusal(free(a, now), free(b, now))
            self.insist(why is None, 5, f"{row.invitation} is offered against the rule {why}")
