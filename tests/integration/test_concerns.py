"""`partyline concerns` on a broker: what stands in people's rows, as a table and as JSON, and what lets go of them."""

import json
from datetime import UTC, datetime

import pytest

from matcher.events import PersonReleased, read_event
from matcher.person import Concern, Person
from matcher.values import wire
from services import cli, topics
from services.adapters import kafka as connections
from services.adapters.backlog import backlog
from services.topics import PEOPLE, PERSON_EVENTS, KafkaAddress

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SEND_TIMEOUT_S = 10


CONCERN = Concern(concern="concern-1", by="person-2", invitation="inv-1", what="was \x1b[2Jrude", at=NOW)


@pytest.fixture(autouse=True)
def on_the_broker(kafka: KafkaAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command reads and writes there."""
    topics.create(kafka.bootstrap, kafka.prefix, kafka.embedded)
    monkeypatch.setenv("PARTYLINE_BROKER", kafka.bootstrap)
    monkeypatch.setenv("PARTYLINE_EMBEDDED", str(kafka.embedded))
    monkeypatch.setenv("PARTYLINE_TOPIC_PREFIX", kafka.prefix)


def put(kafka: KafkaAddress, *concerns: Concern) -> None:
    """A person for whom these concerns stand."""
    row = Person(offset=4, person="person-1", held=True, concerns=concerns)
    with connections.producer(kafka) as producer:
        producer.send(kafka.topic(PEOPLE), key=b"person-1", value=wire(row)).get(timeout=SEND_TIMEOUT_S)


def test_concerns_are_listed_without_what_a_terminal_would_obey(
    kafka: KafkaAddress, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["concerns", "list"]) == 0
    assert capsys.readouterr().err == "no concerns\n"
    put(kafka, CONCERN)
    assert cli.main(["concerns", "list"]) == 0
    assert capsys.readouterr().out.split() == [
        "concern-1", "2026-11-23T09:00:00+00:00", "person-1", "person-2", "inv-1", "was", "[2Jrude",
    ]  # fmt: skip
    assert cli.main(["concerns", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["reported"], found["by"], found["what"]) == ("person-1", "person-2", "was \x1b[2Jrude")


def test_who_only_tapped_is_listed_as_that(kafka: KafkaAddress, capsys: pytest.CaptureFixture[str]) -> None:
    put(kafka, CONCERN.model_copy(update={"what": ""}))
    assert cli.main(["concerns", "list"]) == 0
    assert "inv-1  (tapped “This feels wrong”, said nothing more)" in capsys.readouterr().out
    assert cli.main(["concerns", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["what"] == ""


def test_a_settled_concern_is_let_go_of_by_an_event_and_an_unknown_one_is_told(
    kafka: KafkaAddress, capsys: pytest.CaptureFixture[str]
) -> None:
    put(kafka, CONCERN, CONCERN.model_copy(update={"concern": "concern-2", "by": "person-3"}))
    assert cli.main(["concerns", "settle", "concern-9"]) == 2
    assert "no concern concern-9 stands" in capsys.readouterr().err
    for _ in range(2):  # asked again before the row shows it: the same event
        assert cli.main(["concerns", "settle", "concern-1"]) == 0
        assert capsys.readouterr().out == "concern-1 is settled; person-1 is still held for 1 more\n"
    found = [(record.key, read_event("person-events", record.value)) for record in backlog(kafka, PERSON_EVENTS)]
    assert len({event.id for _, event in found}) == 1
    for key, event in found:
        assert isinstance(event, PersonReleased)
        assert (key, event.person, event.concern) == (b"person-1", "person-1", "concern-1")
    put(kafka, CONCERN)
    assert cli.main(["concerns", "settle", "concern-1"]) == 0
    assert capsys.readouterr().out == "concern-1 is settled; person-1 is held no longer\n"
