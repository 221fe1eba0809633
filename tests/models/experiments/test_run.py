"""Experiments from configuration to DONE: what is done stays, what is killed goes on, what is wrong is said."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cli import main
from models.experiments import tuning
from models.experiments.compare import differences, join_predictions, leaderboard
from models.experiments.config import ExperimentConfig, Tuning
from models.experiments.folders import list_runs
from models.experiments.run import run_experiment
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


def test_a_search_in_which_nothing_can_be_fitted_ends_with_the_reason(engine: Engine) -> None:
    config = ExperimentConfig("hopeless", "mlp", share=0.6,
                              tuning=Tuning(5, space={"embedding": {"choices": ["none of these"]}}))  # fmt: skip
    with pytest.raises(HypothecError, match=r"none of 3 trials could be fitted; the last said: .*embedding"):
        run_experiment(engine, config)


@pytest.mark.parametrize(("config", "message"), [
    (ExperimentConfig("a", "logistic", leave_out=("dreams",)), "no field or group dreams to leave out"),
    (ExperimentConfig("b", "logistic", settings={"depth": 3}), "the logistic family has no setting depth"),
    (ExperimentConfig("c", "logistic", sequences=("payment_history",)), "reads no sequences"),
    (ExperimentConfig("d", "logistic", features=("gender",)), "cannot be a model's feature"),
])  # fmt: skip
def test_what_cannot_be_run_is_said(engine: Engine, config: ExperimentConfig, message: str) -> None:
    with pytest.raises(HypothecError, match=message):
        run_experiment(engine, config)


def test_the_command_line_runs_lists_and_compares(engine: Engine, tmp_path: Path) -> None:
    where = ["--workspace", str(engine.portfolio.root.parent), "--portfolio", engine.portfolio.name]
    (tmp_path / "ridge.toml").write_text('family = "logistic"\nshare = 0.5\n[settings]\nC = 0.01\n')
    ran = CliRunner().invoke(main, ["experiments", "run", str(tmp_path / "ridge.toml"), *where])
    assert ran.exit_code == 0, ran.output
    assert "| ridge |" in ran.output
    listed = CliRunner().invoke(main, ["experiments", "list", *where]).output
    assert "begun, not done" in listed  # the hopeless one
    assert "to run" in listed
    compared = CliRunner().invoke(main, ["experiments", "compare", "--against", "plain", *where]).output
    assert "Paired differences from plain, out-of-time" in compared
    nothing = CliRunner().invoke(main, ["experiments", "run", *where])
    assert nothing.exit_code == 2
    assert "there are logistic, scorecard" in nothing.output
