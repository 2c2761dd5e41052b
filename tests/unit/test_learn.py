"""`partyline learn` on made-up histories: it finds what was planted and nothing else, and refuses what is broken."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matcher.effects import sigmoid
from matcher.errors import BadEvent, BadRequest
from matcher.events import ModelPromoted2
from matcher.features import BOND, FIRM, NO_BOND
from matcher.model_file import ModelFile, PromotedModel, read_model_file
from matcher.pool import Pool
from matcher.score import Model
from matcher.values import wire
from services.cli import main
from services.learner import card as cards
from services.learner.command import NAMES, Learned, learn_from
from services.learner.compare import compare, standard_error
from services.learner.fit import learn
from services.learner.history import read
from services.stream.recovery import Stored, pools_from
from tests.learning import START, Town, Truth

NOTHING = Truth(weights={}, gives_sd=0.0, gets_sd=0.0)


@pytest.fixture(scope="module", autouse=True)
def _few_draws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.learner.judge.DRAWS", 100)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Town(Truth(), people=80, talks=900).write(tmp_path_factory.mktemp("history"))


@pytest.fixture(scope="module")
def learned(folder: Path) -> Learned:
    return learn_from(read(folder), None, 1, 1)


def test_what_was_planted_is_found(learned: Learned) -> None:
    made = learned.made
    assert made.weights["near"] == pytest.approx(1.5, abs=0.7)
    assert made.gives_sd == pytest.approx(0.8, abs=0.35)
    assert made.gets_sd == pytest.approx(0.6, abs=0.35)
    assert learned.found.difference is not None
    assert learned.found.difference < 0.0


def test_chances_come_true_about_as_often_as_they_say(learned: Learned) -> None:
    assert learned.card["calibration_slope"] == pytest.approx(1.0, abs=0.35)


def test_where_nothing_is_nothing_is_found(tmp_path: Path) -> None:
    found = learn_from(read(Town(NOTHING, people=80, talks=900).write(tmp_path)), None, 1, 1)
    assert all(abs(weight) < 0.4 for weight in found.made.weights.values())
    assert max(found.made.gives_sd, found.made.gets_sd) < 0.35
    assert abs(found.made.dependence) < 0.4
    auc_low, _ = found.card["metrics"]["auc_ci"]
    assert auc_low < 0.5


@pytest.mark.parametrize(("says", "found"), [(1.2, (0.5, 2.0)), (0.0, (0.0, 0.45))])
def test_what_a_firm_bond_says_beyond_a_bond_is_found_where_it_says_something(
    folder: Path, says: float, found: tuple[float, float]
) -> None:
    answers, dice = read(folder).answers, np.random.default_rng(1)
    level = dice.choice([NO_BOND, BOND, FIRM], size=answers.group.max() + 1, p=[0.4, 0.3, 0.3])[answers.group]
    chance = sigmoid(-0.8 + 1.0 * (level >= BOND) + says * (level >= FIRM))
    columns = answers.columns | {"bond": (level >= BOND).astype(float), "firm": (level >= FIRM).astype(float)}
    planted = replace(answers, columns=columns, yes=(dice.random(len(answers)) < chance).astype(float))
    low, high = found
    assert low <= learn(planted, "firm", NAMES).weights.get("firm", 0.0) <= high


def test_what_talks_can_neither_prove_nor_refute_counts_only_where_common_sense_knows_its_sign(folder: Path) -> None:
    answers, dice = read(folder).answers, np.random.default_rng(4)
    column = dice.random(answers.group.max() + 1)[answers.group]
    yes = (dice.random(len(answers)) < sigmoid(0.4 * (column - 0.5))).astype(float)
    weights = {
        name: learn(replace(answers, columns={name: column}, yes=yes), "weak", NAMES).weights.get(name)
        for name in ("shared_likes", "spoiled")
    }
    assert weights["shared_likes"]
    assert weights["spoiled"] is None


def test_of_the_answers_of_one_about_another_only_the_first_counts(folder: Path) -> None:
    answers = read(folder).answers
    once = answers.counted()
    pairs = list(zip(once.giver.tolist(), once.getter.tolist(), strict=True))
    assert len(pairs) == len(set(pairs)) < len(answers)
    assert set(pairs) == set(zip(answers.giver.tolist(), answers.getter.tolist(), strict=True))
    again = [place for place in range(len(answers)) if answers.at[place] not in once.at]
    for place in again:
        same = (once.giver == answers.giver[place]) & (once.getter == answers.getter[place])
        assert once.at[same][0] < answers.at[place]


def test_all_talks_of_the_same_two_are_held_out_together(folder: Path) -> None:
    answers = read(folder).answers
    low, high = np.sort(np.stack([answers.giver, answers.getter]), axis=0)
    pairs = {(a, b, group) for a, b, group in zip(low.tolist(), high.tolist(), answers.group.tolist(), strict=True)}
    assert len({(a, b) for a, b, _ in pairs}) == len({group for *_, group in pairs}) == len(pairs)
    assert len(pairs) < len(np.unique(answers.at))  # some talked several times


def test_answers_that_hang_together_are_found_out(tmp_path: Path) -> None:
    truth = Truth(weights={}, gives_sd=0.0, gets_sd=0.0, together=3.0)
    found = learn_from(read(Town(truth, people=80, talks=900).write(tmp_path)), None, 1, 1)
    assert found.made.dependence > 0.5
    assert found.card["answers_together"]["gain_nats"] > 0.0


def test_each_direction_counts_for_itself_and_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    town = Town(Truth(), people=20, talks=40, one_sided=1.0)
    town.raw("outcomes", "outcome.given.v1", b'{"type":"outcome.given.v1"}')
    town.raw("pool", "person.waiting.v1", b"{}")
    history = read(town.write(tmp_path))
    assert len(history.answers) == 40
    assert len(history.answers.talks()) == 0
    assert sum(history.left_out.values()) == 2


def test_nothing_later_than_the_offer_is_known_of_an_answer(folder: Path) -> None:
    answers = read(folder).answers
    assert answers.giver_before.gave[0] == 0
    so_far: Counter[int] = Counter()
    for giver, known in zip(answers.giver.tolist(), answers.giver_before.gave.tolist(), strict=True):
        assert known == so_far[giver]
        so_far[giver] += 1


def test_the_command_writes_a_model_and_its_card_and_beats_a_bad_one(
    folder: Path, learned: Learned, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, bad = tmp_path / "model.json", tmp_path / "bad.json"
    bad.write_text(learned.made.model_copy(update={"intercept": 2.0, "learned_until": START}).model_dump_json())
    assert main(["learn", "--history", str(folder), "--against", str(bad), "--out", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["promoted"] is False
    assert report["promotion"]["not_worse"] is True
    assert read_model_file(out.read_bytes()).answers == report["answers"]
    assert report["by_market"]["GB"]["called_share"] == 1.0
    assert sum(row["people"] for row in report["by_age_band"].values()) == report["people"]
    assert (tmp_path / "model.calibration.svg").read_text().startswith("<?xml")
    assert "non-inferiority" in (tmp_path / "model.card.md").read_text()


def test_talks_of_one_person_vary_together_and_talks_of_strangers_do_not() -> None:
    values = np.array([1.0, 1.0, -1.0, -1.0])
    strangers = standard_error(values, np.array([0, 2, 4, 6]), np.array([1, 3, 5, 7]))
    assert strangers == pytest.approx(np.sqrt(4) / 4)
    assert standard_error(values, np.array([0, 0, 1, 1]), np.array([2, 3, 4, 5])) == pytest.approx(np.sqrt(8) / 4)
    same_pair_twice = standard_error(values, np.array([0, 1, 2, 3]), np.array([1, 0, 3, 2]))
    assert same_pair_twice == pytest.approx(np.sqrt(8) / 4)  # two clusters, not four


def test_a_worse_model_does_not_take_the_place_of_a_better_one(folder: Path, learned: Learned) -> None:
    later = read(folder).answers
    later = later.take(later.at > learned.made.learned_until.timestamp())
    found = compare(learned.made.model(), Model(intercept=2.0), later)
    assert not found.not_worse
    assert "not shown to be as good" in found.sentence


def test_too_few_later_talks_are_too_few_to_tell(folder: Path) -> None:
    answers = read(folder).answers
    found = compare(Model(), Model(), answers.take(answers.group < 10))
    assert not found.not_worse
    assert "too few to tell" in found.sentence


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema_version": 1}, "schema 1"),
        ({"schema_version": 3}, "schema 3"),
        ({"intercept": "NaN"}, "intercept"),
        ({"weights": {"gender": 1.0}}, "unknown feature: gender"),
        ({"weights": {"near": -1.0}}, "never worse"),
        ({"gives_sd": -1.0}, "sd"),
        ({"slope": 0.0}, "slope"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_model_file_of_another_kind_is_refused_and_says_why(
    learned: Learned, change: dict[str, object], said: str
) -> None:
    text = json.dumps(json.loads(learned.made.model_dump_json()) | change)
    with pytest.raises(BadEvent, match=said):
        read_model_file(text)


@pytest.mark.parametrize("text", ["", "model", "[]", "{}", '{"schema_version": 2}', "\x80pickle"])
def test_what_is_no_model_file_is_refused(text: str) -> None:
    with pytest.raises(BadEvent):
        read_model_file(text)


def test_a_broken_file_to_compare_with_ends_the_command_with_a_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "old.json"
    broken.write_text('{"schema_version": 1}')
    out = tmp_path / "new.json"
    assert main(["learn", "--history", str(folder), "--against", str(broken), "--out", str(out)]) == 2
    assert "schema 1" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("out", ["nowhere/model.json", "."])
def test_what_cannot_be_written_is_told_before_anything_is_learned(
    folder: Path, tmp_path: Path, out: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("services.learner.command.learn_from", None)  # whoever learned would fail otherwise
    assert main(["learn", "--history", str(folder), "--out", str(tmp_path / out)]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_meanwhile_is_told_too(
    folder: Path, learned: Learned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("services.learner.command.learn_from", lambda *_: learned)
    (tmp_path / "model.card.md").mkdir()
    assert main(["learn", "--history", str(folder), "--out", str(tmp_path / "model.json")]) == 2
    assert "model.card.md cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [("--explore", "0"), ("--explore", "65"), ("--seed", "-3")])
def test_a_number_out_of_bounds_is_refused_before_anything_is_read(
    wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["learn", "--history", "none", *wrong])
    assert f"is a whole number from {int(wrong[0] == '--explore')} to " in capsys.readouterr().err


def test_without_a_history_there_is_nothing_to_learn_from(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no history"):
        read(tmp_path)


def promoted(made: ModelFile, key: str = "m") -> ModelPromoted2:
    return ModelPromoted2(id=key, at=START, market="GB", promoted=made)


def test_the_pool_takes_a_promoted_model_over_and_writes_it_down(learned: Learned) -> None:
    pool = Pool("GB")
    (row,) = pool.apply(promoted(learned.made), 7)
    assert isinstance(row, PromotedModel)
    assert pool.model == learned.made.model()
    assert pool.apply(promoted(learned.made), 6) == []


def test_a_promoted_model_is_still_there_after_a_restart(learned: Learned) -> None:
    row = PromotedModel(offset=7, market="GB", promoted=learned.made)
    pools, unreadable = pools_from([Stored("models", b"GB", wire(row), PromotedModel)], {})
    assert pools["GB"].model == learned.made.model()
    assert unreadable == []


def test_a_model_that_this_partyline_cannot_use_leaves_the_old_one_in_place(learned: Learned) -> None:
    strange = learned.made.model_copy(update={"weights": {"gender": 1.0}})
    pool = Pool("GB")
    with pytest.raises(BadEvent, match="gender"):
        pool.apply(promoted(strange), 7)
    assert pool.model.version == "fallback"
    stored = Stored("models", b"GB", wire(PromotedModel(offset=7, market="GB", promoted=strange)), PromotedModel)
    pools, unreadable = pools_from([stored], {})
    assert pools["GB"].model.version == "fallback"
    assert unreadable == [stored]


def test_the_card_says_the_test_by_name(learned: Learned) -> None:
    assert learned.card["promotion"]["test"] == cards.TEST
