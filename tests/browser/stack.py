"""The whole of Partyline for a browser: every process on given parts, and the gateway on a port of its own."""

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from services import topics
from services.demo.options import eight_in_the_morning, free_port
from services.embedded.broker import embedded_broker
from services.embedded.redis import embedded_redis
from tests.browser.turn import Turn
from tests.conftest import Parts, RedisPlace
from tests.world import World, eventually, settings_for, world

SECRET = "a secret that only tests have"
HEALTH_WITHIN_S = 1.0


@contextmanager
def stack(parts: Parts, data: Path, turn: Turn | None = None) -> Iterator[World]:
    """Every process and the gateway, ready; calls go through `turn` if it is given.

    It is eight in the morning, so that nobody's quiet hours are in the way.
    """
    origin = datetime.now(UTC)
    usual = {"secret": SECRET, "port": free_port(), "domain_origin": origin, "codes_per_address": 10_000,
             "domain_start": eight_in_the_morning(origin)}  # fmt: skip
    relayed = turn.settings() if turn else {}
    with world(settings_for(parts, data, **usual, **relayed)) as made:
        made.start("gateway")
        eventually(lambda: _healthy(url_of(made)), what="the gateway is ready")
        yield made


@contextmanager
def embedded_stack(data: Path, turn: Turn | None = None) -> Iterator[World]:
    """The same on parts of its own, for a command outside of pytest."""
    with embedded_broker() as address, embedded_redis() as url:
        topics.create(address.bootstrap, address.prefix, address.embedded)
        with stack(Parts(replace(address), RedisPlace(url, "browser:")), data, turn) as made:
            yield made


def url_of(made: World) -> str:
    """Where the gateway is; `localhost`, since browsers trust that name with a microphone."""
    return f"http://localhost:{made.settings.port}"


def _healthy(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=HEALTH_WITHIN_S) as answer:
        return bool(answer.status == 200)
    return False
