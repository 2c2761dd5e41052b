"""Company for one: somebody who joins a demo with one browser alone is rung, and hears a neighbour."""

from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.visitor import Visitor
from tests.living_demo import living_demo

PEOPLE, PLAY_S, SEED = 60, 40, 5
PHONE = "+447400100001"


def test_one_person_with_one_browser_hears_a_neighbour(browser: Browser, tmp_path: Path) -> None:
    with living_demo(tmp_path / "demo", PEOPLE, PLAY_S, SEED) as played:
        url = played.wait_for_town()["url"]
        visitor = Visitor(browser, url, PHONE, "Vera")
        visitor.free(60)
        visitor.accept()
        visitor.until_connected()
        visitor.until("window.invitation.connected", "the bridge calls it connected")
        visitor.until_sound_goes_on()
        visitor.until("window.sound().then((sound) => sound.energy > 0.001)", "the neighbour is not silent")
        visitor.see(
            "new Promise((later) => setTimeout(later, 4500)).then(() => window.connections.at(-1).restartIce())"
        )
        visitor.until("window.connections.length === 2", "the neighbour begins anew with a page that lost the line")
        visitor.until_sound_goes_on()
        visitor.page.get_by_text("Hang up").click()
        assert visitor.until_over()["called"]
        visitor.close()
        report = played.report()
    assert report["town"]["did"]["visitors"] == 1
    assert report["violations"] == []
