"""How far every reader of Kafka is behind, in messages and in seconds: asked of Kafka, every two seconds.

Place in the flow: Kafka's ends and the groups' committed places -> **Lag** -> board. A thread of its own, since a
Kafka that is away keeps whoever asks waiting; that nothing has been heard for a while is how it is noticed.
"""

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from services.adapters.kafka import RECONNECT_BACKOFF_MAX_MS
from services.dashboard.reading import Reader
from services.topics import CALLS, OUTCOMES, PERSON_EVENTS, POOL, KafkaAddress, Topic

LOOK_EVERY_S = 2.0
AWAY_AFTER_S = 6.0
"""Without an answer for this long Kafka is said to be away."""
ANSWER_WITHIN_MS = 4_000
LATE_S = 10.0
"""Somebody who is further behind than this is late."""
ENDS_LIMIT = 90
"""Looks at the ends that are remembered: three minutes."""
GROUPS: tuple[tuple[str, tuple[Topic, ...]], ...] = (
    ("processor", (PERSON_EVENTS, POOL, OUTCOMES)),
    ("bridge", (CALLS,)),
)
"""Who commits what: the processes that go on from the rows commit nothing and are not here."""
OURSELVES = "dashboard"

log = logging.getLogger(__name__)
Places = Mapping[TopicPartition, int]


class Ends:
    """Where one partition ended, look by look: it tells how long ago the log stood where a reader is now."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int]] = deque(maxlen=ENDS_LIMIT)

    def saw(self, at_s: float, end: int) -> None:
        """The partition ended there."""
        self._looks.append((at_s, end))

    def late_s(self, read_to: int) -> float:
        """Seconds since the end was not further than `read_to`; 0 at the end, the whole memory if it never was."""
        if not self._looks or read_to >= self._looks[-1][1]:
            return 0.0
        last_s = self._looks[-1][0]
        reached = [at_s for at_s, end in self._looks if end <= read_to]
        return last_s - (reached[-1] if reached else self._looks[0][0])


class Lag:
    """Asks, and keeps the last answer."""

    def __init__(self, address: KafkaAddress, reader: Reader) -> None:
        self._address = address
        self._reader = reader
        self._stop = threading.Event()
        self._answered_s = time.monotonic()
        self._ends: dict[TopicPartition, Ends] = {}
        self._rows: list[dict[str, Any]] = []
        self._first_ends: Places = {}
        self.caught_up = False
        """Whether all that happened before the dashboard was started is in the figures."""

    @property
    def away(self) -> bool:
        """Whether Kafka has not answered for a while."""
        return time.monotonic() - self._answered_s > AWAY_AFTER_S

    def shown(self) -> list[dict[str, Any]]:
        """A row for each reader and topic: how far it is behind."""
        return self._rows

    def run(self) -> None:
        """Ask until told to stop."""
        while not self._stop.is_set():
            try:
                with closing(self._admin()) as admin:
                    while not self._stop.is_set():
                        self._look(admin)
                        self._stop.wait(LOOK_EVERY_S)
            except (KafkaError, OSError) as error:
                log.warning("kafka.awaited %s", type(error).__name__)
                self._stop.wait(LOOK_EVERY_S)

    def stop(self) -> None:
        """Let the thread end."""
        self._stop.set()

    def _admin(self) -> KafkaAdminClient:
        return KafkaAdminClient(
            **self._address.client_options(),
            bootstrap_timeout_ms=ANSWER_WITHIN_MS,
            request_timeout_ms=ANSWER_WITHIN_MS,
            reconnect_backoff_max_ms=RECONNECT_BACKOFF_MAX_MS,
        )

    def _look(self, admin: KafkaAdminClient) -> None:
        read_to = self._committed(admin)
        places = {place for of_group in read_to.values() for place in of_group} | set(self._reader.places)
        starts = _offsets(admin, places, OffsetSpec.EARLIEST)
        ends = _offsets(admin, places, OffsetSpec.LATEST)
        read_to[OURSELVES] = {place: self._reader.positions.get(place, 0) for place in self._reader.places}
        for of_group in read_to.values():  # whoever has read nothing yet, or only what Kafka has dropped since
            of_group.update({place: max(offset, starts[place]) for place, offset in of_group.items()})
        now_s = time.monotonic()
        for place, end in ends.items():
            self._ends.setdefault(place, Ends()).saw(now_s, end)
        self._catch_up(read_to[OURSELVES], ends)
        self._rows = [row for group, of_group in read_to.items() for row in self._behind(group, of_group, ends)]
        self._answered_s = now_s

    def _committed(self, admin: KafkaAdminClient) -> dict[str, dict[TopicPartition, int]]:
        """By group, up to where it has come in each place; -1 where it never has."""
        name, prefix = self._address.topic, self._address.prefix
        found: dict[str, dict[TopicPartition, int]] = {}
        for group, topics in GROUPS:
            places = [TopicPartition(name(topic), number) for topic in topics for number in range(topic.partitions)]
            told = admin.list_group_offsets({prefix + group: places})[prefix + group]
            found[group] = {place: one.offset for place, one in told.items()}
        return found

    def _catch_up(self, read_to: Places, ends: Places) -> None:
        """All that stood in the topics at the first look has to be read before the figures are whole."""
        self._first_ends = self._first_ends or {place: ends[place] for place in read_to}
        self.caught_up = self.caught_up or all(read_to[place] >= end for place, end in self._first_ends.items())

    def _behind(self, group: str, read_to: Places, ends: Places) -> Iterator[dict[str, Any]]:
        """A row for each topic of this group; we ourselves are one row."""
        of: dict[str, list[TopicPartition]] = defaultdict(list)
        for place in read_to:
            of["all" if group == OURSELVES else place.topic.removeprefix(self._address.prefix)].append(place)
        for topic, places in of.items():
            behind = sum(max(0, ends[place] - read_to[place]) for place in places)
            late_s = max(self._ends[place].late_s(read_to[place]) for place in places)
            state = "late" if late_s > LATE_S else "well"
            yield {"reader": group, "topic": topic, "behind": behind, "late_s": round(late_s), "state": state}


def _offsets(admin: KafkaAdminClient, places: set[TopicPartition], spec: OffsetSpec) -> dict[TopicPartition, int]:
    return {place: one.offset for place, one in admin.list_partition_offsets(dict.fromkeys(places, spec)).items()}
