"""That tests which share something are played by one worker: pytest and its plugin must agree on how to say so."""

import subprocess
import sys
from pathlib import Path

TESTS = """
import os
import pytest

@pytest.mark.xdist_group("together")
@pytest.mark.parametrize("turn", range(4))
def test_one(turn):
    with open({record!r}, "a") as record:
        print(os.environ["PYTEST_XDIST_WORKER"], file=record)
"""


def test_a_group_that_stands_in_two_files_is_played_by_one_worker(tmp_path: Path) -> None:
    record = tmp_path / "record"
    for name in ("test_here.py", "test_there.py"):
        (tmp_path / name).write_text(TESTS.format(record=str(record)))
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60)
    workers = record.read_text().split()
    assert len(workers) == 8
    assert len(set(workers)) == 1
