"""What the report says of a small history made by hand, whatever else stands in it."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from matcher.errors import Away, NotFound
from services import cli
from services.archivist.files import Span
from services.archivist.rows import row, write
from services.report import figures as module
from services.report.figures import Time, figures
from services.report.shown import moment, table

DAY = "2026-11-25T"
START_MS = round(datetime(2026, 11, 25, 9, tzinfo=UTC).timestamp() * 1000)


def at(seconds: float, hour: int = 9) -> str:
    return f"{DAY}{hour:02d}:{int(seconds) // 60:02d}:{int(seconds) % 60:02d}Z"


class Made:
    """Rows of a history that is written at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._rows: dict[str, list[Any]] = {}
        self._row: dict[str, dict[str, Any]] = {}
        self._cause = 0

    def say(self, topic: str, value: Any, skip: int = 0) -> None:
        rows = self._rows.setdefault(topic, [])
        offset = (rows[-1].offset + 1 if rows else 0) + skip
        raw = value if isinstance(value, bytes | None) else json.dumps(value).encode()
        rows.append(row(topic, 0, offset, START_MS + offset, b"key", raw))

    def opened(self, person: str, availability: str, seconds: float, hour: int = 9) -> None:
        event = {"type": "availability.opened.v1", "person": person, "availability": availability}
        self.say("person-events", {**event, "at": at(seconds, hour), "opened_at": at(20 * seconds % 3600, 12)})

    def invitation(self, name: str, a: str, b: str, seconds: float, **change: Any) -> None:
        """The next row of an invitation; changes stay, and the pool's time is 20 times as fast from 12:00 on."""
        self._cause += 1
        found = self._row.setdefault(name, {
            "invitation": name, "a": a, "b": b, "availability_a": f"av-{a}", "availability_b": f"av-{b}",
            "state": "offered", "rung": False, "confirmed_wall": None, "connected_wall": None,
            "decided_wall": at(seconds),
        })  # fmt: skip
        found.update({"offset": self._cause, "pool_wall": at(seconds), "pool_now": at(20 * seconds, 12)} | change)
        self.say("invitations", found)

    def outcome(self, name: str, person: str, word: str) -> None:
        event = {"type": "outcome.given.v1", "invitation": name, "person": person, "talk_again": word}
        self.say("outcomes", event)

    def report(self, **time: Any) -> dict[str, Any]:
        for topic, rows in self._rows.items():
            write(self._folder / Span(topic, 0, rows[0].offset, rows[-1].offset).name, rows)
        return figures(self._folder, Time(**time))


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Four people: ann and bob talk and would again, cat is rung in vain, dan is never rung."""
    made = Made(tmp_path)
    for second, person in enumerate(("ann", "bob", "cat", "dan")):
        made.opened(person, f"av-{person}", second)
    made.opened("ann", "av-ann", 0)
    made.invitation("one", "ann", "cat", 10)
    made.invitation("one", "ann", "cat", 11, state="rung", rung=True)
    made.invitation("one", "ann", "cat", 41, state="expired")
    made.invitation("two", "ann", "bob", 50)
    made.invitation("two", "ann", "bob", 51, state="rung", rung=True)
    made.invitation("two", "ann", "bob", 60, state="confirmed", confirmed_wall=at(60))
    made.invitation("two", "ann", "bob", 61, connected_wall=at(61))
    made.invitation("two", "ann", "bob", 90, state="ended")
    made.outcome("two", "ann", "maybe")
    made.outcome("two", "ann", "yes")
    made.outcome("two", "bob", "yes")
    made.say("pairs", {"a": "ann", "b": "bob", "bond": False, "offset": 0})
    made.say("pairs", {"a": "ann", "b": "bob", "bond": True, "offset": 2})
    made.say("dead-letters", {"kind": "letter", "id": "l-1"})
    made.say("dead-letters", {"kind": "letter", "id": "l-1"})
    made.say("dead-letters", {"kind": "mark", "id": "l-1"})
    return made


COUNTED = {
    "opened": 4, "offered": 2, "rung": 2, "accepted_both": 1, "connected": 1, "both_would_talk_again": 1, "bonds": 1,
    "declined": 0, "expired": 1, "voided": 0, "dead_letters": 1,
}  # fmt: skip


def counted(report: dict[str, Any]) -> dict[str, int]:
    return {name: report[name] for name in COUNTED}


def test_each_thing_is_counted_once(made: Made) -> None:
    report = made.report()
    assert counted(report) == COUNTED
    assert report["people"] == {
        "offered_time": 4, "connected": 2, "coverage": 0.5, "never_asked": 1, "never_asked_share": 0.25,
    }  # fmt: skip
    assert report["history"]["rows_lost"] == 0


def test_how_people_hear_each_other_is_told_of_every_heartbeat_that_says_it(made: Made) -> None:
    heard = {"type": "leg.heard.v1", "invitation": {"invitation": "two"}, "person": "ann", "connected": True}
    made.say("calls", {**heard, "quality": None})
    made.say("calls", {**heard, "quality": {"loss": 0.25, "jitter_ms": 12.34, "round_trip_ms": None}})
    made.say("calls", {**heard, "quality": {"loss": 0.0, "jitter_ms": 8, "round_trip_ms": 90}})
    made.say("calls", {**heard, "quality": {"loss": 0.001, "jitter_ms": 8, "round_trip_ms": 240}})
    made.say("calls", {**heard, "invitation": {"invitation": "of another time"}, "quality": {"loss": 1.0}})
    made.say("calls", {**heard, "type": "call.bridged.v1"})
    report = made.report()
    assert report["heard"] == {
        "of": 3,
        "loss": {"p50": 0.001, "p90": 0.25},
        "jitter_ms": {"p50": 8.0, "p90": 12.3},
        "round_trip_ms": {"p50": 90.0, "p90": 240.0},
    }
    told = table(report)
    assert "of 3 heartbeats" in told
    assert "25.0%" in told
    assert "240 ms" in told


def test_waits_are_told_in_peoples_minutes_and_the_clocks_seconds(made: Made) -> None:
    waits = made.report()["waits"]
    matched = waits["until_matched"]
    assert matched == {"of": 3, "domain_min": {"p50": 3.33, "p90": 16.33}, "wall_s": {"p50": 10.0, "p90": 49.0}}
    ring = waits["until_the_ring_that_led_on"]
    assert ring == {"of": 2, "domain_min": {"p50": 16.67, "p90": 17.0}, "wall_s": {"p50": 50.0, "p90": 51.0}}


def test_what_a_late_writer_says_changes_nothing(made: Made) -> None:
    made.invitation("one", "ann", "cat", 41, state="declined")
    made.invitation("two", "ann", "bob", 90, state="voided", offset=4)
    made.invitation("one", "ann", "cat", 42, state="confirmed", confirmed_wall=at(42))
    assert counted(made.report()) == COUNTED


def test_a_ring_that_no_row_shows_counts(made: Made) -> None:
    made.invitation("three", "cat", "dan", 100)
    made.say("pool", {"type": "invitation.rung.v1", "invitation": {"invitation": "three"}})
    made.invitation("three", "cat", "dan", 101, state="voided")
    report = made.report()
    assert (report["rung"], report["voided"], report["people"]["never_asked"]) == (3, 1, 0)


def test_anything_may_stand_in_a_topic(made: Made) -> None:
    strange = (
        b"no JSON", b"\xff", None, b"[]", b"7", b'{"type":"availability.opened.v1","at":"noon"}',
        b'{"invitation":"x","offset":"y","rung":3,"pool_now":[]}', b'{"type":"invitation.rung.v1"}',
    )  # fmt: skip
    for topic in ("person-events", "pool", "invitations", "outcomes", "pairs", "dead-letters"):
        for value in strange:
            made.say(topic, value)
    assert counted(made.report()) == COUNTED


def test_only_what_began_in_the_time_asked_for_is_counted(made: Made) -> None:
    made.opened("eve", "av-eve", 0, hour=15)
    noon = datetime(2026, 11, 25, 12, tzinfo=UTC)
    late = made.report(since=noon)
    assert (late["opened"], late["offered"], late["both_would_talk_again"], late["dead_letters"]) == (1, 0, 0, 0)
    assert late["people"]["never_asked_share"] == 1.0
    assert counted(made.report(until=noon)) == COUNTED


def test_rows_that_were_lost_are_told(made: Made) -> None:
    made.say("pool", {"type": "tick.v1"})
    made.say("pool", {"type": "tick.v1"}, skip=6)
    report = made.report()
    assert report["history"]["rows_lost"] == 6
    assert "LOST: 6 rows" in table(report)


def test_an_empty_history_and_none_have_a_clear_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert table(figures(tmp_path, Time())) == "The history holds nothing yet."
    with pytest.raises(NotFound, match="there is no history in"):
        figures(tmp_path / "none", Time())
    assert cli.main(["report", "--history", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["opened"] == 0


def test_the_table_says_what_the_figures_say(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made.report()
    assert cli.main(["report", "--history", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "       4  times somebody was free to talk" in shown
    assert "of them talked with somebody (50%)" in shown


def test_files_that_are_merged_while_they_are_read_are_read_again(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.report()
    there, gone = module.all_spans(tmp_path), Span("pool", 0, 0, 3)
    answers = [[*there, gone], there]
    monkeypatch.setattr(module, "all_spans", lambda _: answers.pop(0))
    assert counted(figures(tmp_path, Time())) == COUNTED
    monkeypatch.setattr(module, "all_spans", lambda _: [gone])
    with pytest.raises(Away, match="try again"):
        figures(tmp_path, Time())


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("2026-11-25", at(0, 0)), ("2026-11-25T09:00:00Z", at(0)), ("2026-11-25T10:00:00+01:00", at(0))],
)
def test_a_time_is_utc_unless_it_says_otherwise(typed: str, meant: str) -> None:
    assert moment(typed) == datetime.fromisoformat(meant)


def test_a_bad_time_is_explained() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="not 'noon'"):
        moment("noon")


def test_a_time_that_ends_before_it_begins_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["report", "--history", str(tmp_path), "--since", "2026-11-25", "--until", "2026-11-25"]
    assert cli.main(asked) == 2
    assert "--since must be earlier than --until" in capsys.readouterr().err


def test_whoever_asks_the_files_in_sql_finds_plain_columns(made: Made, tmp_path: Path) -> None:
    made.report()
    asked = (
        f"""select topic, type, "offset", value->>'person' from '{tmp_path}/*.parquet' where type is not null limit 1"""
    )
    assert len(duckdb.sql(asked).fetchall()) == 1
