"""The bridge as a process: reads `invitations` from the start and `calls` from where it was."""

import logging
import time
from contextlib import closing
from functools import partial

import redis

from matcher.errors import Away
from matcher.events import read_event
from matcher.invitation import Invitation
from services.adapters.kafka import producer
from services.adapters.outbox import BlockingOutbox
from services.adapters.reading import EventReader, Letters, RowReader
from services.bridge.calls import BEAT_EVERY_S, Bridge
from services.clock import SystemClock
from services.process import AWAY_PAUSE_S, BROKER_WAIT_S, REDIS_TIMEOUT_S, Every, Stop, log_to_stderr
from services.ready import READY_EVERY_S, Ready
from services.settings import Settings
from services.topics import CALLS, INVITATIONS, wait_for_broker

log = logging.getLogger(__name__)

POLL_MS = 30


class BridgeProcess:
    """The loop around `Bridge`: whatever fails because Kafka is away is done again from the rows."""

    def __init__(self, settings: Settings) -> None:
        self._address = settings.kafka
        clock = SystemClock(settings)
        sender = producer(settings.kafka)
        self._wall = clock.wall
        self._outbox = BlockingOutbox(sender, settings.topic_prefix)
        self._letters = Letters(sender, settings.kafka, clock)
        client = redis.Redis.from_url(settings.redis, socket_timeout=REDIS_TIMEOUT_S)
        self._ready = Ready(client, settings.redis_prefix, "bridge")

    def run(self, stop: Stop) -> None:
        """Until told to stop."""
        while not stop.asked:
            try:
                with closing(self._rows()) as rows, closing(self._legs()) as legs:
                    self._follow(rows, legs, stop)
            except Away:
                log.warning("Kafka is away: starting again from the rows")
                stop.wait(AWAY_PAUSE_S)

    def _rows(self) -> RowReader[Invitation]:
        return RowReader(self._address, INVITATIONS, Invitation.model_validate_json, self._letters)

    def _legs(self) -> "EventReader[object]":
        return EventReader(self._address, CALLS, partial(read_event, "calls"), self._letters, "bridge")

    def _follow(self, rows: RowReader[Invitation], legs: "EventReader[object]", stop: Stop) -> None:
        bridge = Bridge(self._outbox, self._wall)
        while not rows.at_end():
            if stop.asked:
                return
            self._take_rows(bridge, rows)
        beat, say = Every(BEAT_EVERY_S), Every(READY_EVERY_S, at_once=True)
        while not stop.asked:
            self._take_rows(bridge, rows)
            self._take_legs(bridge, legs)
            if beat.due(time.monotonic()):
                bridge.beat()
            if say.due(time.monotonic()):
                self._ready.say()

    @staticmethod
    def _take_rows(bridge: Bridge, rows: RowReader[Invitation]) -> None:
        for row in rows.poll(POLL_MS):
            bridge.read_row(row)

    @staticmethod
    def _take_legs(bridge: Bridge, legs: "EventReader[object]") -> None:
        some = False
        for event in legs.poll(POLL_MS):
            bridge.read_leg(event)  # type: ignore[arg-type]
            some = True
        if some:
            legs.commit()


def run(settings: Settings) -> None:
    """Run until SIGTERM; waits for a broker that is away and says so."""
    log_to_stderr(settings)
    stop = Stop()
    wait_for_broker(settings.broker, BROKER_WAIT_S, log.warning)
    BridgeProcess(settings).run(stop)
