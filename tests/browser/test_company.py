"""Company for one: somebody who joins a demo with one browser alone is rung, and hears a neighbour."""

from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.chromium import visit
from tests.browser.people import someone
from tests.living_demo import living_demo

PEOPLE, PLAY_S, SEED = 40, 40, 5
CALMS_DOWN = "new Promise((later) => setTimeout(later, 4500))"


def test_one_person_with_one_browser_hears_a_neighbour(browser: Browser, tmp_path: Path) -> None:
    with living_demo(tmp_path / "demo", PEOPLE, PLAY_S, SEED) as played, visit(browser) as context:
        vera = someone(context, played.wait_for_town()["url"], "Vera").appear()
        vera.be_free("1 hour")
        vera.button("Yes, let’s talk").click()
        vera.reads("You hear each other")
        vera.until_call("bridged")
        vera.until_sound_goes_on()
        vera.until("window.sound().then((sound) => sound.energy > 0.001)", "the neighbour is not silent")
        before = vera.script("window.connections.length")
        vera.script(f"{CALMS_DOWN}.then(() => window.connections.at(-1).restartIce())")
        vera.until(f"window.connections.length > {before}", "the neighbour begins anew with a page that lost the line")
        vera.until_sound_goes_on()
        vera.button("Hang up").click()
        vera.page.get_by_text("Would you talk with").wait_for()
        assert vera.invitation()["called"]
        assert vera.faults == []
        vera.page.close()
        played.enough()
        report = played.report()
    assert report["town"]["did"]["visitors"] == 1
    assert report["violations"] == []
