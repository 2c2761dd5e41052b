"""One demo, counted by code that shares nothing: by the checker, the dashboard, the report and the learner."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from services import cli
from services.archivist.files import HISTORY
from services.dashboard.health import WATCHED
from services.learner.history import read
from tests.dashboard_desk import Operator
from tests.living_demo import LivingDemo, living_demo
from tests.world import eventually

PEOPLE = 40
PLAY_S = 25
SEED = 3
ENDS_WITHIN_S = 90.0
ALL_THREE = (
    "opened", "offered", "rung", "accepted_both", "connected", "both_would_talk_again", "expired", "declined", "voided",
)  # fmt: skip

pytestmark = pytest.mark.timeout(PLAY_S + 180)


@dataclass(frozen=True)
class Counted:
    """What the checker and the dashboard said at the end, and where the history is."""

    checked: dict[str, Any]
    shown: dict[str, Any]
    history: Path


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counted]:
    """A demo that has ended; its archivist was killed on the way."""
    data = tmp_path_factory.mktemp("counted") / "demo"
    with living_demo(data, PEOPLE, PLAY_S, SEED) as played:
        addresses = played.wait_for_town()
        played.kill("archivist")
        with Operator(base_url=addresses["dashboard"]) as operator:
            assert operator.sign_in(addresses["dashboard_password"]).status_code == 303
            shown = figures_when_the_town_has_ended(played, operator)
        yield Counted(played.report(), shown, data / HISTORY)


def test_the_dashboards_figures_equal_the_checkers(counted: Counted) -> None:
    checked, shown = counted.checked, counted.shown
    assert {name: shown["totals"][name] for name in ALL_THREE} == {name: checked[name] for name in ALL_THREE}
    assert shown["letters"]["count"] == checked["dead_letters"]
    assert checked["open_now"] == {"windows": shown["now"]["open"], "invitations": 0, "calls": shown["now"]["calls"]}
    assert checked["connected"] > 0
    assert shown["waits"]["until_rung"]["count"] > 0
    assert shown["unreadable"] == {}
    assert {one["name"]: one["state"] for one in shown["processes"]} == dict.fromkeys(WATCHED, "well")
    assert shown["refused"] is not None
    assert shown["reading"]["caught_up"]
    assert len(shown["points"]) > 1


def test_the_reports_figures_equal_the_checkers_although_the_archivist_was_killed(
    counted: Counted, capsys: pytest.CaptureFixture[str]
) -> None:
    checked = counted.checked
    assert cli.main(["report", "--json", "--history", str(counted.history)]) == 0
    told = json.loads(capsys.readouterr().out)
    compared = (*ALL_THREE, "dead_letters")
    assert {name: told[name] for name in compared} == {name: checked[name] for name in compared}
    assert checked["restarts"] == 1
    assert told["history"]["rows_lost"] == 0
    assert told["people"]["offered_time"] == PEOPLE


def test_the_learner_finds_every_answer_of_the_same_history(counted: Counted) -> None:
    history = read(counted.history)
    answers = history.answers
    assert not history.left_out
    assert len(history.people) == PEOPLE
    both = [place for place, back in enumerate(answers.back) if back >= 0 and answers.yes[place] and answers.yes[back]]
    assert len(both) == 2 * counted.checked["both_would_talk_again"]
    assert 0 < len(set(answers.group)) <= counted.checked["connected"]


def figures_when_the_town_has_ended(played: LivingDemo, operator: Operator) -> dict[str, Any]:
    """The last figures. The demo itself is halted meanwhile, since it ends all its processes when the town has."""
    town = psutil.Process(played.pids()["town"])
    os.kill(played.process.pid, signal.SIGSTOP)
    try:
        eventually(lambda: town.status() == psutil.STATUS_ZOMBIE, ENDS_WITHIN_S, "the town ends")
        return eventually(lambda: steady(operator), what="all is read")
    finally:
        os.kill(played.process.pid, signal.SIGCONT)


def steady(operator: Operator) -> dict[str, Any] | None:
    """The figures, once nothing is open or unread and two looks in a row say the same."""
    before = operator.figures()
    after = eventually(lambda: (found := operator.figures())["id"] != before["id"] and found)
    same = all(before[name] == after[name] for name in ("totals", "now", "letters"))
    return after if same and after["now"]["open"] == 0 and after["reading"]["behind"] == 0 else None
