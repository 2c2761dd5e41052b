"""A concern, from the tap to its end: what it changes for whoever raised it, and for whom it is about.

Place in the flow: person-events -> enrich -> **concern** -> people. Raised, it blocks and holds at once; taken back
within the hour by whoever raised it, or settled by an operator, it lets go of what it held and of nothing else.
"""

from typing import Any

from matcher.events import ConcernRaised, ConcernWithdrawn, PersonHeld, PersonReleased
from matcher.person import BLOCKS_LIMIT, CONCERNS_LIMIT, RAISED_LIMIT, TAKE_BACK_WITHIN, Concern, Person, Raised
from matcher.values import derived_id


def held_by(event: ConcernRaised) -> PersonHeld:
    """What the other is told; its id is the concern's."""
    return PersonHeld(
        id=derived_id("concern", event.id), at=event.at, person=event.other, by=event.person,
        invitation=event.invitation, what=event.what,
    )  # fmt: skip


def taken_back(row: Person, event: ConcernWithdrawn) -> Raised | None:
    """What `event` takes back, if it may still be taken back."""
    one = row.concern_about(event.other, event.invitation)
    return one if one and event.at - one.at <= TAKE_BACK_WITHIN else None


def after_raising(row: Person, event: ConcernRaised) -> dict[str, Any]:
    """What changes for whoever reports: a concern about the same call is one concern, however often it is told."""
    other, earlier = event.other, row.concern_about(event.other, event.invitation)
    one = Raised(
        concern=held_by(event).id, other=other, invitation=event.invitation, at=event.at,
        blocked=earlier.blocked if earlier else other in row.blocks,
        bond=earlier.bond if earlier else other in row.bonds,
    )  # fmt: skip
    return {
        "blocks": with_one(row.blocks, other)[-BLOCKS_LIMIT:],
        "bonds": without(row.bonds, other),
        "reported": with_one(row.reported, other)[-BLOCKS_LIMIT:],
        "raised": (*(past for past in row.raised if past != earlier), one)[-RAISED_LIMIT:],
    }


def after_withdrawing(row: Person, event: ConcernWithdrawn) -> dict[str, Any]:
    """What changes for whoever takes it back: all is as it was before, unless another concern of theirs stands."""
    one = taken_back(row, event)
    if one is None:
        return {}
    left = tuple(past for past in row.raised if past != one)
    if any(past.other == one.other for past in left):
        return {"raised": left}
    return {
        "raised": left,
        "reported": without(row.reported, one.other),
        "blocks": row.blocks if one.blocked else without(row.blocks, one.other),
        "bonds": with_one(row.bonds, one.other) if one.bond and not one.blocked else row.bonds,
    }


def since_raised(row: Person, other: str, **change: bool) -> tuple[Raised, ...]:
    """What stands once a concern about `other` is taken back, now that more has been said of them."""
    return tuple(one.model_copy(update=change) if one.other == other else one for one in row.raised)


def after_holding(row: Person, event: PersonHeld) -> dict[str, Any]:
    """What changes for whom it is about; who taps again without a word takes back no word."""
    earlier = [one for one in row.concerns if (one.by, one.invitation) == (event.by, event.invitation)]
    what = event.what or next((one.what for one in earlier), "")
    concern = Concern(concern=event.id, by=event.by, invitation=event.invitation, what=what, at=event.at)
    others = [one for one in row.concerns if one not in earlier]
    return {"held": True, "concerns": (*others, concern)[-CONCERNS_LIMIT:]}


def after_releasing(row: Person, event: PersonReleased) -> dict[str, Any]:
    """What changes for whom it was about: the last concern that goes lets go of them."""
    left = tuple(one for one in row.concerns if one.concern != event.concern)
    return {"concerns": left, "held": bool(left)} if left != row.concerns else {}


def with_one(people: tuple[str, ...], person: str) -> tuple[str, ...]:
    """These people and `person`, who comes last."""
    return (*without(people, person), person)


def without(people: tuple[str, ...], person: str) -> tuple[str, ...]:
    """These people but `person`."""
    return tuple(one for one in people if one != person)
