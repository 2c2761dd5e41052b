"""axe-core finds nothing up to WCAG 2.2 AA in any state, by day and by night, at 320 pixels.

Nothing has to be scrolled sideways, with text twice as large either, whatever is tapped is large enough, and Tab comes
to everything, where the focus can be seen.
"""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from services.topics import PARTITIONS
from tests.browser.chromium import visit
from tests.browser.states import STATES, Place, place
from tests.gateway_desk import Desk

OPTIONS: dict[str, dict[str, list[str]]] = {
    "light": {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "dark": {"runOnly": ["color-contrast"]},
}
"""By night only colours differ, and one rule looks at them."""
SMALL = {"width": 320, "height": 640}
TAPPED = """button, .button, .quiet, select, .choice, summary, header a, textarea,
  input:not([type=checkbox], [type=radio])"""
TOO_SMALL = """(tapped) => [...document.querySelectorAll(tapped)].filter((one) => one.checkVisibility())
  .map((one) => [one.outerHTML.slice(0, 80), one.getBoundingClientRect()])
  .filter(([_, box]) => box.height < 44 || box.width < 44).map(([html]) => html)"""
SIDEWAYS = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"

CAN_BE_USED = "a[href], button, summary, select, textarea, input:not([type=hidden], [type=radio]:not(:checked))"
"""Of several radio buttons Tab comes to the chosen one; from there the arrows go on."""
NOTE_FOCUS = """() => document.addEventListener("focusin", ({target}) => {
  const shown = target.closest(".choice") ?? target;
  target.reached = getComputedStyle(shown).outlineStyle !== "none" ? "seen" : "unseen"; })"""
USED = "(used) => [...document.querySelectorAll(used)].filter((one) => one.checkVisibility())"
NOT_REACHED = (
    f"(used) => ({USED})(used).filter((one) => one.reached !== 'seen').map((one) => one.outerHTML.slice(0, 80))"
)
PARTS_OF_TIMES = 12
"""Stops of Tab within fields, as between hours and minutes."""


@pytest.fixture
def one(browser: Browser, gateway: Desk) -> Iterator[Place]:
    with visit(browser, viewport=SMALL, reduced_motion="reduce") as context:
        yield place(gateway, context)
    gateway.views.set_whole(frozenset(range(PARTITIONS)))


def _not_reached_by_tab(page: Page) -> list[str]:
    page.evaluate(NOTE_FOCUS)
    for _ in range(page.evaluate(f"(used) => ({USED})(used).length", CAN_BE_USED) + PARTS_OF_TIMES):
        page.keyboard.press("Tab")
    found: list[str] = page.evaluate(NOT_REACHED, CAN_BE_USED)
    return found


@pytest.mark.parametrize("state", STATES)
def test_every_state_is_for_everybody(one: Place, state: str) -> None:
    faults: list[str] = []
    one.page.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
    one.page.on("pageerror", lambda error: faults.append(str(error)))
    STATES[state](one)
    for colours, options in OPTIONS.items():
        one.page.emulate_media(color_scheme="dark" if colours == "dark" else "light")
        found = Axe().run(one.page, options=options).response["violations"]
        assert [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in found] == [], colours
    assert one.page.evaluate(TOO_SMALL, TAPPED) == []
    assert not one.page.evaluate(SIDEWAYS)
    assert _not_reached_by_tab(one.page) == []
    one.page.evaluate("document.documentElement.style.fontSize = '250%'")  # as with text twice as large
    assert not one.page.evaluate(SIDEWAYS)
    assert faults == []
