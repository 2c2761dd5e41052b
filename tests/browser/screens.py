"""Makes the screenshots of docs/screens from a living demo: `python -m tests.browser.screens`.

To add a page, add a function to `PAGES`: it gets a fresh page and the demo's addresses and returns once the page shows
what is to be seen. Each is taken in every one of `LOOKS`, as NAME-LOOK.png.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.chromium import DESK, PHONE, WALL, chromium, context
from tests.living_demo import living_demo

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
LOOKS = {
    "light": (DESK, "light"), "dark": (DESK, "dark"), "phone": (PHONE, "light"), "wall": (WALL, "dark"),
}  # fmt: skip
PEOPLE = 150
LIVES_S = 60
EXTRA_S = 120
SETTLES_MS = 15_000

Addresses = dict[str, Any]


def sign_in(page: Page, addresses: Addresses) -> None:
    """Sign in to the dashboard as an operator would."""
    page.goto(addresses["dashboard"])
    page.get_by_label("Operators’ password").fill(addresses["dashboard_password"])
    page.get_by_role("button", name="Sign in").click()


def dashboard(page: Page, addresses: Addresses) -> None:
    """The match dashboard, live."""
    sign_in(page, addresses)
    expect(page.locator("#line")).to_contain_text("live", timeout=SETTLES_MS)


def dashboard_door(page: Page, addresses: Addresses) -> None:
    """The way into the dashboard."""
    page.goto(addresses["dashboard"])


PAGES: dict[str, Callable[[Page, Addresses], None]] = {"dashboard": dashboard, "dashboard-sign-in": dashboard_door}


def take(folder: Path, addresses: Addresses) -> None:
    """Take every page in every look."""
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for look, (size, scheme) in LOOKS.items():
            for name, show in PAGES.items():
                with context(browser, size, scheme) as one:
                    page = one.new_page()
                    show(page, addresses)
                    page.screenshot(path=folder / f"{name}-{look}.png", full_page=True)


def main() -> None:
    """Let a town live for a while and take them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--after", type=float, default=LIVES_S, help="seconds that the town lives before")
    wanted = parser.parse_args()
    play_s = round(wanted.after) + EXTRA_S
    with tempfile.TemporaryDirectory() as data, living_demo(Path(data) / "demo", PEOPLE, play_s, seed=1) as played:
        addresses = played.wait_for_town()
        time.sleep(wanted.after)
        take(wanted.folder, addresses)


if __name__ == "__main__":
    main()
