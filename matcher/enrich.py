"""What a person's event changes: their row in `people`, and what the pool is told.

Place in the flow: person-events -> **enrich** -> people, pool. What is to be sent is sent before the row is written:
after a crash between the two the event comes again and says the same things with the same ids.
"""

from dataclasses import dataclass
from typing import Any

from matcher.concern import (
    after_holding,
    after_raising,
    after_releasing,
    after_withdrawing,
    held_by,
    since_raised,
    taken_back,
    with_one,
    without,
)
from matcher.events import (
    AnswerCounted,
    AvailabilityClosed,
    AvailabilityMoved,
    AvailabilityOpened,
    BondChanged,
    ConcernRaised,
    ConcernWithdrawn,
    Event,
    NumberChanged,
    PasskeyAdded,
    PasskeyRemoved,
    PersonBlocked,
    PersonChanged,
    PersonEdited,
    PersonErased,
    PersonEvent,
    PersonHeld,
    PersonLeft,
    PersonMet,
    PersonMoved,
    PersonPaused,
    PersonRegistered,
    PersonReleased,
    PersonResumed,
    PersonUnblocked,
    PersonWaiting,
)
from matcher.person import (
    BLOCKS_LIMIT,
    BONDS_LIMIT,
    CALLS_LIMIT,
    MET_LIMIT,
    NUMBERS_LIMIT,
    PASSKEYS_LIMIT,
    RECENT_EVENTS,
    Call,
    Market,
    Passkey,
    Person,
)
from matcher.values import derived_id

EASE_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Send:
    """An event for another topic."""

    topic: str
    key: str
    event: Event


def apply_person(
    row: Person | None, event: PersonEvent, offset: int, market: Market, remember: int = RECENT_EVENTS
) -> tuple[Person, list[Send]]:
    """The person's row after `event` at `offset`, and what to send first.

    `market` is the pool of a person whose profile is gone; `remember` is how many event ids tell a repeated request.
    """
    row = row or Person(offset=-1, person=event.person)
    if offset <= row.offset:  # guard: person-event-redelivered
        return row, []
    if event.id in row.recent:  # guard: same-request-twice
        return row.model_copy(update={"offset": offset}), []
    market = row.profile.market if row.profile else market
    changed, sends = _changed(row, event), _sends(row, event, offset, market)
    recent = (*row.recent, *_known_by(row, event))[-remember:]
    changed = changed.model_copy(update={"offset": offset, "recent": recent})
    if changed.profile and row.profile and changed.features() != row.features():
        sends.append(_edited(changed, event, offset, market))
    return changed, sends


def _known_by(row: Person, event: PersonEvent) -> tuple[str, ...]:
    if isinstance(event, PersonReleased) and not after_releasing(row, event):
        return (event.concern, event.id)  # its hold comes late, a dead letter that is replayed: it holds nobody
    return (event.id,)


def _changed(row: Person, event: PersonEvent) -> Person:
    change: dict[str, Any] = {}
    match event:
        case PersonRegistered():
            change = {"profile": event.profile, "phone": event.phone, "erased": False}
        case PersonChanged() if row.profile:
            change = {"profile": event.profile}
        case PersonPaused():
            change = {"paused": True}
        case PersonResumed():
            change = {"paused": False}
        case PersonHeld():
            change = after_holding(row, event)
        case PersonReleased():
            change = after_releasing(row, event)
        case ConcernRaised():
            change = after_raising(row, event)
        case ConcernWithdrawn():
            change = after_withdrawing(row, event)
        case PersonBlocked():
            change = {"blocks": with_one(row.blocks, event.other)[-BLOCKS_LIMIT:]}
            change |= {"bonds": without(row.bonds, event.other), "raised": since_raised(row, event.other, blocked=True)}
        case PersonUnblocked() if event.other not in row.reported:
            change = {"blocks": without(row.blocks, event.other)}
        case PasskeyAdded() if row.profile:
            change = {"passkeys": (*_other_keys(row, event.passkey.id), event.passkey)[-PASSKEYS_LIMIT:]}
        case PasskeyRemoved():
            change = {"passkeys": _other_keys(row, event.passkey)}
        case NumberChanged() if row.profile:
            left = without(with_one(row.left, row.answers_to or row.person), event.number)[-NUMBERS_LIMIT:]
            change = {"phone": event.phone, "answers_to": event.number, "left": left}
        case PersonMet() if not row.erased:
            change = {"met": with_one(row.met, event.other)[-MET_LIMIT:], "calls": _called(row, event)}
        case BondChanged() if not row.erased:
            firm = (with_one if event.firm else without)(row.firm, event.other)[-BONDS_LIMIT:]
            raised = since_raised(row, event.other, bond=event.bond)
            change = {"bonds": _bonds(row, event), "firm": firm, "raised": raised}
        case AnswerCounted() if not row.erased:
            change = _counted(row, event)
        case PersonErased():
            # What a held person is held for stays until somebody has looked: a report is not theirs to delete.
            concerns = row.concerns if row.held else ()
            return Person(
                offset=row.offset, person=row.person, held=row.held, erased=True, concerns=concerns, recent=row.recent,
                answers_to=row.answers_to, left=row.left,
            )  # fmt: skip
    return row.model_copy(update=change)


def _other_keys(row: Person, id_: str) -> tuple[Passkey, ...]:
    return tuple(one for one in row.passkeys if one.id != id_)


def _bonds(row: Person, event: BondChanged) -> tuple[str, ...]:
    """Whom they keep now; of whom they blocked meanwhile nothing that the other says makes it one of them."""
    if not event.bond or event.other in row.blocks:
        return without(row.bonds, event.other)
    return row.bonds if event.other in row.bonds else with_one(row.bonds, event.other)[-BONDS_LIMIT:]


def _called(row: Person, event: PersonMet) -> tuple[Call, ...]:
    if event.ended_at is None:
        return row.calls
    call = Call(other=event.other, ended_at=event.ended_at, talked_s=event.talked_s)
    return (*row.calls, call)[-CALLS_LIMIT:]


def _counted(row: Person, event: AnswerCounted) -> dict[str, float]:
    answers = getattr(row, event.side) + event.answers
    # An answer from before anybody counted may be changed now: never fewer than none, never more than all.
    yeses = min(max(getattr(row, f"{event.side}_yes") + event.yeses, 0), answers)
    ease = round(getattr(row, f"{event.side}_ease") + event.ease, EASE_DIGITS)
    return {event.side: answers, f"{event.side}_yes": yeses, f"{event.side}_ease": ease}


def _sends(row: Person, event: PersonEvent, offset: int, market: Market) -> list[Send]:
    common: dict[str, Any] = {"at": event.at, "market": market, "person": row.person, "seq": offset}
    match event:
        case AvailabilityOpened():
            return [Send("pool", market, _waiting(row, event, common))]
        case AvailabilityMoved():
            return [Send("pool", market, PersonMoved(id=derived_id("moved", event.id), until=event.until, **common))]
        case AvailabilityClosed():
            return [Send("pool", market, PersonLeft(id=derived_id("left", event.id), reason="closed", **common))]
        case PersonPaused():
            return [Send("pool", market, PersonLeft(id=derived_id("left", event.id), reason="paused", **common))]
        case PersonHeld():
            return [Send("pool", market, PersonLeft(id=derived_id("left", event.id), reason="held", **common))]
        case PersonErased():
            return [Send("pool", market, PersonLeft(id=derived_id("left", event.id), reason="erased", **common))]
        case ConcernRaised():
            return [Send("person-events", event.other, held_by(event))]
        case ConcernWithdrawn() if one := taken_back(row, event):
            released = PersonReleased(
                id=derived_id("released", event.id), at=event.at, person=one.other, concern=one.concern
            )
            return [Send("person-events", one.other, released)]
    return []


def _waiting(row: Person, event: AvailabilityOpened, common: dict[str, Any]) -> PersonWaiting:
    refused = row.why_not()  # guard: not-while-paused-held-or-erased
    return PersonWaiting(
        id=derived_id("waiting", event.id),
        availability=event.availability,
        opened_at=event.opened_at,
        until=event.until,
        company=event.company,
        hopes_for=event.hopes_for,
        goes_on=event.goes_on,
        posted_at=event.at,
        features=row.features() if row.profile else None,
        refused=refused,  # type: ignore[arg-type]
        **common,
    )


def _edited(row: Person, event: PersonEvent, offset: int, market: Market) -> Send:
    edited = PersonEdited(
        id=derived_id("edited", event.id), at=event.at, market=market, person=row.person, seq=offset,
        features=row.features(),
    )  # fmt: skip
    return Send("pool", market, edited)
