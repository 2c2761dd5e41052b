"""Dead letters: an event that could not be applied, kept whole with the reason, until somebody replays or discards it.

Place in the flow: any process that gives an event up -> **dead-letters** -> `partyline dead-letters`. The topic holds
two kinds of messages under the name of the source topic: a letter, and a mark that says what became of one.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from kafka import KafkaProducer
from kafka.errors import KafkaError
from pydantic import Field, TypeAdapter, ValidationError

from matcher.errors import Away, BadRequest, NotFound
from matcher.values import Utc, Value, derived_id, wire
from services.adapters import kafka as connections
from services.adapters.backlog import backlog, record_at
from services.topics import DEAD_LETTERS, KafkaAddress

VALUE_LIMIT = 500_000
"""Bytes of a value that a letter carries; a larger one would not fit a message itself and stays where it came from."""
ERROR_LIMIT = 1_000
SEND_TIMEOUT_S = 10.0

Action = Literal["replayed", "discarded"]


class DeadLetter(Value):
    """An event that was given up. `key` and `value` are base64; `source_topic` is the full name, prefix included.

    `value` is None for a tombstone, and for a value over `VALUE_LIMIT` (then `left_there` is true).
    """

    kind: Literal["letter"] = "letter"
    id: str
    source_topic: str
    partition: int
    offset: int
    key: str | None
    value: str | None
    left_there: bool = False
    error: str
    attempts: int
    at: Utc

    def key_bytes(self) -> bytes | None:
        """The original key."""
        return None if self.key is None else b64decode(self.key)

    def value_bytes(self) -> bytes | None:
        """The original value, as far as the letter carries it."""
        return None if self.value is None else b64decode(self.value)


class Mark(Value):
    """What became of the letter `id`."""

    kind: Literal["mark"] = "mark"
    id: str
    action: Action
    at: Utc


@dataclass(frozen=True, slots=True)
class Listed:
    """A letter and what became of it, if anything."""

    letter: DeadLetter
    mark: Mark | None = None

    @property
    def state(self) -> str:
        """One word for the list."""
        return self.mark.action if self.mark else "waiting"


_MESSAGE: TypeAdapter[DeadLetter | Mark] = TypeAdapter(Annotated[DeadLetter | Mark, Field(discriminator="kind")])


def letter(
    *, source_topic: str, partition: int, offset: int, key: bytes | None, value: bytes | None, error: str,
    attempts: int, at: datetime,
) -> DeadLetter:  # fmt: skip
    """The letter about one message; the same message gives the same id at every try."""
    left_there = value is not None and len(value) > VALUE_LIMIT
    return DeadLetter(
        id=derived_id("letter", source_topic, str(partition), str(offset)), source_topic=source_topic,
        partition=partition, offset=offset, key=_text(key), value=None if left_there else _text(value),
        left_there=left_there, error=error[:ERROR_LIMIT], attempts=attempts, at=at,
    )  # fmt: skip


def fold(values: Iterable[bytes | None]) -> dict[str, Listed]:
    """Letters by id, in the order of the topic, each with its newest mark; what cannot be read is passed over."""
    letters: dict[str, DeadLetter] = {}
    marks: dict[str, Mark] = {}
    for message in _readable(values):
        if isinstance(message, Mark):
            marks[message.id] = message
        else:
            letters.setdefault(message.id, message)
    return {one.id: Listed(one, marks.get(one.id)) for one in letters.values()}


def listed(address: KafkaAddress) -> dict[str, Listed]:
    """All letters that Kafka still has. Raises Away."""
    return fold(record.value for record in backlog(address, DEAD_LETTERS))


def find(address: KafkaAddress, letter_id: str) -> Listed:
    """One letter. Raises NotFound, Away."""
    found = listed(address).get(letter_id)
    if found is None:
        raise NotFound(f"there is no dead letter {letter_id}")
    return found


def replay(address: KafkaAddress, letter_id: str, at: datetime) -> DeadLetter:
    """Send the original bytes to where they came from, then mark the letter.

    The same partition, so that they meet the same row. Raises NotFound, BadRequest if it is settled already, Away.
    """
    dead = _waiting(address, letter_id)
    value = _original(address, dead)
    with _Sender(address) as sender:
        sender.send(dead.source_topic, dead.key_bytes(), value, dead.partition)
        sender.mark(dead, "replayed", at)
    return dead


def discard(address: KafkaAddress, letter_id: str, at: datetime) -> DeadLetter:
    """Mark the letter as not wanted. Raises NotFound, BadRequest if it is settled already, Away."""
    dead = _waiting(address, letter_id)
    with _Sender(address) as sender:
        sender.mark(dead, "discarded", at)
    return dead


class _Sender:
    """A producer for the length of one command."""

    def __init__(self, address: KafkaAddress) -> None:
        self._address = address

    def __enter__(self) -> "_Sender":
        try:
            self._producer: KafkaProducer = connections.producer(self._address)
        except KafkaError as error:
            raise Away(f"Kafka at {self._address.bootstrap} does not answer", retry_after_s=5) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._producer.close(timeout=SEND_TIMEOUT_S)

    def send(self, topic: str, key: bytes | None, value: bytes | None, partition: int | None = None) -> None:
        """Returns once the broker has it."""
        try:
            self._producer.send(topic, key=key, value=value, partition=partition).get(timeout=SEND_TIMEOUT_S)
        except KafkaError as error:
            raise Away(f"Kafka did not take the message: {type(error).__name__}", retry_after_s=5) from error

    def mark(self, dead: DeadLetter, action: Action, at: datetime) -> None:
        """Say what became of the letter, beside it."""
        mark = Mark(id=dead.id, action=action, at=at)
        self.send(self._address.topic(DEAD_LETTERS), dead.source_topic.encode(), wire(mark))


def _waiting(address: KafkaAddress, letter_id: str) -> DeadLetter:
    found = find(address, letter_id)
    if found.mark:
        raise BadRequest(f"dead letter {letter_id} was {found.mark.action} at {found.mark.at.isoformat()}")
    return found.letter


def _original(address: KafkaAddress, dead: DeadLetter) -> bytes | None:
    if not dead.left_there:
        return dead.value_bytes()
    record = record_at(address, dead.source_topic, dead.partition, dead.offset)
    if record is None:
        raise BadRequest(f"Kafka no longer has the message of dead letter {dead.id}")
    value: bytes | None = record.value
    return value


def _readable(values: Iterable[bytes | None]) -> Iterator[DeadLetter | Mark]:
    for value in values:
        try:
            yield _MESSAGE.validate_json(value or b"")
        except ValidationError:
            continue


def _text(value: bytes | None) -> str | None:
    return None if value is None else b64encode(value).decode()
