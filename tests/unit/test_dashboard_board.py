"""The board: a snapshot and the changes since make the newest snapshot, for every page that keeps up."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from services.dashboard import board as boards
from services.dashboard.board import BEHIND_LIMIT, CHANGES_LIMIT, Board, Listener, merged
from services.dashboard.lag import Ends

LONG_S = 1e9

SECTIONS = st.dictionaries(st.sampled_from(["now", "totals", "lag"]), st.integers(0, 3))
LOOKS = st.lists(st.tuples(SECTIONS, st.lists(st.integers(), max_size=2)), min_size=1, max_size=40)


def heard(encoded: bytes) -> list[tuple[str, str, Any]]:
    """Events as a page gets them."""
    found = []
    for text in encoded.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in text.split("\n"))
        found.append((fields["event"], fields["id"], json.loads(fields["data"])))
    return found


def after(state: Any, encoded: bytes) -> Any:
    """A page's state after what came."""
    for kind, _, data in heard(encoded):
        state = data if kind == "snapshot" else merged(state, data)
    return state


def fresh(board: Board) -> Any:
    """What a page shows that opens now."""
    return after(None, board.join(Listener("s", LONG_S), None))


@given(LOOKS, st.integers(0, 40), st.integers(0, 40))
def test_every_way_to_the_newest_state_leads_to_the_same(looks: Any, opened: int, left: int) -> None:
    board = Board()
    page, since = None, None
    for number, (sections, points) in enumerate(looks):
        board.publish(sections, points, 0.0)
        if number == opened % len(looks):
            page, since = fresh(board), board.id
        if page is not None and number % 3 == left % 3:  # the page comes back with the id that it heard last
            page, since = after(page, board.join(Listener("s", LONG_S), since)), board.id
    assert page is not None
    assert after(page, board.join(Listener("s", LONG_S), since)) == fresh(board) == board.state


@pytest.mark.parametrize(
    "forged", ["", "1", "-", "x" * 5_000, "000000000000-1", "{boot}-99999", "{boot}--1", "{boot}-1\n", "{boot}-１", "é"]
)
def test_an_id_that_was_never_given_gets_a_snapshot(forged: str) -> None:
    board = Board()
    board.publish({"now": 1}, [], 0.0)
    (kind, _, state), *more = heard(board.join(Listener("s", LONG_S), forged.replace("{boot}", board.id.split("-")[0])))
    assert (kind, state, more) == ("snapshot", board.state, [])


def test_an_id_of_too_long_ago_gets_a_snapshot() -> None:
    board = Board()
    board.publish({"now": 0}, [], 0.0)
    old = board.id
    for number in range(CHANGES_LIMIT + 1):
        board.publish({"now": number}, [], 0.0)
    assert heard(board.join(Listener("s", LONG_S), old))[0][0] == "snapshot"


def test_points_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boards, "POINTS_LIMIT", 3)
    board = Board()
    for number in range(9):
        board.publish({}, [number], 0.0)
    assert board.state["points"] == [6, 7, 8]


async def drain(listener: Listener) -> list[bytes]:
    """All that a line sends before it ends."""
    found = []
    while (encoded := await listener.next()) is not None:
        found.append(encoded)
    return found


def run(coroutine: Any) -> Any:
    """Run on a loop of its own."""
    import asyncio

    return asyncio.run(coroutine)


def test_a_slow_listener_is_dropped_and_holds_nobody_up() -> None:
    async def play() -> tuple[list[bytes], int]:
        board, slow, quick, told = Board(), Listener("slow", LONG_S), Listener("quick", LONG_S), 0
        board.join(slow, None)
        board.join(quick, None)
        for number in range(BEHIND_LIMIT + 5):
            board.publish({"now": number}, [], 0.0)
            told += await quick.next() is not None
        return await drain(slow), told

    sent, told = run(play())
    assert sent == []
    assert told == BEHIND_LIMIT + 5


@pytest.mark.parametrize("how", ["session ends", "signed out", "shut down"])
def test_a_line_ends(how: str) -> None:
    async def play() -> list[bytes]:
        board, listener = Board(), Listener("one", 10.0)
        board.join(listener, None)
        if how == "signed out":
            board.end_session("one")
        elif how == "shut down":
            board.close()
        board.publish({}, [], 11.0)
        return await drain(listener)

    assert run(play()) == []


def test_a_reader_is_as_late_as_the_log_was_where_it_reads() -> None:
    ends = Ends()
    for at_s, end in ((0.0, 10), (2.0, 20), (4.0, 20), (6.0, 30)):
        ends.saw(at_s, end)
    assert [ends.late_s(read_to) for read_to in (30, 25, 20, 15, 10, 3)] == [0.0, 2.0, 2.0, 6.0, 6.0, 6.0]
    assert Ends().late_s(0) == 0.0
