"""The one place that makes kafka-python producers and consumers, so that every process sends and reads by one rule.

Sends are idempotent and wait for all replicas; reads commit by hand, after the work. Both block, so they belong into
threads or processes of their own, never on an event loop.
"""

from typing import Any

from kafka import KafkaConsumer, KafkaProducer

from services.topics import KafkaAddress

MAX_BLOCK_MS = 1_500  # below the 2 s within which a gateway must say that Kafka is away
DELIVERY_TIMEOUT_MS = 10_000
EMBEDDED_FETCH_WAIT_MS = 50  # the embedded broker answers a fetch when the wait is over, not when data comes
REAL_FETCH_WAIT_MS = 500
SESSION_TIMEOUT_MS = 6_000  # a killed reader's partitions move after this; no real broker allows less by default
EMBEDDED_SESSION_TIMEOUT_MS = 3_000  # the embedded broker needs nearly twice as long: 6 s here are 11 s there
HEARTBEAT_MS = 1_000
RECONNECT_BACKOFF_MAX_MS = 1_000  # the default of 30 s would outlast most outages


def producer(address: KafkaAddress, *, max_block_ms: int = MAX_BLOCK_MS, **overrides: Any) -> KafkaProducer:
    """A producer of bytes: acks=all, idempotent; `send` blocks at most `max_block_ms` when Kafka is away."""
    options: dict[str, Any] = {
        **address.client_options(),
        "acks": "all",
        "enable_idempotence": True,
        "max_block_ms": max_block_ms,
        "delivery_timeout_ms": DELIVERY_TIMEOUT_MS,
        "request_timeout_ms": DELIVERY_TIMEOUT_MS // 2,
        "allow_auto_create_topics": address.embedded,
        "reconnect_backoff_max_ms": RECONNECT_BACKOFF_MAX_MS,
        **overrides,
    }
    return KafkaProducer(**options)


def consumer(address: KafkaAddress, *, group: str | None = None, **overrides: Any) -> KafkaConsumer:
    """A consumer of bytes that starts at the oldest message and commits only when told.

    With a `group` (which gets the prefix too) it resumes after its last commit; without one the caller assigns, seeks.
    A reader that is alone in its group does better to `assign` than to `subscribe`: it still commits and resumes, but
    after a kill it goes on in 0.1 s, while a group waits for the dead member's session (6 s).
    """
    options: dict[str, Any] = {
        **address.client_options(),
        "group_id": address.prefix + group if group is not None else None,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "session_timeout_ms": EMBEDDED_SESSION_TIMEOUT_MS if address.embedded else SESSION_TIMEOUT_MS,
        "heartbeat_interval_ms": HEARTBEAT_MS,
        "fetch_max_wait_ms": EMBEDDED_FETCH_WAIT_MS if address.embedded else REAL_FETCH_WAIT_MS,
        "allow_auto_create_topics": address.embedded,
        "reconnect_backoff_max_ms": RECONNECT_BACKOFF_MAX_MS,
        **overrides,
    }
    return KafkaConsumer(**options)
