"""What both said afterwards: the row of a pair, and when it is a bond.

Place in the flow: call -> **outcome** -> person-events (bonds, counts), learner. A bond takes two yeses about the same
call, and lasts until one of the two last said no. It is firm once there were two such calls, be it that a bond between
them ended.
"""

from typing import Any, Literal

from matcher.events import AnswerCounted, BondChanged, OutcomeGiven, PersonMet
from matcher.invitation import Invitation
from matcher.values import Row, Value, derived_id

SAID_LIMIT = 40
FIRM_FROM = 2
"""Calls about which both said yes, from which on a bond is firm."""


class Said(Value):
    """What one of the two said about one call."""

    invitation: str
    person: str
    talk_again: Literal["yes", "maybe", "no"]
    felt: Literal["good", "fine", "awkward", "sad"] | None = None


class Pair(Row):
    """The row of two people in `pairs`. `offset` is that of outcomes."""

    a: str
    b: str
    said: tuple[Said, ...] = ()
    bond: bool = False
    firm: bool = False


def pair_key(a: str, b: str) -> str:
    """The key of two people, the same whichever way round."""
    return "|".join(sorted((a, b)))


def both_would(said: tuple[Said, ...], invitation: str) -> bool:
    """Whether both said yes about this call."""
    return len({one.person for one in said if one.invitation == invitation and one.talk_again == "yes"}) == 2


def apply_outcome(row: Pair | None, event: OutcomeGiven, offset: int) -> tuple[Pair, list[BondChanged | AnswerCounted]]:
    """The pair's row after `event`, and what to tell both: counts, and a bond that changed.

    A later answer replaces an earlier one.
    """
    a, b = sorted((event.person, event.other))
    row = row or Pair(offset=-1, a=a, b=b)
    if offset <= row.offset:  # the bond changes were sent before the row was written
        return row, []
    new = Said(invitation=event.invitation, person=event.person, talk_again=event.talk_again, felt=event.felt)
    kept = [one for one in row.said if (one.invitation, one.person) != (new.invitation, new.person)]
    said = (*kept, new)[-SAID_LIMIT:]
    bond = event.talk_again != "no" and (row.bond or both_would(said, event.invitation))
    firm = bond and (row.firm or len({one.invitation for one in said if both_would(said, one.invitation)}) >= FIRM_FROM)
    changed = Pair(offset=offset, a=a, b=b, said=said, bond=bond, firm=firm)
    told = [_told(event, changed, person) for person in (a, b)] if (bond, firm) != (row.bond, row.firm) else []
    return changed, [*told, *_counted(row, event)]


def _counted(row: Pair, event: OutcomeGiven) -> list[AnswerCounted]:
    """One answer about each other person counts: the first. What friends say again tells of their friendship."""
    mine = [one for one in row.said if one.person == event.person]
    earlier = [one for one in mine if one.invitation == event.invitation]
    if mine and mine[0] not in earlier:
        return []
    yeses = (event.talk_again == "yes") - sum(one.talk_again == "yes" for one in earlier)
    answers = int(not earlier)
    if not answers and not yeses:
        return []
    common: dict[str, Any] = {"at": event.at, "answers": answers, "yeses": yeses}
    return [
        AnswerCounted(
            id=derived_id("gave", event.id), person=event.person, side="gave", ease=answers * event.gets, **common
        ),
        AnswerCounted(
            id=derived_id("got", event.id), person=event.other, side="got", ease=answers * event.gives, **common
        ),
    ]


def _told(event: OutcomeGiven, pair: Pair, person: str) -> BondChanged:
    return BondChanged(
        id=derived_id("bond", event.id, person), at=event.at, person=person,
        other=pair.b if person == pair.a else pair.a, bond=pair.bond, firm=pair.firm,
    )  # fmt: skip


def met(row: Invitation) -> list[PersonMet]:
    """What both people's rows are told when a call has ended: that these two have talked."""
    if not row.called or row.ended_wall is None or row.connected_wall is None:
        return []
    talked_s = max(0, int((row.ended_wall - row.connected_wall).total_seconds()))
    told: dict[str, Any] = {"at": row.ended_wall, "ended_at": row.ended_at, "talked_s": talked_s}
    return [
        PersonMet(id=derived_id("met", row.invitation, person), person=person, other=row.other(person), **told)
        for person in row.people
    ]
