"""An invitation's life: offered, rung, both accept, confirmed, call, ended; or declined, expired, voided.

Place in the flow: match -> **invitation** -> notifier, bridge, projector. Every function takes the row and returns the
row that follows; what is over stays as it is. Times named *_wall and deadlines are wall time, the others domain time.
"""

from datetime import datetime, timedelta
from typing import Literal

from matcher.person import Market
from matcher.values import Finite, Row, Utc

ANSWER = timedelta(seconds=30)
"""Wall time to answer."""
FIRST_ACCEPT = timedelta(seconds=20)
"""Wall time after which somebody who accepted is told, at the latest, that the other cannot come."""
CONNECT = timedelta(seconds=60)
"""Wall time from both accepts to audio both ways."""
SILENCE = timedelta(seconds=75)
"""Wall time without one side's heartbeat that ends a call: a minute in a tunnel, and what it takes to be back."""
GO_ON = timedelta(seconds=120)
"""Wall time after a line was lost within which both may ask to go on."""
GO_ON_KEPT = GO_ON + timedelta(seconds=5)
"""Wall time after which who asked is waited for no more: what was asked at the last moment has arrived by then."""
LOST = "lost"
"""Why a call ended that nobody meant to end."""
OVERRUN = timedelta(minutes=15)
"""Domain time by which a call may outlast the window."""
ANY_TOPIC = "anything"
"""What two talk about who like nothing in common that we know."""

State = Literal["offered", "rung", "accepted", "confirmed", "declined", "expired", "voided", "ended"]
Answer = Literal["accept", "decline"]
RINGING: frozenset[State] = frozenset({"offered", "rung", "accepted"})
LIVE: frozenset[State] = RINGING | {"confirmed"}


class Invitation(Row):
    """The row of one invitation in `invitations`. `offset` is that of the pool topic.

    `a` < `b`. `propensity` is the probability with which the two were matched, `topic_propensity` with which this topic
    was named, so that logged offers can be judged by inverse propensity. `believed` is, of a and of b, how readily each
    says yes and others say yes to them, with what the two have in common, as the pool saw it at the offer. `rung` says
    that a claim stood and both were rung. `called` is true when audio went both ways: then, and only then, both
    availabilities ended as called. `goes_on` is the call that the two had before, whose line was lost.
    """

    invitation: str
    market: Market
    a: str
    b: str
    availability_a: str
    availability_b: str
    goes_on: str | None = None
    topic: str
    reasons: tuple[str, ...]
    score: float
    propensity: float = 1.0
    topic_propensity: float = 1.0
    believed: tuple[tuple[Finite, Finite], tuple[Finite, Finite]] = ((0.0, 0.0), (0.0, 0.0))
    state: State = "offered"
    rung: bool = False
    token: int = 0
    answer_a: Answer | None = None
    answer_b: Answer | None = None
    decided_wall: Utc
    answer_by_wall: Utc
    until: Utc
    confirmed_wall: Utc | None = None
    connected_wall: Utc | None = None
    heard_a_wall: Utc | None = None
    heard_b_wall: Utc | None = None
    end_reason: str | None = None
    busy: tuple[str, ...] = ()
    busy_until_wall: Utc | None = None
    ended_wall: Utc | None = None
    ended_at: Utc | None = None
    pool_now: Utc
    pool_wall: Utc

    @property
    def people(self) -> tuple[str, str]:
        """Both people, in the order of their ids."""
        return (self.a, self.b)

    def gives(self, person: str) -> float:
        """How readily `person` says yes, as believed at the offer."""
        return self.believed[self.people.index(person)][0]

    def gets(self, person: str) -> float:
        """How readily others say yes to `person`, as believed at the offer."""
        return self.believed[self.people.index(person)][1]

    @property
    def live(self) -> bool:
        """Whether it can still change."""
        return self.state in LIVE

    @property
    def go_on_by_wall(self) -> datetime:
        """Until when both may ask to go on with a call that broke."""
        return (self.ended_wall or self.pool_wall) + GO_ON

    @property
    def called(self) -> bool:
        """Whether it ended after audio went both ways."""
        return self.state == "ended" and self.connected_wall is not None

    def other(self, person: str) -> str:
        """The other of the two."""
        return self.b if person == self.a else self.a

    def availability_of(self, person: str) -> str:
        """The availability under which this person was invited."""
        return self.availability_a if person == self.a else self.availability_b

    def answer_of(self, person: str) -> Answer | None:
        """What this person answered."""
        return self.answer_a if person == self.a else self.answer_b

    def unanswered_by(self, person: str) -> bool:
        """Whether it rang and this person let it pass."""
        return self.state == "expired" and self.rung and self.answer_of(person) is None


def broke(row: Invitation) -> bool:
    """Whether this call has ended though nobody meant it to."""
    return row.called and row.end_reason == LOST


def over(row: Invitation, state: State, reason: str, now: datetime, wall: datetime) -> Invitation:
    """The end, for `reason`."""
    return row.model_copy(update={"state": state, "end_reason": reason, "ended_at": now, "ended_wall": wall})


def rang(row: Invitation, token: int) -> Invitation:
    """Both were claimed under `token` and rung; an answer may already have come."""
    if row.state not in RINGING:
        return row
    state = "rung" if row.state == "offered" else row.state
    return row.model_copy(update={"state": state, "rung": True, "token": token})


def answered(row: Invitation, person: str, answer: Answer, now: datetime, wall: datetime) -> Invitation:
    """One of the two said yes or not now; after the end, and from anybody else, nothing changes."""
    if not row.live:  # guard: answer-after-the-end
        return row
    if person not in row.people:  # guard: answer-of-a-stranger
        return row
    side = {"answer_a" if person == row.a else "answer_b": answer, "rung": True}
    if answer == "decline":
        ended = over(row, "declined" if row.state in RINGING else "ended", "declined", now, wall)
        return ended.model_copy(update=side)
    if row.state == "confirmed":
        return row
    row = row.model_copy(update=side)
    if row.answer_a != "accept" or row.answer_b != "accept":  # guard: two-accepts
        answer_by = min(row.answer_by_wall, wall + FIRST_ACCEPT)
        return row.model_copy(update={"state": "accepted", "answer_by_wall": answer_by})
    return row.model_copy(update={"state": "confirmed", "confirmed_wall": wall})


def refused(
    row: Invitation, reason: str, busy: tuple[str, ...], busy_until: datetime | None, now: datetime, wall: datetime
) -> Invitation:
    """The claim was refused: nobody was rung."""
    if row.state != "offered":
        return row
    return over(row, "voided", reason, now, wall).model_copy(update={"busy": busy, "busy_until_wall": busy_until})


def heard(row: Invitation, heard_from: tuple[str, ...], connected: bool, wall: datetime) -> Invitation:
    """A heartbeat of the call: who was heard since the last one, and whether audio goes both ways."""
    if row.state != "confirmed":
        return row
    change: dict[str, datetime] = {}
    if row.a in heard_from:
        change["heard_a_wall"] = wall
    if row.b in heard_from:
        change["heard_b_wall"] = wall
    if connected and row.connected_wall is None:
        change["connected_wall"] = wall
    return row.model_copy(update=change)


def withdrawn(row: Invitation, reason: str, now: datetime, wall: datetime) -> Invitation:
    """Something that cannot wait took one of the two away: while ringing it is voided, in a call it ends."""
    if not row.live:
        return row
    return over(row, "voided" if row.state in RINGING else "ended", reason, now, wall)


def hung_up(row: Invitation, reason: str, now: datetime, wall: datetime) -> Invitation:
    """The call is over."""
    if row.state != "confirmed":
        return row
    return over(row, "ended", reason, now, wall)


def overdue(row: Invitation, latest_until: datetime, now: datetime, wall: datetime) -> Invitation:
    """What the passing of time does to a live invitation; `latest_until` is the earlier end of the two windows."""
    if row.state in RINGING:
        return over(row, "expired", "no answer", now, wall) if row.answer_by_wall <= wall else row
    if row.state != "confirmed" or row.confirmed_wall is None:
        return row
    if row.connected_wall is None:
        return over(row, "ended", "never connected", now, wall) if row.confirmed_wall + CONNECT <= wall else row
    last = min(row.heard_a_wall or row.connected_wall, row.heard_b_wall or row.connected_wall)
    if last + SILENCE <= wall:
        return over(row, "ended", LOST, now, wall)
    return over(row, "ended", "time", now, wall) if latest_until + OVERRUN <= now else row
