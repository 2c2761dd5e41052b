"""The process `simulator`: plays a town against a gateway and prints JSON lines, the last of which is its report.

SIGUSR1 brings the end of the play forward: windows are closed and everything is counted as at its usual end.

Place in the flow: the demo or a person at a terminal -> **app** -> town. Settings come from the environment.
"""

import argparse
import asyncio
import json
import resource
import signal
import sys
from collections.abc import Sequence
from typing import Any

from matcher.errors import PartylineError
from services.settings import Settings, read_settings
from services.simulator import town

FILES_BESIDE = 64
FILES_A_PERSON = 3
"""The live events, a write, and one that is just closing."""


def main(argv: Sequence[str] | None = None) -> int:
    """Play a town; 0 when it was played to its end, 1 when it could not begin, 130 after Ctrl-C."""
    asked = _parser().parse_args(argv)
    try:
        settings = read_settings()
        _allow_files(asked.people)
        said = asyncio.run(_play(settings, asked))
    except (PartylineError, town.NotReady, ValueError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    _say(**said)
    return 0


async def _play(settings: Settings, asked: argparse.Namespace) -> dict[str, Any]:
    enough = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, enough.set)
    return await town.run(
        settings, asked.base_url, asked.people, asked.play_s, asked.seed, lambda so_far: _say(progress=so_far),
        stay=asked.stay, enough=enough,
    )  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description="A town of people who use a gateway.")
    parser.add_argument("--people", type=int, default=200, help="how many open a window in the time played")
    parser.add_argument("--for", dest="play_s", type=float, default=60.0, metavar="SECONDS", help="wall time to play")
    parser.add_argument("--stay", action="store_true", help="everybody comes within minutes, and back again and again")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--base-url", required=True, help="where the gateway is")
    return parser


def _say(**said: Any) -> None:
    print(json.dumps(said), flush=True)


def _allow_files(people: int) -> None:
    """Raise the soft limit of open files as far as needed and allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_BESIDE + FILES_A_PERSON * people
    if soft < wanted:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
        )


if __name__ == "__main__":
    sys.exit(main())
