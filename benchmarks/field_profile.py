"""The profile of a million rows × 24 columns: the product's, plain pandas' and ydata-profiling's, from one file."""

import json
import subprocess
import sys
from pathlib import Path

from big_books import name_of, workspace
from common import ROOT, Row, peer_python

ROWS, COLUMNS, REPEATS = 1_000_000, 24, 3

OURS = """
import json, sys, time
import ibis, duckdb
from analytics.profile import compute_profile
path, repeats = sys.argv[1], int(sys.argv[2])
backend = ibis.duckdb.connect()
def run():
    table = backend.read_parquet(path)
    numbers = [name for name, kind in table.schema().items() if kind.is_numeric()]
    categories = [name for name in table.columns if name not in numbers]
    frame = compute_profile(table, lambda e: backend.to_pyarrow(e).to_pandas(), numbers=numbers, categories=categories)
    assert len(frame) == len(table.columns)
"""
PANDAS = """
import json, sys, time
import pandas as pd
path, repeats = sys.argv[1], int(sys.argv[2])
LEVELS = [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99]
def run():
    frame = pd.read_parquet(path)
    for name in frame.columns:
        column = frame[name]
        column.isna().sum(), column.nunique()
        if pd.api.types.is_numeric_dtype(column):
            column.mean(), column.std(), column.min(), column.max(), column.quantile(LEVELS)
        else:
            column.value_counts().head(10)
"""
YDATA = """
import json, sys, time
import pandas as pd
from ydata_profiling import ProfileReport
path, repeats = sys.argv[1], int(sys.argv[2])
def run():
    # minimal: no correlations or interactions, the peer's quickest setting; no page is drawn
    ProfileReport(pd.read_parquet(path), minimal=True, progress_bar=False).get_description()
"""
TIMED = """
times = []
for _ in range(repeats):
    started = time.perf_counter(); run(); times.append(time.perf_counter() - started)
print(json.dumps(sorted(times)[len(times) // 2]))
"""


def measure() -> list[Row]:
    with workspace() as folder:
        path = _sample(folder)
        ours = _time(sys.executable, OURS, path, REPEATS)
        pandas = _time(sys.executable, PANDAS, path, REPEATS)
        peer = _time(peer_python(), YDATA, path, 1)
        path.unlink()
    return [Row("profile of 1M rows × 24 columns", f"{ours:.1f} s", "—", None),
            Row("… plain pandas, the same statistics", f"{pandas:.1f} s", f"{pandas / ours:.1f} × ours", None),
            Row("… ydata-profiling 4.18, minimal, no page", f"{peer:.1f} s", f"{peer / ours:.1f} × ours",
                None)]  # fmt: skip


def _sample(folder: Path) -> Path:
    """Write a million loans of the largest book's latest snapshot, 24 of its columns."""
    import duckdb

    latest = sorted((folder / name_of("60M") / "snapshots").glob("*.parquet"))[-1]
    names = [row[0] for row in duckdb.sql(f"DESCRIBE SELECT * FROM '{latest}'").fetchall()]  # noqa: S608
    dull = ("loan_id", "borrower_id", "default_12m", "observation_date", "label_mature", "sample")
    kept = [name for name in names if name not in dull and not name.endswith("_date")][:COLUMNS]
    target = folder / "profile.parquet"
    duckdb.sql(f"COPY (SELECT {', '.join(kept)} FROM '{latest}' LIMIT {ROWS}) TO '{target}'")  # noqa: S608
    return target


def _time(python: str, code: str, path: Path, repeats: int) -> float:
    done = subprocess.run([python, "-c", code + TIMED, str(path), str(repeats)], cwd=ROOT, capture_output=True,
                          text=True, check=False)  # fmt: skip
    if done.returncode:
        raise SystemExit(f"the profile benchmark failed:\n{done.stderr[-2000:]}")
    return float(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    print(*measure(), sep="\n")
