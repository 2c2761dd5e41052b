"""`partyline simulate`: a town in virtual time, five policies, a clairvoyant; and a market that somebody brings."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matcher.errors import BadRequest
from matcher.matching import FLOOR
from matcher.prices import MINUTE_COSTS, Prices
from services import cli
from services.simulate.clairvoyant import Clairvoyant, clairvoyant, possible_pairs
from services.simulate.engine import Engine, Played
from services.simulate.market import Market
from services.simulate.market_file import read_market
from services.simulate.month import Month, Talk
from services.simulate.month_report import Days, Lived, month_report
from services.simulate.policies import POLICIES, heaviest
from services.simulate.report import Town, Under, report
from services.simulate.signal import AUC, BOTH_WOULD, auc_of, hidden_truth
from services.simulate.town_day import town_days

TOWN = {"people": 60, "hours": 2.0, "strength": "strong", "seed": 3}


@pytest.fixture(scope="module")
def town() -> Market:
    return town_days(**TOWN)  # type: ignore[arg-type]


def play(market: Market, policy: str, seed: int = 1) -> Played:
    return Engine(market, POLICIES[policy](Prices(), seed), MINUTE_COSTS).play()


def written(folder: Path, **market: Any) -> Path:
    path = folder / "market.json"
    path.write_text(json.dumps(market))
    return path


def simulated(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert cli.main(["simulate", "--json", "--jobs", "1", *arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


# --- a town ---


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_every_truth_holds_under_every_policy(town: Market, policy: str) -> None:
    played = play(town, policy)
    assert played.truths.shown == []
    assert played.calls > 0
    assert played.utility <= clairvoyant(town, MINUTE_COSTS).matching


def test_the_same_seed_is_the_same_town_and_the_same_day(town: Market) -> None:
    again = town_days(**TOWN)  # type: ignore[arg-type]
    assert (again.scores == town.scores).all()
    one, other = play(town, "partyline"), play(again, "partyline")
    assert np.array_equal(one.waited_min, other.waited_min, equal_nan=True)
    assert one.utility == other.utility


@pytest.mark.parametrize("strength", sorted(AUC))
def test_the_strength_of_the_signal_is_the_auc_that_the_scores_reach(strength: str) -> None:
    market = town_days(150, 1.0, strength, 1)
    among = market.scores[np.triu_indices(150, 1)].astype(float)
    assert auc_of(among) == pytest.approx(AUC[strength], abs=0.01)
    assert among.mean() == pytest.approx(BOTH_WOULD, abs=0.01)
    assert market.auc == pytest.approx(AUC[strength], abs=1e-6)
    assert (market.scores == market.scores.T).all()


def test_outcomes_drawn_with_the_scores_have_the_auc_that_is_worked_out() -> None:
    chances = np.array([0.2, 0.2, 0.8])
    # one "yes" beats one "no" of a lower score, and half of one of the same: summed over all pairs of chances
    yes, no = chances / chances.sum(), (1 - chances) / (1 - chances).sum()
    beats = (chances[:, None] > chances) + 0.5 * (chances[:, None] == chances)
    assert auc_of(chances) == pytest.approx(float(yes @ beats @ no))


def test_nobody_waits_in_their_own_quiet_hours_or_beyond_their_window(town: Market) -> None:
    played = play(town, "partyline")
    called = np.isfinite(played.waited_min)
    assert (played.waited_min[called] <= (town.until_min - town.from_min)[called] - 3).all()
    assert (played.waited_min[called] >= 0).all()


def test_a_whole_simulation_reports_every_figure(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    picture = tmp_path / "waits.svg"
    size = ("--people", "50", "--hours", "2", "--seeds", "2")
    found = simulated(capsys, *size, "--signal", "weak", "--plot", str(picture))
    assert found["signal"] == "weak"
    assert found["seeds"] == 2
    assert set(found["policies"]) == {"partyline", "greedy", "first_fit", "batch", "random"}
    for figures in found["policies"].values():
        assert {"utility_share", "coverage", "wait_p50_min", "wait_p90_min"} <= set(figures)
    assert len(found["utility_over_greedy_ci"]) == 2
    assert found["violations"] == 0
    assert set(found["groups"]) == {"age", "area", "windows_a_day"}
    assert "never_asked_share" in found
    assert picture.read_text().startswith("<?xml")


def test_a_town_of_one_meets_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    found = simulated(capsys, "--people", "1", "--hours", "2", "--seeds", "1")
    assert found["policies"]["partyline"]["coverage"] == 0
    assert found["clairvoyant"]["utility"] == 0
    assert found["violations"] == 0


# --- days of learning ---


def test_a_month_reports_what_learning_was_worth_beside_a_control(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    picture = tmp_path / "learning.svg"
    size = ("--people", "30", "--hours", "2", "--days", "4", "--seeds", "2", "--tick-s", "60")
    found = simulated(capsys, *size, "--plot", str(picture))
    assert found["days"] == 4
    assert found["violations"] == 0
    for arm in (found["learns"], found["never"]):
        assert arm["calls"] > 0
        assert arm["wait_mean_min"] > 0
        assert arm["bonds_a_person"] > 0
        assert len(arm["share_by_day"]) == 4
    assert {"slope", "slope_ci", "intercept", "intercept_ci", "slope_of_chance"} <= set(found["calibration"])
    assert picture.read_text().startswith("<?xml")


def test_scores_are_held_against_what_came_true_and_against_the_hidden_chances() -> None:
    dice = np.random.default_rng(1)
    odds = dice.normal(size=4_000)
    score, chance = 1 / (1 + np.exp(-odds)), 1 / (1 + np.exp(-(0.5 * odds + 0.2)))
    talks = tuple(
        Talk(29, float(told), float(true), bool(dice.random() < true), False)
        for told, true in zip(score, chance, strict=True)
    )
    lived = [Lived(talks[half::2]) for half in range(2)]
    found = month_report([Days(seed, one, one) for seed, one in enumerate(lived)], 30, "weak")["calibration"]
    assert found["slope_of_chance"] == pytest.approx(0.5, abs=1e-3)
    assert found["intercept_of_chance"] == pytest.approx(0.2, abs=1e-3)
    assert found["slope"] == pytest.approx(0.5, abs=0.15)
    assert found["slope_ci"][0] < found["slope"] < found["slope_ci"][1]
    early = Lived(tuple(replace(talk, day=0, chance=talk.chance / 2) for talk in talks))
    rise = month_report([Days(0, Lived((*early.talks, *talks)), early)], 30, "weak")
    assert rise["learns"]["rise_of_chance"] == pytest.approx(float(chance.mean()) / 2, abs=1e-3)
    assert rise["over_never_of_chance"] == pytest.approx(float(chance.mean()), abs=1e-3)  # the control had no calls
    one = month_report([Days(0, lived[0], lived[0])], 30, "weak")["calibration"]
    assert one["slope_ci"] is None  # nothing can be said of towns from one


def test_what_people_say_is_counted_each_night_and_only_where_the_town_learns() -> None:
    market = town_days(50, 2.0, "weak", 1, 3)
    truth = hidden_truth(list(market.town), "medium", 1)
    learns, never = (Month(market, truth, 3, told, Prices(), 60.0) for told in (True, False))
    for month in (learns, never):
        assert month.play().truths.shown == []
        assert {talk.day for talk in month.talks} == {0, 1, 2}
    assert sum(person.gave for person in learns.people.values()) > len(learns.talks)
    assert sum(person.gave for person in never.people.values()) == 0
    assert any(person.met for person in never.people.values())


@pytest.mark.parametrize("strength", sorted(AUC))
def test_whoever_knew_all_that_can_be_known_would_reach_the_strength_of_the_signal(strength: str) -> None:
    people = list(town_days(200, 1.0, "weak", 4).town)
    truth, dice = hidden_truth(people, strength, 4), np.random.default_rng(1)
    pairs = [dice.choice(200, 2, replace=False) for _ in range(6_000)]
    logits = np.array(
        [[truth.inclination(people[a], people[b]), truth.inclination(people[b], people[a])] for a, b in pairs]
    )
    known = np.array([truth.knowable(people[a], people[b]) + truth.knowable(people[b], people[a]) for a, b in pairs])
    both = (dice.random(logits.shape) < 1 / (1 + np.exp(-logits))).all(axis=1)
    ranks = known.argsort().argsort()
    yes, no = both.sum(), (~both).sum()
    auc = (ranks[both].sum() - yes * (yes - 1) / 2) / (yes * no)
    assert auc == pytest.approx(AUC[strength], abs=0.03)
    assert both.mean() == pytest.approx(BOTH_WOULD, abs=0.05)


def test_days_of_a_given_market_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["simulate", "--days", "3", "--market", str(tmp_path / "none.json")]) != 0
    assert "--days plays a town's own market" in capsys.readouterr().err


# --- a given market ---

SQUARE = {
    "windows": [["a", 0, 30], ["b", 0, 30], ["c", 0, 30], ["d", 0, 30]],
    "pairs": [["a", "b", 0.9], ["a", "c", 0.8], ["b", "d", 0.8], ["c", "d", 0.1]],
}


def test_the_optimum_of_a_small_market_is_exact(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    found = simulated(capsys, "--market", str(written(tmp_path, **SQUARE)), "--seeds", "1")
    assert found["clairvoyant"] == {"utility": 1.6, "utility_if_all_answer": 1.6, "how": "exact"}
    assert found["policies"]["partyline"]["utility_share"] == 1.0
    assert found["policies"]["greedy"]["utility_share"] == pytest.approx((0.9 + 0.1) / 1.6, abs=1e-3)
    assert found["signal"] is None


def test_a_pair_is_worth_its_score_less_the_wait_of_whoever_came_first(tmp_path: Path) -> None:
    path = written(tmp_path, windows=[["late", 10, 40], ["soon", 0, 30]], scores=[[None, 0.5], [0.5, None]])
    market = read_market(path)
    assert possible_pairs(market, 0.005).worth == pytest.approx([0.45])
    assert play(market, "partyline").utility == pytest.approx(0.45, abs=0.005)


def test_windows_that_do_not_overlap_or_too_briefly_are_no_pair(tmp_path: Path) -> None:
    windows = [["a", 0, 10], ["b", 10, 20], ["c", 18, 40]]
    market = read_market(written(tmp_path, windows=windows, scores=[[None, 1, 1], [1, None, 1], [1, 1, None]]))
    assert len(possible_pairs(market, 0.0).worth) == 0
    assert play(market, "greedy").calls == 0


def _alike(folder: Path, score: float) -> Market:
    starts = np.random.default_rng(5).uniform(0, 120, 80).round(2).tolist()
    windows = [[f"w{i}", s, s + 25] for i, s in enumerate(starts)]
    return read_market(written(folder, windows=windows, scores=[[score] * 80 for _ in range(80)]))


def test_who_would_hardly_ever_both_talk_again_are_not_offered_to_each_other(tmp_path: Path) -> None:
    assert play(_alike(tmp_path, FLOOR * 0.99), "partyline").offers == 0


@pytest.mark.parametrize("score", [FLOOR * 1.01, 0.4])
def test_where_all_scores_are_alike_patience_is_no_worse_than_greed(tmp_path: Path, score: float) -> None:
    market = _alike(tmp_path, score)
    assert play(market, "partyline").utility >= play(market, "greedy").utility - 1e-9
    assert play(market, "partyline").calls >= play(market, "greedy").calls


def test_where_nothing_can_be_gained_there_is_no_share_of_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    windows = [["a", 0, 60], ["b", 50, 110]]
    picture = tmp_path / "waits.svg"
    market = written(tmp_path, windows=windows, pairs=[["a", "b", 0.0]])
    found = simulated(capsys, "--market", str(market), "--seeds", "2", "--plot", str(picture))
    assert found["clairvoyant"]["utility"] == 0
    for figures in found["policies"].values():
        assert [figures[f"utility_share{of}"] for of in ("", "_ci", "_if_all_answer")] == [None] * 3
    assert found["utility_over_greedy"] is None
    assert picture.read_text().startswith("<?xml")


def test_a_town_without_a_gain_stays_out_of_the_mean() -> None:
    nobody, asked = np.full(2, np.nan), np.zeros(2, dtype=bool)
    under = {"partyline": 0.5, "greedy": -0.25}

    def played(best: float, share: float) -> Town:
        policies = {
            name: Under(nobody, asked, share * gained, offers=0, calls=0, violations=(), violation_count=0)
            for name, gained in under.items()
        }
        return Town(1, Clairvoyant(best, best, exact=True), None, policies, {}, np.arange(2))

    found = report([played(1.0, 1.0), played(0.0, -1.0)], "weak")
    assert [one["utility_share"] for one in found["policies"].values()] == [0.5, -0.25]
    assert found["utility_over_greedy"] == -2.0  # only of the town in which greedy gained something


def test_an_empty_market_is_played(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    found = simulated(capsys, "--market", str(written(tmp_path, windows=[], scores=[])), "--seeds", "1")
    assert found["policies"]["partyline"]["coverage"] == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "is not JSON"),
        ("[]", "a market is"),
        ('{"windows": []}', "either"),
        ('{"windows": [["a", 0]], "pairs": []}', "window 0 is not"),
        ('{"windows": [["a", 5, 5]], "pairs": []}', "ends after it begins"),
        ('{"windows": [["a", 0, 9], ["a", 0, 9]], "pairs": []}', "there twice"),
        ('{"windows": [["a", 0, Infinity]], "pairs": []}', "not a finite number"),
        ('{"windows": [["a", 0, 9], ["b", 0, 9]], "pairs": [["a", "b", NaN]]}', "not a finite number"),
        ('{"windows": [["a", 0, 9], ["b", 0, 9]], "pairs": [["a", "b", 1.5]]}', "a chance from 0 to 1"),
        ('{"windows": [["a", 0, 9], ["b", 0, 9]], "pairs": [["a", "c", 0.5]]}', "not of two windows"),
        ('{"windows": [["a", 0, 9], ["b", 0, 9]], "scores": [[0, 1], [0.5, 0]]}', "either way round"),
        ('{"windows": [["a", 0, 9], ["b", 0, 9]], "scores": [[0, NaN], [NaN, 0]]}', "nan is not a finite number"),
        ('{"windows": [["a", 0, 9], ["b", 0, 9]], "scores": [[0, 1]]}', "matrix of 2 rows"),
        pytest.param(
            '{"windows": [["a", 0, 1' + "0" * 400 + ']], "pairs": []}', r"000\.\.\.0+ is not a finite", id="400 digits"
        ),
        ('{"windows": [["a", 0, []]], "pairs": []}', r"\[\] is not a finite number"),
        pytest.param('{"windows": ' + "[" * 9_999 + "]" * 9_999 + "}", "lists within lists", id="deep"),
    ],
)
def test_a_market_that_makes_no_sense_is_refused_with_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "market.json"
    path.write_text(text)
    with pytest.raises(BadRequest, match=sentence):
        read_market(path)


@pytest.mark.parametrize(("name", "sentence"), [("x.txt", "ends in .svg"), ("none/x.svg", "cannot be written")])
def test_a_plot_that_cannot_be_drawn_is_refused_before_a_town_is_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, sentence: str
) -> None:
    assert cli.main(["simulate", "--people", "1", "--hours", "1", "--seeds", "1", "--plot", str(tmp_path / name)]) == 2
    told = capsys.readouterr()
    assert sentence in told.err
    assert "towns played" not in told.err


def test_figures_are_told_also_where_drawing_them_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise BadRequest("the disk is full")

    monkeypatch.setattr("services.simulate.plot.draw", full)
    market = str(written(tmp_path, **SQUARE))
    asked = ["simulate", "--market", market, "--seeds", "1", "--json", "--plot", str(tmp_path / "x.svg")]
    assert cli.main(asked) == 2
    assert json.loads(capsys.readouterr().out)["seeds"] == 1


def test_a_million_people_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["simulate", "--people", "1000000"])
    assert "from 1 to 5000" in capsys.readouterr().err


def test_the_heaviest_pairs_are_found_where_one_by_one_would_not() -> None:
    a, b = np.array([0, 1, 0]), np.array([1, 2, 3])
    assert heaviest(a, b, np.array([0.9, 0.6, 0.6])) == [(0, 3), (1, 2)]
    assert heaviest(a, b, np.array([0.9, -0.6, -0.6])) == [(0, 1)]
