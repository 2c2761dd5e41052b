"""How fast the serving model scores: `python -m tests.bench.score`, one JSON object; the median of 5 runs.

`score_cpu_s` is what the processor spent, which other work on the machine does not lengthen.
"""

import json
import statistics
import sys
import time

import numpy as np

from matcher.effects import Counts
from matcher.features import BOND, FIRM, NO_BOND, Crowd
from matcher.person import TOPICS
from matcher.score import Model, Trait, believed
from matcher.scored import score_pairs

PEOPLE, PAIRS, RUNS = 100_000, 2_400_000, 5


def crowd_of(people: int, dice: np.random.Generator) -> Crowd:
    gave, got = dice.integers(0, 30, (2, people)).astype(float)
    yes = (np.floor(gave * dice.random(people)), np.floor(got * dice.random(people)))
    counts = Counts.of(zip(gave.tolist(), yes[0].tolist(), got.tolist(), yes[1].tolist(), strict=True))
    bits = dice.integers(0, 1 << len(TOPICS), (2, people)) & dice.integers(0, 1 << len(TOPICS), (2, people))
    return Crowd(50 + 8 * dice.random(people), -5 + 6 * dice.random(people), bits[0], bits[1] & ~bits[0], counts)


def main() -> None:
    """Print the seconds for the effects of everybody and for all pairs, features included."""
    dice = np.random.default_rng(1)
    people = crowd_of(PEOPLE, dice)
    left, right = dice.integers(0, PEOPLE, (2, PAIRS))
    bond = dice.choice([NO_BOND, BOND, FIRM], PAIRS, p=[0.99, 0.006, 0.004]).astype(np.int8)
    model = Model(traits={"many_likes": Trait(0.7, 0.1, 0.1, 0.1)}, dependence=0.2)
    effects_s, score_s, score_cpu_s = [], [], []
    for _ in range(RUNS):
        start_s = time.perf_counter()
        effects = believed(model, people)
        effects_s.append(time.perf_counter() - start_s)
        start_s, start_cpu_s = time.perf_counter(), time.process_time()
        scores = score_pairs(model, people, effects, left, right, bond)
        score_s.append(time.perf_counter() - start_s)
        score_cpu_s.append(time.process_time() - start_cpu_s)
    found = {"people": PEOPLE, "pairs": PAIRS, "effects_s": statistics.median(effects_s)}
    found |= {"score_s": statistics.median(score_s), "score_cpu_s": statistics.median(score_cpu_s)}
    sys.stdout.write(json.dumps({**found, "mean": float(scores.mean())}) + "\n")


if __name__ == "__main__":
    main()
