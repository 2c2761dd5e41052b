"""`partyline learn --promote` on a running service: the pool takes the model over without a restart."""

import json
from pathlib import Path

import numpy as np
import pytest

from matcher.features import crowd
from matcher.model_file import read_model_file
from matcher.person import Features
from matcher.score import Model, believed
from matcher.scored import score_pairs
from services import cli
from services.learner.service import in_service
from tests.conftest import Parts
from tests.learning import START, Town, Truth
from tests.world import eventually, profile, settings_for, world


def test_a_promoted_model_scores_the_next_offer_and_nothing_was_restarted(
    shared_parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    history = Town(Truth(), people=80, talks=900).write(tmp_path / "history")
    with world(settings_for(shared_parts, tmp_path)) as town:
        before = {name: process.pid for name, process in town.processes.items()}
        for name, value in town.settings.environment().items():
            monkeypatch.setenv(name, value)
        out, bad = tmp_path / "model.json", tmp_path / "bad.json"
        learn = ["learn", "--history", str(history), "--out", str(out), "--json"]
        assert cli.main(learn) == 0
        made = read_model_file(out.read_bytes())
        bad.write_text(made.model_copy(update={"intercept": 2.0, "learned_until": START}).model_dump_json())
        capsys.readouterr()
        assert cli.main([*learn, "--against", str(bad), "--promote"]) == 0
        assert json.loads(capsys.readouterr().out)["promoted"]
        made = read_model_file(out.read_bytes())
        eventually(lambda: in_service(town.settings, "GB") == made, what="the pool has taken the model over")
        people = set(town.arrive(2))
        offered = town.wait_for(lambda row: set(row.people) == people)
        assert offered.score == pytest.approx(_score_of_two_like_these(made.model()))
        assert {name: process.pid for name, process in town.processes.items()} == before
        assert all(process.poll() is None for process in town.processes.values())


def _score_of_two_like_these(model: Model) -> float:
    told = profile().model_dump(include=set(Features.model_fields))
    alike = crowd([Features(**told), Features(**told)])
    return float(score_pairs(model, alike, believed(model, alike), np.array([0]), np.array([1]))[0])
