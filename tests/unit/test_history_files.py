"""The names of the history's files alone tell where to go on, and a merge never shows a row twice or not at all."""

from pathlib import Path

import pytest

from services.archivist import merging
from services.archivist.files import UNFINISHED, Span, all_spans, next_offsets, placed, readable, tidy
from services.archivist.merging import FULL_OFFSETS, MERGE_FILES, due, merge_one
from services.archivist.rows import row, write
from tests.archive import archived


@pytest.fixture(autouse=True)
def no_power_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes die here, machines do not: nothing has to wait for the disk."""
    monkeypatch.setattr("services.archivist.files._sync", lambda path: None)


def span(first: int, last: int, partition: int = 0, topic: str = "pool") -> Span:
    return Span(topic, partition, first, last)


def history(folder: Path, *spans: Span) -> None:
    for one in spans:
        rows = [row(one.topic, one.partition, n, n, b"key", b'{"n":%d}' % n) for n in range(one.first, one.last + 1)]
        write(folder / one.name, rows)


def offsets(folder: Path) -> list[int]:
    return sorted(one["offset"] for one in archived(folder))


def test_a_name_tells_all_that_is_needed_to_go_on(tmp_path: Path) -> None:
    history(tmp_path, span(0, 4), span(5, 5), span(3, 8, 2), span(0, 1, topic="person-events"))
    (tmp_path / "notes.txt").write_text("not ours")
    assert len(all_spans(tmp_path)) == 4
    assert next_offsets(all_spans(tmp_path)) == {("pool", 0): 6, ("pool", 2): 9, ("person-events", 0): 2}


def test_names_sort_as_offsets_do() -> None:
    names = [span(9, 10).name, span(11, 99).name, span(100, 100).name]
    assert names == sorted(names)


def test_a_folder_that_is_not_there_is_an_empty_history(tmp_path: Path) -> None:
    assert all_spans(tmp_path / "none") == []


def test_a_file_that_was_merged_is_not_read() -> None:
    parts = [span(0, 4), span(5, 9), span(10, 14)]
    assert readable([*parts, span(0, 9)]) == [span(0, 9), span(10, 14)]
    assert readable([*parts, span(5, 9, 1)]) == [*parts, span(5, 9, 1)]
    assert readable([span(0, 14), span(0, 9), *parts]) == [span(0, 14)]


def test_what_a_crash_left_behind_is_removed(tmp_path: Path) -> None:
    history(tmp_path, span(0, 4), span(5, 9), span(0, 9), span(10, 10))
    (tmp_path / (span(11, 12).name + UNFINISHED)).write_bytes(b"half")
    tidy(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [span(0, 9).name, span(10, 10).name]


def test_a_file_that_cannot_be_finished_is_not_there(tmp_path: Path) -> None:
    def fail() -> None:
        with placed(tmp_path / span(0, 1).name) as new:
            new.write_bytes(b"half")
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        fail()
    assert all_spans(tmp_path) == []


def test_small_files_become_one_with_the_same_rows(tmp_path: Path) -> None:
    spans = [span(2 * n, 2 * n + 1) for n in range(MERGE_FILES)]
    history(tmp_path, *spans, span(0, 7, 1))
    before = offsets(tmp_path)
    assert merge_one(tmp_path)
    assert all_spans(tmp_path) == [span(0, 2 * MERGE_FILES - 1), span(0, 7, 1)]
    assert offsets(tmp_path) == before
    assert not merge_one(tmp_path)


def test_a_reader_sees_every_row_once_whatever_moment_a_merge_died_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path_unlink = Path.unlink
    for died_at in range(MERGE_FILES + 1):
        folder = tmp_path / str(died_at)
        folder.mkdir()
        history(folder, *(span(n, n) for n in range(MERGE_FILES)))
        left = died_at

        def unlink(path: Path) -> None:
            nonlocal left
            if left == 0:
                raise KeyboardInterrupt
            left -= 1
            path_unlink(path)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", unlink)
            try:
                merging.merge_one(folder)
            except KeyboardInterrupt:
                assert left == 0
        assert offsets(folder) == list(range(MERGE_FILES))
        tidy(folder)
        assert all_spans(folder) == [span(0, MERGE_FILES - 1)]
        assert offsets(folder) == list(range(MERGE_FILES))


def test_merging_is_rare_and_files_stay_few() -> None:
    files: list[Span] = []
    rewritten, flushes, rows = 0, 20_000, 30
    most = 0
    for n in range(flushes):
        files.append(span(n * rows, (n + 1) * rows - 1))
        parts = due(files)
        if parts:
            files = [*files[: -len(parts)], span(parts[0].first, parts[-1].last)]
            rewritten += sum(one.offsets for one in parts)
        most = max(most, len([one for one in files if one.offsets < FULL_OFFSETS / 4]))
    assert sum(one.offsets for one in files) == flushes * rows
    assert rewritten <= 8 * flushes * rows
    assert most < 4 * MERGE_FILES
    assert max(one.offsets for one in files) <= FULL_OFFSETS
