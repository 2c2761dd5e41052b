"""`python -m tests.bench.push`: how long a push keeps the notifier's loop, and how many a second go out, as JSON.

The push service is the tests' own, over TLS in this same process: it signs, reads and answers on the same cores.
"""

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import redis

from services.adapters.subscriptions import session_key, sessions_key
from services.adapters.vapid import public_key
from services.embedded.redis import embedded_redis
from services.notifier.push import PushChannel
from services.settings import Settings
from tests.gateway_desk import PUSH_KEY, invitation
from tests.push_double import PushDouble, push_double
from tests.world import eventually

PREFIX = "bench:"
LIMIT_S = 25.0
"""Within this everything is carried out: afterwards nobody rings any more."""


def measure(url: str, double: PushDouble, count: int) -> dict[str, float]:
    """So many people with a telephone each are rung at once."""
    client = redis.Redis.from_url(url)
    settings = Settings(
        redis=url, redis_prefix=PREFIX, push_key=PUSH_KEY, push_contact="mailto:ops@example.org",
        push_hosts=(double.host,),
    )  # fmt: skip
    for number in range(count):
        given = {**double.subscribe(public_key(PUSH_KEY))}
        del given["expirationTime"]
        person, session = f"p-{number}", {"push": json.dumps(given), "push_mark": "mark"}
        client.hset(session_key(PREFIX, f"s-{number}"), mapping=session)
        client.zadd(sessions_key(PREFIX, person), {f"s-{number}": 1})
    channel = PushChannel(settings, client, lambda: datetime.now(UTC), lambda _: None, double.trust)
    rows = [invitation(f"p-{number}", "p-zzz") for number in range(count)]
    start_s = time.perf_counter()
    for number, row in enumerate(rows):
        channel.ring(row, f"p-{number}")
    loop_s = time.perf_counter() - start_s
    eventually(lambda: len(double.taken) >= count, LIMIT_S, "all were rung")
    all_s = time.perf_counter() - start_s
    channel.close()
    client.close()
    return {
        "pushes": count,
        "asked": double.asked,
        "loop_ms_per_ring": round(1000 * loop_s / count, 2),
        "pushes_per_s": round(count / all_s, 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=300)
    found = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, embedded_redis() as url, push_double(Path(folder)) as double:
        print(json.dumps(measure(url, double, found.people)))


if __name__ == "__main__":
    main()
