"""The signs of life that every process leaves in Redis, and why the pool found nobody at its last tick.

Place in the flow: `ready:*`, `refused:*` in Redis -> **Health** -> board. Redis being away is one of the things to say.
"""

import json
import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

import redis
import redis.asyncio

from services.ready import FADES_AFTER_S, READY_EVERY_S, ready_key
from services.stream.refused import refused_key

WATCHED = ("processor", "notifier", "gateway", "bridge", "archivist")
"""Processes that a Partyline needs."""
WELL_S = 3 * READY_EVERY_S
"""A sign of life older than this is late; after `FADES_AFTER_S` it is gone."""

log = logging.getLogger(__name__)


class Health:
    """Asks Redis, and keeps what it last said."""

    def __init__(self, client: redis.asyncio.Redis, prefix: str, markets: Sequence[str]) -> None:
        self._redis = client
        self._prefix = prefix
        self._markets = markets
        self.away = False
        self._processes: list[dict[str, Any]] = [{"name": name, "state": "unknown", "age_s": None} for name in WATCHED]
        self._refused: dict[str, int] | None = None

    async def look(self) -> None:
        """Ask once; that Redis is away is no error here."""
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for name in WATCHED:
                    pipe.pttl(ready_key(self._prefix, name))
                pipe.mget([refused_key(self._prefix, market) for market in self._markets])
                *left_ms, refused = await pipe.execute()
        except redis.RedisError as error:
            log.warning("redis.away %s", type(error).__name__)
            self.away, self._refused = True, None
            self._processes = [{**one, "state": "unknown", "age_s": None} for one in self._processes]
            return
        self.away = False
        ages = {name: _age_s(left) for name, left in zip(WATCHED, left_ms, strict=True)}
        self._processes = [{"name": name, "state": _state(ages[name]), "age_s": ages[name]} for name in WATCHED]
        self._refused = _refused(refused)

    def processes(self) -> list[dict[str, Any]]:
        """A row for each process: well, late, gone, or unknown while Redis is away."""
        return self._processes

    def refused(self) -> dict[str, int] | None:
        """How many pairs each hard rule refused at the pool's last tick, over all markets; None when it is not told."""
        return self._refused


def _age_s(left_ms: int) -> int | None:
    return None if left_ms < 0 else max(0, round(FADES_AFTER_S - left_ms / 1000))


def _state(age_s: int | None) -> str:
    if age_s is None:
        return "gone"
    return "well" if age_s <= WELL_S else "late"


def _refused(values: list[bytes | None]) -> dict[str, int] | None:
    told = [json.loads(value) for value in values if value]
    total: Counter[str] = Counter()
    for rules in told:
        total.update(rules)
    return dict(total.most_common()) if told else None
