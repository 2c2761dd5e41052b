"""`partyline learn`: a model from the history, its card, and a promotion only if it is not worse.

Place in the flow: history -> fit -> compare -> **command** -> model file, card, `model.promoted` event. What is judged
is what is promoted: the model does not see the later talks on which it is compared.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from matcher.errors import BadRequest
from matcher.features import FEATURE_NAMES, TRAIT_NAMES
from matcher.model_file import DRAWS_LIMIT, ModelFile, TraitTerm, read_model_file
from matcher.score import Level, Model
from services.arguments import check_writable, seed, whole
from services.learner import card as cards
from services.learner.answers import Answers
from services.learner.compare import Comparison, compare
from services.learner.fit import learn
from services.learner.history import History, read

EARLIER = 0.7
"""The share of talks, oldest first, that a model is learned from; the rest judges it."""
LEAST_ANSWERS = 20
NAMES = (*FEATURE_NAMES, *TRAIT_NAMES)


@dataclass(frozen=True, slots=True)
class Learned:
    """A model file, the test against the one in service, and the card."""

    made: ModelFile
    found: Comparison
    card: dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("--history", type=Path, required=True, help="the archivist's folder")
    parser.add_argument("--out", type=Path, default=Path("model.json"), help="the model file (default model.json)")
    parser.add_argument("--against", type=Path, help="a model file to be compared with, in place of the one in service")
    parser.add_argument("--promote", action="store_true", help="put it into service if it is not worse")
    parser.add_argument("--explore", type=_ways, default=1, metavar="N", help="ways to explore, 1 to 64 (1: none)")
    parser.add_argument("--market", default="GB")
    parser.add_argument("--seed", type=seed, default=1, help="of the intervals (default 1)")
    parser.add_argument("--json", action="store_true", help="the card as one JSON object")


def _ways(text: str) -> int:
    return whole(text, "the number of ways to explore", 1, DRAWS_LIMIT)


InService = Callable[[], ModelFile | None]


def run(found: argparse.Namespace, in_service: InService, promote: Callable[[ModelFile], None]) -> int:
    """Learn, write, compare, perhaps promote; 0 also if it was not promoted. Raises BadRequest, Away."""
    check_writable(found.out)
    history = read(found.history, found.market)
    old = _old(found, history, in_service)
    learned = learn_from(history, old, found.explore, found.seed)
    _write(learned, found.out)
    promoted = found.promote and learned.found.not_worse
    if promoted:
        promote(learned.made)
    if found.json:
        print(json.dumps({**learned.card, "promoted": promoted, "model": str(found.out)}))
    else:
        print(f"{found.out}: {learned.found.sentence}" + ("; promoted" if promoted else ""))
    return 0


def _write(learned: Learned, out: Path) -> None:
    try:
        out.write_text(learned.made.model_dump_json(indent=2) + "\n")
        cards.write(learned.card, out)
    except OSError as error:
        raise BadRequest(f"{error.filename or out} cannot be written: {error.strerror}") from None


def _old(found: argparse.Namespace, history: History, in_service: InService) -> ModelFile | None:
    """The model to beat: the one named, else the one in service, else the last one that the history tells of."""
    if found.against:
        try:
            return read_model_file(found.against.read_bytes())
        except OSError as error:
            raise BadRequest(f"{found.against} cannot be read: {type(error).__name__}") from None
    return (in_service() if found.promote else None) or history.promoted


def learn_from(history: History, old: ModelFile | None, draws: int, seed: int) -> Learned:
    """What the history teaches, with its card. Raises BadRequest."""
    made, found, later = newer_model(history.answers, old, draws)
    return Learned(made, found, cards.card(history, made, later, found, seed))


def newer_model(answers: Answers, old: ModelFile | None, draws: int) -> tuple[ModelFile, Comparison, Answers]:
    """What the answers teach, judged on talks later than both models were learned from, and those talks.

    Raises BadRequest if there are too few.
    """
    if len(answers) < LEAST_ANSWERS:
        raise BadRequest(f"the history holds {len(answers)} answers; {LEAST_ANSWERS} are needed to learn anything")
    until = float(np.quantile(answers.at, EARLIER))
    if old is not None:
        until = max(until, old.learned_until.timestamp())
    earlier, later = answers.take(answers.at <= until), answers.take(answers.at > until)
    made = _file(learn(earlier, _version(earlier), NAMES, draws), earlier)
    return made, compare(old.model() if old else Model(), made.model(), later), later


def _version(answers: Answers) -> str:
    return f"{_when(answers.at.max()):%Y%m%dT%H%M%S}-{len(answers)}"


def _when(at: float) -> datetime:
    return datetime.fromtimestamp(float(at), UTC)


def _file(model: Model, answers: Answers) -> ModelFile:
    level = model.level or Level(model.intercept, model.intercept)
    return ModelFile(
        version=model.version, intercept=model.intercept, weights=model.weights,
        traits={
            name: TraitTerm(mean=one.mean, sd=one.sd, gives=one.gives, gets=one.gets)
            for name, one in model.traits.items()
        },
        gives_sd=model.gives_sd, gets_sd=model.gets_sd, level_gave=level.gave, level_got=level.got, usual=model.usual,
        slope=model.slope,
        shift=model.shift, bond_slope=model.bond_slope, bond_shift=model.bond_shift, dependence=model.dependence,
        of_unknown=model.of_unknown, draws=model.draws, learned_from=_when(answers.at.min()),
        learned_until=_when(answers.at.max()), answers=len(answers),
    )  # fmt: skip


