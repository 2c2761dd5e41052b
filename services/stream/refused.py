"""Why nobody was found: what each hard rule refused at the pool's last tick, told in Redis for operators.

Place in the flow: pool -> **refused** -> dashboard. Only the pool knows: who rests and who was asked before is derived
from its rows, and a second reckoning elsewhere would be another answer. It fades when the processor does.
"""

import json
import logging
from collections.abc import Mapping

import redis

from services.ready import FADES_AFTER_S

log = logging.getLogger(__name__)


def refused_key(prefix: str, market: str) -> str:
    """Where it stands in Redis."""
    return f"{prefix}refused:{market}"


def tell_refused(client: "redis.Redis", prefix: str, told: Mapping[str, Mapping[str, int]]) -> None:
    """Write, for each market, how many pairs each rule refused at the last tick; Redis being away is nobody's end."""
    try:
        for market, rules in told.items():
            client.set(refused_key(prefix, market), json.dumps(rules), ex=FADES_AFTER_S)
    except redis.RedisError as error:
        log.warning("Redis is away: %s", type(error).__name__)
