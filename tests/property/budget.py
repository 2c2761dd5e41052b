"""How often the machine runs, and how it reports: the seed, a small trace and the truth that does not hold.

Place in the flow: machine -> **budget** -> test_truths, mutant.
"""

import os
import secrets
from collections.abc import Iterable

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.property.machine import Town
from tests.property.told import Violation
from tests.thorough import IN_CI

SEED_VARIABLE = "PARTYLINE_TEST_SEED"
STEPS = 45
SEQUENCES = 2_000 if IN_CI else 150
MUTANT_SEEDS = range(1, 126)
MUTANT_SEQUENCES = 12
"""From each seed: a search that often begins anew finds most guards several times sooner than one that goes on."""
SEEDS = 2**32
USUAL_SEED = "4203837555"


def _settings(sequences: int, *, shrink: bool) -> settings:
    return settings(
        max_examples=sequences,
        stateful_step_count=STEPS,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        report_multiple_bugs=False,
    )


def run(sequences: int, number: int, *, shrink: bool) -> None:
    """Run the machine this often from this seed; a failure carries the seed and the shortest trace found."""
    town = seed(number)(type("Town", (Town,), {}))
    try:
        run_state_machine_as_test(town, settings=_settings(sequences, shrink=shrink))
    except Exception as error:
        error.add_note(f"run it again with {SEED_VARIABLE}={number}")
        raise


def chosen_seed() -> int:
    """The seed that the environment names ("new" for one that nobody tried), or the usual one.

    A change is judged by the same sequences each time; whoever looks for what is still unknown asks for new ones.
    """
    named = os.environ.get(SEED_VARIABLE, USUAL_SEED)
    return secrets.randbelow(SEEDS) if named == "new" else int(named)


def find_violation(seeds: Iterable[int] = MUTANT_SEEDS) -> str | None:
    """The truth that the machine finds broken within the budget of one mutant, from fixed seeds; None if none."""
    for number in seeds:
        try:
            run(MUTANT_SEQUENCES, number, shrink=False)
        except Violation as violation:
            return str(violation)
    return None
