"""How long it takes from both accepts until two browsers hear each other: `python -m tests.bench.voice --calls 20`.

A whole Partyline on embedded parts, and two Chromium windows with the real page; once directly, once through the relay
alone. Prints one JSON object: `sound_ms` from the second tap on "Yes, let's talk" until sound goes both ways, as both
pages see it; `bridge_ms` until both were told so by the bridge.
"""

import argparse
import json
import statistics
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.chromium import chromium
from tests.browser.people import both_accept, rung, someone
from tests.browser.stack import embedded_stack, url_of
from tests.browser.turn import Turn, turn_server


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
    with tempfile.TemporaryDirectory() as data, embedded_stack(Path(data), turn) as made:
        taken = [_one_call(browser, url_of(made), number) for number in range(calls + 1)][1:]
    sound_ms, bridge_ms = zip(*taken, strict=True)
    return {"sound_ms": _figures(list(sound_ms)), "bridge_ms": _figures(list(bridge_ms))}


def _one_call(browser: Browser, url: str, number: int) -> tuple[int, int]:
    with closing(browser.new_context()) as one, closing(browser.new_context()) as another:
        pair = [someone(context, url, name).appear() for context, name in ((one, "Ann"), (another, "Bob"))]
        rung(*pair)
        both_accept(*pair)
        accepted, connected, bridged = (
            max(each.until_call(state)["at"] for each in pair) for state in ("accepted", "connected", "bridged")
        )
        for each in pair:
            each.leave()
    sound_ms, bridge_ms = connected - accepted, bridged - accepted
    print(f"{number}: {sound_ms} ms, the bridge {bridge_ms} ms", file=sys.stderr)
    return sound_ms, bridge_ms


def _figures(taken_ms: list[int]) -> dict[str, float]:
    cuts = statistics.quantiles(taken_ms, n=100, method="inclusive") if len(taken_ms) > 1 else taken_ms * 99
    return {"p50": round(cuts[49]), "p99": round(cuts[98]), "worst": max(taken_ms)}


if __name__ == "__main__":
    main()
