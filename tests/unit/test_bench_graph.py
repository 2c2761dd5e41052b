"""A graph in a file: read as people write them, and refused with the line that is wrong."""

import json
from pathlib import Path

import pytest

from matcher.errors import BadRequest
from services.bench.graph import read_graph
from services.cli import main

GOOD = {
    "spaces": "0 1 1.0\n1 2 1.001\n2 3 1.0\n",
    "commas with a header": "u,v,weight\n0,1,1.0\n1,2,1.001\n2,3,1.0\n",
    "a header after a comment": "# made by hand\n\nfrom to weight\n0 1 1.0\n1 2 1.001\n2 3 1.0\n",
    "names longer than a number may be": f"00 1 1.0\n1 02 1.001\n2{'0' * 5000} 02 1.0\n",
    "comments and blank lines": "# a trap for greedy\n\n0 1 1.0 # the first\n1 2 1.001\n\n2 3 1.0",
    "tabs and a mark of byte order": "\ufeff0\t1\t1.0\r\n1\t2\t1.001\r\n2\t3\t1.0\r\n",
    "another order": "3;2;1.0\n0;1;1.0\n1;2;1.001\n",
}
BAD = {
    "two words": ("0 1\n1 2 3\n", "line 1: .* 2 words"),
    "four words": ("0 1 1.0\n1 2 3 4\n", "line 2: .* 4 words"),
    "no number": ("0 1 1.0\n1 2 heavy\n", "line 2: the weight is not a finite number"),
    "no finite number": ("0 1 nan\n", "line 1: the weight is not a finite number"),
    "two headers": ("u v weight\nu v weight\n", "line 2: the weight is not a finite number"),
    "a weight that no sum can hold": ("0 1 1.0\n1 2 1e308\n", "line 2: a weight is up to 1e"),
    "a self loop": ("0 1 1.0\n\n7 7 1.0\n", "line 3: an edge joins somebody to themselves"),
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_a_graph_is_read_however_it_is_written(text: str, tmp_path: Path) -> None:
    file = tmp_path / "graph"
    file.write_text(text, encoding="utf-8")
    graph = read_graph(file)
    assert (graph.count, graph.u.tolist(), graph.v.tolist(), graph.w.tolist()) == (
        4, [0, 1, 2], [1, 2, 3], [1.0, 1.001, 1.0],
    )  # fmt: skip


@pytest.mark.parametrize(("text", "why"), BAD.values(), ids=BAD.keys())
def test_a_line_that_is_no_edge_is_named(text: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "graph"
    file.write_text(text)
    with pytest.raises(BadRequest, match=why):
        read_graph(file)


def test_a_file_that_is_not_there_is_a_sentence_and_no_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "match", "--graph", str(tmp_path / "none")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_the_command_prints_what_the_solver_made_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "graph"
    file.write_text(GOOD["spaces"])
    assert main(["bench", "match", "--graph", str(file), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["people"], figures["edges"], figures["pairs"], figures["weight"]) == (4, 3, 2, 2.0)
    assert set(figures["seconds"]) == {"candidates", "score", "solve", "total"}
    assert figures["weight_share_of_exact"] == figures["weight_share_of_bound"] == 1.0


def test_an_empty_graph_has_an_empty_matching(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "graph"
    file.write_text("# nobody\n")
    assert main(["bench", "match", "--graph", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pairs"] == 0


def test_a_million_made_up_people_are_refused_before_any_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "match", "--people", "1000000", "--json"]) != 0
    assert "--people must be from 2 to 300000" in capsys.readouterr().err


@pytest.mark.parametrize("arrivals", ["1", "2"])
def test_a_crowd_in_which_nobody_is_left_to_pair_is_measured_too(
    arrivals: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "match", "--people", "2", "--arrivals", arrivals, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["weight_share_of_full_solve"] == 1.0


def test_a_seed_below_nought_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "match", "--people", "10", "--seed", "-1"])
    assert "a seed is a whole number from 0" in capsys.readouterr().err


def test_arrivals_in_nakamas_workload_are_refused_and_not_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "match", "--people", "10", "--nakama", "--arrivals", "2"]) == 2
    assert "takes no --arrivals" in capsys.readouterr().err
