"""axe-core finds nothing up to WCAG 2.2 AA in any state, by day and by night, at 320 pixels.

Nothing has to be scrolled sideways, with text twice as large either, and whatever is tapped is large enough.
"""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from services.topics import PARTITIONS
from tests.browser.states import STATES, Place, place
from tests.gateway_desk import Desk

OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SMALL = {"width": 320, "height": 640}
TAPPED = "button, .button, .quiet, select, .choice, summary, header a, textarea, input:not([type=checkbox])"
TOO_SMALL = """(tapped) => [...document.querySelectorAll(tapped)].filter((one) => one.checkVisibility())
  .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
  .filter(([_, box]) => box.height < 44 || box.width < 44).map(([html]) => html)"""
SIDEWAYS = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture
def one(browser: Browser, gateway: Desk) -> Iterator[Place]:
    context = browser.new_context(viewport=SMALL, reduced_motion="reduce")
    yield place(gateway, context)
    context.close()
    gateway.views.set_whole(frozenset(range(PARTITIONS)))


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_for_everybody(one: Place, state: str) -> None:
    faults: list[str] = []
    one.page.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
    one.page.on("pageerror", lambda error: faults.append(str(error)))
    STATES[state](one)
    for colours in ("light", "dark"):
        one.page.emulate_media(color_scheme=colours)
        found = Axe().run(one.page, options=OPTIONS).response["violations"]
        assert [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in found] == [], colours
    assert one.page.evaluate(TOO_SMALL, TAPPED) == []
    assert not one.page.evaluate(SIDEWAYS)
    one.page.evaluate("document.documentElement.style.fontSize = '250%'")  # as with text twice as large
    assert not one.page.evaluate(SIDEWAYS)
    assert faults == []
