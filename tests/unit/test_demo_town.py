"""What the demo makes of the town's last word."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.demo.lines import Lines
from services.demo.town import last_word, with_town

WORD: dict[str, Any] = {
    "opened_2xx": ["one", "two"], "closed_in_time": True, "did": {"opened": 2, "unsettled_meeting": 1}, "outcomes": {},
    "requests": 9, "retries": 1, "errors": {"503 away": 1},
}  # fmt: skip


@pytest.fixture
def lines_of() -> Iterator[Callable[..., Lines]]:
    processes: list[subprocess.Popen[str]] = []

    def start(*said: Any) -> Lines:
        code = f"print({chr(10).join(map(json.dumps, said))!r})"
        processes.append(subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True))
        return Lines(processes[-1])

    yield start
    for process in processes:
        process.wait()


def test_the_last_word_is_found_behind_all_progress(lines_of: Callable[..., Lines]) -> None:
    progress = [{"progress": {"opened": number}} for number in range(50)]
    assert last_word(lines_of(*progress, WORD), 30) == WORD


def test_a_town_that_told_nothing_is_a_violation(lines_of: Callable[..., Lines]) -> None:
    word = last_word(lines_of({"progress": {}}), 0.3)
    assert with_town({"violations": []}, word)["violations"] == ["the town did not tell how it went"]


def test_the_result_holds_what_the_town_told_without_the_long_list() -> None:
    result = with_town({"lost": 0, "violations": []}, WORD)
    assert (result["lost"], result["violations"]) == (0, [])
    assert result["town"] == {name: value for name, value in WORD.items() if name != "opened_2xx"}


def test_each_fault_of_the_town_is_a_violation_beside_the_checkers() -> None:
    errors = {"fault KeyError: 'state'": 2, "fault ValueError: no": 1, "503 away": 7}
    result = with_town({"violations": ["invitation one has no end"]}, {**WORD, "errors": errors})
    assert result["violations"] == [
        "invitation one has no end",
        "the town: fault KeyError: 'state' (2 times)",
        "the town: fault ValueError: no (1 times)",
    ]
