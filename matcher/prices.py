"""What waiting costs and what a call counts for: the two prices that patience reckons with.

Place in the flow: settings -> **prices** -> patience. Both are shares of the mean pair's value, so that they mean the
same in every town and under every model.
"""

from typing import NamedTuple

MINUTE_COSTS = 0.01
"""What one minute of one person's wait costs, unless a setting says otherwise."""
CALL_COUNTS = 1.0
"""What it counts for that two people are called at all, beside the score, unless a setting says otherwise.

It enters every expectation and every offer alike, so it only matters where somebody might otherwise leave uncalled."""


class Prices(NamedTuple):
    """What a waited minute costs, and what a call counts for beside its score."""

    minute_costs: float = MINUTE_COSTS
    call_counts: float = CALL_COUNTS
