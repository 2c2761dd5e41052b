"""All topics of Partyline in one declaration, and what creates, checks and removes them.

Every process names its topics through `KafkaAddress.topic`, so that a prefix can keep two Partylines apart on one
Kafka. The compacted topics are the changelogs of the stream processor's tables: writing the row is the message.
"""

import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError, TopicAlreadyExistsError, UnknownTopicOrPartitionError, for_code

from matcher.errors import Away, PartylineError

PARTITIONS = 4  # the embedded broker gives every topic four and cannot be told otherwise

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

# The embedded broker answers a newer client's handshake in a form that it cannot decode; Kafka 4 still speaks 2.1.
OLDEST_PROTOCOL = (2, 1)

ADMIN_TIMEOUT_MS = 30_000  # a busy broker takes its time over a new topic
PROBE_TIMEOUT_S = 1.0
PROBE_PAUSE_S = 0.5
SAY_EVERY_S = 10.0

_PREFIX = re.compile(r"[A-Za-z0-9._-]{0,60}")


class WrongTopic(PartylineError):
    """A topic exists, but not as it is declared here."""

    code = "wrong_topic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic: what its messages are keyed by, what it holds, and how long Kafka keeps it."""

    name: str
    key: str
    holds: str
    partitions: int = PARTITIONS
    compacted: bool = False
    retention_ms: int = 7 * DAY_MS

    def settings(self) -> dict[str, str]:
        """The topic's settings as Kafka spells them."""
        if not self.compacted:
            return {"cleanup.policy": "delete", "retention.ms": str(self.retention_ms)}
        return {
            "cleanup.policy": "compact",
            "min.compaction.lag.ms": str(HOUR_MS),  # a reader that is an hour late still sees every row
            "max.compaction.lag.ms": str(DAY_MS),  # an erased person is gone after a day, however quiet the topic
            "segment.ms": str(10 * MINUTE_MS),
        }


PERSON_EVENTS = Topic(name="person-events", key="person", holds="all that a person does, in one order")
PEOPLE = Topic(name="people", key="person", holds="profile, consent, blocks", compacted=True)
POOL = Topic(name="pool", key="pool", holds="what the one writer of a pool decides on, ticks included")
WAITING = Topic(name="waiting", key="person", holds="a row for each person who waits", compacted=True)
INVITATIONS = Topic(name="invitations", key="invitation", holds="a row for each invitation", compacted=True)
PAIRS = Topic(name="pairs", key="pair", holds="what two people said of each other", compacted=True)
MODELS = Topic(name="models", key="market", holds="the model in service", compacted=True)
RECEIPTS = Topic(name="receipts", key="person", holds="what became of it")
CALLS = Topic(name="calls", key="call", holds="legs ringing, answered, bridged, ended, failed")
OUTCOMES = Topic(name="outcomes", key="pair", holds="what each side said afterwards")
DEAD_LETTERS = Topic(name="dead-letters", key="source topic", holds="the event, the error, the attempts")

ALL: tuple[Topic, ...] = (
    PERSON_EVENTS,
    PEOPLE,
    POOL,
    WAITING,
    INVITATIONS,
    PAIRS,
    MODELS,
    RECEIPTS,
    CALLS,
    OUTCOMES,
    DEAD_LETTERS,
)


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """Where Kafka is and how our topics are told from other people's there."""

    bootstrap: str
    prefix: str = ""
    embedded: bool = False

    def __post_init__(self) -> None:
        if not _PREFIX.fullmatch(self.prefix):
            raise ValueError(f"a topic prefix has up to 60 letters, digits, '.', '_' and '-'; not {self.prefix!r}")

    def topic(self, topic: Topic) -> str:
        """The topic's name on this Kafka."""
        return self.prefix + topic.name

    def client_options(self) -> dict[str, Any]:
        """What every kafka-python client needs to talk to this Kafka."""
        options: dict[str, Any] = {"bootstrap_servers": self.bootstrap.split(",")}
        if self.embedded:
            options["api_version"] = OLDEST_PROTOCOL
        return options


def create(bootstrap: str, prefix: str = "", embedded: bool = False, *, replication: int = 1) -> None:
    """Create the topics that are missing and check the others; a second call changes nothing.

    Raises `WrongTopic` if one exists with another number of partitions and `Away` if Kafka does not answer.
    """
    address = KafkaAddress(bootstrap, prefix, embedded)
    counts = _counts_by_asking(address) if embedded else _counts_after_creating(address, replication)
    for topic in ALL:
        _check_partitions(address.topic(topic), topic.partitions, counts.get(address.topic(topic), 0))


def delete(bootstrap: str, prefix: str) -> None:
    """Remove the topics with this prefix; those without one belong to a Partyline that must last and are refused."""
    if not prefix:
        raise ValueError("topics without a prefix are not removed by Partyline: use Kafka's own tools")
    address = KafkaAddress(bootstrap, prefix)
    with _admin(address) as admin:
        there = set(admin.list_topics())
        ours = [address.topic(topic) for topic in ALL if address.topic(topic) in there]
        if ours:
            answer = admin.delete_topics(ours, timeout_ms=ADMIN_TIMEOUT_MS, raise_errors=False)
            _raise_unless(answer["topics"], UnknownTopicOrPartitionError)  # somebody else was quicker


def wait_for_broker(bootstrap: str, timeout_s: float, say: Callable[[str], None]) -> None:
    """Return as soon as Kafka (real or embedded) answers, telling `say` while it does not.

    Raises `Away` after `timeout_s`.
    """
    deadline_s = time.monotonic() + timeout_s
    say_again_s = 0.0
    while not _answers(bootstrap):
        now_s = time.monotonic()
        if now_s >= deadline_s:
            raise Away(f"Kafka at {bootstrap} did not answer within {timeout_s:g} s", retry_after_s=5)
        if now_s >= say_again_s:
            say(f"waiting for Kafka at {bootstrap} (for {deadline_s - now_s:.0f} s more)")
            say_again_s = now_s + SAY_EVERY_S
        time.sleep(min(PROBE_PAUSE_S, max(0.0, deadline_s - now_s)))


def _counts_after_creating(address: KafkaAddress, replication: int) -> dict[str, int]:
    with _admin(address) as admin:
        # All are asked for: a broker may still list one that the controller has just deleted.
        wanted = {address.topic(topic): _wish(topic, replication) for topic in ALL}
        answer = admin.create_topics(wanted, timeout_ms=ADMIN_TIMEOUT_MS, raise_errors=False)
        _raise_unless(answer["topics"], TopicAlreadyExistsError)
        names = [address.topic(topic) for topic in ALL]
        admin.wait_for_topics(names, timeout_ms=ADMIN_TIMEOUT_MS)
        return {found["name"]: len(found["partitions"]) for found in admin.describe_topics(names)}


def _wish(topic: Topic, replication: int) -> dict[str, Any]:
    return {"num_partitions": topic.partitions, "replication_factor": replication, "configs": topic.settings()}


def _counts_by_asking(address: KafkaAddress) -> dict[str, int]:
    # The embedded broker knows no CreateTopics: a topic appears when a producer first asks for its partitions.
    with _reached(address):
        producer = KafkaProducer(**address.client_options(), max_block_ms=ADMIN_TIMEOUT_MS)
    try:
        names = [address.topic(topic) for topic in ALL]
        # All at once: each ask waits 0.1 s for the next round of metadata.
        with _reached(address), ThreadPoolExecutor(len(names)) as pool:
            return dict(zip(names, map(len, pool.map(producer.partitions_for, names)), strict=True))
    finally:
        producer.close(timeout=1)


def _check_partitions(name: str, declared: int, found: int) -> None:
    if found != declared:
        raise WrongTopic(f"topic {name} has {found} partitions on this Kafka, Partyline needs {declared}")


def _raise_unless(answers: list[dict[str, Any]], harmless: type[KafkaError]) -> None:
    for answer in answers:
        if answer["error_code"] not in (0, harmless.errno):
            reason = answer.get("error_message") or for_code(answer["error_code"]).__name__
            raise WrongTopic(f"topic {answer['name']}: {reason}")


@contextmanager
def _admin(address: KafkaAddress) -> Iterator[KafkaAdminClient]:
    with _reached(address):
        admin = KafkaAdminClient(**address.client_options(), bootstrap_timeout_ms=ADMIN_TIMEOUT_MS)
    try:
        with _reached(address):
            yield admin
    finally:
        admin.close()


@contextmanager
def _reached(address: KafkaAddress) -> Iterator[None]:
    try:
        yield
    except (KafkaError, OSError) as error:
        raise Away(f"Kafka at {address.bootstrap} does not answer: {error}", retry_after_s=5) from error


def _answers(bootstrap: str) -> bool:
    # A kafka-python client that cannot connect leaves its thread behind, so the port is tried first.
    if not any(_listens(server) for server in bootstrap.split(",")):
        return False
    options = {"bootstrap_servers": bootstrap.split(","), "api_version": OLDEST_PROTOCOL}
    try:
        KafkaAdminClient(**options, bootstrap_timeout_ms=2_000).close()
    except KafkaError:
        return False
    return True


def _listens(server: str) -> bool:
    host, _, port = server.strip().rpartition(":")
    try:
        with socket.create_connection((host.strip("[]") or "localhost", int(port)), timeout=PROBE_TIMEOUT_S):
            return True
    except OSError:
        return False
