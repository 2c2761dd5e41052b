"""A whole Partyline for calls between browsers: real processes, the gateway among them, with or without TURN."""

import itertools
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser

from matcher.invitation import Invitation
from tests.browser.turn import LOOPBACK, Turn, free_port
from tests.browser.visitor import Visitor
from tests.conftest import Parts
from tests.world import World, eventually, settings_for, world

_numbers = itertools.count(1)


@dataclass
class Line:
    """Where the gateway is, what happens behind it, and the people who came with a browser."""

    world: World
    browser: Browser
    url: str
    visitors: list[Visitor] = field(default_factory=list)

    def visitor(self, name: str) -> Visitor:
        """Somebody new."""
        made = Visitor(self.browser, self.url, f"+4474002{next(_numbers):05d}", name)
        self.visitors.append(made)
        return made

    def pair(self) -> tuple[Visitor, Visitor, int]:
        """Two people who were matched and both said yes; when the second did, in milliseconds."""
        ann, bob = self.visitor("Ann"), self.visitor("Bob")
        for one in (ann, bob):
            one.free()
        return ann, bob, max(ann.accept(), bob.accept())

    def talking(self) -> tuple[Visitor, Visitor]:
        """Two people in a call that the bridge calls connected."""
        ann, bob, _ = self.pair()
        for one in (ann, bob):
            one.until("window.invitation.connected", "the bridge calls it connected")
        return ann, bob

    def claims(self) -> list[bytes]:
        """Who is claimed."""
        found: list[bytes] = self.world.redis.keys(f"{self.world.settings.redis_prefix}*claim:*")
        return found

    def leave(self) -> None:
        """Everybody who came goes, and nothing of theirs stays open."""
        for one in self.visitors:
            shown = one.write("GET", "/state")["invitation"]
            if shown and shown["state"] == "confirmed":
                self._hang_up(shown["invitation"])
            one.write("DELETE", "/availability")
            one.close()
        self.visitors.clear()

    def _hang_up(self, invitation: str) -> None:
        stored = self.world.redis.hget(f"{self.world.settings.redis_prefix}invitation:{invitation}", "row")
        row = Invitation.model_validate_json(stored)
        self.world.hang_up(row, row.a)


@contextmanager
def line(parts: Parts, data: Path, browser: Browser, turn: Turn | None = None) -> Iterator[Line]:
    """All processes on `parts`; calls go through `turn` if it is given."""
    more = {**(turn.settings() if turn else {}), "port": free_port()}
    with world(settings_for(parts, data, secret="of tests", codes_per_address=500, **more)) as made:
        made.start("gateway")
        url = f"http://{LOOPBACK}:{made.settings.port}"
        eventually(lambda: _healthy(url), what="the gateway is ready")
        yield Line(made, browser, url)


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
