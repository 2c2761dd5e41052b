"""A TURN server for tests: Debian's coturn with the file that we ship, on loopback."""

import secrets
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from services.demo.options import free_port
from tests.world import eventually

TURN_SERVER = "turnserver"
CONFIGURATION = Path(__file__).parents[2] / "infra" / "coturn" / "turnserver.conf"
LOOPBACK = "127.0.0.1"
ON_LOOPBACK = (
    f"--listening-ip={LOOPBACK}", f"--relay-ip={LOOPBACK}", f"--allowed-peer-ip={LOOPBACK}", "--allow-loopback-peers",
)  # fmt: skip
"""What a test needs and a real one must never have: relayed addresses are on loopback here."""


class Turn(NamedTuple):
    """Where a TURN server is, and the secret that it shares."""

    url: str
    secret: str

    def settings(self) -> dict[str, Any]:
        """The gateway's settings for it."""
        return {"turn_urls": (self.url,), "turn_secret": self.secret}


@contextmanager
def turn_server() -> Iterator[Turn]:
    """A TURN server of one's own for the length of a `with` block."""
    turn, port = Turn("", secrets.token_hex(16)), free_port()
    with tempfile.TemporaryDirectory(prefix="partyline-turn-") as data:
        command = [TURN_SERVER, "-c", str(CONFIGURATION), f"--static-auth-secret={turn.secret}", *ON_LOOPBACK]
        command += [f"--listening-port={port}", f"--pidfile={data}/pid", f"--userdb={data}/db"]
        process = subprocess.Popen(command, cwd=data, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            eventually(lambda: _listens(port), 10, "the TURN server listens")
            yield turn._replace(url=f"turn:{LOOPBACK}:{port}?transport=udp")
        finally:
            process.terminate()
            process.wait(10)


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), 0.5).close()
    except OSError:
        return False
    return True
