"""Rows as they lie in the tables, and pools made of them again: at a start, after a rebalance, after an error.

Place in the flow: tables -> **recovery** -> pools, views. A row that cannot be read must not stop a market for good.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from matcher.availability import Waiting
from matcher.errors import BadEvent
from matcher.invitation import Invitation
from matcher.model_file import PromotedModel
from matcher.person import MARKETS, Market
from matcher.pool import Pool
from matcher.prices import Prices


@dataclass(frozen=True, slots=True)
class Stored:
    """A row as it lies in a table."""

    table: str
    key: bytes
    value: bytes
    kind: Any

    def row(self) -> Any:
        """The row. Raises ValidationError."""
        return self.kind.model_validate_json(self.value)


def pools_from(
    stored: Iterable[Stored], before: dict[Market, Pool], patience: Prices | None = None
) -> tuple[dict[Market, Pool], list[Stored]]:
    """A pool for each market, its model from its row or as it was `before`; and the rows that cannot be read."""
    rows: dict[Market, list[Waiting | Invitation]] = {market: [] for market in MARKETS}
    models: list[tuple[Stored, PromotedModel]] = []
    unreadable = []
    for one in stored:
        if one.kind not in (Waiting, Invitation, PromotedModel):
            continue
        try:
            row = one.row()
        except ValidationError:
            unreadable.append(one)
        else:
            if isinstance(row, PromotedModel):
                models.append((one, row))
            else:
                rows[row.market].append(row)
    pools = {market: Pool(market, kept, patience) for market, kept in rows.items()}
    for market, pool in before.items():
        pools[market].model = pool.model
    for one, row in models:
        try:
            pools[row.market].take(row)
        except BadEvent:  # of features that this Partyline does not know
            unreadable.append(one)
    return pools, unreadable
