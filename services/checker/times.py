"""Times and percentiles as the checker counts them: whole milliseconds.

Place in the flow: used by the checker's books alone, so that no clock code of the checked processes is trusted.
"""

from collections.abc import Sequence
from datetime import datetime
from math import ceil


def milliseconds(text: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 time with an offset or Z."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without its offset")
    return round(moment.timestamp() * 1000)


def percentiles(samples: Sequence[int]) -> dict[str, int | None]:
    """The nearest-rank p50 and p99; None for no samples."""
    ordered = sorted(samples)
    return {
        name: ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else None
        for name, share in (("p50", 0.50), ("p99", 0.99))
    }
