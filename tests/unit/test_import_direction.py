"""The core decides and the shell does: `matcher` imports nothing that connects, waits, reads a clock or rolls a die."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

MATCHER = Path(__file__).parents[2] / "matcher"
FILES = sorted(MATCHER.rglob("*.py"))

ALLOWED_FROM_OUTSIDE = {
    "matcher",
    "pydantic",
    "pydantic_core",
    "annotated_types",
    "numpy",
    "sklearn",
    "numba",
    "rustworkx",
}

# Of the standard library, what opens sockets or files, starts threads or processes, waits, or differs from run to run.
FORBIDDEN_STANDARD = {
    "asyncio",
    "concurrent",
    "ctypes",
    "ftplib",
    "http",
    "importlib",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "pickle",
    "queue",
    "random",
    "sched",
    "secrets",
    "select",
    "selectors",
    "shutil",
    "signal",
    "smtplib",
    "socket",
    "socketserver",
    "sqlite3",
    "ssl",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib",
}

# Names that read a clock or roll a die although their module may be imported.
FORBIDDEN_CALLS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("uuid", "uuid1"),
    ("uuid", "uuid4"),
    ("uuid", "uuid6"),
    ("uuid", "uuid7"),
    ("random", "default_rng"),
}
FORBIDDEN_BUILTINS = {"open", "print", "input", "__import__", "eval", "exec"}


def imported(tree: ast.AST) -> Iterator[str]:
    """The top names of all modules that a file imports, wherever in the file; a relative import is the core's own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


def may_import(name: str) -> bool:
    """Whether the core may import this top-level module."""
    if name in sys.stdlib_module_names:
        return name not in FORBIDDEN_STANDARD
    return name in ALLOWED_FROM_OUTSIDE


def impure_calls(tree: ast.AST) -> Iterator[str]:
    """Clocks, dice and input or output that a file calls or names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if (owner, node.attr) in FORBIDDEN_CALLS:
                yield f"{owner}.{node.attr}"
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{a.name}" for a in node.names if (node.module, a.name) in FORBIDDEN_CALLS)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in FORBIDDEN_BUILTINS:
            yield ast.unparse(node.func)
        elif isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            yield "async"


def test_there_is_a_core_to_look_at() -> None:
    assert FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(MATCHER).as_posix())
def test_the_core_imports_only_what_is_pure(file: Path) -> None:
    assert [name for name in imported(ast.parse(file.read_text())) if not may_import(name)] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(MATCHER).as_posix())
def test_the_core_reads_no_clock_and_rolls_no_die(file: Path) -> None:
    assert list(impure_calls(ast.parse(file.read_text()))) == []


OUTSIDE = ["import services.topics", "from redis import Redis", "import faust", "import kafka.errors"]
STANDARD = ["import time", "from random import choice", "def f():\n    import socket", "import os.path"]


@pytest.mark.parametrize("line", OUTSIDE)
def test_an_import_of_the_outside_is_found(line: str) -> None:
    assert not all(map(may_import, imported(ast.parse(line))))


@pytest.mark.parametrize("line", STANDARD)
def test_an_import_of_a_clock_or_a_socket_is_found(line: str) -> None:
    assert not all(map(may_import, imported(ast.parse(line))))


@pytest.mark.parametrize(
    "line",
    [
        "import datetime\ndatetime.datetime.now(datetime.UTC)",
        "field(default_factory=uuid.uuid4)",
        "from uuid import uuid4",
        "numpy.random.default_rng()",
        "open('x')",
        "async def f(): ...",
    ],
)
def test_an_impure_call_is_found(line: str) -> None:
    assert list(impure_calls(ast.parse(line)))
