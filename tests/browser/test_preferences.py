"""What somebody has set on their telephone counts: more contrast, colours of their own, less motion, larger type."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.browser.chromium import visit
from tests.browser.states import STATES, Place, place
from tests.gateway_desk import Desk

ENHANCED = {"runOnly": {"type": "rule", "values": ["color-contrast-enhanced"]}}
"""WCAG's level AAA: seven to one."""
SAME = """(selectors) => new Set(selectors.map((one) => {
  const {borderTopWidth, outlineStyle, backgroundColor, color} = getComputedStyle(document.querySelector(one));
  return [borderTopWidth, outlineStyle, backgroundColor, color].join();
})).size < selectors.length"""
SIZES = """() => ["h1", "p", "button", "label"].map((one) =>
  parseFloat(getComputedStyle(document.querySelector(one)).fontSize))"""
USUAL_PX = 16


@pytest.fixture
def one(browser: Browser, gateway: Desk) -> Iterator[Place]:
    with visit(browser, viewport={"width": 390, "height": 844}) as context:
        yield place(gateway, context)


@pytest.mark.parametrize("state", ["sign-in-wrong", "about-me-wrong", "home-known", "waiting", "call", "wrong"])
def test_who_asks_for_more_contrast_gets_it_by_day_and_by_night(one: Place, state: str) -> None:
    STATES[state](one)
    for colours in ("light", "dark"):
        one.page.emulate_media(color_scheme="light" if colours == "light" else "dark", contrast="more")
        found = Axe().run(one.page, options=ENHANCED).response["violations"]
        assert [node["html"] for fault in found for node in fault["nodes"]] == [], colours
    assert one.page.evaluate("getComputedStyle(document.querySelector('button')).borderTopWidth") != "0px"


def test_with_colours_of_ones_own_what_is_chosen_and_what_is_pressed_can_still_be_seen(one: Place) -> None:
    STATES["question-likes"](one)
    one.page.emulate_media(forced_colors="active")
    one.page.get_by_label("Music").check()
    one.page.locator("h1").click()
    assert not one.page.evaluate(SAME, [".choice:has(:checked)", ".choice:not(:has(:checked))"])
    assert not one.page.evaluate(SAME, ["button.yes", "button:not(.yes)"])
    STATES["call"](one)
    mute = one.page.locator("[data-call-mute]")
    before = mute.evaluate("one => getComputedStyle(one).outlineStyle")
    mute.click()
    one.page.locator("h1").click()
    assert (before, mute.evaluate("one => getComputedStyle(one).outlineStyle")) == ("none", "solid")


def test_nothing_moves_for_whoever_asked_for_less_motion(one: Place) -> None:
    STATES["waiting"](one)
    moving = "document.getAnimations().length"
    assert one.page.evaluate(moving) > 0
    one.page.emulate_media(reduced_motion="reduce")
    assert one.page.evaluate(moving) == 0


def test_who_has_set_larger_type_in_their_browser_has_all_of_the_page_larger(one: Place) -> None:
    STATES["home"](one)
    small = one.page.evaluate(SIZES)
    settings = one.page.context.new_cdp_session(one.page)
    settings.send("Page.setFontSizes", {"fontSizes": {"standard": 2 * USUAL_PX}})
    one.page.reload()
    assert one.page.evaluate(SIZES) == [2 * px for px in small]
