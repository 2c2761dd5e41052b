"""Nothing in the core guards in vain: with any one guard removed the machine finds a violation.

Each mutant runs in a process of its own, from fixed seeds, so that it is found again every time.
"""

import subprocess
import sys

import pytest

from tests.property.budget import find_violation
from tests.property.guards import ROOT, WITHOUT, guards, source_without

MUTANT_LIMIT_S = 300
UNMUTATED_SEEDS = range(1, 2)


def test_every_guard_in_the_code_is_in_the_table_and_stands_there_once() -> None:
    assert sorted(guard.name for guard in guards()) == sorted(WITHOUT)


def test_every_mutant_differs_from_the_code_and_still_compiles() -> None:
    for guard in guards():
        source = source_without(guard)
        assert source != guard.file.read_text()
        compile(source, guard.name, "exec")


def test_with_every_guard_in_its_place_the_judge_of_mutants_finds_nothing() -> None:
    assert find_violation(UNMUTATED_SEEDS) is None


@pytest.mark.timeout(MUTANT_LIMIT_S + 30)
@pytest.mark.parametrize("name", WITHOUT)
def test_without_this_guard_a_truth_breaks(name: str) -> None:
    command = [sys.executable, "-m", "tests.property.mutant", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=MUTANT_LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"{name}: ")
