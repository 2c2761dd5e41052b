"""`partyline eval speed-dating CSV`: the service's own learner and score, judged on the speed-dating experiment.

Place in the flow: files -> speed dating -> evenings -> **command**. With `--train A --test B` the model learns from A
and is judged on B; otherwise each evening of the file is judged by what the others teach.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from matcher.errors import BadRequest
from services.arguments import seed
from services.evaluate.evenings import ModelOf, judge, learned, leave_one_out
from services.evaluate.speed_dating import Evenings, read


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("csv", nargs="?", type=Path, help="the data, CSV or CSV.gz; each evening is left out in turn")
    parser.add_argument("--train", type=Path, help="learn from this file")
    parser.add_argument("--test", type=Path, help="and judge on this one")
    parser.add_argument("--seed", type=seed, default=1, help="of sub-pools and intervals (default 1)")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(found: argparse.Namespace) -> int:
    """Judge, and print the judgement. Raises BadRequest."""
    evenings, model_of = _from_two(found.train, found.test) if found.train or found.test else _from_one(found.csv)
    report = judge(evenings, model_of, found.seed)
    print(json.dumps(report) if found.json else "\n".join(_lines(report)))
    return 0


def _from_one(path: Path | None) -> tuple[Evenings, ModelOf]:
    if path is None:
        raise BadRequest("name a CSV file, or both --train and --test")
    evenings = read(path)
    if len(evenings.waves) < 2:
        raise BadRequest(f"{path.name} has one evening only: none is left to learn from; use --train and --test")
    return evenings, leave_one_out(evenings, lambda line: print(line, file=sys.stderr))


def _from_two(train: Path | None, test: Path | None) -> tuple[Evenings, ModelOf]:
    if train is None or test is None:
        raise BadRequest("--train and --test go together")
    known, unseen = read(train), read(test)
    shared = sorted(set(known.waves) & set(unseen.waves))
    kept = known.answers.take(~np.isin(known.wave, shared))
    if not len(kept):
        raise BadRequest("every evening to learn from is also one to judge on")
    model = learned(kept)
    if shared:  # judged on what it had learned, a model would look better than it is
        said = f"evenings {shared} stand in both files and were not learned from"
        unseen = replace(unseen, said=(*unseen.said, said))
    return unseen, lambda wave: model


def _lines(report: dict[str, Any]) -> list[str]:
    lines = [f"{report['waves']} evenings, {report['pairs']} pairs (seed {report['seed']})"]
    for name in ("cold", "warm"):
        if found := report[name]:
            figures = (f"{measure} {_figure(found[measure], found[f'{measure}_ci'])}" for measure in _measures(found))
            of = f" ({found['pairs']} pairs)" if "pairs" in found else ""
            lines.append(f"{name}{of}: " + ", ".join(figures))
    for name, title in (("assignment", "of full pairings of strangers"), ("assignment_warm", "with half known")):
        if found := report[name]:
            shares = ", ".join(f"{who} {_figure(found[who], None)}" for who in ("random", "model", "oracle"))
            lines.append(f"both say yes, {title}: {shares}; gain {_figure(None, found['gain_ci'])}")
    return lines + [f"said: {line}" for line in report["said"]]


def _measures(found: dict[str, Any]) -> list[str]:
    return [name for name in found if f"{name}_ci" in found]


def _figure(value: float | None, edges: list[float] | None) -> str:
    parts = [] if value is None else [f"{value:.4f}"]
    if edges:
        parts.append(f"[{edges[0]:.3f}, {edges[1]:.3f}]")
    return " ".join(parts) or "-"
