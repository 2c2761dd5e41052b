"""What we took from others is what they released: every file is named in the manifest and has its hash."""

import hashlib
import json

from services.gateway.pages.render import STATIC
from tests.gateway_desk import Desk
from tests.page_reader import look

VENDOR = STATIC / "vendor"
MANIFEST = VENDOR / "vendored.json"
FIRST_PAGE_LIMIT = 100 * 1024
"""Bytes over the wire."""


def test_every_vendored_file_is_the_one_that_was_released() -> None:
    named = {one["file"]: one for one in json.loads(MANIFEST.read_text())}
    assert set(named) == {path.name for path in VENDOR.iterdir()} - {MANIFEST.name}
    for name, one in named.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == one["sha256"], name
        assert one["from"].startswith("htmx.org 4.")


def test_the_first_page_and_all_that_it_loads_are_small(gateway: Desk) -> None:
    page = gateway.registered()[0]
    for start in ("/", "/about-me"):
        tags = look(page, start).tags
        loaded = {attrs.get("src") or attrs.get("href") for tag, attrs in tags if tag in ("script", "link")}
        paths = [start, "/static/asking.js", "/static/hearing.js", "/static/microphone.js", *map(str, loaded)]
        assert sum(page.get(path).num_bytes_downloaded for path in paths) <= FIRST_PAGE_LIMIT
