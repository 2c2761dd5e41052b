"""No process loads a heavy library that only another one needs: a town's nine processes stand on one small machine."""

import subprocess
import sys

import pytest

PROCESSES = (
    "services.stream.app", "services.notifier.app", "services.bridge.app", "services.gateway.app",
    "services.archivist.app", "services.dashboard.app", "services.checker.app", "services.simulator.app",
    "services.demo.play", "services.cli",
)  # fmt: skip


@pytest.mark.parametrize(
    ("libraries", "carried_by"),
    [(("pyarrow", "duckdb"), "services.archivist.app"), (("numba", "scipy", "sklearn"), "services.stream.app")],
)
def test_only_the_process_that_needs_it_carries(libraries: tuple[str, ...], carried_by: str) -> None:
    others = ", ".join(one for one in PROCESSES if one != carried_by)
    asked = f"import sys, {others}; print([one for one in {libraries} if one in sys.modules])"
    found = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
