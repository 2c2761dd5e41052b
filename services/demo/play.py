"""The demo from start to end: parts, topics, processes, the town, the checker's last word, and away with it all.

Place in the flow: cli -> **play** -> supervisor. The parent of every process; it decides nothing that a person in the
town could notice.
"""

import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import redis

from matcher.errors import PartylineError
from services import topics
from services.demo import options as opts
from services.demo.memory import Memory
from services.demo.options import Options
from services.demo.parts import clean, healthy, part, wait_for_redis
from services.demo.screen import Screen, summary
from services.demo.supervisor import Child, DemoFailed, Supervisor
from services.demo.town import last_word, with_town
from services.settings import PREFIX, Settings

BROKER_WAIT_S = 30.0
PART_READY_S = 15.0
READY_LIMIT_S = 90.0
TOWN_EXTRA_S = 60.0
"""After the time played the town closes its windows, waits up to 20 s and tells; more than this is a fault."""
SETTLE_LIMIT_S = 30.0
REPORT_LIMIT_S = 10.0
LOOK_EVERY_S = 0.1
LIVE_EVERY_S = 1.0
CLEAN_LIMIT_S = 15.0
CLEAN_IN_A_HURRY_S = 1.5  # Ctrl-C ends everything within 5 s
SIGNALS = (signal.SIGINT, signal.SIGTERM)
SAY_READY = ("processor", "notifier", "bridge", "archivist", "dashboard")
RUN = ("processor", "notifier", "gateway", "bridge", "archivist", "dashboard")
EXIT_KEPT, EXIT_BROKEN, EXIT_FAILED = 0, 1, 2


class Stopped(Exception):
    """Somebody pressed Ctrl-C or sent SIGTERM; carries the signal's number."""


def play(wanted: Options) -> int:
    """Play a demo and tell how it went; the exit code."""
    screen = Screen()
    with _stoppable(), _folder(wanted, screen) as data:
        demo = Demo(wanted, data, screen)
        clean_limit_s = CLEAN_LIMIT_S
        try:
            return demo.run()
        except Stopped as stopped:
            screen.say("stopping")
            clean_limit_s = CLEAN_IN_A_HURRY_S
            return 128 + int(stopped.args[0])
        except (PartylineError, redis.RedisError) as error:
            screen.say(f"partyline demo: {error}")
            return EXIT_FAILED
        finally:
            _ignore_signals()  # a second Ctrl-C must not leave half of it behind
            demo.end(clean_limit_s)


class Demo:
    """One demo."""

    def __init__(self, wanted: Options, data: Path, screen: Screen) -> None:
        self._wanted = wanted
        self._data = data
        self._screen = screen
        self._memory = Memory()
        self._settings: Settings | None = None
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        self._supervisor = Supervisor(data, {**kept, "PYTHONUNBUFFERED": "1"}, screen.say)
        self._report: dict[str, Any] = {}
        self._town: dict[str, Any] = {}
        self._unanswered = 0

    def run(self) -> int:
        """Start everything, let the town live, and tell."""
        settings = self._start_parts()
        self._start_processes(settings)
        ready_s = round(time.time() - psutil.Process().create_time(), 1)
        url = f"http://{settings.host}:{settings.port}"
        self._screen.say(f"ready after {ready_s} s: {url}; {self._wanted.people} people move in")
        self._screen.say(f"to join in, open {url} in a browser")
        dashboard = f"http://{settings.dashboard_host}:{settings.dashboard_port}"
        self._screen.say(f"operators look at {dashboard}; the password there is {settings.dashboard_password}")
        word = self._live_in_town(url)
        return self._tell(with_town({"ready_s": ready_s, **self._last_report()}, word))

    def end(self, limit_s: float) -> None:
        """End every process and remove, within `limit_s`, what was left on somebody's own Kafka and Redis."""
        self._supervisor.end()
        if self._settings is not None:
            clean(self._settings, self._wanted, limit_s, self._screen.say)

    # --- starting ---

    def _start_parts(self) -> Settings:
        broker, url = self._wanted.broker, self._wanted.redis
        if broker is None:
            self._supervisor.start(part("broker", "services.embedded.broker"), talks=True)
        if url is None:
            arguments = ("--data", str(self._data / "redis"))
            self._supervisor.start(part("redis", "services.embedded.redis", *arguments), talks=True)
        broker = broker or self._announced("broker", "bootstrap")
        url = url or self._announced("redis", "url")
        topics.wait_for_broker(broker, BROKER_WAIT_S, self._screen.say)
        wait_for_redis(url, self._screen.say)
        settings = opts.settings(self._wanted, self._data, broker, url)
        self._settings = settings
        topics.create(settings.broker, settings.topic_prefix, settings.embedded)
        return settings

    def _announced(self, name: str, what: str) -> str:
        lines = self._supervisor.children[name].lines
        deadline_s = time.monotonic() + PART_READY_S
        while lines is not None and time.monotonic() < deadline_s:
            self._supervisor.look()
            told = lines.heard(LOOK_EVERY_S)
            if told:
                return str(told[what])
        raise DemoFailed(f"the embedded {name} did not start within {PART_READY_S:g} s{self._supervisor.tail(name)}")

    def _start_processes(self, settings: Settings) -> None:
        self._supervisor.environment.update(settings.environment())
        self._write_addresses(settings)
        for name in RUN:
            self._supervisor.start(Child(name, "services.cli", ("run", name)))
        self._supervisor.start(Child("checker", "services.checker.app", (), essential=True), talks=True)
        with redis.Redis.from_url(settings.redis, socket_timeout=1.0) as client:
            self._wait(lambda: not self._not_ready(client, settings), READY_LIMIT_S, lambda: (
                f"not ready after {READY_LIMIT_S:g} s: {', '.join(self._not_ready(client, settings))}"
            ))  # fmt: skip

    def _write_addresses(self, settings: Settings) -> None:
        """Where this demo's parts are, for whoever wants to look or to break something."""
        shown = settings.model_dump(
            mode="json", include={"broker", "embedded", "topic_prefix", "redis", "redis_prefix"}
        )
        shown["url"] = f"http://{settings.host}:{settings.port}"
        shown["dashboard"] = f"http://{settings.dashboard_host}:{settings.dashboard_port}"
        shown["dashboard_password"] = settings.dashboard_password  # made up for this demo, as is all that it guards
        (self._data / "addresses.json").write_text(json.dumps(shown))

    def _not_ready(self, client: redis.Redis, settings: Settings) -> list[str]:
        keys = client.mget([f"{settings.redis_prefix}ready:{name}" for name in SAY_READY])
        waiting = [
            name
            for name, pid in zip(SAY_READY, keys, strict=True)
            if pid is None or int(pid) != self._supervisor.children[name].pid
        ]
        return waiting if healthy(settings) else [*waiting, "gateway"]

    # --- playing ---

    def _live_in_town(self, url: str) -> dict[str, Any]:
        """Let the town live; its last word."""
        wanted = self._wanted
        arguments = ("--people", wanted.people, "--for", wanted.play_s, "--seed", wanted.seed, "--base-url", url)
        stay = () if wanted.seconds else ("--stay",)
        town = Child("town", "services.simulator.app", (*map(str, arguments), *stay), once=True)
        self._supervisor.start(town, talks=True)
        process, lines = town.process, town.lines
        end_s = time.monotonic() + wanted.play_s
        assert process is not None
        assert lines is not None
        self._wait(
            lambda: process.poll() is not None,
            wanted.play_s + TOWN_EXTRA_S,
            lambda: "the town did not end when its time was over",
            left_s=lambda: end_s - time.monotonic(),
        )
        code = self._supervisor.forget("town")
        if code:
            raise DemoFailed(f"the town died (exit code {code}){self._supervisor.tail('town')}")
        return self._town or last_word(lines)

    def _wait(
        self,
        done: Callable[[], bool],
        limit_s: float,
        too_long: Callable[[], str],
        left_s: Callable[[], float] | None = None,
    ) -> None:
        """Look after everything until `done`. Raises DemoFailed."""
        deadline_s = time.monotonic() + limit_s
        next_live_s = time.monotonic() + LIVE_EVERY_S
        while not done():
            if time.monotonic() > deadline_s:
                raise DemoFailed(too_long())
            self._supervisor.look()
            self._memory.sample()
            self._listen()
            if left_s and time.monotonic() >= next_live_s:
                next_live_s = time.monotonic() + LIVE_EVERY_S
                if not self._unanswered:
                    self._ask()
                if self._report:
                    self._screen.live(self._report, left_s())
            time.sleep(LOOK_EVERY_S)

    def _listen(self) -> None:
        for child in self._supervisor.children.values():
            told = child.lines.heard() if child.lines else None
            if told and child.name == "checker":
                self._report = told
                self._unanswered -= 1
            elif told and child.name == "town" and "closed_in_time" in told:
                self._town = told

    def _ask(self) -> None:
        self._unanswered += 1
        lines = self._supervisor.children["checker"].lines
        assert lines is not None
        lines.ask("report")

    # --- telling ---

    def _last_report(self) -> dict[str, Any]:
        """The checker's report once nothing is lost any more, or the one after `SETTLE_LIMIT_S`."""
        deadline_s = time.monotonic() + SETTLE_LIMIT_S
        while True:
            report = self._fresh_report()
            if report["lost"] == 0 or time.monotonic() > deadline_s:
                return report

    def _fresh_report(self) -> dict[str, Any]:
        self._ask()
        self._wait(lambda: not self._unanswered, REPORT_LIMIT_S, lambda: "the checker does not answer")
        return self._report

    def _tell(self, result: dict[str, Any]) -> int:
        wanted = self._wanted
        result |= {
            "peak_pss_mb": round(self._memory.peak_pss_mb),
            "processes": self._memory.processes,
            "restarts": self._supervisor.restarts,
            "seed": wanted.seed,
            "settings": {
                "people": wanted.people,
                "for_s": wanted.seconds,
                "speed": wanted.speed,
                "broker": wanted.broker or "embedded",
                "redis": wanted.redis or "embedded",
            },
        }
        self._screen.say("")
        sys.stdout.write(json.dumps(result) + "\n" if wanted.json else summary(result))
        sys.stdout.flush()
        kept = result["double_booked"] == 0 and result["lost"] == 0 and not result["violations"]
        return EXIT_KEPT if kept else EXIT_BROKEN


@contextlib.contextmanager
def _folder(wanted: Options, screen: Screen) -> Iterator[Path]:
    if wanted.data is not None:
        wanted.data.mkdir(parents=True, exist_ok=True)
        yield wanted.data
        return
    data = Path(tempfile.mkdtemp(prefix="partyline-demo-"))
    try:
        yield data
    finally:
        if wanted.keep:
            screen.say(f"the data is in {data}")
        else:
            shutil.rmtree(data, ignore_errors=True)


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    def stop(number: int, _: object) -> None:
        _ignore_signals()
        raise Stopped(number)

    before = {number: signal.signal(number, stop) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
