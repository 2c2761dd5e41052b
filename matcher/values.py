"""The base of every value that is sent or stored: frozen, unknown fields forbidden, UTC times."""

import hashlib
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _utc(value: datetime) -> datetime:
    if value.tzinfo is None or value.utcoffset() is None or value.utcoffset().total_seconds() != 0:  # type: ignore[union-attr]
        raise ValueError("must be a UTC time")
    return value


Utc = Annotated[datetime, AfterValidator(_utc)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Value(BaseModel):
    """A frozen value without unknown fields; what it refuses is not repeated, since it may be a name or a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Row(Value):
    """A row of a table whose changelog is a topic.

    `offset` is the offset, in the table's source topic, of the event that last changed the row: of two rows
    with one key the higher offset is the true one, whoever wrote it and in whatever order they arrive.
    """

    offset: int


def newer(candidate: Row, current: Row | None) -> bool:
    """Whether a reader takes `candidate` in place of `current`: the rule of every reader of a changelog.

    A worker that lost its partition may still write; its rows are late, and so lower.
    """
    return current is None or candidate.offset >= current.offset  # guard: highest-offset


def derived_id(kind: str, *causes: str) -> str:
    """An id that follows from its causes alone: the same causes give the same id on every machine, at every try."""
    return f"{kind}-{hashlib.sha256('|'.join(causes).encode()).hexdigest()[:24]}"


def wire(value: Value) -> bytes:
    """The JSON bytes of an event or row."""
    return value.model_dump_json().encode()
