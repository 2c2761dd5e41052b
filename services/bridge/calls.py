"""What the bridge does with the legs of a call; the process around it is app.py.

Place in the flow: calls, invitations -> **bridge** -> pool. It listens to both legs, says when audio goes both ways,
passes on that the call lives, and ends it when somebody hangs up. A call that falls silent is ended by the pool, which
hears of no heartbeat; so a bridge that dies loses nothing but some seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from matcher.events import CallBridged, CallEnded, CallHeartbeat, LegHeard, LegHungUp
from matcher.invitation import LOST, Invitation
from matcher.ports import Outbox
from matcher.values import derived_id, newer

BEAT_EVERY_S = 10
REMEMBER_ENDED = timedelta(hours=2)


@dataclass(slots=True)
class _Call:
    row: Invitation
    connected: set[str] = field(default_factory=set)
    heard: set[str] = field(default_factory=set)
    bridged: bool = False


class Bridge:
    """Every call that is open. The outbox may raise: the process then starts again from the rows."""

    def __init__(self, outbox: Outbox, wall: Callable[[], datetime]) -> None:
        self._outbox = outbox
        self._wall = wall
        self._calls: dict[str, _Call] = {}
        self._ended: dict[str, datetime] = {}

    def read_row(self, row: Invitation) -> None:
        """Open a call for a confirmed invitation, drop it at its end."""
        known = self._calls.get(row.invitation)
        if row.invitation in self._ended or not newer(row, known.row if known else None):
            return
        if not row.live:
            self._ended[row.invitation] = self._wall()
            self._calls.pop(row.invitation, None)
        elif row.state == "confirmed":
            call = known or self._calls.setdefault(row.invitation, _Call(row))
            call.row, call.bridged = row, call.bridged or row.connected_wall is not None

    def read_leg(self, event: LegHeard | LegHungUp | CallBridged) -> None:
        """Something that one side's page said."""
        if isinstance(event, LegHungUp):
            self._end(event)
        elif isinstance(event, LegHeard):
            self._hear(event)

    def beat(self) -> None:
        """Tell the pool which legs were heard since the last time; every `BEAT_EVERY_S`."""
        for call in self._calls.values():
            if call.heard:
                self._tell(call)
        oldest = self._wall() - REMEMBER_ENDED
        self._ended = {key: at for key, at in self._ended.items() if at > oldest}

    def _hear(self, event: LegHeard) -> None:
        self.read_row(event.invitation)  # the leg may know of the call before our reader does
        call = self._calls.get(event.invitation.invitation)
        if call is None:
            return
        call.heard.add(event.person)
        if event.connected:
            call.connected.add(event.person)
        else:
            call.connected.discard(event.person)
        if not call.bridged and call.connected >= set(call.row.people):
            call.bridged = True
            self._say_bridged(call)
            self._tell(call)

    def _tell(self, call: _Call) -> None:
        now = self._wall()
        heard = tuple(sorted(call.heard))
        beat = CallHeartbeat(
            id=derived_id("beat", call.row.invitation, now.isoformat()), at=now, market=call.row.market,
            invitation=call.row, heard=heard, connected=call.bridged,
        )  # fmt: skip
        self._outbox.say("pool", call.row.market, beat)
        call.heard.clear()

    def _say_bridged(self, call: _Call) -> None:
        bridged = CallBridged(id=derived_id("bridged", call.row.invitation), at=self._wall(), invitation=call.row)
        self._outbox.say("calls", call.row.invitation, bridged)

    def _end(self, event: LegHungUp) -> None:
        row = event.invitation
        reason = LOST if event.lost else "hung up"
        ended = CallEnded(
            id=derived_id("ended", event.id), at=event.at, market=row.market, invitation=row, reason=reason
        )
        self._outbox.say("pool", row.market, ended)
