"""The stream processor as a process: wiring, and nothing else."""

import asyncio
import logging
import os

import faust
import redis

from matcher.warm import warm_up
from services.adapters.kafka import EMBEDDED_FETCH_WAIT_MS, REAL_FETCH_WAIT_MS
from services.adapters.views import ViewWriter
from services.adapters.waits import WaitWriter
from services.clock import SystemClock
from services.process import BROKER_WAIT_S, REDIS_TIMEOUT_S
from services.ready import READY_EVERY_S, Ready
from services.settings import Settings
from services.stream.factory import build_app, start_worker
from services.stream.processor import Processor
from services.stream.projector import Projector
from services.stream.refused import tell_refused
from services.topics import create, wait_for_broker

log = logging.getLogger(__name__)


def build(settings: Settings) -> faust.App:
    """A Faust app with all agents attached."""
    wait_ms = EMBEDDED_FETCH_WAIT_MS if settings.embedded else REAL_FETCH_WAIT_MS
    app = build_app("processor", settings.kafka, settings.data / "processor", wait_ms)
    client = redis.Redis.from_url(settings.redis, socket_timeout=REDIS_TIMEOUT_S)
    prefix = settings.redis_prefix
    projector = Projector(ViewWriter(client, prefix), WaitWriter(client, prefix))
    processor = Processor(app, settings, SystemClock(settings), projector)
    processor.attach()
    ready = Ready(client, prefix, "processor")

    async def follow() -> None:
        await projector.run(processor.stored, lambda: processor.ready)

    async def say_ready() -> None:
        if processor.ready:
            await asyncio.to_thread(ready.say)
            await asyncio.to_thread(tell_refused, client, prefix, processor.refused())

    app.task(follow)
    app.timer(interval=READY_EVERY_S, name="ready")(say_ready)
    return app


def run(settings: Settings) -> None:
    """Run until SIGTERM; waits for a broker that is away and says so."""
    warm_up()  # before it joins: a worker that compiles answers nobody
    wait_for_broker(settings.broker, BROKER_WAIT_S, log.warning)
    create(settings.broker, settings.topic_prefix, settings.embedded)
    log.info("processor %d starts", os.getpid())
    logging.getLogger("faust.topics").setLevel(logging.CRITICAL)  # it prints whole messages, names and numbers too
    start_worker(build(settings), loglevel=settings.log_level)
