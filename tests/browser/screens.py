"""`python -m tests.browser.screens`: draws the pages into docs/screens, by day and by night, small and large.

To add a page, add a function to `DRAWN`: it gets a browser and the folder, and whether every size and state is wanted.
"""

import argparse
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from services.embedded.redis import embedded_redis
from tests.browser.chromium import DESK, PHONE, WALL, chromium, look, visit
from tests.browser.states import STATES, place
from tests.conftest import RedisPlace
from tests.gateway_desk import desk
from tests.living_demo import living_demo

SCREENS = Path("docs/screens")
SIZES: dict[str, dict[str, Any]] = {
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
    "phone-dark": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "color_scheme": "dark"},
    "small": {"viewport": {"width": 320, "height": 640}},
    "desk": {"viewport": {"width": 1280, "height": 800}},
}
SHOWN = (
    "sign-in", "question-age", "question-likes", "home", "waiting", "invitation", "call", "outcome", "settings",
    "my-calls", "my-people", "ask-for", "broke", "my-passkeys", "my-ringing-on", "offline",
)  # fmt: skip
"""What is drawn large, by day and by night; the others as on a small telephone. `--all` draws all in every size."""
LOOKS = {
    "light": (DESK, "light"), "dark": (DESK, "dark"), "phone": (PHONE, "light"), "wall": (WALL, "dark"),
}  # fmt: skip
TOWN_PEOPLE = 150
TOWN_LIVES_S = 60
TOWN_EXTRA_S = 120
SETTLES_MS = 15_000

Draw = Callable[[Browser, Path, bool], None]


def companion(browser: Browser, folder: Path, every: bool) -> None:
    """The companion page."""
    with embedded_redis() as url:
        for state in STATES:
            usual = ("phone", "phone-dark") if state in SHOWN else ("small",)
            for size in SIZES if every else usual:
                options = SIZES[size]
                with desk(RedisPlace(url, f"{secrets.token_hex(4)}:")) as made, visit(browser, **options) as context:
                    one = place(made, context)
                    STATES[state](one)
                    one.page.screenshot(path=folder / f"companion-{state}-{size}.png", full_page=True)


def dashboard(browser: Browser, folder: Path, every: bool) -> None:
    """The match dashboard over a town that has lived for a while, and the way in."""
    play_s = TOWN_LIVES_S + TOWN_EXTRA_S
    with tempfile.TemporaryDirectory() as data, living_demo(Path(data) / "demo", TOWN_PEOPLE, play_s, 1) as played:
        addresses = played.wait_for_town()
        time.sleep(TOWN_LIVES_S)
        for name, (size, scheme) in LOOKS.items():
            with visit(browser, **look(size, scheme)) as one:
                page = one.new_page()
                page.goto(addresses["dashboard"])
                page.screenshot(path=folder / f"dashboard-sign-in-{name}.png", full_page=True)
                _sign_in(page, addresses["dashboard_password"])
                page.screenshot(path=folder / f"dashboard-{name}.png", full_page=True)


def _sign_in(page: Page, password: str) -> None:
    page.get_by_label("Operators’ password").fill(password)
    page.keyboard.press("Enter")
    expect(page.locator("#line")).to_have_text("live", timeout=SETTLES_MS)
    expect(page.locator("#lag tbody tr").nth(1)).to_be_visible(timeout=SETTLES_MS)


DRAWN: list[Draw] = [companion, dashboard]


def main() -> None:
    """Draw everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="every state in every size")
    parser.add_argument("--into", type=Path, default=SCREENS, help=f"the folder ({SCREENS})")
    found = parser.parse_args()
    found.into.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for draw in DRAWN:
            draw(browser, found.into, found.all)
    sys.stdout.write(f"drawn into {found.into}\n")


if __name__ == "__main__":
    main()
