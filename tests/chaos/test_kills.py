"""A demo whose processes are killed while the town lives in it: nothing is lost, nobody is booked twice."""

import json
import random
from functools import partial
from pathlib import Path

import pytest

from tests.living_demo import KILLED, WIPE, Signs, hit, living_demo
from tests.world import eventually

PEOPLE = 450
PLAY_S = 150
"""All that may be needed: the town's day ends with the last deed."""
AGAIN_S = 15.0
SEED = 7


@pytest.mark.alone
@pytest.mark.timeout(PLAY_S + 200)
def test_killed_processes_and_a_wiped_redis_lose_nothing_and_offers_flow_again(
    demo_arguments: list[str], tmp_path: Path
) -> None:
    deeds = [*KILLED, *KILLED, WIPE]
    random.Random(SEED).shuffle(deeds)
    told: list[str] = []
    with living_demo(tmp_path / "demo", PEOPLE, PLAY_S, SEED, demo_arguments) as played:
        addresses = played.wait_for_town()
        signs = Signs(addresses)
        eventually(partial(signs.flow_after, 0.0, "calls"), what="the town is alive")
        for deed in deeds:
            told.append(f"{deed}: again after {hit(played, addresses, signs, deed, AGAIN_S):.1f} s")
        played.enough()
        report = played.report()
    told += played.errors
    shown = ("double_booked", "lost", "lost_of", "violations", "restarts", "connected")
    broken = json.dumps([{name: report[name] for name in shown}, told])
    assert report["double_booked"] == 0, broken
    assert report["lost"] == 0, broken
    assert report["violations"] == [], broken
    assert report["restarts"] == len(deeds) - 1, broken
    assert report["connected"] > 0, broken
