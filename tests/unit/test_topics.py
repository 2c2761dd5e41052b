"""The declaration of topics: complete, of one shape, and safe to put beside somebody else's topics."""

import pytest

from services import topics
from services.topics import ALL, KafkaAddress

TABLES = {topics.PEOPLE, topics.WAITING, topics.INVITATIONS, topics.PAIRS, topics.MODELS}


def test_every_topic_is_declared_once() -> None:
    names = [topic.name for topic in ALL]
    assert len(set(names)) == len(names)
    declared = {value for value in vars(topics).values() if isinstance(value, topics.Topic)}
    assert declared == set(ALL)


def test_tables_and_their_source_have_the_same_number_of_partitions() -> None:
    assert {topic.partitions for topic in ALL} == {topics.PARTITIONS}


def test_the_changelogs_of_tables_are_compacted_and_never_cut_by_age() -> None:
    for topic in TABLES:
        settings = topic.settings()
        assert settings["cleanup.policy"] == "compact"
        assert settings["min.compaction.lag.ms"] == "3600000"
        assert settings["segment.ms"] == "600000"
        assert "retention.ms" not in settings


def test_an_erased_person_leaves_a_compacted_topic_within_a_day() -> None:
    assert topics.PEOPLE.settings()["max.compaction.lag.ms"] == "86400000"


@pytest.mark.parametrize("topic", [topics.PERSON_EVENTS, topics.DEAD_LETTERS])
def test_events_and_dead_letters_are_kept_for_seven_days(topic: topics.Topic) -> None:
    assert topic.settings() == {"cleanup.policy": "delete", "retention.ms": "604800000"}


def test_the_prefix_stands_before_every_name() -> None:
    assert KafkaAddress("here:9092", "demo-1-").topic(topics.POOL) == "demo-1-pool"
    assert KafkaAddress("here:9092").topic(topics.POOL) == "pool"


@pytest.mark.parametrize("prefix", ["a b", "a/b", "ä", "x" * 61, "a\n"])
def test_a_prefix_that_kafka_would_refuse_is_refused_at_once(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        KafkaAddress("here:9092", prefix)


def test_topics_without_a_prefix_are_never_deleted() -> None:
    with pytest.raises(ValueError, match="without a prefix"):
        topics.delete("127.0.0.1:1", "")


def test_all_servers_of_a_list_are_asked() -> None:
    assert KafkaAddress("a:1,b:2").client_options()["bootstrap_servers"] == ["a:1", "b:2"]


def test_only_the_embedded_broker_is_spoken_to_in_an_old_protocol() -> None:
    assert "api_version" not in KafkaAddress("a:1").client_options()
    assert KafkaAddress("a:1", embedded=True).client_options()["api_version"] == (2, 1)
