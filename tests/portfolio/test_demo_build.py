"""Building the demo: complete, repeatable, and all or nothing when a run is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from portfolio.atomic import lock_folder
from portfolio.demo.build import build_demo
from portfolio.errors import HypothecError
from portfolio.workspace import Portfolio, hash_data, list_portfolios, open_portfolio

SMALL = {"loans": 600, "months": 42}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    build_demo(folder, **SMALL, seed=1)
    return folder


def test_the_portfolio_is_complete(workspace: Path) -> None:
    demo = open_portfolio(workspace, "demo")
    assert demo.has_history
    assert demo.schema.synthetic
    for path in (demo.loans, demo.macro, demo.performance, demo.root / "answers.json"):
        assert path.exists()
    keys = demo.snapshot_keys()
    assert keys[0] == "2023-12-31"  # the twelfth month of 42 that end with June 2026
    assert keys[-1] == "2026-06-30"
    assert len(keys) == 11
    assert demo.manifest["loans"] == 600
    assert "synthetic" in demo.manifest["source"]
    assert demo.data_hash == hash_data(demo.root)


def test_the_same_arguments_give_the_same_data(workspace: Path, tmp_path: Path) -> None:
    again = build_demo(tmp_path, **SMALL, seed=1)
    assert again.data_hash == Portfolio(workspace / "demo").data_hash
    assert build_demo(tmp_path, **SMALL, seed=2).data_hash != again.data_hash


def test_progress_runs_from_start_to_end(tmp_path: Path) -> None:
    shares: list[float] = []
    build_demo(tmp_path, **SMALL, report=lambda share, _: shares.append(share))
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] == 1


def test_another_writer_is_waited_for_by_the_user(tmp_path: Path) -> None:
    with lock_folder(tmp_path), pytest.raises(HypothecError, match="is being written by another run"):
        build_demo(tmp_path, **SMALL)


def test_a_name_that_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HypothecError, match="a name has 1 to 64 letters"):
        build_demo(tmp_path, name="../demo", **SMALL)
    assert not list(tmp_path.iterdir())


def test_a_refused_build_leaves_the_former_state(tmp_path: Path) -> None:
    before = build_demo(tmp_path, **SMALL, seed=1).data_hash
    with pytest.raises(HypothecError, match="the demo needs"):
        build_demo(tmp_path, loans=0)
    assert Portfolio(tmp_path / "demo").data_hash == before
    assert list_portfolios(tmp_path) == ["demo"]


@pytest.mark.parametrize("until", ["macro.parquet", "loans.parquet", "snapshots"])
def test_a_killed_build_leaves_the_former_state_and_the_next_succeeds(tmp_path: Path, until: str) -> None:
    before = build_demo(tmp_path, **SMALL, seed=1).data_hash
    code = f"from pathlib import Path; from portfolio.demo.build import build_demo; build_demo(Path({str(tmp_path)!r}))"
    root = Path(__file__).parents[2]
    process = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(root)})
    wanted = ".building-snapshots*" if until == "snapshots" else until
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(f".building-demo-*/{wanted}")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(tmp_path.glob(".building-*"))  # it was killed half-way
    demo = open_portfolio(tmp_path, "demo")
    assert demo.data_hash == before == hash_data(demo.root)
    assert build_demo(tmp_path, **SMALL, seed=1).data_hash == before
    assert not list(tmp_path.glob(".building-*"))
