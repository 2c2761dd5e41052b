"""`python -m tests.browser.icons`: draws the app's icons from the gateway's icon.svg, each in its size and shape."""

import sys
from pathlib import Path

from playwright.sync_api import Page

from services.gateway.pages.render import STATIC
from tests.browser.chromium import chromium

INTO = STATIC / "icons"
GREEN = "#0b5d57"
ROUND, FULL, BADGE = "round", "full", "badge"
ICONS = {
    "icon-192.png": (192, ROUND), "icon-512.png": (512, ROUND), "maskable-512.png": (512, FULL),
    "apple-180.png": (180, FULL), "badge-96.png": (96, BADGE),
}  # fmt: skip
"""Round as it is; full to the edge where the telephone cuts the shape itself; the badge is one colour on nothing."""


def drawn(svg: str, shape: str) -> str:
    """The icon in this shape."""
    opening, _, rest = svg.partition(">")
    picture = rest.partition("/>")[2].replace("</svg>", "")  # without its round ground
    if shape == FULL:  # the drawing stays within the middle that no telephone cuts
        ground = f'<rect width="32" height="32" fill="{GREEN}"/>'
        return f'{opening}>{ground}<g transform="translate(3.5 3.5) scale(.78)">{picture}</g></svg>'
    return f"{opening}>{picture.replace('#ffd166', '#fff')}</svg>" if shape == BADGE else svg


def draw(page: Page, svg: str, size: int, path: Path) -> None:
    """Draw one."""
    page.set_viewport_size({"width": size, "height": size})
    page.set_content(f"<style>* {{ margin: 0 }} svg {{ display: block; width: {size}px }}</style>{svg}")
    page.screenshot(path=path, omit_background=True)


def main() -> None:
    """Draw them all."""
    INTO.mkdir(exist_ok=True)
    svg = (STATIC / "icon.svg").read_text()
    with chromium() as browser:
        page = browser.new_page()
        for name, (size, shape) in ICONS.items():
            draw(page, drawn(svg, shape), size, INTO / name)
    sys.stdout.write(f"drawn into {INTO}\n")


if __name__ == "__main__":
    main()
