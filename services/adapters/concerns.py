"""The safeguarding reports that stand in people's rows, for the operators who look at them.

Place in the flow: people -> **concerns** -> `partyline concerns list`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from matcher.person import Concern, Person
from matcher.values import newer
from services.adapters.backlog import backlog
from services.topics import PEOPLE, KafkaAddress


@dataclass(frozen=True, slots=True)
class Reported:
    """A concern and the person whom it is about."""

    person: str
    concern: Concern


def concerns(address: KafkaAddress) -> list[Reported]:
    """All concerns that stand, oldest first. Raises Away."""
    return standing((record.key, record.value) for record in backlog(address, PEOPLE))


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
