"""Embedded parts of a test's own that stand still, as a part does that a network no longer reaches."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.world import eventually


@contextmanager
def still(listens_on: int) -> Iterator[None]:
    """Our own part that listens on this port stands still."""
    mine = [one for one in psutil.Process().children(recursive=True) if listens_on in _ports(one)]
    assert mine
    for one in mine:
        one.send_signal(signal.SIGSTOP)
    eventually(lambda: all(_stands(one) for one in mine), what="it stands still")
    try:
        yield
    finally:
        for one in mine:
            one.send_signal(signal.SIGCONT)


def _stands(process: psutil.Process) -> bool:
    """Whether none of its threads runs any more: a signal needs a moment to reach them all."""
    return all(psutil.Process(thread.id).status() == psutil.STATUS_STOPPED for thread in process.threads())


def _ports(process: psutil.Process) -> set[int]:
    return {one.laddr.port for one in process.net_connections(kind="tcp") if one.status == psutil.CONN_LISTEN}


def port_of(address: str) -> int:
    """The port in "host:port"."""
    return int(address.rpartition(":")[2])
