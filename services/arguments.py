"""What commands are told: numbers within bounds, and files that can be written; refused with one sentence each.

Place in the flow: command line -> **arguments** -> learn, eval, bench, simulate. What is wrong is told before the work.
"""

import argparse
import math
from pathlib import Path

from matcher.errors import BadRequest

SEED_LIMIT = 2**53


def whole(text: str, what: str, low: int, high: int) -> int:
    """The whole number that `text` is, from `low` to `high`."""
    number = _number(text)
    if not low <= number <= high or number != int(number):
        raise argparse.ArgumentTypeError(f"{what} is a whole number from {low} to {high}, not {text!r}")
    return int(number)


def between(text: str, what: str, low: float, high: float) -> float:
    """The number that `text` is, from `low` to `high`."""
    number = _number(text)
    if not low <= number <= high:
        raise argparse.ArgumentTypeError(f"{what} is a number from {low:g} to {high:g}, not {text!r}")
    return number


def seed(text: str) -> int:
    """What dice are thrown by."""
    return whole(text, "a seed", 0, SEED_LIMIT)


def check_writable(path: Path) -> None:
    """Raises BadRequest if nothing can be written to `path`, so that nobody hears of it after an hour's work."""
    try:
        new = not path.exists()
        path.open("ab").close()
        if new:
            path.unlink()
    except OSError as error:
        raise BadRequest(f"{path} cannot be written: {error.strerror}") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
