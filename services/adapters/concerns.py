"""The safeguarding reports that stand in people's rows, for the operators who look at them.

Place in the flow: people -> **concerns** -> `partyline concerns list`; `partyline concerns settle` -> person-events.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from matcher.errors import NotFound
from matcher.events import PersonReleased
from matcher.person import Concern, Person
from matcher.values import derived_id, newer
from services.adapters.backlog import backlog
from services.adapters.outbox import say_once
from services.topics import PEOPLE, PERSON_EVENTS, KafkaAddress


@dataclass(frozen=True, slots=True)
class Reported:
    """A concern and the person whom it is about."""

    person: str
    concern: Concern


def concerns(address: KafkaAddress) -> list[Reported]:
    """All concerns that stand, oldest first. Raises Away."""
    return standing((record.key, record.value) for record in backlog(address, PEOPLE))


def settle(address: KafkaAddress, concern: str, at: datetime) -> tuple[Reported, int]:
    """Let go of whom this concern held: what it was, and how many others about the same person stand.

    Raises NotFound, also if words came to it since it was read: nobody is let go of unread. Raises Away.
    """
    stand = concerns(address)
    found = next((one for one in stand if one.concern.concern == concern), None)
    if found is None:
        raise NotFound(f"no concern {concern} stands: see `partyline concerns list`")
    event = PersonReleased(id=derived_id("settled", concern), at=at, person=found.person, concern=concern)
    say_once(address, PERSON_EVENTS, event.person, event)
    return found, sum(one.person == found.person for one in stand) - 1


def standing(records: Iterable[tuple[Any, bytes | None]]) -> list[Reported]:
    """The concerns in the newest row of each key; of several rows the highest offset counts."""
    rows: dict[Any, Person] = {}
    for key, value in records:
        row = _row(value)
        if row and newer(row, rows.get(key)):
            rows[key] = row
    found = [Reported(row.person, one) for row in rows.values() for one in row.concerns]
    return sorted(found, key=lambda one: (one.concern.at, one.concern.concern))


def _row(value: bytes | None) -> Person | None:
    try:
        return Person.model_validate_json(value or b"")
    except ValidationError:
        return None
