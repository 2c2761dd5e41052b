"""What became of every invitation: the dashboard's sums, and who rings or talks right now.

Place in the flow: rows of `invitations`, rings, outcomes -> **Invitations** -> figures. Each invitation's own share is
taken out of the sums and put back when news of it comes, so that no figure is ever counted over from the start.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from matcher.invitation import RINGING, Invitation
from matcher.outcome import Pair
from services.dashboard.windows import Windows

ENDED_LIMIT = 20_000
"""Ended invitations of which late news still counts, for somebody may still say how it was."""
FORGOTTEN_LIMIT = 100_000
"""Ids of those before them, so that late news of one is not taken for a new invitation."""
ENDS = ("declined", "expired", "voided")


@dataclass(slots=True)
class Known:
    """One invitation: its newest row while it can change, and its share in the sums."""

    row: Invitation | None = None
    over: bool = False
    rung: bool = False
    said: dict[str, tuple[int, str]] = field(default_factory=dict)
    of_row: tuple[str, ...] = ()
    share: Counter[str] = field(default_factory=Counter)

    def take(self, row: Invitation) -> None:
        """A newer row; the last one is not kept, only what it adds."""
        self.of_row = tuple(_figures(row))
        self.over = not row.live
        self.row = None if self.over else row
        self.rung = self.rung or row.rung

    def counted(self) -> Counter[str]:
        """What this invitation adds, as its newest row has it."""
        share = Counter(self.of_row)
        share.update({"rung": int(self.rung), "both_would_talk_again": int(self._both_would())})
        return share

    def _both_would(self) -> bool:
        return len(self.said) == 2 and all(word == "yes" for _, word in self.said.values())


def _figures(row: Invitation) -> Iterator[str]:
    """The figures that a row counts in, once for each time that it does."""
    yield "offered"
    yield from ("accepts" for answer in (row.answer_a, row.answer_b) if answer == "accept")
    if row.confirmed_wall is not None:
        yield "accepted_both"
    if row.connected_wall is not None:
        yield "connected"
    if row.state in ENDS:
        yield row.state


class Invitations:
    """All invitations since the first message that Kafka still has."""

    def __init__(self, windows: Windows) -> None:
        """`windows` are told how far each got."""
        self.sums: Counter[str] = Counter()
        self._windows = windows
        self._live: dict[str, Known] = {}
        self._ended: OrderedDict[str, Known] = OrderedDict()
        self._forgotten: OrderedDict[str, None] = OrderedDict()

    def row(self, row: Invitation) -> None:
        """A row: the highest offset counts, and what has ended stays as it ended."""
        known = self._known(row.invitation)
        if known is None or known.over or (known.row is not None and row.offset < known.row.offset):
            return
        self._tell_reached(known.row, row)
        known.take(row)
        self._count(row.invitation, known)

    def ring(self, invitation: str) -> None:
        """The pool's log says that both were rung; the row may have moved on before it could show that."""
        known = self._known(invitation)
        if known is not None:
            known.rung = True
            self._count(invitation, known)

    def outcome(self, invitation: str, person: str, word: str, offset: int) -> None:
        """One of the two said whether they would talk again; their latest word counts."""
        known = self._known(invitation)
        if known is not None and (person in known.said or len(known.said) < 2):
            known.said[person] = max(known.said.get(person, (-1, "")), (offset, word))
            self._count(invitation, known)

    def now(self) -> Counter[str]:
        """Invitations that ring (`ringing`), are confirmed (`calls`), have audio both ways (`talking`)."""
        found = Counter({"ringing": 0, "calls": 0, "talking": 0})
        for row in self._rows():
            found["ringing" if row.state in RINGING else "calls"] += 1
            found["talking"] += row.connected_wall is not None
        return found

    def busy(self) -> set[str]:
        """Everybody who stands in a live invitation."""
        return {person for row in self._rows() for person in row.people}

    def _rows(self) -> list[Invitation]:
        return [known.row for known in self._live.values() if known.row is not None]

    def _tell_reached(self, before: Invitation | None, row: Invitation) -> None:
        for availability in (row.availability_a, row.availability_b):
            if row.rung and not (before and before.rung):
                self._windows.rang(availability, row.pool_now)
            if row.confirmed_wall and not (before and before.confirmed_wall):
                self._windows.confirmed(availability, row.pool_now)
            if row.called:
                self._windows.called(availability)

    def _known(self, invitation: str) -> Known | None:
        if invitation in self._forgotten:
            return None
        return self._live.get(invitation) or self._ended.get(invitation) or Known()

    def _count(self, invitation: str, known: Known) -> None:
        self.sums.subtract(known.share)
        known.share = known.counted()
        self.sums.update(known.share)
        if known.row is not None:
            self._live[invitation] = known
            self._ended.pop(invitation, None)
            return
        self._live.pop(invitation, None)
        self._ended[invitation] = known
        if len(self._ended) > ENDED_LIMIT:
            self._forgotten[self._ended.popitem(last=False)[0]] = None
        if len(self._forgotten) > FORGOTTEN_LIMIT:
            self._forgotten.popitem(last=False)


class Bonds:
    """Pairs that both want to keep; of the others only those that once were a bond are remembered."""

    def __init__(self) -> None:
        self.count = 0
        self._rows: dict[str, tuple[int, bool]] = {}

    def row(self, key: str, row: Pair) -> None:
        """A row of `pairs`: the highest offset counts."""
        known = self._rows.get(key)
        if known is None and not row.bond:
            return
        offset, bond = known or (-1, False)
        if row.offset >= offset:
            self.count += row.bond - bond
            self._rows[key] = (row.offset, row.bond)
