"""A broker that speaks Kafka's protocol on loopback, out of a wheel; for a demo and for tests.

It is librdkafka's own cluster for tests: memory only, four partitions a topic, the newest 5 MB of each partition, no
compaction, no CreateTopics. What must last goes to real Kafka. Run as `python -m services.embedded.broker`; it prints
{"bootstrap": "127.0.0.1:PORT"} and serves until SIGTERM or until its parent is gone.
"""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Producer

from services.embedded.lifeline import Lifeline, announce, started
from services.topics import KafkaAddress

START_TIMEOUT_S = 5.0
ERRORS_ONLY = 3  # syslog level: otherwise it greets on stderr


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parent", type=int, help="end when this process is no longer the parent")
    lifeline = Lifeline(parser.parse_args().parent)
    cluster = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "replaced", "log_level": ERRORS_ONLY})
    broker = next(iter(cluster.list_topics(timeout=START_TIMEOUT_S).brokers.values()))
    announce(bootstrap=f"{broker.host}:{broker.port}")
    while lifeline.holds():
        pass
    os._exit(0)  # nothing here outlives the process, and an orderly close of the cluster waits for its clients


@contextmanager
def embedded_broker() -> Iterator[KafkaAddress]:
    """A broker of one's own for the length of a `with` block."""
    with started("services.embedded.broker") as address:
        yield KafkaAddress(address["bootstrap"], embedded=True)


if __name__ == "__main__":
    main()
