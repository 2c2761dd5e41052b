"""`python -m tests.browser.screens`: draws the pages into docs/screens, on a phone and a desk, by day and by night."""

import argparse
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from services.embedded.redis import embedded_redis
from tests.browser.chromium import open_chromium
from tests.browser.states import STATES, place
from tests.conftest import RedisPlace
from tests.gateway_desk import desk

SCREENS = Path("docs/screens")
SIZES: dict[str, dict[str, Any]] = {
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
    "phone-dark": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "color_scheme": "dark"},
    "small": {"viewport": {"width": 320, "height": 640}},
    "desk": {"viewport": {"width": 1280, "height": 800}},
}
SHOWN = ("sign-in", "home", "waiting", "invitation", "call", "outcome")
"""What the README shows; `--all` draws every state in every size."""

Draw = Callable[[Browser, Path, bool], None]


def companion(browser: Browser, folder: Path, every: bool) -> None:
    """The companion page."""
    sizes = SIZES if every else {name: SIZES[name] for name in ("phone", "phone-dark")}
    with embedded_redis() as url:
        for state in STATES if every else SHOWN:
            for size, options in sizes.items():
                with desk(RedisPlace(url, f"{secrets.token_hex(4)}:")) as made:
                    context = browser.new_context(**options)
                    one = place(made, context)
                    STATES[state](one)
                    one.page.screenshot(path=folder / f"companion-{state}-{size}.png", full_page=True)
                    context.close()


DRAWN: list[Draw] = [companion]


def main() -> None:
    """Draw everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every state in every size")
    parser.add_argument("--into", type=Path, default=SCREENS, help=f"the folder ({SCREENS})")
    found = parser.parse_args()
    found.into.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = open_chromium(playwright)
        for draw in DRAWN:
            draw(browser, found.into, found.all)
        browser.close()
    sys.stdout.write(f"drawn into {found.into}\n")


if __name__ == "__main__":
    main()
