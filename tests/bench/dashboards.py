"""What many open dashboards cost, and how old the news on them is: `python -m tests.bench.dashboards`, JSON.

A dashboard on an embedded broker counts rows that come at `--rows-per-s`; `--listeners` hold a live line each. The age
of an update is the time from Kafka's answer that a row is in until a listener has the figure that counts it. `cores` is
the processor time of the dashboard's process, reader and all, per second.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from services import topics
from services.dashboard.guard import COOKIE
from services.embedded.broker import embedded_broker
from services.embedded.redis import embedded_redis
from services.topics import WAITING
from tests.conftest import Parts, RedisPlace
from tests.dashboard_desk import DashboardDesk, dashboard
from tests.gateway_desk import waiting

OPENED = re.compile(rb'"opened":(\d+)')
WARM_S = 5.0
RECONNECT_S = 1.0


class Writer:
    """Writes rows at a steady pace and remembers when Kafka had each."""

    def __init__(self, desk: DashboardDesk, rows_per_s: float) -> None:
        self._desk = desk
        self._pause_s = 1 / rows_per_s
        self.stop = threading.Event()
        self.sent_s: list[float] = []

    def run(self) -> None:
        """Write until stopped."""
        with_kafka = self._desk.producer()
        next_s = time.monotonic()
        while not self.stop.is_set():
            number = len(self.sent_s)
            row = waiting(f"p-{number}", offset=number)
            self._desk.send(with_kafka, WAITING, row.person, row)
            self.sent_s.append(time.monotonic())
            next_s = max(next_s + self._pause_s, time.monotonic())
            self.stop.wait(next_s - time.monotonic())


class Listeners:
    """Many lines, and the age of everything that they were told."""

    def __init__(self, desk: DashboardDesk, token: str, writer: Writer) -> None:
        self._address = urlsplit(desk.url)
        self._head = f"GET /live HTTP/1.1\r\nHost: {self._address.netloc}\r\nCookie: {COOKIE}={token}\r\n\r\n".encode()
        self._writer = writer
        self.counting = False
        self.events = 0
        self.ages_s: list[float] = []
        self.came_back = 0

    async def listen(self) -> None:
        """One page: a line that comes back, as a browser's does, whenever it was refused or dropped."""
        while True:
            await self._one_line()
            self.came_back += 1
            await asyncio.sleep(RECONNECT_S)

    async def _one_line(self) -> None:
        reader, writer = await asyncio.open_connection(self._address.hostname, self._address.port, limit=1 << 20)
        writer.write(self._head)
        known: int | None = None
        while line := await reader.readline():
            self.events += self.counting and line.startswith(b"event: change")
            found = OPENED.search(line) if line.startswith(b"data:") else None
            if found:
                now_s, opened = time.monotonic(), int(found[1])
                if self.counting and known is not None:
                    self.ages_s += [now_s - sent_s for sent_s in self._writer.sent_s[known:opened]]
                known = opened
            if line.startswith(b"HTTP/1.1 ") and b" 200 " not in line:
                break
        writer.close()


async def measure(desk: DashboardDesk, listeners: int, play_s: float, rows_per_s: float) -> dict[str, object]:
    """Let them listen for a while."""
    token = desk.signed_in().cookies[COOKIE]
    writer = Writer(desk, rows_per_s)
    threading.Thread(target=writer.run, daemon=True).start()
    all_of_them = Listeners(desk, token, writer)
    tasks = [asyncio.create_task(all_of_them.listen()) for _ in range(listeners)]
    await asyncio.sleep(WARM_S)
    assert desk.process is not None
    process, all_of_them.counting = psutil.Process(desk.process.pid), True
    before, began_s = process.cpu_times(), time.monotonic()
    await asyncio.sleep(play_s)
    after, took_s = process.cpu_times(), time.monotonic() - began_s
    writer.stop.set()
    memory_mb = round(process.memory_info().rss / 2**20)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    rows_per_s = len(writer.sent_s) / (took_s + WARM_S)
    used_s = after.user + after.system - before.user - before.system
    return {
        "listeners": listeners, "came_back": all_of_them.came_back, "rows_per_s": round(rows_per_s),
        "cores": round(used_s / took_s, 2), "updates_per_s": round(all_of_them.events / took_s),
        "update_age_ms": {"p50": _share(all_of_them.ages_s, 0.5), "p99": _share(all_of_them.ages_s, 0.99)},
        "rss_mb": memory_mb, "for_s": round(took_s, 1),
    }  # fmt: skip


def main() -> None:
    """Start, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=200)
    parser.add_argument("--for", type=float, default=20, dest="play_s")
    parser.add_argument("--rows-per-s", type=float, default=100)
    wanted = parser.parse_args()
    with _desk() as desk:
        found = asyncio.run(measure(desk, wanted.listeners, wanted.play_s, wanted.rows_per_s))
    sys.stdout.write(json.dumps(found) + "\n")


@contextmanager
def _desk() -> Iterator[DashboardDesk]:
    with tempfile.TemporaryDirectory() as folder, embedded_broker() as kafka, embedded_redis() as url:
        topics.create(kafka.bootstrap, kafka.prefix, kafka.embedded)
        with dashboard(Parts(kafka, RedisPlace(url, "bench:")), Path(folder)) as desk:
            yield desk


def _share(values: list[float], share: float) -> int | None:
    ordered = sorted(values)
    return round(1000 * ordered[max(0, ceil(share * len(ordered)) - 1)]) if ordered else None


if __name__ == "__main__":
    main()
