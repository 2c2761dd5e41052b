"""A demo's history, asked after its end, says what the checker said: two that count with different code."""

import json
from pathlib import Path

import pytest

from services import cli
from services.archivist.files import HISTORY
from tests.living_demo import living_demo

PEOPLE = 40
PLAY_S = 25
SEED = 3
SHARED = (
    "opened", "offered", "rung", "accepted_both", "connected", "both_would_talk_again", "declined", "expired", "voided",
    "dead_letters",
)  # fmt: skip


@pytest.mark.timeout(PLAY_S + 180)
def test_the_report_equals_the_checker_although_the_archivist_was_killed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "demo"
    with living_demo(data, PEOPLE, PLAY_S, SEED) as played:
        played.wait_for_town()
        played.kill("archivist")
        checked = played.report()
    assert cli.main(["report", "--json", "--history", str(data / HISTORY)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {name: told[name] for name in SHARED} == {name: checked[name] for name in SHARED}
    assert checked["connected"] > 0
    assert checked["restarts"] == 1
    assert told["history"]["rows_lost"] == 0
    assert told["people"]["offered_time"] == PEOPLE
