"""`partyline rebuild-views`: all live views once more, from the rows on Kafka; needs none of our processes."""

from collections.abc import Callable
from typing import TypeVar

import redis

from matcher.availability import Waiting
from matcher.errors import Away
from matcher.invitation import Invitation
from matcher.person import Person
from matcher.values import Row, newer
from services.adapters.backlog import backlog
from services.adapters.views import ViewWriter
from services.process import REDIS_TIMEOUT_S
from services.settings import Settings
from services.stream.projector import put
from services.topics import INVITATIONS, PARTITIONS, PEOPLE, WAITING, KafkaAddress, Topic

R = TypeVar("R", bound=Row)


def rebuild(settings: Settings, say: Callable[[str], None]) -> dict[str, int]:
    """Clear the views and write them again, telling `say` how far it is; rows by topic. Raises Away."""
    client = redis.Redis.from_url(settings.redis, socket_timeout=REDIS_TIMEOUT_S)
    views = ViewWriter(client, settings.redis_prefix)
    counts = {}
    try:
        views.clear()
        for topic, kind in ((PEOPLE, Person), (WAITING, Waiting), (INVITATIONS, Invitation)):
            rows = newest_rows(settings.kafka, topic, kind)
            for row in rows.values():
                put(views, row)
            counts[topic.name] = len(rows)
            say(f"{topic.name}: {len(rows)} rows")
        views.set_whole(frozenset(range(PARTITIONS)))
    except redis.RedisError as error:
        raise Away(f"Redis does not answer: {type(error).__name__}", retry_after_s=5) from error
    return counts


def newest_rows(address: KafkaAddress, topic: Topic, kind: type[R]) -> dict[bytes, R]:
    """The newest row of each key that the changelog `topic` holds now. Raises Away."""
    rows: dict[bytes, R] = {}
    for record in backlog(address, topic):
        if record.value is None:
            rows.pop(record.key, None)
            continue
        row = kind.model_validate_json(record.value)
        if newer(row, rows.get(record.key)):
            rows[record.key] = row
    return rows
