"""Embedded parts of a test's own that stand still, as a part does that a network no longer reaches."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def still(listens_on: int) -> Iterator[None]:
    """Our own part that listens on this port stands still."""
    mine = [one for one in psutil.Process().children(recursive=True) if listens_on in _ports(one)]
    assert mine
    for one in mine:
        one.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for one in mine:
            one.send_signal(signal.SIGCONT)


def _ports(process: psutil.Process) -> set[int]:
    return {one.laddr.port for one in process.net_connections(kind="tcp") if one.status == psutil.CONN_LISTEN}


def port_of(address: str) -> int:
    """The port in "host:port"."""
    return int(address.rpartition(":")[2])
