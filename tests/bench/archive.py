"""How fast the history is written and how long an erasure takes: `python -m tests.bench.archive`, JSON.

Rows are like those of a living town, in the topics and sizes that a demo has. They are handed to the writer as Kafka's
records are, so that neither a broker nor reading is measured. `pass_s` is from handing over that somebody was erased
until nothing is left to do; all else (the machine's disk, its compression) is as in a running archivist.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from matcher.events import PersonErased
from matcher.values import wire
from services.archivist.files import all_spans
from services.archivist.writer import Batch, Writer
from services.report.figures import Time, figures

PEOPLE = 20_000
BATCH_ROWS = 20_000
SHARES = (("pool", 55), ("waiting", 8), ("invitations", 12), ("person-events", 6), ("people", 6), ("receipts", 6),
          ("calls", 4), ("pairs", 2), ("outcomes", 1))  # fmt: skip
"""Of a hundred rows, how many stand in each topic."""
FILLER = "x" * 350
PAUSE_S = 0.01


@dataclass(slots=True)
class Record:
    """What the writer takes of a Kafka record."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes


class Made:
    """Batches of made-up rows, on and on."""

    def __init__(self) -> None:
        self._ends: dict[str, int] = {}
        self._topics = [topic for topic, share in SHARES for _ in range(share)]
        self._now_ms = round(datetime.now(UTC).timestamp() * 1000)
        self._ids = [f"p-{uuid4().hex}" for _ in range(PEOPLE)]
        self._count = 0

    def batch(self, rows: int) -> Batch:
        """So many rows."""
        found: dict[tuple[str, int], list[Record]] = {}
        for _ in range(rows):
            self._count += 1
            topic = self._topics[self._count * 37 % len(self._topics)]
            person, other = self._ids[self._count % PEOPLE], self._ids[self._count * 7 % PEOPLE]
            value = {"type": "invitation.answered.v1", "id": uuid4().hex, "a": person, "b": other, "filler": FILLER}
            found.setdefault((topic, 0), []).append(self._record(topic, person, json.dumps(value).encode()))
        return found

    def erasure(self, number: int) -> Batch:
        """Somebody is erased."""
        person = self._ids[number]
        event = PersonErased(id=f"erased-{number}", at=datetime.now(UTC), person=person)
        return {("person-events", 0): [self._record("person-events", person, wire(event))]}

    def _record(self, topic: str, key: str, value: bytes) -> Record:
        offset = self._ends.get(topic, 0)
        self._ends[topic] = offset + 1
        return Record(offset, self._now_ms, key.encode(), value)


def done(writer: Writer, batch: Batch) -> float:
    """Hand a batch over; the seconds until nothing is left to do."""
    start_s = time.perf_counter()
    while not writer.take(batch, wait_s=1.0):
        pass
    while not writer.idle:
        time.sleep(PAUSE_S)
    return time.perf_counter() - start_s


def main() -> None:
    """Write, erase, report, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--erasures", type=int, default=5)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, made = Path(name), Made()
        writer = Writer(folder, "secret")
        written_s = sum(done(writer, batch) for batch in batches(made, wanted.rows))
        one_s = [round(done(writer, made.erasure(number)), 2) for number in range(wanted.erasures)]
        after_s = done(writer, made.batch(BATCH_ROWS))
        start_s = time.perf_counter()
        figures(folder, Time())
        report_s = time.perf_counter() - start_s
        writer.close(10)
        start_s = time.perf_counter()
        Writer(folder, "secret").close(10)
        told = {
            "rows": wanted.rows,
            "rows_per_s": round(wanted.rows / written_s),
            "rows_per_s_with_people_erased": round(BATCH_ROWS / after_s),
            "erasure_s": one_s,
            "report_s": round(report_s, 2),
            "start_s": round(time.perf_counter() - start_s, 2),
            "files": len(all_spans(folder)),
            "megabytes": round(sum(path.stat().st_size for path in folder.iterdir()) / 1e6),
            "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }
    sys.stdout.write(json.dumps(told) + "\n")


def batches(made: Made, rows: int) -> Iterator[Batch]:
    """Batches of so many rows in all."""
    for start in range(0, rows, BATCH_ROWS):
        yield made.batch(min(BATCH_ROWS, rows - start))


if __name__ == "__main__":
    main()
