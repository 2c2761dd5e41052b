"""The parts that the demo stands on: embedded ones to start, other people's to wait for and to leave as they were.

Place in the flow: play -> **parts**.
"""

import contextlib
import json
import os
import threading
import time
import urllib.request
from collections.abc import Callable

import redis

from matcher.errors import Away, PartylineError
from services import topics
from services.demo.options import Options
from services.demo.supervisor import Child
from services.settings import Settings

REDIS_WAIT_S = 10.0
REDIS_TIMEOUT_S = 1.0
HEALTH_TIMEOUT_S = 1.0
LOOK_EVERY_S = 0.1


def part(name: str, module: str, *arguments: str) -> Child:
    """An embedded part: it prints its address, and its death ends the demo."""
    return Child(name, module, ("--parent", str(os.getpid()), *arguments), essential=True, part=True)


def healthy(settings: Settings) -> bool:
    """Whether the gateway says that it is ready."""
    address = f"http://{settings.host}:{settings.port}/health"
    with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(address, timeout=HEALTH_TIMEOUT_S) as answer:
        return json.load(answer).get("ready") is True
    return False


def wait_for_redis(url: str, say: Callable[[str], None]) -> None:
    """Return as soon as Redis answers, telling `say` once while it does not. Raises Away after `REDIS_WAIT_S`."""
    try:
        client = redis.Redis.from_url(url, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S)
    except ValueError as error:
        raise Away(f"{url} is no address of a Redis: {error}") from None
    deadline_s = time.monotonic() + REDIS_WAIT_S
    told = False
    with client:
        while not _pongs(client):
            if time.monotonic() > deadline_s:
                raise Away(f"Redis at {url} did not answer within {REDIS_WAIT_S:g} s")
            if not told:
                say(f"waiting for Redis at {url} (for {REDIS_WAIT_S:g} s)")
                told = True
            time.sleep(LOOK_EVERY_S)


def clean(settings: Settings, wanted: Options, limit_s: float, say: Callable[[str], None]) -> None:
    """Remove this demo's topics and keys from parts that were there before it, or say after `limit_s` what stays."""
    failures: list[str] = []

    def remove() -> None:
        try:
            _remove(settings, wanted)
        except (PartylineError, redis.RedisError) as error:
            failures.append(str(error))

    remover = threading.Thread(target=remove, daemon=True)
    remover.start()
    remover.join(limit_s)
    if remover.is_alive() or failures:
        reason = failures[0] if failures else f"not done within {limit_s:g} s"
        say(f"some of what begins with {settings.redis_prefix} may have stayed on your Kafka or Redis: {reason}")


def _remove(settings: Settings, wanted: Options) -> None:
    if wanted.redis:
        with redis.Redis.from_url(settings.redis, socket_timeout=REDIS_TIMEOUT_S) as client:
            for key in client.scan_iter(match=settings.redis_prefix + "*", count=1_000):
                client.delete(key)
    if wanted.broker:
        topics.delete(settings.broker, settings.topic_prefix)


def _pongs(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
