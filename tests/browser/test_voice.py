"""A call between two browsers that the real pipeline has matched: heard, lost, found again, and ended."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.line import Line, line
from tests.browser.turn import Turn
from tests.conftest import Parts


@pytest.fixture(scope="module")
def relayed_line(
    shared_parts: Parts, chromium: Browser, turn: Turn, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Line]:
    with line(shared_parts, tmp_path_factory.mktemp("data"), chromium, turn) as made:
        yield made


@pytest.fixture
def relayed(relayed_line: Line) -> Iterator[Line]:
    yield relayed_line
    relayed_line.leave()


def test_two_people_hear_each_other_through_the_relay_alone(relayed: Line) -> None:
    ann, bob = relayed.talking()
    for one in (ann, bob):
        one.until_sound_goes_on()
        sound = one.see("window.sound()")
        assert sound["pair"] == ["relay", "relay"]
        assert sound["energy"] > 0
    assert ann.until_told("connected") == "You hear each other."
    ann.page.get_by_text("Hang up").click()
    assert [one.until_over()["end"] for one in (ann, bob)] == ["ended"] * 2
    for one in (ann, bob):
        one.write("POST", f"/calls/{one.see('window.invitation.invitation')}/outcome", {"talk_again": "yes"})
