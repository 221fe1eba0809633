"""The command line as a user meets it: help, exit codes, one clear line for every mistake."""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import joblib
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

from tests.conftest import ROOT, run_cli

COMMANDS = [("demo",), ("ingest",), ("ingest", "table"), ("ingest", "freddie"), ("ingest", "fannie"),
            ("ingest", "esma"), ("ingest", "history"), ("ingest", "documents"), ("train",), ("score",), ("models",),
            ("models", "list"), ("models", "add"), ("models", "promote"), ("models", "columns"),
            ("models", "stress"), ("policy",),
            ("serve",)]  # fmt: skip


def listing(folder):
    """Every file below a folder with the hash of its bytes."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock"}  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_an_example_and_the_common_options(command):
    text = run_cli(*command, "--help").stdout
    assert "Example: python cli.py" in text
    if command not in [("ingest",), ("models",)]:
        assert "--workspace" in text
        assert "--portfolio" in text


@pytest.mark.parametrize(("args", "message"), [
    (("train", "--portfolio", "nobody"), "no portfolio 'nobody' in"),
    (("score", "--portfolio", "../etc"), "a name has 1 to 64 letters"),
    (("ingest", "table", "nowhere.csv", "--portfolio", "x", "--yes"), "nowhere.csv"),
    (("models", "add", "nowhere.joblib", "--name", "x", "--portfolio", "demo"), "no such file"),
    (("models", "promote", "nothing", "champion"), "no model 'nothing'"),
    (("models", "columns"), "no field of portfolio 'demo' has the role score"),
    (("models", "columns", "--column", "balance"), "must hold a PD, a number between 0 and 1"),
    (("models", "stress", "--model", "nothing"), "no model 'nothing'"),
    (("models", "stress", "--seeds", "1"), "1 is not in the range"),
    (("score", "--snapshot", "1999-12-31"), "has no snapshot '1999-12-31'; it has 20"),
    (("demo", "--loans", "3"), "3 is not in the range"),
    (("train", "--family", "oracle"), "'oracle' is not one of"),
    (("train", "--name", "one"), "--name is for one model"),
])  # fmt: skip
def test_mistakes_end_in_one_clear_line_and_exit_code_2(demo_workspace, args, message):
    before = listing(demo_workspace)
    done = run_cli(*args, workspace=demo_workspace, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert listing(demo_workspace) == before


def test_without_a_terminal_nothing_is_trusted_unasked(demo_workspace, tmp_path):
    joblib.dump({}, tmp_path / "thing.joblib")
    done = run_cli(
        "models", "add", str(tmp_path / "thing.joblib"), "--name", "thing", workspace=demo_workspace, check=False
    )
    assert done.returncode == 2
    assert "--yes" in done.stderr
    digest = hashlib.sha256((tmp_path / "thing.joblib").read_bytes()).hexdigest()
    assert digest in done.stdout  # it says what it is about to unpickle …
    assert "owner" in done.stdout  # … and from whom


def test_a_model_trained_elsewhere_joins(demo_workspace, tmp_path):
    from portfolio.engine import Engine
    from portfolio.workspace import open_portfolio

    engine = Engine(open_portfolio(demo_workspace, "loanapp"))
    frame = engine.fetch(engine.snapshots())
    names = ["obrat", "loanprc"]
    target = engine.portfolio.schema.target.name
    forest = RandomForestClassifier(15, min_samples_leaf=20, random_state=0).fit(
        frame[names], frame[target].astype(int)
    )
    joblib.dump(forest, tmp_path / "forest.joblib")
    file = str(tmp_path / "forest.joblib")
    done = run_cli(
        "models", "add", file, "--name", "forest", "--portfolio", "loanapp", "--yes", workspace=demo_workspace
    )
    assert "forest/1" in done.stdout
    scores = pd.read_parquet(demo_workspace / "loanapp" / "scores" / "forest" / "1" / "all.parquet")
    explained = scores[scores["base"].notna()]
    assert len(explained) > 100
    gap = explained["base"] + explained.filter(like="phi_").sum(axis=1) - explained["log_odds"]
    assert gap.abs().max() < 1e-6


def kill_in_the_middle(args, workspace, appears):
    """Start a command, kill -9 it once `appears()` is true, and return whether it was still running."""
    env = {**os.environ, "HYPOTHEC_WORKSPACE": str(workspace)}
    process = subprocess.Popen([sys.executable, str(ROOT / "cli.py"), *args], env=env, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)  # fmt: skip
    for _ in range(1200):
        if appears() or process.poll() is not None:
            break
        time.sleep(0.05)
    running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return running


@pytest.fixture
def small(tmp_path):
    """A workspace with a small demo without models."""
    run_cli("demo", "--loans", "600", "--months", "60", "--no-train", workspace=tmp_path)
    return tmp_path


def test_killed_demo_leaves_the_former_one_and_the_next_run_succeeds(small):
    before = listing(small / "demo")
    was_running = kill_in_the_middle(("demo", "--loans", "4000", "--no-train"), small,
                                     lambda: list(small.glob(".building-*/performance/*/*.parquet")))  # fmt: skip
    assert was_running
    assert list(small.glob(".building-*")), "the run was killed before or after the middle"
    assert listing(small / "demo") == before
    run_cli("demo", "--loans", "700", "--months", "60", "--no-train", workspace=small)
    assert not list(small.glob(".building-*"))
    assert listing(small / "demo") != before


def test_killed_training_leaves_the_models_there_were(demo_workspace, tmp_path):
    shutil.copytree(demo_workspace / "loanapp", tmp_path / "loanapp")
    models = tmp_path / "loanapp" / "models"
    before = (models / "manifest.json").read_bytes()

    def half_way():
        return list(models.glob("*/.building-*")) or (models / "scorecard" / "2").exists()

    was_running = kill_in_the_middle(("train", "--portfolio", "loanapp"), tmp_path, half_way)
    assert was_running
    entries = json.loads((models / "manifest.json").read_text())["entries"]
    known = {f"{entry['name']}/{entry['version']}" for entry in entries}
    assert {"scorecard/1", "boosting/1", "neural/1"} <= known
    assert "Gini" in run_cli("models", "list", "--portfolio", "loanapp", workspace=tmp_path).stdout
    run_cli("train", "--family", "scorecard", "--portfolio", "loanapp", workspace=tmp_path)
    assert (models / "manifest.json").read_bytes() != before


def test_two_writers_take_turns(small):
    with (small / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        done = run_cli("demo", "--loans", "600", "--months", "60", "--no-train", workspace=small, check=False)
    assert done.returncode == 2
    assert "is being written by another run" in done.stderr


def test_progress_names_the_step_and_the_time_left(small):
    done = run_cli("demo", "--loans", "1500", "--months", "60", "--no-train", workspace=small)
    assert "left" in done.stderr
    assert "%]" in done.stderr
