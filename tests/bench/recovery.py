"""How soon a town's offers flow again after a kill -9 or a wiped Redis: `python -m tests.bench.recovery`, JSON.

Each deed is done `--times` in random order while the town lives; a figure is the seconds from the deed until an offer
that was decided later is held by both pages (after a kill of the bridge: until a call connects).
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from tests.living_demo import KILLED, WIPE, Signs, hit, living_demo
from tests.world import eventually

LIMIT_S = 90.0
KEPT = ("opened", "connected", "double_booked", "lost", "lost_of", "violations", "dead_letters", "restarts")


def main() -> None:
    """Play, break, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=450)
    parser.add_argument("--for", type=int, default=150, dest="play_s")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--deeds", default=",".join([*KILLED, WIPE]), help="what is done, separated by commas")
    parser.add_argument("--times", type=int, default=2)
    parser.add_argument("--broker")
    parser.add_argument("--redis")
    parser.add_argument("--data", type=Path, help="where the demo works; its logs stay there")
    wanted = parser.parse_args()
    parts = [word for name in ("broker", "redis") if (value := getattr(wanted, name)) for word in (f"--{name}", value)]
    deeds = wanted.deeds.split(",") * wanted.times
    random.Random(wanted.seed).shuffle(deeds)
    again: dict[str, list[float]] = defaultdict(list)
    with (
        tempfile.TemporaryDirectory() as folder,
        living_demo(wanted.data or Path(folder) / "demo", wanted.people, wanted.play_s, wanted.seed, parts) as played,
    ):
        addresses = played.wait_for_town()
        signs = Signs(addresses)
        eventually(lambda: signs.flow_after(0.0, "calls"), LIMIT_S, what="the town is alive")
        for number, deed in enumerate(deeds, 1):
            again[deed].append(round(hit(played, addresses, signs, deed, LIMIT_S), 1))
            print(f"{number}/{len(deeds)} {deed}: {again[deed][-1]} s", file=sys.stderr)
        report = played.report()
    every = [one for times in again.values() for one in times]
    kept = {name: report[name] for name in KEPT}
    if report["lost"] or report["violations"]:
        print(json.dumps(report), file=sys.stderr)
    print(json.dumps({"again_s": again, "median_s": statistics.median(every), "worst_s": max(every), **kept}))


if __name__ == "__main__":
    main()
