"""What `partyline demo` was asked to play, and the settings that all its processes get.

Place in the flow: cli -> **options** -> play. Bad arguments end here, with one sentence each.
"""

import argparse
import secrets
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from matcher.person import MARKETS
from services.adapters.vapid import new_key
from services.settings import Settings, read_settings

PEOPLE_LIMIT = 5_000
SECONDS_LIMIT = 24 * 3600
SPEED_LIMIT = 1_000.0
MARKET: Final = "GB"
START_HOUR = 8


@dataclass(frozen=True, slots=True)
class Options:
    """The arguments of one demo; `broker` and `redis` are None for the embedded ones."""

    people: int
    seconds: int
    speed: float
    seed: int
    broker: str | None
    redis: str | None
    json: bool
    data: Path | None
    port: int | None
    keep: bool

    @property
    def play_s(self) -> int:
        """How long to play at most."""
        return self.seconds or SECONDS_LIMIT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Every option of `partyline demo`."""
    parser.add_argument("--people", type=_people, default=200, help="how many live in the town (200)")
    parser.add_argument(
        "--for", type=_seconds, default=120, dest="seconds", help="seconds to play (120); 0 is until Ctrl-C"
    )
    parser.add_argument(
        "--speed", type=_speed, default=20.0,
        help="how many times faster life runs (20); to call in it yourself take 1, with --for 0",
    )  # fmt: skip
    parser.add_argument("--seed", type=_seed, default=1, help="another seed is another town (1)")
    parser.add_argument("--broker", type=_broker, help="your Kafka, as HOST:PORT; otherwise the embedded one")
    parser.add_argument("--redis", type=_redis, help="your Redis, as redis://HOST:PORT/0; otherwise the embedded one")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout and nothing else there")
    parser.add_argument("--data", type=_folder, help="an empty or new folder to work in; it stays afterwards")
    parser.add_argument("--port", type=_port, help="the gateway's port; otherwise a free one")
    parser.add_argument("--keep", action="store_true", help="leave the temporary data folder where it is")


def options(found: argparse.Namespace) -> Options:
    """The parsed arguments."""
    return Options(**{name: getattr(found, name) for name in Options.__slots__})


def settings(wanted: Options, data: Path, broker: str, redis: str) -> Settings:
    """What every process of this demo is told; on somebody's own Kafka and Redis under names of its own.

    How patient the pool is comes from the environment, as for any service.
    """
    given = read_settings()
    name = f"demo-{secrets.token_hex(4)}."
    origin = datetime.now(UTC)
    return Settings(
        broker=broker,
        embedded=wanted.broker is None,
        topic_prefix=name if wanted.broker else "",
        redis=redis,
        redis_prefix=name,
        data=data,
        port=wanted.port or free_port(),
        secret=secrets.token_hex(32),
        demo=True,
        domain_origin=origin,
        domain_start=eight_in_the_morning(origin),
        speed=wanted.speed,
        markets=(MARKET,),
        patient=given.patient,
        minute_costs=given.minute_costs,
        call_counts=given.call_counts,
        push_key=_push_key(data),
        push_contact="mailto:demo@example.org",
        dashboard_port=free_port(),
        dashboard_password=secrets.token_urlsafe(12),
        codes_per_address=100 + 20 * wanted.people,  # the whole town calls from one address
        archive_flush_ms=2_000,  # a demo allows its processes 2 s to end, so little may be left to write then
        log_level="WARNING",
    )


def _push_key(data: Path) -> str:
    """The key by which push services know this demo, kept in its folder for whoever wants to push by hand."""
    data.mkdir(parents=True, exist_ok=True)
    kept = data / "push-key"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(new_key())
    return kept.read_text()


def eight_in_the_morning(now: datetime) -> datetime:
    """08:00 of today in the town's market, as UTC."""
    local = now.astimezone(MARKETS[MARKET])
    return local.replace(hour=START_HOUR, minute=0, second=0, microsecond=0).astimezone(UTC)


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _whole(text: str, what: str, low: int, high: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise argparse.ArgumentTypeError(f"{what} is a whole number from {low} to {high}, not {text!r}")
    return number


def _people(text: str) -> int:
    return _whole(text, "the number of people", 2, PEOPLE_LIMIT)


def _seconds(text: str) -> int:
    return _whole(text, "the time to play", 0, SECONDS_LIMIT)


def _seed(text: str) -> int:
    return _whole(text, "a seed", 0, 2**63 - 1)


def _port(text: str) -> int:
    return _whole(text, "a port", 1, 65_535)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 1 <= speed <= SPEED_LIMIT:
        raise argparse.ArgumentTypeError(f"the speed is a number from 1 to {SPEED_LIMIT:g}, not {text!r}")
    return speed


def _broker(text: str) -> str:
    for server in text.split(","):
        host, _, port = server.strip().rpartition(":")
        if not host or not port.isdigit():
            raise argparse.ArgumentTypeError(f"Kafka's address is HOST:PORT, not {text!r}")
    return text


def _redis(text: str) -> str:
    if not text.startswith(("redis://", "rediss://", "unix://")):
        raise argparse.ArgumentTypeError(f"the address of Redis begins with redis://, not {text!r}")
    return text


def _folder(text: str) -> Path:
    folder = Path(text).resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise argparse.ArgumentTypeError(f"{text} is not an empty folder: rows of an earlier play would be believed")
    return folder
