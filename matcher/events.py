"""Every event on every topic that we write: frozen, versioned, without unknown fields.

Place in the flow: the words between all processes. Rows (`people`, `waiting`, `invitations`, `pairs`) are the other
half and live beside what they describe. `read_event` is the one way in, `wire` the one way out.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from matcher.availability import MAX_WINDOW, Company
from matcher.errors import BadEvent
from matcher.invitation import Answer, Invitation
from matcher.model_file import ModelFile
from matcher.person import Features, Market, Passkey, Profile
from matcher.values import Finite, Utc, Value

WHAT_LIMIT = 2000


class Event(Value):
    """An event: its id derives from its cause, so that the same cause sent twice is the same event."""

    id: Annotated[str, Field(min_length=1, max_length=80)]
    at: Utc


class WindowEvent(Event):
    """Something that opens a window."""

    opened_at: Utc
    until: Utc

    @model_validator(mode="after")
    def _window_is_sane(self) -> Self:
        if not self.opened_at < self.until <= self.opened_at + MAX_WINDOW:
            raise ValueError("a window lasts more than nothing and at most twelve hours")
        return self


# --- person-events: all that a person does, in one order, keyed by person ---


class PersonEvent(Event):
    """Something about one person."""

    person: Annotated[str, Field(min_length=1, max_length=80)]


class PersonRegistered(PersonEvent):
    """Somebody came in, or came in again."""

    type: Literal["person.registered.v1"] = "person.registered.v1"
    phone: str
    profile: Profile


class PersonChanged(PersonEvent):
    """They edited what they told us."""

    type: Literal["person.changed.v1"] = "person.changed.v1"
    profile: Profile


class PersonBlocked(PersonEvent):
    """They never want to meet `other` again."""

    type: Literal["person.blocked.v1"] = "person.blocked.v1"
    other: str


class PersonUnblocked(PersonEvent):
    """They would meet `other` after all, whom they had blocked and not reported."""

    type: Literal["person.unblocked.v1"] = "person.unblocked.v1"
    other: str


class PasskeyAdded(PersonEvent):
    """They can sign in with this key."""

    type: Literal["passkey.added.v1"] = "passkey.added.v1"
    passkey: Passkey


class PasskeyRemoved(PersonEvent):
    """They can no longer sign in with the key of this id."""

    type: Literal["passkey.removed.v1"] = "passkey.removed.v1"
    passkey: str


class NumberChanged(PersonEvent):
    """They have another telephone number, for which `number` stands; the one before signs in to them no longer."""

    type: Literal["number.changed.v1"] = "number.changed.v1"
    phone: str
    number: Annotated[str, Field(min_length=1, max_length=80)]


class PersonPaused(PersonEvent):
    """They want to be left alone for now."""

    type: Literal["person.paused.v1"] = "person.paused.v1"


class PersonResumed(PersonEvent):
    """They are back."""

    type: Literal["person.resumed.v1"] = "person.resumed.v1"


class PersonErased(PersonEvent):
    """They are to be forgotten."""

    type: Literal["person.erased.v1"] = "person.erased.v1"


class ConcernRaised(PersonEvent):
    """`person` reports `other`: blocks them at once, and holds them until an operator has looked.

    Without a `what` they tapped that it felt wrong, and said nothing more; said again of the same call it adds words.
    """

    type: Literal["concern.raised.v1"] = "concern.raised.v1"
    other: str
    invitation: str
    what: Annotated[str, Field(max_length=WHAT_LIMIT)]


class PersonHeld(PersonEvent):
    """A concern about `person` stands: nobody is rung for them."""

    type: Literal["person.held.v1"] = "person.held.v1"
    by: str
    invitation: str
    what: Annotated[str, Field(max_length=WHAT_LIMIT)]


class ConcernWithdrawn(PersonEvent):
    """`person` reported `other` by mistake: what they raised about this call just now is taken back."""

    type: Literal["concern.withdrawn.v1"] = "concern.withdrawn.v1"
    other: str
    invitation: str


class PersonReleased(PersonEvent):
    """This concern about `person` is settled or was taken back; they are held for the others that stand."""

    type: Literal["person.released.v1"] = "person.released.v1"
    concern: Annotated[str, Field(min_length=1, max_length=80)]


class PersonMet(PersonEvent):
    """They talked with `other`, until when (domain time) and for how long; both unknown before this was counted."""

    type: Literal["person.met.v1"] = "person.met.v1"
    other: str
    ended_at: Utc | None = None
    talked_s: Annotated[int, Field(ge=0)] = 0


class BondChanged(PersonEvent):
    """`person` and `other` both want to keep each other, or no longer do; `firm`: both said so about several calls."""

    type: Literal["bond.changed.v1"] = "bond.changed.v1"
    other: str
    bond: bool
    firm: bool = False


class AnswerCounted(PersonEvent):
    """`person` gave an answer after a call, or got one: so many answers more and so many yeses more.

    An answer that was given before and is changed counts none more, and one yes more or fewer. `ease` is what
    spoke for a yes beside `person`, as it was believed at the offer.
    """

    type: Literal["answer.counted.v1"] = "answer.counted.v1"
    side: Literal["gave", "got"]
    answers: Annotated[int, Field(ge=0, le=1)]
    yeses: Annotated[int, Field(ge=-1, le=1)]
    ease: Finite = 0.0


class AvailabilityOpened(PersonEvent, WindowEvent):
    """Free to talk until `until`; while another window is open, this moves its end. `at` is when the request came.

    Of all whom they know `hopes_for` is the only one whom they want to be put through to; `goes_on` is the call with
    them that broke just now, if they want to go on with it.
    """

    type: Literal["availability.opened.v1"] = "availability.opened.v1"
    availability: Annotated[str, Field(min_length=1, max_length=80)]
    company: Company = "either"
    hopes_for: str | None = None
    goes_on: str | None = None


class AvailabilityMoved(PersonEvent):
    """The open window ends at another time."""

    type: Literal["availability.moved.v1"] = "availability.moved.v1"
    until: Utc


class AvailabilityClosed(PersonEvent):
    """No longer free."""

    type: Literal["availability.closed.v1"] = "availability.closed.v1"


PersonTopicEvent = Annotated[
    PersonRegistered | PersonChanged | PersonBlocked | PersonUnblocked | PersonPaused | PersonResumed | PersonErased
    | NumberChanged | PasskeyAdded | PasskeyRemoved | ConcernRaised | ConcernWithdrawn | PersonHeld | PersonReleased
    | PersonMet | BondChanged | AnswerCounted | AvailabilityOpened | AvailabilityMoved | AvailabilityClosed,
    Field(discriminator="type"),
]  # fmt: skip

# --- pool: what one pool sees, in the order that alone decides, keyed by market ---


class PoolEvent(Event):
    """Something for the pool of one market."""

    market: Market


class PersonPoolEvent(PoolEvent):
    """Something about a person, from enrich; `seq` is the offset in person-events that caused it."""

    person: str
    seq: int


class PersonWaiting(PersonPoolEvent, WindowEvent):
    """A person is free; `posted_at` is when they asked. `refused` says why they cannot stand in the pool after all."""

    type: Literal["person.waiting.v1"] = "person.waiting.v1"
    availability: str
    company: Company
    hopes_for: str | None = None
    goes_on: str | None = None
    posted_at: Utc
    features: Features | None
    refused: Literal["paused", "held", "erased", "unknown"] | None = None


class PersonMoved(PersonPoolEvent):
    """The open window ends at another time."""

    type: Literal["person.moved.v1"] = "person.moved.v1"
    until: Utc


class PersonLeft(PersonPoolEvent):
    """No longer free: closed by the person, or withdrawn."""

    type: Literal["person.left.v1"] = "person.left.v1"
    reason: Literal["closed", "paused", "held", "erased"]


class PersonEdited(PersonPoolEvent):
    """Profile, blocks or bonds changed."""

    type: Literal["person.edited.v1"] = "person.edited.v1"
    features: Features


class Tick(PoolEvent):
    """Time as an event: domain time `now` and wall time `wall`."""

    type: Literal["tick.v1"] = "tick.v1"
    now: Utc
    wall: Utc


class InvitationEvent(PoolEvent):
    """Something about an invitation; carries it whole, since the writer that gets it may not know it."""

    invitation: Invitation


class InvitationRung(InvitationEvent):
    """Both people were claimed under `token` and rung."""

    type: Literal["invitation.rung.v1"] = "invitation.rung.v1"
    token: int


class InvitationAnswered(InvitationEvent):
    """One of the two answered."""

    type: Literal["invitation.answered.v1"] = "invitation.answered.v1"
    person: str
    answer: Answer


class InvitationVoided(InvitationEvent):
    """The claim was refused: `busy` people stand in another claim until about `busy_until`."""

    type: Literal["invitation.voided.v1"] = "invitation.voided.v1"
    reason: str
    busy: tuple[str, ...] = ()
    busy_until: Utc | None = None


class CallHeartbeat(InvitationEvent):
    """The call lives: who was heard since the last heartbeat, and whether audio goes both ways."""

    type: Literal["call.heartbeat.v1"] = "call.heartbeat.v1"
    heard: tuple[str, ...]
    connected: bool


class CallEnded(InvitationEvent):
    """The call is over."""

    type: Literal["call.ended.v1"] = "call.ended.v1"
    reason: str


class ModelPromoted(PoolEvent):
    """From here on the pool scores with this model: coefficients by feature name."""

    type: Literal["model.promoted.v1"] = "model.promoted.v1"
    version: str
    intercept: float
    weights: dict[str, float]


class ModelPromoted2(PoolEvent):
    """From here on the pool scores with this model, whole as the learner wrote it down."""

    type: Literal["model.promoted.v2"] = "model.promoted.v2"
    promoted: ModelFile


PoolTopicEvent = Annotated[
    PersonWaiting | PersonMoved | PersonLeft | PersonEdited | Tick | InvitationRung | InvitationAnswered
    | InvitationVoided | CallHeartbeat | CallEnded | ModelPromoted | ModelPromoted2,
    Field(discriminator="type"),
]  # fmt: skip

# --- calls: what each leg does, keyed by invitation ---


class Quality(Value):
    """How one side hears the other since its last heartbeat, as numbers: share of packets lost, and milliseconds."""

    loss: Annotated[Finite, Field(ge=0, le=1)]
    jitter_ms: Annotated[Finite, Field(ge=0, le=60_000)]
    round_trip_ms: Annotated[Finite, Field(ge=0, le=60_000)] | None = None


class LegHeard(Event):
    """One side's page is alive; `connected` when it hears the other."""

    type: Literal["leg.heard.v1"] = "leg.heard.v1"
    invitation: Invitation
    person: str
    connected: bool
    quality: Quality | None = None


class LegHungUp(Event):
    """One side hung up; `lost` if nobody meant to, and its page found no way to the other any more."""

    type: Literal["leg.hung_up.v1"] = "leg.hung_up.v1"
    invitation: Invitation
    person: str
    lost: bool = False


class CallBridged(Event):
    """Audio goes both ways."""

    type: Literal["call.bridged.v1"] = "call.bridged.v1"
    invitation: Invitation


CallTopicEvent = Annotated[LegHeard | LegHungUp | CallBridged, Field(discriminator="type")]

# --- outcomes: what each side said afterwards, keyed by pair ---


class OutcomeGiven(Event):
    """`person` said whether they would talk with `other` again.

    `gives` and `gets` are what spoke for a yes at the offer: that `person` said it, and that it was about `other`.
    """

    type: Literal["outcome.given.v1"] = "outcome.given.v1"
    invitation: str
    person: str
    other: str
    talk_again: Literal["yes", "maybe", "no"]
    felt: Literal["good", "fine", "awkward", "sad"] | None = None
    gives: Finite = 0.0
    gets: Finite = 0.0


# --- notifications and receipts, keyed by person ---


class ReceiptGiven(Event):
    """What became of a ring on one channel: a push service took it, an open line held it, the page saw it later."""

    type: Literal["receipt.given.v1"] = "receipt.given.v1"
    invitation: str
    person: str
    channel: str
    result: Literal["held", "seen", "sent"]


ADAPTERS: dict[str, TypeAdapter[Any]] = {
    "person-events": TypeAdapter(PersonTopicEvent),
    "pool": TypeAdapter(PoolTopicEvent),
    "calls": TypeAdapter(CallTopicEvent),
    "outcomes": TypeAdapter(OutcomeGiven),
    "receipts": TypeAdapter(ReceiptGiven),
}
"""What each topic may hold."""


def read_event(topic: str, value: bytes | None) -> Any:
    """The event in `value` of `topic`.

    Raises BadEvent if it is not JSON, of an unknown type or version, or a field is wrong; the message names the field
    and never repeats its value, which may be a name or a number.
    """
    if value is None:
        raise BadEvent("the event is empty")
    try:
        return ADAPTERS[topic].validate_json(value)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        # An unknown field's name is the sender's own words, as a value is.
        known = first["loc"][:-1] if first["type"] == "extra_forbidden" else first["loc"]
        where = ".".join(str(part) for part in known) or "event"
        raise BadEvent(f"{where}: {first['type']}") from None

