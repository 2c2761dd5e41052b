"""Dead letters on a broker: listed, replayed where they came from, discarded; by function and by command."""

import json
from datetime import UTC, datetime

import pytest

from matcher.errors import BadRequest, NotFound
from matcher.values import wire
from services import cli, topics
from services.adapters import dead_letters, kafka as connections
from services.adapters.backlog import backlog
from services.adapters.dead_letters import VALUE_LIMIT, DeadLetter, letter
from services.topics import DEAD_LETTERS, PERSON_EVENTS, KafkaAddress

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SEND_TIMEOUT_S = 10


@pytest.fixture
def address(kafka: KafkaAddress) -> KafkaAddress:
    topics.create(kafka.bootstrap, kafka.prefix, kafka.embedded)
    return kafka


def give_up(address: KafkaAddress, value: bytes = b"\x00 an event that nobody understands") -> DeadLetter:
    """Send an event, and give it up as the stream does."""
    with connections.producer(address) as producer:
        name = address.topic(PERSON_EVENTS)
        sent = producer.send(name, key=b"person-1", value=value).get(timeout=SEND_TIMEOUT_S)
        dead = letter(
            source_topic=name, partition=sent.partition, offset=sent.offset, key=b"person-1", value=value,
            error="event: json_invalid", attempts=1, at=NOW,
        )  # fmt: skip
        producer.send(address.topic(DEAD_LETTERS), key=name.encode(), value=wire(dead)).get(timeout=SEND_TIMEOUT_S)
    return dead


def sent_to_source(address: KafkaAddress) -> list[tuple[int, bytes, bytes]]:
    return [(one.partition, one.key, one.value) for one in backlog(address, PERSON_EVENTS)]


def test_a_topic_without_messages_has_no_backlog(address: KafkaAddress) -> None:
    assert list(backlog(address, DEAD_LETTERS)) == []
    assert dead_letters.listed(address) == {}


def test_a_replayed_letter_is_the_same_event_in_the_same_partition(address: KafkaAddress) -> None:
    dead = give_up(address)
    assert [one.state for one in dead_letters.listed(address).values()] == ["waiting"]
    dead_letters.replay(address, dead.id, NOW)
    original, again = sent_to_source(address)
    assert original == again
    assert dead_letters.find(address, dead.id).state == "replayed"


def test_a_discarded_letter_is_not_sent_again(address: KafkaAddress) -> None:
    dead = give_up(address)
    dead_letters.discard(address, dead.id, NOW)
    assert dead_letters.find(address, dead.id).state == "discarded"
    with pytest.raises(BadRequest, match="was discarded"):
        dead_letters.replay(address, dead.id, NOW)
    assert len(sent_to_source(address)) == 1


def test_a_letter_that_does_not_exist_is_not_found(address: KafkaAddress) -> None:
    with pytest.raises(NotFound):
        dead_letters.replay(address, "letter-of-nobody", NOW)


def test_an_event_too_large_for_a_letter_is_replayed_from_where_it_stands(address: KafkaAddress) -> None:
    value = b"x" * (VALUE_LIMIT + 1)
    dead = give_up(address, value)
    dead_letters.replay(address, dead.id, NOW)
    assert [one[2] for one in sent_to_source(address)] == [value, value]


def test_the_commands_list_show_replay_and_discard(
    address: KafkaAddress, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PARTYLINE_BROKER", address.bootstrap)
    monkeypatch.setenv("PARTYLINE_EMBEDDED", str(address.embedded))
    monkeypatch.setenv("PARTYLINE_TOPIC_PREFIX", address.prefix)
    first, second = give_up(address), give_up(address)
    assert cli.main(["dead-letters", "list", "--json"]) == 0
    assert [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()] == [first.id, second.id]
    assert cli.main(["dead-letters", "show", first.id]) == 0
    assert json.loads(capsys.readouterr().out)["value"] == "\x00 an event that nobody understands"
    assert cli.main(["dead-letters", "replay", first.id]) == 0
    assert cli.main(["dead-letters", "discard", second.id]) == 0
    assert cli.main(["dead-letters", "discard", second.id]) == 2
    assert "was discarded" in capsys.readouterr().err
    assert cli.main(["dead-letters", "list"]) == 0
    assert capsys.readouterr().out == ""
    assert cli.main(["dead-letters", "list", "--all"]) == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["replayed", "discarded"]
