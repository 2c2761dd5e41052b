"""The notifier as a process: reads `invitations` from the start, then follows; renews every 15 s."""

import logging
import time
from contextlib import closing

import redis

from matcher.errors import Away
from matcher.invitation import Invitation
from matcher.ports import Channel
from services.adapters.claims import RedisClaims
from services.adapters.kafka import producer
from services.adapters.live import LiveChannel
from services.adapters.outbox import BlockingOutbox
from services.adapters.reading import Letters, RowReader
from services.adapters.views import ViewWriter
from services.clock import SystemClock
from services.notifier.notify import RENEW_EVERY_S, Notifier
from services.process import AWAY_PAUSE_S, BROKER_WAIT_S, REDIS_TIMEOUT_S, Every, Stop, log_to_stderr
from services.ready import READY_EVERY_S, Ready
from services.settings import Settings
from services.topics import INVITATIONS, wait_for_broker

log = logging.getLogger(__name__)

POLL_MS = 100


class NotifierProcess:
    """The loop around `Notifier`: whatever fails because a part is away is done again from the rows."""

    def __init__(self, settings: Settings) -> None:
        self._address = settings.kafka
        self._clock = SystemClock(settings)
        sender = producer(settings.kafka)
        client = redis.Redis.from_url(settings.redis, socket_timeout=REDIS_TIMEOUT_S)
        self._claims = RedisClaims(client, settings.redis_prefix)
        self._channels: list[Channel] = [LiveChannel(ViewWriter(client, settings.redis_prefix))]
        self._outbox = BlockingOutbox(sender, settings.topic_prefix)
        self._letters = Letters(sender, settings.kafka, self._clock)
        self._ready = Ready(client, settings.redis_prefix, "notifier")
        if settings.push_key:
            self._channels.append(self._push(settings, client))

    def run(self, stop: Stop) -> None:
        """Until told to stop. When Kafka or Redis goes away in mid-step, everything begins again from the rows."""
        while not stop.asked:
            try:
                with closing(self._rows()) as rows:
                    self._follow(rows, stop)
            except (Away, redis.RedisError) as error:
                log.warning("starting again from the rows: %s", type(error).__name__)
                stop.wait(AWAY_PAUSE_S)

    def _push(self, settings: Settings, client: redis.Redis) -> Channel:
        from services.notifier.push import PushChannel  # carries a client of the web, which few need

        return PushChannel(
            settings, client, self._clock.wall, lambda receipt: self._outbox.say("receipts", receipt.person, receipt)
        )

    def _rows(self) -> RowReader[Invitation]:
        return RowReader(self._address, INVITATIONS, Invitation.model_validate_json, self._letters)

    def _follow(self, rows: RowReader[Invitation], stop: Stop) -> None:
        notifier = Notifier(self._claims, self._channels, self._outbox, self._clock.wall)
        while not rows.at_end():
            if stop.asked:
                return
            self._take(notifier, rows)
        notifier.start()
        renew, say = Every(RENEW_EVERY_S), Every(READY_EVERY_S, at_once=True)
        while not stop.asked:
            self._take(notifier, rows)
            if renew.due(time.monotonic()):
                notifier.renew()
            if say.due(time.monotonic()):
                self._ready.say()

    @staticmethod
    def _take(notifier: Notifier, rows: RowReader[Invitation]) -> None:
        for row in rows.poll(POLL_MS):
            notifier.read(row)


def run(settings: Settings) -> None:
    """Run until SIGTERM; waits for a broker that is away and says so."""
    log_to_stderr(settings)
    stop = Stop()
    wait_for_broker(settings.broker, BROKER_WAIT_S, log.warning)
    NotifierProcess(settings).run(stop)
