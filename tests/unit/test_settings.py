"""How patient a pool is: settings in plain words, the same for a service, a demo and a simulation."""

import argparse
from pathlib import Path

import pytest

from matcher.errors import BadRequest
from matcher.prices import Prices
from services.demo import options as demo
from services.settings import read_settings
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


def test_processes_that_a_demo_starts_are_as_patient_as_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTYLINE_PATIENT", "false")
    parser = argparse.ArgumentParser()
    demo.add_arguments(parser)
    made = demo.settings(demo.options(parser.parse_args([])), Path("data"), "127.0.0.1:9092", "redis://127.0.0.1/0")
    assert read_settings(made.environment()).patience is None


@pytest.mark.parametrize(("name", "value"), [("MINUTE_COSTS", "-0.1"), ("MINUTE_COSTS", "nan"), ("CALL_COUNTS", "11")])
def test_a_price_that_makes_no_sense_is_refused(name: str, value: str) -> None:
    with pytest.raises(BadRequest, match=f"setting PARTYLINE_{name}"):
        read_settings({f"PARTYLINE_{name}": value})
