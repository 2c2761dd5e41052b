"""The report as people read it, and the times that they ask for.

Place in the flow: cli -> **shown** -> figures.
"""

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

LINES = (
    ("opened", "times somebody was free to talk"),
    ("offered", "pairs were found"),
    ("rung", "were rung"),
    ("accepted_both", "times both said yes"),
    ("connected", "calls connected"),
    ("both_would_talk_again", "times both would talk again"),
    ("bonds", "bonds stand"),
    ("declined", "declined"),
    ("expired", "were not answered"),
    ("voided", "were withdrawn"),
    ("dead_letters", "dead letters"),
)
SHARES = ("p50", "p90")


def moment(text: str) -> datetime:
    """A UTC time from what was typed: a day, or a time (UTC if it names no zone)."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"a time is written as 2026-11-25 or 2026-11-25T18:30:00Z, not {text!r}"
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def table(report: Mapping[str, Any]) -> str:
    """The figures as lines of text."""
    history = report["history"]
    if not history["rows"]:
        return "The history holds nothing yet."
    lines = [_period(report), "", *(f"{report[name]:8d}  {words}" for name, words in LINES), ""]
    lines += [*_people(report["people"]), "", *_waits(report["waits"]), "", *_heard(report["heard"]), ""]
    lines.append(f"From {history['rows']} rows in {history['files']} files; the newest is of {history['newest']}.")
    if history["rows_lost"]:
        lines.append(f"LOST: {history['rows_lost']} rows that Kafka had forgotten before they were archived.")
    return "\n".join(lines)


def _period(report: Mapping[str, Any]) -> str:
    since, until = report["since"], report["until"]
    if not since and not until:
        return "Everything in the history"
    return " ".join(["What began", *(["since", since] if since else []), *(["before", until] if until else [])])


def _people(people: Mapping[str, Any]) -> list[str]:
    if not people["offered_time"]:
        return ["Nobody offered time."]
    return [
        f"{people['offered_time']:8d}  people offered time",
        f"{people['connected']:8d}  of them talked with somebody ({people['coverage']:.0%})",
        f"{people['never_asked']:8d}  of them were never rung ({people['never_asked_share']:.0%})",
    ]


def _waits(waits: Mapping[str, Any]) -> list[str]:
    rows: list[tuple[str, ...]] = [("", "windows", "p50 min", "p90 min", "p50 s", "p90 s")]
    for name, words in (("until_matched", "matched"), ("until_the_ring_that_led_on", "the ring that led on")):
        wait = waits[name]
        shown = [wait[unit][share] for unit in ("domain_min", "wall_s") for share in SHARES]
        rows.append((words, str(wait["of"]), *("-" if one is None else f"{one:.1f}" for one in shown)))
    head = "From the opening of a window until ..., in minutes of people's lives and in seconds of the clock:"
    return [head, *(f"  {one[0]:<22}" + "".join(f"{cell:>9}" for cell in one[1:]) for one in rows)]


def _heard(heard: Mapping[str, Any]) -> list[str]:
    if not heard["of"]:
        return ["No page told how it hears the other."]
    loss, jitter_ms, round_trip_ms = (heard[name] for name in ("loss", "jitter_ms", "round_trip_ms"))
    rows = [("packets lost", *(f"{loss[share]:.1%}" for share in SHARES))]
    rows += [
        (words, *("-" if one[share] is None else f"{one[share]:.0f} ms" for share in SHARES))
        for words, one in (("jitter", jitter_ms), ("there and back", round_trip_ms))
    ]
    head = f"How the two heard each other, of {heard['of']} heartbeats (p50, p90):"
    return [head, *(f"  {words:<22}{half:>9}{most:>9}" for words, half, most in rows)]
