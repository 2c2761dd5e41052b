"""Says events to Kafka and waits until the broker has them; for processes that are allowed to block."""

from kafka import KafkaProducer
from kafka.errors import KafkaError

from matcher.errors import Away
from matcher.events import Event
from matcher.values import wire
from services.adapters.kafka import producer
from services.topics import KafkaAddress, Topic

ACKNOWLEDGED_WITHIN_S = 10.0


class BlockingOutbox:
    """The port `matcher.ports.Outbox` over kafka-python."""

    def __init__(self, sending: KafkaProducer, prefix: str) -> None:
        self._producer = sending
        self._prefix = prefix

    def say(self, topic: str, key: str, event: Event) -> None:
        """Returns once the broker has it. Raises Away."""
        try:
            sent = self._producer.send(self._prefix + topic, key=key.encode(), value=wire(event))
            sent.get(timeout=ACKNOWLEDGED_WITHIN_S)
        except KafkaError as error:
            raise Away(f"Kafka did not take the event: {type(error).__name__}") from error


def say_once(address: KafkaAddress, topic: Topic, key: str, event: Event) -> None:
    """Say one event and go, as a command does. Returns once the broker has it. Raises Away."""
    try:
        sending = producer(address)
    except KafkaError as error:
        raise Away(f"Kafka at {address.bootstrap} does not answer", retry_after_s=5) from error
    try:
        BlockingOutbox(sending, address.prefix).say(topic.name, key, event)
    finally:
        sending.close()
