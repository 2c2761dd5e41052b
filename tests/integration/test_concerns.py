"""`partyline concerns list` on a broker: what stands in people's rows, as a table and as JSON."""

import json
from datetime import UTC, datetime

import pytest

from matcher.person import Concern, Person
from matcher.values import wire
from services import cli, topics
from services.adapters import kafka as connections
from services.topics import PEOPLE, KafkaAddress

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SEND_TIMEOUT_S = 10


def test_concerns_are_listed_without_what_a_terminal_would_obey(
    kafka: KafkaAddress, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    topics.create(kafka.bootstrap, kafka.prefix, kafka.embedded)
    monkeypatch.setenv("PARTYLINE_BROKER", kafka.bootstrap)
    monkeypatch.setenv("PARTYLINE_EMBEDDED", str(kafka.embedded))
    monkeypatch.setenv("PARTYLINE_TOPIC_PREFIX", kafka.prefix)
    assert cli.main(["concerns", "list"]) == 0
    assert capsys.readouterr().err == "no concerns\n"
    concern = Concern(concern="concern-1", by="person-2", invitation="inv-1", what="was \x1b[2Jrude", at=NOW)
    row = Person(offset=4, person="person-1", held=True, concerns=(concern,))
    with connections.producer(kafka) as producer:
        producer.send(kafka.topic(PEOPLE), key=b"person-1", value=wire(row)).get(timeout=SEND_TIMEOUT_S)
    assert cli.main(["concerns", "list"]) == 0
    assert capsys.readouterr().out.split() == [
        "concern-1", "2026-11-23T09:00:00+00:00", "person-1", "person-2", "inv-1", "was", "[2Jrude",
    ]  # fmt: skip
    assert cli.main(["concerns", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["reported"], found["by"], found["what"]) == ("person-1", "person-2", "was \x1b[2Jrude")
