"""How long it usually takes until somebody is rung, as far as the waits of others tell it.

Place in the flow: windows that were rung, or ended before -> **waits** -> what the page says to whoever waits. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass

ENOUGH = 12
"""Of fewer waits nothing is said."""
LOW, HIGH = 0.25, 0.75


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a window was open until it `rang`, or, if it never did, until it ended (domain time)."""

    seconds: float
    rang: bool


@dataclass(frozen=True, slots=True)
class Usual:
    """Between which times half of all people are rung; without `high_s` too many of them never are."""

    low_s: float
    high_s: float | None


def usual(waits: Iterable[Wait]) -> Usual | None:
    """What these waits tell, or None if they are too few.

    Whoever left unrung has waited at least so long: to leave them out would promise too much. Method: the quartiles of
    the product-limit estimate (Kaplan and Meier 1958).
    """
    known = list(waits)
    if len(known) < ENOUGH:
        return None
    low_s = _rung_within(known, LOW)
    return Usual(low_s or 0.0, _rung_within(known, HIGH) if low_s is not None else None)


def _rung_within(waits: list[Wait], share: float) -> float | None:
    """The time within which this share is rung; None if so many never are."""
    still, left = 1.0, len(waits)
    for one in sorted(waits, key=lambda one: (one.seconds, not one.rang)):
        if one.rang:
            still *= 1 - 1 / left
        left -= 1
        if still <= 1 - share + 1e-9:
            return one.seconds
    return None
