"""Runs the machine against the core with one guard removed: `python -m tests.property.mutant NAME`.

Place in the flow: guards -> **mutant** -> machine. Exit code 0: the machine found a violation, which is printed;
1: it found none within its budget, so nothing watches this guard.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from tests.property.guards import Guard, guards, source_without


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives out the module of one guard without that guard."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> Any:
        return importlib.util.spec_from_loader(name, self) if name == self._guard.module else None

    def exec_module(self, module: ModuleType) -> None:
        code = compile(source_without(self._guard), str(self._guard.file), "exec")
        exec(code, module.__dict__)


def main(name: str) -> int:
    """Remove the guard, run the machine, say what it found."""
    guard = next(one for one in guards() if one.name == name)
    assert guard.module not in sys.modules, "the module was imported before its guard could be removed"
    sys.meta_path.insert(0, _Mutated(guard))
    from tests.property.budget import find_violation

    found = find_violation()
    sys.stdout.write(f"{name}: {found or 'nothing found'}\n")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
