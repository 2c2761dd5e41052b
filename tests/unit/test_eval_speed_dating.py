"""`partyline eval speed-dating` on made-up evenings: the optimum is known, what is missing is said, nothing leaks."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matcher.errors import BadRequest
from matcher.fairness import forbidden_word
from services.cli import main
from services.evaluate.evenings import Scored, pairings
from services.evaluate.pairing import full_pairing
from services.evaluate.speed_dating import TRAITS, read

SIDE = 8


def rows(waves: int, *, first: int = 1, seed: int = 1, spread: float = 1.5) -> list[dict[str, Any]]:
    """Evenings of 8 and 8, each with a readiness and a charm of their own; one trait tells a little of the charm."""
    dice, told = np.random.default_rng(seed), []
    for wave in range(first, first + waves):
        gives, gets = dice.normal(0, spread, (2, 2 * SIDE))
        for a in range(SIDE):
            for b in range(SIDE, 2 * SIDE):
                for one, other in ((a, b), (b, a)):
                    chance = 1 / (1 + np.exp(0.3 - gives[one] - gets[other]))
                    told.append(
                        {
                            "iid": wave * 100 + one, "pid": wave * 100 + other, "wave": wave, "gender": int(one < SIDE),
                            "order": (a + b) % SIDE + 1, "dec": int(dice.random() < chance),
                            "fun3_1": round(5 + gets[one] + dice.normal(0, 1), 2), "sports": dice.integers(1, 11),
                        }
                    )  # fmt: skip
    return told


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.evaluate.evenings.SUB_POOLS", 2)
    monkeypatch.setattr("services.learner.judge.DRAWS", 40)


def write(path: Path, told: list[dict[str, Any]], without: tuple[str, ...] = ()) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, [name for name in told[0] if name not in without], extrasaction="ignore")
    writer.writeheader()
    writer.writerows(told)
    raw = text.getvalue().encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


def judged(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["eval", "speed-dating", *arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_people_half_known_are_told_apart_better_than_strangers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = judged(capsys, str(write(tmp_path / "evenings.csv.gz", rows(4))))
    assert (found["waves"], found["pairs"]) == (4, 4 * SIDE * SIDE)
    assert found["warm"]["auc"] > max(found["cold"]["auc"], 0.65)
    assert found["warm"]["log_loss"] < found["cold"]["log_loss"]
    assert found["cold"]["auc_ci"][0] <= found["cold"]["auc"] <= found["cold"]["auc_ci"][1]
    assert found["assignment"]["oracle"] >= found["assignment"]["model"]
    assert "no column yoga" in found["said"]


def test_one_file_teaches_and_another_judges_and_no_evening_does_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = rows(4)
    train, test = write(tmp_path / "a.csv", told), write(tmp_path / "b.csv", [one for one in told if one["wave"] > 2])
    found = judged(capsys, "--train", str(train), "--test", str(test))
    assert found["waves"] == 2
    assert "evenings [3, 4] stand in both files and were not learned from" in found["said"]
    assert main(["eval", "speed-dating", "--train", str(test), "--test", str(test)]) == 2
    assert "also one to judge on" in capsys.readouterr().err


def test_what_the_file_to_judge_on_does_not_tell_counts_as_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train, told = write(tmp_path / "a.csv", rows(2)), rows(2, first=5)
    lacking = write(tmp_path / "lacking.csv", told, without=("fun3_1", "sports"))
    empty = write(tmp_path / "empty.csv", [one | {"fun3_1": "", "sports": ""} for one in told])
    without, blank = (judged(capsys, "--train", str(train), "--test", str(test)) for test in (lacking, empty))
    assert "no column fun3_1" in without["said"]
    assert without["cold"] == blank["cold"]
    assert without["cold"]["auc"] is not None


def test_without_an_order_there_is_no_first_half_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "evenings.csv", rows(2), without=("order", "fun3_1", "sports"))
    found = judged(capsys, str(path))
    assert found["warm"] is None
    assert {"no column order", "no column fun3_1"} <= set(found["said"])


def test_the_other_sides_decision_is_an_answer_too_where_they_have_no_row(tmp_path: Path) -> None:
    told = [one | {"dec_o": 1} for one in rows(2) if one["iid"] % 100 < SIDE]
    evenings = read(write(tmp_path / "half.csv", told))
    assert len(evenings.answers) == 2 * len(told)
    assert len(evenings.answers.talks()) == len(told)


def test_the_order_of_the_rows_changes_nothing(tmp_path: Path) -> None:
    told = [one | {"fun3_1": one["iid"] % 7} for one in rows(2)]
    shuffled = [told[at] for at in np.random.default_rng(1).permutation(len(told))]
    one, other = (read(write(tmp_path / "e.csv", lines)).answers for lines in (told, shuffled))
    assert np.array_equal(one.giver, other.giver)
    assert np.array_equal(one.yes, other.yes)
    assert one.traits["fun3_1"].tolist() == other.traits["fun3_1"].tolist()


def test_a_talk_is_of_one_round_also_where_one_side_sat_a_round_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = rows(4)
    counted = [one | {"order": one["order"] - (one["iid"] % 100 < SIDE and one["order"] > 3)} for one in told]
    path = write(tmp_path / "e.csv", counted)
    evenings, back = read(path), read(path).answers.back
    assert evenings.order is not None
    assert np.array_equal(evenings.order, evenings.order[back])
    assert evenings.order.max() == SIDE
    assert judged(capsys, str(path))["warm"]["pairs"] == 4 * SIDE * SIDE / 2
    assert main(["eval", "speed-dating", str(path)]) == 0
    assert "warm (128 pairs): auc" in capsys.readouterr().out


def test_the_same_number_on_two_evenings_is_two_people(tmp_path: Path) -> None:
    told = [*rows(1), *(one | {"wave": 2, "fun3_1": 1.0} for one in rows(1))]
    answers = read(write(tmp_path / "e.csv", told)).answers
    assert answers.people == 4 * SIDE
    assert np.ptp(answers.traits["fun3_1"][: 2 * SIDE]) > 0
    assert np.ptp(answers.traits["fun3_1"][2 * SIDE :]) == 0


def test_a_line_told_twice_or_without_a_partner_is_left_out_and_said(tmp_path: Path) -> None:
    told = rows(2)
    evenings = read(write(tmp_path / "e.csv", [*told, told[0], told[1] | {"pid": ""}]))
    assert len(evenings.answers) == len(told)
    assert [one for one in evenings.said if "rows" in one] == [
        "1 rows: of a meeting that was told before", "1 rows: without a partner, a person or a wave",
    ]  # fmt: skip


def test_a_file_that_breaks_off_or_is_none_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(b"iid,pid,wave,dec\n" * 99)
    for raw in (packed[:-12], packed[:15] + b"\xff\xff" + packed[17:], b"iid\n" + b"x" * 200_000):
        (tmp_path / "e.csv").write_bytes(raw)
        with pytest.raises(BadRequest, match="cannot be read"):
            read(tmp_path / "e.csv")


def test_a_file_without_any_answer_says_what_its_rows_lack(tmp_path: Path) -> None:
    told = rows(1)
    path = write(tmp_path / "e.csv", [*(one | {"dec": ""} for one in told), told[0] | {"wave": "first"}])
    with pytest.raises(BadRequest, match=f"{len(told)} rows: without a decision; 1 rows: without a partner"):
        read(path)


def test_a_line_that_ends_early_lacks_a_decision(tmp_path: Path) -> None:
    path = write(tmp_path / "e.csv", rows(1), without=("order", "fun3_1", "sports"))
    path.write_bytes(path.read_bytes() + b"1,2,3\n")
    assert "1 rows: without a decision" in read(path).said


def test_where_nobody_was_answered_there_is_no_figure_and_no_crash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = write(tmp_path / "a.csv", rows(2))
    test = write(tmp_path / "b.csv", [one for one in rows(2, first=5) if one["iid"] % 100 < SIDE])
    found = judged(capsys, "--train", str(train), "--test", str(test))
    assert found["pairs"] == 0
    assert found["cold"]["auc"] is None
    assert [found["assignment"][who] for who in ("random", "model", "oracle", "gain_ci")] == [None] * 4
    assert main(["eval", "speed-dating", "--train", str(train), "--test", str(test)]) == 0
    assert "random -, model -, oracle -" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "sentence"), [({"dec": 2}, "line 2: a decision is 0 or 1"), ({"dec": "yes"}, "line 2: a decision is 0")]
)
def test_a_decision_that_is_none_is_refused_with_its_line(tmp_path: Path, change: Any, sentence: str) -> None:
    told = rows(1)
    with pytest.raises(BadRequest, match=sentence):
        read(write(tmp_path / "e.csv", [told[0] | change, *told[1:]]))


def test_what_cannot_be_judged_is_refused_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = write(tmp_path / "one.csv", rows(1))
    lacking = write(tmp_path / "lacking.csv", rows(2), without=("wave",))
    for arguments, said in (
        ([str(tmp_path / "none.csv")], "cannot be read"),
        ([str(one)], "one evening only"),
        ([str(lacking)], "lacks the column wave"),
        (["--train", str(one)], "go together"),
        ([], "name a CSV file"),
    ):
        assert main(["eval", "speed-dating", *arguments]) == 2
        assert said in capsys.readouterr().err


def test_a_seed_below_nought_is_refused_before_anything_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["eval", "speed-dating", "none.csv", "--seed", "-1"])
    assert "a seed is a whole number from 0" in capsys.readouterr().err


def test_sex_changes_nothing(tmp_path: Path) -> None:
    told = rows(2)
    one = read(write(tmp_path / "a.csv", told))
    other = read(write(tmp_path / "b.csv", [row | {"gender": 1 - row["gender"], "age": 33, "race": 2} for row in told]))
    assert one.answers.traits.keys() == other.answers.traits.keys()
    assert all(
        np.array_equal(one.answers.traits[name], other.answers.traits[name], equal_nan=True)
        for name in one.answers.traits
    )
    assert [name for name in TRAITS if forbidden_word(name)] == []


def test_the_heaviest_full_pairing_is_found_where_greed_fails() -> None:
    # A line a-b-c-d: the heaviest single pair is b-c, but everybody is paired only without it.
    chosen = full_pairing(np.array([0, 1, 2]), np.array([1, 2, 3]), np.array([0.1, 0.9, 0.1]))
    assert chosen.tolist() == [0, 2]
    # A square with two full pairings: the heavier one.
    square = full_pairing(np.array([0, 1, 2, 3]), np.array([1, 2, 3, 0]), np.array([0.6, 0.5, 0.6, 0.9]))
    assert square.tolist() == [1, 3]


def test_a_model_that_knows_the_truth_reaches_the_known_optimum() -> None:
    left, right = (each.ravel() for each in np.meshgrid(np.arange(6), np.arange(6, 12)))
    true = (left == right - 6).astype(float)
    scored = Scored(left, right, np.ones(36, dtype=np.int64), true, true)
    found = pairings(scored, 1, share=1.0)
    assert found["oracle"] == found["model"] == 1.0
    assert found["random"] < 0.5
