"""Says events to Kafka and waits until the broker has them; for processes that are allowed to block."""

from kafka import KafkaProducer
from kafka.errors import KafkaError

from matcher.errors import Away
from matcher.events import Event
from matcher.values import wire

ACKNOWLEDGED_WITHIN_S = 10.0


class BlockingOutbox:
    """The port `matcher.ports.Outbox` over kafka-python."""

    def __init__(self, producer: KafkaProducer, prefix: str) -> None:
        self._producer = producer
        self._prefix = prefix

    def say(self, topic: str, key: str, event: Event) -> None:
        """Returns once the broker has it. Raises Away."""
        try:
            sent = self._producer.send(self._prefix + topic, key=key.encode(), value=wire(event))
            sent.get(timeout=ACKNOWLEDGED_WITHIN_S)
        except KafkaError as error:
            raise Away(f"Kafka did not take the event: {type(error).__name__}") from error
