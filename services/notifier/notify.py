"""What the notifier does with each row of `invitations`; the process around it is app.py.

Place in the flow: invitations -> **notifier** -> claims, channels, pool. It keeps no state of its own: after a restart
it reads the rows from the start, takes the newest of each, and goes on. It expires nothing. A step may come twice.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from matcher.errors import Away
from matcher.events import InvitationRung, InvitationVoided
from matcher.invitation import RINGING, Invitation
from matcher.person import MARKETS
from matcher.ports import DONE_S, Busy, Channel, Claims, Done, Granted, Outbox, Wiped
from matcher.values import derived_id, newer

RINGING_LEASE_S = 45
CALL_LEASE_S = 60
RENEW_EVERY_S = 15
HUSH_WITHIN = timedelta(minutes=2)
"""What was answered or ended earlier than this needs nobody to say so any more."""
REMEMBER_ENDED = timedelta(seconds=DONE_S)


def lease_s(row: Invitation) -> int:
    """How long the claim of this invitation lasts without being renewed."""
    return RINGING_LEASE_S if row.state in RINGING else CALL_LEASE_S


class Notifier:
    """Claims, rings, renews and releases. Ports may raise: the process then ends and starts again from the rows."""

    def __init__(
        self, claims: Claims, channels: Sequence[Channel], outbox: Outbox, wall: Callable[[], datetime]
    ) -> None:
        self._claims = claims
        self._channels = channels
        self._outbox = outbox
        self._wall = wall
        self._live: dict[str, Invitation] = {}
        self._ended: dict[str, Invitation] = {}
        self._rang: set[str] = set()
        self._started = False

    def read(self, row: Invitation) -> None:
        """Take in one row of the topic; acts on it at once after `start`. Raises Away if the claims were lost."""
        before = self._live.get(row.invitation) or self._ended.get(row.invitation)
        if not newer(row, before):
            return
        if not row.live and row.pool_wall < self._wall() - REMEMBER_ENDED:
            self._live.pop(row.invitation, None)
            return  # too long ago for anybody to ring it again
        (self._live if row.live else self._ended)[row.invitation] = row
        if not row.live:
            self._live.pop(row.invitation, None)
            self._rang.discard(row.invitation)
        if self._started:  # guard: read-all-before-acting
            self._act(row)
            answered = [one for one in row.people if row.answer_of(one) and not (before and before.answer_of(one))]
            self._hush(row, answered)

    def start(self) -> None:
        """All rows up to now have been read: make the claims whole, then act on what is still open."""
        self._started = True
        self._restore()
        for row in list(self._live.values()):
            self._act(row)
        for row in self._ended.values():
            self._hush(row, row.people)

    def renew(self) -> None:
        """Renew every claim that stands, every `RENEW_EVERY_S`; claim again what was lost; forget old endings."""
        for row in self._live.values():
            if row.state != "offered" and not self._claims.renew(row, lease_s(row)):
                self._claims.restore(row, lease_s(row))
        oldest = self._wall() - REMEMBER_ENDED
        self._ended = {key: row for key, row in self._ended.items() if row.pool_wall > oldest}

    def _act(self, row: Invitation) -> None:
        if row.state == "offered":
            self._ring(row)
        elif not row.live:
            self._claims.release(row)
            self._hush(row, row.people)

    def _hold_on(self, row: Invitation) -> None:
        """Before `row` is claimed: keep what rings or talks for its people, whose lease may have run out meanwhile.

        A process that stood still for longer than a lease, and renewed nothing, goes on here.
        """
        for other in self._live.values():
            rings = other.state != "offered" or other.invitation in self._rang
            if rings and other is not row and set(row.people) & set(other.people):  # guard: hold-on-before-claiming
                self._claims.restore(other, lease_s(other))

    def _ring(self, row: Invitation) -> None:
        self._hold_on(row)
        match self._claims.claim(row, RINGING_LEASE_S):
            case Wiped():  # our rows may be behind: only whoever has read them all may say which claims are whole
                raise Away("the claims were lost", retry_after_s=1)
            case Granted(token):
                self._rang.add(row.invitation)
                for channel in self._channels:
                    for person in row.people:
                        channel.ring(row, person)
                self._say(row, token)
            case Busy(people, left_ms):
                self._void(row, "busy", people, self._wall() + timedelta(milliseconds=left_ms))
            case Done():
                self._void(row, "overdue", (), None)

    def _hush(self, row: Invitation, people: Sequence[str]) -> None:
        if row.rung and row.pool_wall > self._wall() - HUSH_WITHIN:
            for channel in self._channels:
                for person in people:
                    channel.hush(row, person)

    def _restore(self) -> None:
        """Claims for all that lives, marks for all that ended, then the epoch: nothing rings before.

        Which of two offers that share a person rang before a wipe cannot be known: both are given up.
        """
        for row in self._ended.values():
            self._claims.release(row)
        for row in sorted(self._live.values(), key=lambda one: (one.state == "offered", one.offset)):
            if row.state == "offered" and self._shares_a_person(row):
                self._claims.release(row)
            else:
                self._claims.restore(row, lease_s(row))
        for market in MARKETS:
            self._claims.set_whole(market)

    def _shares_a_person(self, row: Invitation) -> bool:
        return any(set(row.people) & set(other.people) for other in self._live.values() if other is not row)

    def _say(self, row: Invitation, token: int) -> None:
        rung = InvitationRung(
            id=derived_id("rung", row.invitation, str(token)), at=self._wall(), market=row.market, invitation=row,
            token=token,
        )  # fmt: skip
        self._outbox.say("pool", row.market, rung)

    def _void(self, row: Invitation, reason: str, busy: tuple[str, ...], busy_until: datetime | None) -> None:
        voided = InvitationVoided(
            id=derived_id("void", row.invitation, reason), at=self._wall(), market=row.market, invitation=row,
            reason=reason, busy=busy, busy_until=busy_until,
        )  # fmt: skip
        self._outbox.say("pool", row.market, voided)
