"""How long it takes from both accepts until two browsers hear each other: `python -m tests.bench.voice --calls 20`.

A whole Partyline on embedded parts and two Chromium pages; once directly, once through the relay alone. Prints one JSON
object: `sound_ms` until sound goes both ways, as both pages see it; `bridge_ms` until both are told so by the bridge.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from services import topics
from services.embedded.broker import embedded_broker
from services.embedded.redis import embedded_redis
from tests.browser.chromium import chromium
from tests.browser.line import Line, line
from tests.browser.turn import Turn, turn_server
from tests.conftest import Parts, RedisPlace


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20, metavar="N", help="calls of each kind (20)")
    calls = parser.parse_args().calls
    with chromium() as browser, turn_server() as turn:
        told = {"calls": calls, "direct": measure(browser, calls, None), "relay": measure(browser, calls, turn)}
    print(json.dumps(told))


def measure(browser: Browser, calls: int, turn: Turn | None) -> dict[str, dict[str, float]]:
    """Figures of so many calls; the first one, in which everything is still cold, does not count."""
    with tempfile.TemporaryDirectory() as data, embedded_broker() as kafka, embedded_redis() as url:
        topics.create(kafka.bootstrap, kafka.prefix, kafka.embedded)
        with line(Parts(kafka, RedisPlace(url, "bench:")), Path(data), browser, turn) as made:
            taken = [_one_call(made, number) for number in range(calls + 1)][1:]
    sound_ms, bridge_ms = zip(*taken, strict=True)
    return {"sound_ms": _figures(list(sound_ms)), "bridge_ms": _figures(list(bridge_ms))}


def _one_call(made: Line, number: int) -> tuple[int, int]:
    ann, bob, accepted = made.pair()
    sound_ms, bridge_ms = (
        max(one.until_connected(state) for one in (ann, bob)) - accepted for state in ("connected", "/connected")
    )
    print(f"{number}: {sound_ms} ms, the bridge {bridge_ms} ms", file=sys.stderr)
    made.leave()
    return sound_ms, bridge_ms


def _figures(taken_ms: list[int]) -> dict[str, float]:
    cuts = statistics.quantiles(taken_ms, n=100, method="inclusive") if len(taken_ms) > 1 else taken_ms * 99
    return {"p50": round(cuts[49]), "p99": round(cuts[98]), "worst": max(taken_ms)}


if __name__ == "__main__":
    main()
