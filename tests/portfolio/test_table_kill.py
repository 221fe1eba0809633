"""kill -9 in the middle of an ingest: what was there stays readable, and the next run succeeds."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from portfolio.atomic import lock_folder
from portfolio.engine import Engine
from portfolio.sources.table import ingest_table
from portfolio.workspace import hash_data, list_portfolios, open_portfolio

ROOT = Path(__file__).parents[2]
INGEST = """
import os, signal, sys
from pathlib import Path
from portfolio.sources.table import ingest_table
def report(share, doing):
    if doing.startswith(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
ingest_table(Path(sys.argv[1]), Path(sys.argv[2]), name="book", report=report)
"""


def write(path: Path, rows: int) -> Path:
    lines = "".join(f"{n},2020-0{1 + n % 6}-28,{n * 37 % 101},{int(n % 9 == 4)}\n" for n in range(rows))
    path.write_text("loan_id,date,balance,default\n" + lines)
    return path


def listing(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("step", ["reading", "finding out", "checking", "typing", "writing snapshot 2020-04-28"])
def test_a_killed_ingest_leaves_the_former_portfolio_and_the_next_run_succeeds(tmp_path, step):
    workspace = tmp_path / "workspace"
    ingest_table(workspace, write(tmp_path / "old.csv", 600), name="book")
    with lock_folder(workspace / "book"):  # leaves the lock file that any later writer would
        pass
    before = listing(workspace / "book")
    new = write(tmp_path / "new.csv", 1200)
    killed = subprocess.run(
        [sys.executable, "-c", INGEST, str(workspace), str(new), step],
        cwd=ROOT,
        timeout=120,
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -9, killed.stderr
    assert list(workspace.glob(".building-*"))  # it did die in the middle
    assert list_portfolios(workspace) == ["book"]
    portfolio = open_portfolio(workspace, "book")
    assert listing(workspace / "book") == before
    assert portfolio.data_hash == hash_data(portfolio.root)
    engine = Engine(portfolio)
    assert len(engine.fetch(engine.snapshots())) == 600
    again = ingest_table(workspace, new, name="book")
    assert again.rows_kept == 1200
    assert (
        sum(len(pd.read_parquet(again.portfolio.snapshot_file(key))) for key in again.portfolio.snapshot_keys()) == 1200
    )
    assert not list(workspace.glob(".building-*"))


def test_a_killed_first_ingest_leaves_no_portfolio(tmp_path):
    workspace = tmp_path / "workspace"
    new = write(tmp_path / "new.csv", 600)
    subprocess.run(
        [sys.executable, "-c", INGEST, str(workspace), str(new), "writing"], cwd=ROOT, timeout=120, check=False
    )
    assert list_portfolios(workspace) == []
    assert ingest_table(workspace, new, name="book").rows_kept == 600
