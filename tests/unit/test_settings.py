"""How patient a pool is: settings in plain words, the same for a service, a demo and a simulation."""

import argparse
from pathlib import Path

import pytest

from matcher.errors import BadRequest
from matcher.prices import Prices
from services.adapters.vapid import public_key
from services.cli import main
from services.demo import options as demo
from services.settings import Settings, read_settings
from services.simulate import options as simulate


def test_a_pool_waits_for_a_better_pair_unless_it_is_told_not_to() -> None:
    assert read_settings({}).patience == Prices(minute_costs=0.01, call_counts=1.0)
    assert read_settings({"PARTYLINE_PATIENT": "false"}).patience is None


def test_both_prices_are_settings_and_the_same_options_of_a_simulation() -> None:
    told = {"PARTYLINE_MINUTE_COSTS": "0.02", "PARTYLINE_CALL_COUNTS": "0.5"}
    parser = argparse.ArgumentParser()
    simulate.add_arguments(parser)
    played = simulate.options(parser.parse_args(["--minute-costs", "0.02", "--call-counts", "0.5"]))
    assert read_settings(told).patience == played.prices == Prices(0.02, 0.5)


def _demo(data: Path) -> Settings:
    parser = argparse.ArgumentParser()
    demo.add_arguments(parser)
    return demo.settings(demo.options(parser.parse_args([])), data, "127.0.0.1:9092", "redis://127.0.0.1/0")


def test_processes_that_a_demo_starts_are_as_patient_as_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PARTYLINE_PATIENT", "false")
    assert read_settings(_demo(tmp_path).environment()).patience is None


def test_a_demo_makes_its_own_push_key_and_keeps_it_in_its_folder_for_nobody_else(tmp_path: Path) -> None:
    made = _demo(tmp_path / "new")
    assert read_settings(made.environment()).push_key == _demo(tmp_path / "new").push_key
    assert len(public_key(made.push_key)) == 87
    assert (tmp_path / "new" / "push-key").stat().st_mode & 0o077 == 0


def test_the_command_makes_a_key_that_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push-key"]) == 0
    key = capsys.readouterr().out.strip()
    settings = read_settings({"PARTYLINE_PUSH_KEY": key, "PARTYLINE_PUSH_CONTACT": "mailto:ops@example.org"})
    assert len(public_key(settings.push_key)) == 87


@pytest.mark.parametrize(("name", "value"), [("MINUTE_COSTS", "-0.1"), ("MINUTE_COSTS", "nan"), ("CALL_COUNTS", "11")])
def test_a_price_that_makes_no_sense_is_refused(name: str, value: str) -> None:
    with pytest.raises(BadRequest, match=f"setting PARTYLINE_{name}"):
        read_settings({f"PARTYLINE_{name}": value})
