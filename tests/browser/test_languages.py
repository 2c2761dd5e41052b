"""In a longer language, and in one that runs the other way, every state says nothing in English and loses nothing."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page

from services.gateway.contact import EXAMPLE
from services.languages.speaking import COOKIE
from services.topics import PARTITIONS
from tests.browser.chromium import visit
from tests.browser.states import STATES, Place
from tests.gateway_desk import Desk
from tests.pseudo import FROM_THE_RIGHT, LONGER, Pseudo, pseudo_languages

TWICE = "250%"
"""Text twice as large as the page's own."""
SMALL = {"width": 320, "height": 640}
PEOPLE = re.compile(r"\b(Ada|Stan|Eve)\b")
OURS = rf"Partyline|Samaritans|English|Deutsch|He asked for money|{re.escape(EXAMPLE)}"
NAMES = re.compile(rf"{PEOPLE.pattern}|\b({OURS})\b")
"""People's own words, our name and address, and each language's name of itself."""
READ = """() => {
  const found = [document.title];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    if (!walk.currentNode.parentElement.closest("script, style, noscript")) found.push(walk.currentNode.data);
  }
  const shown =
    /^(aria-label|title|placeholder|alt|data-(said|words.*|known|held-back|failed|no-line|crowded|ten-left))$/;
  for (const one of document.querySelectorAll("*")) for (const {name, value} of one.attributes) {
    if (name === "data-forms") found.push(...Object.values(JSON.parse(value)).flat());
    else if (shown.test(name)) found.push(value);
  }
  return found.filter((text) => text.trim());
}"""
CUT_OFF = """() => {
  const wide = document.documentElement.clientWidth, faults = [];
  const boxes = "button, .button, .choice, .notice, li, p, h1, summary";
  if (document.documentElement.scrollWidth > wide) faults.push("the page has to be scrolled sideways");
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode, parent = text.parentElement;
    if (!text.data.trim() || !parent.checkVisibility() || parent.closest(".unseen, option, noscript")) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const box = (parent.closest(boxes) ?? document.body).getBoundingClientRect();
    for (const {left, right, top, bottom} of range.getClientRects()) {
      const out = left < Math.max(0, box.left - 1) || right > Math.min(wide, box.right + 1);
      if (out || top < box.top - 4 || bottom > box.bottom + 4) faults.push(text.data.trim());
    }
  }
  return faults;
}"""
CHOSEN_CUT_OFF = """() => [...document.querySelectorAll("select:not(#area)")]
  .filter((one) => one.checkVisibility()).filter((one) => {
    const style = getComputedStyle(one), pen = document.createElement("canvas").getContext("2d");
    pen.font = style.font;
    const room = one.clientWidth - parseFloat(style.paddingInlineStart) - parseFloat(style.paddingInlineEnd);
    return pen.measureText(one.selectedOptions[0].text).width > room;
  }).map((one) => one.selectedOptions[0].text)"""
"""What is chosen in a list that is closed. A place's name is as long as it is; open, lists show all of it."""


TURN = """([direction, size]) => {
  const root = document.documentElement;
  root.dir = direction;
  root.style.fontSize = size;
}"""


class Reading:
    """A browser's page on which words are looked for as they are said in a pseudo language."""

    def __init__(self, page: Page, pseudo: Pseudo) -> None:
        self._page = page
        self._pseudo = pseudo

    def __getattr__(self, name: str) -> Any:
        return getattr(self._page, name)

    def get_by_label(self, words: str) -> Locator:
        """As a part of the label."""
        return self._page.get_by_label(self._said(words))

    def get_by_text(self, words: str) -> Locator:
        """As a part of the text."""
        return self._page.get_by_text(self._said(words))

    def get_by_role(self, role: Any, *, name: str, exact: bool = False) -> Locator:
        """By the whole name if it is to be exact, else by a part of it."""
        said = self._said(name)
        whole = re.compile(rf"^⟦\s*{re.escape(said)}⟧$")  # a number in a line of its own has a space before it
        return self._page.get_by_role(role, name=whole if exact else said)

    def _said(self, words: str) -> str:
        parts = PEOPLE.split(words)
        return "".join(part if PEOPLE.fullmatch(part) else self._pseudo.inside(part) for part in parts)


@pytest.fixture(scope="module", autouse=True)
def _pseudo_languages() -> Iterator[None]:
    with pseudo_languages():
        yield


@pytest.fixture
def place(browser: Browser, gateway: Desk) -> Iterator[Callable[[Pseudo], Place]]:
    """Makes a place for somebody who reads this language."""
    with ExitStack() as open_ones:

        def make(pseudo: Pseudo) -> Place:
            context = open_ones.enter_context(visit(browser, viewport=SMALL, reduced_motion="reduce"))
            port = gateway.url.rpartition(":")[2]
            for host in ("127.0.0.1", "localhost"):
                context.add_cookies([{"name": COOKIE, "value": pseudo.code, "url": f"http://{host}:{port}"}])
            page: Any = Reading(context.new_page(), pseudo)
            return Place(gateway, page)

        yield make
    gateway.outbox.away = False
    gateway.views.set_whole(frozenset(range(PARTITIONS)))


def _says_nothing_in_english(one: Place) -> None:
    read = [NAMES.sub("", text) for text in one.page.evaluate(READ)]
    assert [text for text in read if re.search("[A-Za-z]", text)] == []


@pytest.mark.parametrize("state", STATES)
def test_every_state_says_nothing_in_english_and_loses_nothing_in_either_direction(
    place: Callable[[Pseudo], Place], state: str
) -> None:
    one = place(LONGER)
    STATES[state](one)
    _says_nothing_in_english(one)
    assert one.page.evaluate(CHOSEN_CUT_OFF) == []
    for direction, size in (("ltr", ""), ("rtl", ""), ("rtl", TWICE)):
        one.page.evaluate(TURN, [direction, size])
        assert one.page.evaluate(CUT_OFF) == [], (direction, size)


@pytest.mark.parametrize("state", ["sign-in-wrong", "question-quiet", "about-me-wrong", "waiting", "invitation"])
def test_a_language_that_runs_from_right_to_left_makes_its_pages_do_so(
    place: Callable[[Pseudo], Place], state: str
) -> None:
    one = place(FROM_THE_RIGHT)
    STATES[state](one)
    _says_nothing_in_english(one)
    assert one.page.locator("html").get_attribute("lang") == FROM_THE_RIGHT.code
    assert one.page.evaluate("getComputedStyle(document.body).direction") == "rtl"
    assert one.page.evaluate(CUT_OFF) == []
