"""Configurations of experiments: read, written and refused."""

import json
from pathlib import Path

import pytest

from models.experiments.config import ExperimentConfig, Tuning, build_config, find_config, list_configs, load_config
from models.families import FITTED_HERE
from portfolio.errors import HypothecError

TEXT = """
family = "mlp"
question = "Is it better?"
leave_out = ["economy"]
share = 0.2
seeds = [0, 1]
[settings]
embedding = "periodic"
[tuning]
trials = 5
space = { learning_rate = { low = 0.001, high = 0.01, log = true }, hidden = { choices = [[8], [16, 8]] } }
"""


def test_a_file_becomes_a_configuration_and_json_gives_it_back(tmp_path: Path) -> None:
    (tmp_path / "wide-net.toml").write_text(TEXT)
    config = load_config(tmp_path / "wide-net.toml")
    assert (config.name, config.family, config.seeds, config.leave_out) == ("wide-net", "mlp", (0, 1), ("economy",))
    assert config.tuning.space["hidden"] == {"choices": [[8], [16, 8]]}
    again = build_config(json.loads(json.dumps(config.to_json())), where="json")
    assert again == config


def test_the_contest_has_every_family_and_the_same_budget_for_boosting_and_networks() -> None:
    contest = list_configs("contest")
    assert {config.family for config in contest} >= set(FITTED_HERE) - {"neural"}
    budgets = {(config.tuning.trials, config.tuning.minutes, config.tuning.share, config.tuning.folds)
               for config in contest if config.tuning.trials}  # fmt: skip
    assert len(budgets) == 1
    assert all(config.question.endswith("?") for config in contest)
    assert find_config("boosting").family == "boosting"


@pytest.mark.parametrize(("change", "message"), [
    ('family = "oracle"', r"family is one of .*; got 'oracle'"),
    ('family = "mlp"\nshare = 0', "share lies above 0 and up to 1; got 0"),
    ('family = "mlp"\nseeds = []', "seeds must name one seed"),
    ('family = "mlp"\nseeds = [0, 0]', r"seeds are different whole numbers of 0 or more; got \[0, 0\]"),
    ('family = "mlp"\nseeds = [-1]', r"got \[-1\]"),
    ('family = "mlp"\nleave_out = "economy"', "leave_out is a list of names; got 'economy'"),
    ('family = "mlp"\ncolour = "red"', "unknown key colour of ExperimentConfig"),
    ('family = "mlp"\n[tuning]\ntrials = 3', r"3 trials need a \[tuning.space\]"),
    ('family = "mlp"\n[tuning]\ntrials = 3\nspace = {a = {low = 2, high = 1}}', "low below high"),
    ('family = "mlp"\n[tuning]\ntrials = 3\nspace = {a = {low = 0.0, high = 1.0, log = true}}', "log = true above 0"),
    ('family = "mlp"\n[tuning]\ntrials = -1', "trials and minutes of 0 or more"),
    ("family = ", "cannot read the experiment"),
])  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, change: str, message: str) -> None:
    (tmp_path / "x.toml").write_text(change)
    with pytest.raises(HypothecError, match=message):
        load_config(tmp_path / "x.toml")


def test_ablations_differ_from_their_yardstick_in_one_thing() -> None:
    for config in list_configs("ablations"):
        whole = find_config(f"{config.family}_untuned")
        changed = [key for key, value in config.to_json().items()
                   if value != whole.to_json()[key] and key not in ("name", "question")]  # fmt: skip
        assert len(changed) == (config.name != whole.name), config.name


def test_names_are_folder_names_and_unknown_ones_are_listed() -> None:
    with pytest.raises(HypothecError, match="letters, digits, - and _"):
        ExperimentConfig("../elsewhere", "mlp")
    with pytest.raises(HypothecError, match=r"no experiment 'dream': give a .toml file, or one of logistic"):
        find_config("dream")
    assert Tuning().trials == 0
