"""`python -m tests.browser.dashboard_screens`: draws the dashboard of a living demo into docs/screens."""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.chromium import open_chromium
from tests.living_demo import living_demo

SCREENS = Path("docs/screens")
PHONE, DESK, WALL = (320, 640), (1280, 900), (1920, 1080)
LOOKS = {"light": (DESK, "light"), "dark": (DESK, "dark"), "phone": (PHONE, "light"), "wall": (WALL, "dark")}
PEOPLE = 150
LIVES_S = 60
"""For so long the town lives before it is drawn."""
DRAWN_WITHIN_S = 120
SETTLES_MS = 15_000


def context(browser: Browser, size: tuple[int, int] = DESK, scheme: str = "light") -> BrowserContext:
    """A browser without cookies, with a window of `size` in CSS pixels; `scheme` is "light" or "dark"."""
    width, height = size
    return browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce", locale="en-GB",
    )  # fmt: skip


def draw(browser: Browser, folder: Path, every: bool = False) -> None:
    """Draw a town's dashboard and the way in; `every` is there because other pages have more states than they show."""
    folder.mkdir(parents=True, exist_ok=True)
    play_s = LIVES_S + DRAWN_WITHIN_S
    with tempfile.TemporaryDirectory() as data, living_demo(Path(data) / "demo", PEOPLE, play_s, seed=1) as played:
        addresses = played.wait_for_town()
        time.sleep(LIVES_S)
        for look, (size, scheme) in LOOKS.items():
            with context(browser, size, scheme) as one:
                page = one.new_page()
                page.goto(addresses["dashboard"])
                page.screenshot(path=folder / f"dashboard-sign-in-{look}.png", full_page=True)
                _sign_in(page, addresses)
                page.screenshot(path=folder / f"dashboard-{look}.png", full_page=True)


def _sign_in(page: Page, addresses: dict[str, Any]) -> None:
    page.get_by_label("Operators’ password").fill(addresses["dashboard_password"])
    page.keyboard.press("Enter")
    expect(page.locator("#line")).to_have_text("live", timeout=SETTLES_MS)
    expect(page.locator("#lag tbody tr").nth(1)).to_be_visible(timeout=SETTLES_MS)


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=SCREENS, help=f"the folder ({SCREENS})")
    with sync_playwright() as playwright:
        browser = open_chromium(playwright)
        draw(browser, parser.parse_args().into)
        browser.close()


if __name__ == "__main__":
    main()
