"""Experiments from configuration to DONE: what is done stays, what is killed goes on, what is wrong is said."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cli import main
from models.experiments import tuning
from models.experiments.compare import differences, join_predictions, leaderboard
from models.experiments.config import ExperimentConfig, Tuning
from models.experiments.folders import list_runs, open_folder
from models.experiments.run import run_experiment, select_features
from models.registry import load_card, load_registry
from portfolio.demo.build import build_demo
from portfolio.engine import Engine
from portfolio.errors import HypothecError
from portfolio.workspace import Portfolio

SPACE = {"C": {"low": 0.001, "high": 1.0, "log": True}}
LOGISTIC = ExperimentConfig("plain", "logistic", "How far does a line go?")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Portfolio:
    return build_demo(tmp_path_factory.mktemp("workspace"), loans=3_000, months=120, seed=7)


@pytest.fixture(scope="module")
def engine(demo: Portfolio) -> Engine:
    engine = Engine(demo)
    run_experiment(engine, LOGISTIC)
    run_experiment(engine, ExperimentConfig("blind", "logistic", leave_out=("arrears",)))
    return engine


def test_the_report_tells_what_was_done(engine: Engine) -> None:
    run = next(run for run in list_runs(engine.portfolio) if run.config.name == "plain")
    report = run.report
    assert (run.folder / "DONE").read_text().strip() == report["finished"]
    assert report["data_sha256"] == engine.portfolio.data_hash
    assert report["protocol"]["untouched"].startswith("the out-of-sample and out-of-time rows were read for judging")
    gini = next(m for m in report["metrics"] if m["sample"] == "out-of-time" and m["metric"] == "gini")
    part = run.predictions()
    part = part[part["_sample"] == "out-of-time"]
    events, others = (part.loc[part["_y"] == value, "0"].to_numpy() for value in (1, 0))
    auc = ((events[:, None] > others).mean() + (events[:, None] >= others).mean()) / 2
    assert gini["estimate"] == pytest.approx(2 * auc - 1)  # the number in the report is that of the predictions
    assert gini["low"] < gini["estimate"] < gini["high"]
    assert report["truth"]["n"] > 100
    assert 0 < report["truth"]["rmse"] < 0.2
    assert json.loads((run.folder / "report.json").read_text()) == report


def test_what_is_done_is_not_made_again_and_another_configuration_is_refused(engine: Engine) -> None:
    file = engine.portfolio.root / "experiments" / "plain" / "report.json"
    before = file.stat().st_mtime_ns
    run_experiment(engine, LOGISTIC)
    assert file.stat().st_mtime_ns == before
    with pytest.raises(HypothecError, match="'plain' was begun with another configuration"):
        run_experiment(engine, ExperimentConfig("plain", "logistic", settings={"C": 0.5}))
    assert file.stat().st_mtime_ns == before


def test_leaving_the_arrears_out_costs_and_the_differences_are_paired(engine: Engine) -> None:
    runs = [run for run in list_runs(engine.portfolio) if run.config.name in ("plain", "blind")]
    board = leaderboard(runs, "out-of-time").set_index("name")
    found = differences(runs, "plain", "out-of-time").set_index(["challenger", "metric"])
    gap = found.loc[("blind", "gini")]
    assert gap["difference"] == pytest.approx(board.loc["blind", "gini"] - board.loc["plain", "gini"])
    assert gap["high"] - gap["low"] < 2 * (board.loc["plain", "high"] - board.loc["plain", "low"])
    assert len(join_predictions(runs, "out-of-time")) == board.loc["plain", "n"]
    with pytest.raises(HypothecError, match="no finished experiment 'dream' to compare with; there are blind, plain"):
        differences(runs, "dream", "out-of-time")


def test_tuning_keeps_the_best_trial_and_a_network_stops_on_a_later_period(engine: Engine) -> None:
    search = Tuning(2, space={"learning_rate": {"low": 1e-3, "high": 1e-2, "log": True}})
    settings = {"hidden": [16, 8], "epochs": 2, "batch_size": 4096}
    config = ExperimentConfig("tuned", "mlp", share=0.5, settings=settings, tuning=search)
    report = run_experiment(engine, config).report
    complete = [trial for trial in report["trials"] if trial["state"] == "complete"]
    best = min(complete, key=lambda trial: trial["log_loss"])
    assert report["settings"]["learning_rate"] == best["settings"]["learning_rate"]
    assert len(report["protocol"]["tuned_on"]) == 2
    history = report["seeds"][0]["history"]
    assert history["best_epoch"] == int(np.argmin(history["val_loss"])) + 1
    assert report["protocol"]["stopped_on"].startswith("fit to ")


KILLED = """
import sys, time
from pathlib import Path
from models.experiments import tuning
from models.experiments.config import ExperimentConfig, Tuning
from models.experiments.run import run_experiment
from portfolio.engine import Engine
from portfolio.workspace import Portfolio
judge = tuning._judge
tuning._judge = lambda *a: (judge(*a), time.sleep(0.5))[0]
config = ExperimentConfig("killed", "logistic", tuning=Tuning(6, share=0.5, space={SPACE}))
run_experiment(Engine(Portfolio(Path(sys.argv[1]))), config)
"""


def test_a_killed_search_goes_on_where_it_was(engine: Engine) -> None:
    code = KILLED.replace("{SPACE}", repr(SPACE))
    process = subprocess.Popen([sys.executable, "-c", code, str(engine.portfolio.root)], cwd=Path.cwd(),
                               env={**os.environ, "PYTHONPATH": "."})  # fmt: skip
    config = ExperimentConfig("killed", "logistic", tuning=Tuning(6, share=0.5, space=SPACE))
    folder = engine.portfolio.root / "experiments" / "killed"
    for _ in range(600):
        time.sleep(0.2)
        done = [t for t in tuning.list_trials(folder, config) if t["state"] == "complete"] if folder.exists() else []
        if len(done) >= 2:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (folder / "DONE").exists()
    kept = [t for t in tuning.list_trials(folder, config) if t["state"] == "complete"]
    assert 2 <= len(kept) < 6
    report = run_experiment(engine, config).report
    finished = [t for t in report["trials"] if t["state"] in ("complete", "pruned")]
    assert len(finished) == 6
    assert [t["log_loss"] for t in finished[: len(kept)]] == [t["log_loss"] for t in kept]
    values = [t["settings"]["C"] for t in finished]
    assert len(set(values)) == 6  # what goes on does not draw the same again


def test_the_minutes_of_a_killed_run_count(engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tuning, "_judge", lambda trial, *_: (trial.suggest_float("C", 0.1, 1), time.sleep(0.4))[0])
    config = ExperimentConfig("slow", "logistic", tuning=Tuning(9, minutes=0.5 / 60, space=SPACE))
    tuning.tune(config, (), [], tmp_path)
    assert len(tuning.list_trials(tmp_path, config)) == 2  # 0.4 s each: the second passes half a second
    tuning.tune(config, (), [], tmp_path)
    assert len(tuning.list_trials(tmp_path, config)) == 2  # a second run has no minutes of its own


def test_a_folder_that_was_being_thrown_away_is_rubbish(tmp_path: Path) -> None:
    here = Portfolio(tmp_path)
    folder = open_folder(here, LOGISTIC, "data", again=False)
    for name, text in (("report.json", "{}"), ("DONE", "then"), ("trials.log", "")):
        (folder / name).write_text(text)
    (folder / "config.json").unlink()  # what --again does first; killed there
    open_folder(here, ExperimentConfig("plain", "mlp"), "data", again=False)
    assert [path.name for path in folder.iterdir()] == ["config.json"]


def test_leaving_all_out_is_refused_and_sequences_may_stand_alone(engine: Engine) -> None:
    every = tuple(item.name for item in engine.portfolio.schema.with_role("feature"))
    with pytest.raises(HypothecError, match="experiment none: no feature is left"):
        select_features(engine, ExperimentConfig("none", "logistic", leave_out=every))
    alone = select_features(engine, ExperimentConfig("alone", "sequence", features=("payment_history",)))
    assert [item.name for item in alone] == ["payment_history"]


def test_a_report_without_an_interval_or_a_truth_still_has_its_place(engine: Engine) -> None:
    run = next(run for run in list_runs(engine.portfolio) if run.config.name == "plain")
    metrics = [{**row, "low": None, "high": None} for row in run.report["metrics"]]
    board = leaderboard([replace(run, report={**run.report, "metrics": metrics, "truth": None})], "out-of-time")
    assert np.isnan(board.loc[0, ["low", "high", "rmse_truth"]].astype(float)).all()
    assert f"{board['low'][0]:.3f}" == "nan"  # None could not be printed


def test_a_search_in_which_nothing_can_be_fitted_ends_with_the_reason(engine: Engine) -> None:
    config = ExperimentConfig("hopeless", "mlp", share=0.6,
                              tuning=Tuning(5, space={"embedding": {"choices": ["none of these"]}}))  # fmt: skip
    with pytest.raises(HypothecError, match=r"none of 3 trials could be fitted; the last said: .*embedding"):
        run_experiment(engine, config)


@pytest.mark.parametrize(("config", "message"), [
    (ExperimentConfig("a", "logistic", leave_out=("dreams",)), "no field or group dreams to leave out"),
    (ExperimentConfig("b", "logistic", settings={"depth": 3}), "the logistic family has no setting depth"),
    (ExperimentConfig("b2", "logistic", settings={"random_state": 3}), "has no setting random_state"),
    (ExperimentConfig("b3", "logistic", settings={"C": -1.0}), "logistic family cannot be fitted with .*'C' parameter"),
    (ExperimentConfig("c", "logistic", sequences=("payment_history",)), "reads no sequences"),
    (ExperimentConfig("d", "logistic", features=("gender",)), "cannot be a model's feature"),
])  # fmt: skip
def test_what_cannot_be_run_is_said(engine: Engine, config: ExperimentConfig, message: str) -> None:
    with pytest.raises(HypothecError, match=message):
        run_experiment(engine, config)


def test_what_an_experiment_found_can_be_trained(engine: Engine) -> None:
    where = ["--workspace", str(engine.portfolio.root.parent), "--portfolio", engine.portfolio.name]
    done = CliRunner().invoke(main, ["train", "--experiment", "blind", *where])
    assert done.exit_code == 0, done.output
    entry = load_registry(engine.portfolio).find("blind")
    names = [item["name"] for item in load_card(engine.portfolio, entry)["features"]]
    assert "days_past_due" not in names
    assert "income" in names
    unknown = CliRunner().invoke(main, ["train", "--experiment", "dream", *where])
    assert unknown.exit_code == 2
    assert "no finished experiment 'dream'; there are blind" in unknown.output
    both = CliRunner().invoke(main, ["train", "--experiment", "blind", "--family", "boosting", *where])
    assert "leave --family out" in both.output


def test_a_network_is_trained_as_its_experiment_made_it(engine: Engine) -> None:
    settings = {"hidden": [8, 4], "epochs": 2, "batch_size": 4096}
    report = run_experiment(engine, ExperimentConfig("small", "mlp", seeds=(3,), settings=settings)).report
    where = ["--workspace", str(engine.portfolio.root.parent), "--portfolio", engine.portfolio.name]
    done = CliRunner().invoke(main, ["train", "--experiment", "small", *where])
    assert done.exit_code == 0, done.output
    card = load_card(engine.portfolio, load_registry(engine.portfolio).find("small"))
    assert card["config"]["seed"] == 3
    assert card["trained_on"]["epochs_found_on"] == report["protocol"]["stopped_on"]
    found, trained = (
        {(item["sample"], item["metric"]): item["estimate"] for item in part}
        for part in (report["metrics"], card["metrics"])
    )
    for metric in ("gini", "log_loss", "mean_pd"):
        assert trained["out-of-time", metric] == pytest.approx(found["out-of-time", metric])


def test_the_command_line_runs_lists_and_compares(engine: Engine, tmp_path: Path) -> None:
    where = ["--workspace", str(engine.portfolio.root.parent), "--portfolio", engine.portfolio.name]
    (tmp_path / "ridge.toml").write_text('family = "logistic"\nshare = 0.5\n[settings]\nC = 0.01\n')
    ran = CliRunner().invoke(main, ["experiments", "run", str(tmp_path / "ridge.toml"), *where])
    assert ran.exit_code == 0, ran.output
    assert "| ridge |" in ran.output
    compared = CliRunner().invoke(main, ["experiments", "compare", "--against", "plain", *where]).output
    assert "Paired differences from plain, out-of-time" in compared
    files = [tmp_path / name for name in ("blurred.toml", "sharp.toml")]
    files[0].write_text('family = "logistic"\nleave_out = ["dreams"]\n')
    files[1].write_text('family = "logistic"\nshare = 0.4\n')
    both = CliRunner().invoke(main, ["experiments", "run", *map(str, files), *where])
    assert both.exit_code == 2
    assert "blurred could not be run: experiment blurred: no field or group dreams" in both.output
    assert "| sharp |" in both.output  # one that cannot be run does not stop the others
    listed = CliRunner().invoke(main, ["experiments", "list", *where]).output
    assert "begun, not done" in listed  # the blurred one
    assert "to run" in listed
    old = next(run for run in list_runs(engine.portfolio) if run.config.name == "sharp")
    (old.folder / "report.json").write_text(json.dumps({**old.report, "data_sha256": "other"}))
    after = CliRunner().invoke(main, ["experiments", "compare", "--against", "plain", *where]).output
    assert "| plain |" in after
    assert "| sharp |" not in after  # it was fitted on other data
    nothing = CliRunner().invoke(main, ["experiments", "run", *where])
    assert nothing.exit_code == 2
    assert "there are logistic, scorecard" in nothing.output
