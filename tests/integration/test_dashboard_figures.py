"""The dashboard's figures equal the checker's at the end of a demo: two counts that share no code."""

import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from services.dashboard.health import WATCHED
from tests.dashboard_desk import Operator
from tests.living_demo import LivingDemo, living_demo
from tests.world import eventually

PEOPLE = 40
PLAY_S = 25
ENDS_WITHIN_S = 90.0
BOTH = (
    "opened", "offered", "rung", "accepted_both", "connected", "both_would_talk_again", "expired", "declined", "voided",
)  # fmt: skip


@pytest.mark.timeout(240)
def test_figures_equal_the_checkers_at_the_end_of_a_demo(tmp_path: Path) -> None:
    with living_demo(tmp_path / "demo", PEOPLE, PLAY_S, seed=3) as played:
        addresses = played.wait_for_town()
        with Operator(base_url=addresses["dashboard"]) as operator:
            assert operator.sign_in(addresses["dashboard_password"]).status_code == 303
            last = figures_when_the_town_has_ended(played, operator)
        report = played.report()
    assert {name: last["totals"][name] for name in BOTH} == {name: report[name] for name in BOTH}
    assert last["letters"]["count"] == report["dead_letters"]
    assert report["open_now"] == {"windows": last["now"]["open"], "invitations": 0, "calls": last["now"]["calls"]}
    assert report["connected"] > 0
    assert last["waits"]["until_rung"]["count"] > 0
    assert last["unreadable"] == {}
    assert {one["name"]: one["state"] for one in last["processes"]} == dict.fromkeys(WATCHED, "well")
    assert last["refused"] is not None
    assert last["reading"]["caught_up"]
    assert len(last["points"]) > 1


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
