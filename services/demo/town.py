"""The town's last word: what it did, whether all came to its end in time, and what went wrong in the town itself.

Place in the flow: the town -> lines -> **town** -> play. The checker judges Partyline by its topics alone; this is what
the people in the town noticed.
"""

import time
from collections.abc import Mapping
from typing import Any

from services.demo.lines import Lines

WORD_LIMIT_S = 5.0
"""The town has ended, so all that it said only has to be read."""
LOOK_EVERY_S = 0.1
FAULT = "fault "
"""Begins the name of an error of the town's own, which nobody in a real town could cause."""


def last_word(lines: Lines, limit_s: float = WORD_LIMIT_S) -> dict[str, Any]:
    """The line in which a town that has ended tells how it went; empty if it told nothing."""
    deadline_s = time.monotonic() + limit_s
    while time.monotonic() < deadline_s:
        told = lines.heard(LOOK_EVERY_S)
        if told and "closed_in_time" in told:
            return told
    return {}


def with_town(result: Mapping[str, Any], word: Mapping[str, Any]) -> dict[str, Any]:
    """The demo's result with the town's word in it; what the town could not cope with is a violation."""
    town = {name: value for name, value in word.items() if name != "opened_2xx"}  # its number is known, it is long
    return {**result, "town": town, "violations": [*result["violations"], *_broken(word)]}


def _broken(word: Mapping[str, Any]) -> list[str]:
    if not word:
        return ["the town did not tell how it went"]
    faults = {name: times for name, times in word["errors"].items() if name.startswith(FAULT)}
    return [f"the town: {name} ({times} times)" for name, times in faults.items()]
