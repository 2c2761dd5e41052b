"""What the person who started the demo sees: a live line of figures, and a summary at the end.

Place in the flow: play -> **screen**. All of it goes to stderr or, at the very end, to stdout.
"""

import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

PLAIN_EVERY_S = 10.0
"""Where no terminal redraws the line, it is written this often."""


class Screen:
    """stderr, with one line that is drawn over."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._drawn = 0
        self._next_plain_s = 0.0

    def say(self, sentence: str) -> None:
        """A line that stays."""
        self._clear()
        self._out.write(sentence + "\n")
        self._out.flush()

    def live(self, report: Mapping[str, Any], left_s: float) -> None:
        """The figures of this moment."""
        line = live_line(report, left_s)
        if self._out.isatty():
            self._clear()
            self._out.write(line)
            self._drawn = len(line)
        elif time.monotonic() >= self._next_plain_s:
            self._next_plain_s = time.monotonic() + PLAIN_EVERY_S
            self._out.write(line + "\n")
        self._out.flush()

    def _clear(self) -> None:
        if self._drawn:
            self._out.write("\r" + " " * self._drawn + "\r")
            self._drawn = 0


def live_line(report: Mapping[str, Any], left_s: float) -> str:
    """One line of figures."""
    now = report["open_now"]
    return (
        f"{max(0, round(left_s)):4d} s left | windows open {now['windows']}, in calls {now['calls']} | "
        f"opened {report['opened']}, offered {report['offered']}, both accepted {report['accepted_both']}, "
        f"connected {report['connected']}, both would talk again {report['both_would_talk_again']} | "
        f"double booked {report['double_booked']}"
    )


def summary(result: Mapping[str, Any]) -> str:
    """What happened, for people."""
    delivery, intake = result["offer_delivery_ms"], result["intake_ms"]
    lines = [
        "",
        f"{result['opened']:6d} times somebody was free to talk",
        f"{result['offered']:6d} pairs were found; {result['rung']} were rung",
        f"{result['accepted_both']:6d} times both said yes; {result['connected']} calls connected",
        f"{result['both_would_talk_again']:6d} times both would talk again",
        f"{result['declined']:6d} declined, {result['expired']} were not answered, {result['voided']} were withdrawn",
        "",
        f"An offer was on both screens after {_ms(delivery['p50'])} (99 of 100 within {_ms(delivery['p99'])}).",
        f"Somebody who asked stood in the pool after {_ms(intake['p50'])} (99 of 100 within {_ms(intake['p99'])}).",
        f"Ready after {result['ready_s']} s; {result['processes']} processes took {result['peak_pss_mb']} MB; "
        f"{result['restarts']} restarts; {result['dead_letters']} dead letters.",
        "",
        f"Rung for two at once: {result['double_booked']}. Lost: {result['lost']}.",
    ]
    return "\n".join([*lines, *(f"  ! {one}" for one in result["violations"]), ""])


def _ms(value: int | None) -> str:
    return "no time known" if value is None else f"{value} ms"
