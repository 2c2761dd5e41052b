"""Runs every compiled loop once, so that none of them compiles while people wait.

Place in the flow: start -> **warm** -> candidates, matching, patience. Takes some seconds after a change of the loops,
when they are compiled and kept; otherwise some tenths of one.
"""

from datetime import UTC, datetime, timedelta

import numpy as np

from matcher.availability import Waiting
from matcher.candidates import Candidates
from matcher.matching import Matching
from matcher.patience import RECENT_LEAST, Present, Recent, look_ahead
from matcher.person import Features
from matcher.rules import Free, free
from matcher.score import Model
from matcher.solve import edges, nearly

CROWD = 150
"""More than are matched exactly, and more than are all looked at."""
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def warm_up() -> None:
    """Match a made-up crowd, and mend the matching after some have left."""
    people = [_alike(number) for number in range(CROWD)]
    candidates = Candidates(Model())
    matching = Matching(candidates)
    candidates.update((), people, "first")
    matching.update(NOW)
    candidates.update([one.person for one in people[:3]], people[:2], "second")
    matching.update(NOW)
    candidates.promote(Model())
    nearly(edges(3, [0, 0, 1], [1, 2, 2], [1.0, 1.0, 1.0]), "fast")  # one of the three is left alone
    nobody = Present(
        left_min=np.ones(1), to_recent=np.ones((1, RECENT_LEAST)), a=np.zeros(0, np.int64), b=np.zeros(0, np.int64),
        score=np.zeros(0),
    )  # fmt: skip
    look_ahead(nobody, Recent(stays_min=np.ones(RECENT_LEAST), scores=np.ones((RECENT_LEAST,) * 2), per_min=1.0), 1.0)


def _alike(number: int) -> Free:
    told = Features(cell="51.5,-0.1", languages=("en",), age_band="35-49", likes=("birds",), bonds=("1", "2"))
    row = Waiting(
        offset=0, person=str(number), market="GB", availability=str(number), opened_at=NOW, since=NOW,
        until=NOW + timedelta(hours=1), features=told, seq=0, asked=0, posted_at=NOW, pool_now=NOW, pool_wall=NOW,
    )  # fmt: skip
    return free(row, NOW)
