"""Topics on a broker, embedded and real: created as declared, checked, removed; and messages sent over them.

What the embedded broker does not know (settings, replicas, other partition counts, removal) only real Kafka is asked.
"""

import socket
from collections.abc import Iterator

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from matcher.errors import Away
from services import topics
from services.adapters import kafka as connections
from services.topics import ALL, KafkaAddress
from tests.world import eventually


@pytest.fixture
def admin(kafka: KafkaAddress) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(**kafka.client_options())
    yield client
    client.close()


@pytest.fixture
def real_admin(real_kafka: KafkaAddress) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(**real_kafka.client_options())
    yield client
    client.close()


def create(address: KafkaAddress) -> None:
    topics.create(address.bootstrap, address.prefix, address.embedded)


def names_of(address: KafkaAddress) -> set[str]:
    return {address.topic(topic) for topic in ALL}


def test_creating_twice_leaves_every_topic_as_declared(kafka: KafkaAddress, admin: KafkaAdminClient) -> None:
    create(kafka)
    create(kafka)
    found = {topic["name"]: len(topic["partitions"]) for topic in admin.describe_topics(sorted(names_of(kafka)))}
    assert found == dict.fromkeys(names_of(kafka), topics.PARTITIONS)


def test_a_topic_that_went_missing_is_created_again(real_kafka: KafkaAddress, real_admin: KafkaAdminClient) -> None:
    create(real_kafka)
    real_admin.delete_topics([real_kafka.topic(topics.POOL)])
    create(real_kafka)
    assert names_of(real_kafka) <= set(real_admin.list_topics())


def test_settings_arrive_at_kafka(real_kafka: KafkaAddress, real_admin: KafkaAdminClient) -> None:
    create(real_kafka)
    for topic in (topics.INVITATIONS, topics.DEAD_LETTERS):
        name, wanted = real_kafka.topic(topic), topic.settings()
        found = real_admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)], config_filter="all")
        assert wanted == {key: found["topic"][name][key]["value"] for key in wanted}


def test_another_partition_count_is_an_error_that_names_the_topic_and_both_counts(
    real_kafka: KafkaAddress, real_admin: KafkaAdminClient
) -> None:
    real_admin.create_topics({real_kafka.topic(topics.POOL): {"num_partitions": 3, "replication_factor": 1}})
    with pytest.raises(topics.WrongTopic, match=rf"{real_kafka.prefix}pool has 3 partitions .* needs 4"):
        create(real_kafka)


def test_more_replicas_than_brokers_is_an_error_that_names_the_topic(real_kafka: KafkaAddress) -> None:
    with pytest.raises(topics.WrongTopic, match=real_kafka.prefix):
        topics.create(real_kafka.bootstrap, real_kafka.prefix, replication=3)


def test_deleting_removes_our_topics_and_no_others(real_kafka: KafkaAddress, real_admin: KafkaAdminClient) -> None:
    create(real_kafka)
    neighbour = KafkaAddress(real_kafka.bootstrap, real_kafka.prefix + "neighbour-")
    create(neighbour)
    try:
        topics.delete(real_kafka.bootstrap, real_kafka.prefix)
        topics.delete(real_kafka.bootstrap, real_kafka.prefix)
        eventually(lambda: not names_of(real_kafka) & set(real_admin.list_topics()), what="our topics are gone")
        assert names_of(neighbour) <= set(real_admin.list_topics())
    finally:
        topics.delete(neighbour.bootstrap, neighbour.prefix)


def test_what_was_not_committed_is_read_again_and_what_was_is_not(kafka: KafkaAddress) -> None:
    create(kafka)
    name = kafka.topic(topics.OUTCOMES)
    producer = connections.producer(kafka)
    for value in (b"one", b"two"):
        producer.send(name, key=b"pair", value=value).get(timeout=10)
    assert read(kafka, name, 2, commit=False) == [b"one", b"two"]
    assert read(kafka, name, 2, commit=True) == [b"one", b"two"]
    producer.send(name, key=b"pair", value=b"three").get(timeout=10)
    producer.close()
    assert read(kafka, name, 1, commit=True) == [b"three"]


def read(address: KafkaAddress, name: str, count: int, *, commit: bool) -> list[bytes]:
    """The next `count` values for this test's reader."""
    consumer = connections.consumer(address, group="readers")
    consumer.assign([TopicPartition(name, number) for number in range(topics.PARTITIONS)])
    values: list[bytes] = []

    def enough() -> bool:
        values.extend(record.value for records in consumer.poll(timeout_ms=200).values() for record in records)
        return len(values) >= count

    eventually(enough, what=f"{count} messages of {name} are read")
    if commit:
        consumer.commit()
    consumer.close()
    return values


def test_waiting_for_a_broker_that_is_there_says_nothing(kafka: KafkaAddress) -> None:
    said: list[str] = []
    topics.wait_for_broker(kafka.bootstrap, 10, said.append)
    assert said == []


def test_waiting_for_a_broker_that_never_comes_says_so_and_then_fails() -> None:
    said: list[str] = []
    with pytest.raises(Away, match=r"127\.0\.0\.1:1 did not answer"):
        topics.wait_for_broker("127.0.0.1:1", 0.3, said.append)
    assert len(said) == 1
    assert "waiting for Kafka at 127.0.0.1:1" in said[0]


def test_a_port_that_is_open_but_silent_is_no_broker() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Away):
        topics.wait_for_broker(f"127.0.0.1:{silent.getsockname()[1]}", 0.1, print)


def test_one_server_of_a_list_is_enough(kafka: KafkaAddress) -> None:
    nobody = "127.0.0.1:1"
    said: list[str] = []
    with pytest.raises(Away):
        topics.wait_for_broker(nobody, 0, said.append)
    topics.wait_for_broker(f"{nobody},{kafka.bootstrap}", 30, said.append)  # it would raise Away as well


def test_a_broker_that_comes_late_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "PROBE_PAUSE_S", 0)
    answers = iter([False, False, True])
    monkeypatch.setattr(topics, "_answers", lambda _: next(answers))
    said: list[str] = []
    topics.wait_for_broker("late:9092", 10, said.append)
    assert len(said) == 1


def test_creating_without_a_broker_says_that_kafka_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "ADMIN_TIMEOUT_MS", 200)
    for embedded in (False, True):
        with pytest.raises(Away, match="does not answer"):
            topics.create("127.0.0.1:1", "x-", embedded)
