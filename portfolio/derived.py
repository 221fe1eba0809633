"""What is worked out from a history when it is built: snapshots, cubes and the monthly profile."""

from pathlib import Path

from portfolio.cubes import build_cubes
from portfolio.progress import Report, part_of, silent
from portfolio.schema import Schema
from portfolio.snapshots import build_snapshots


def build_derived(folder: Path, schema: Schema, *, report: Report = silent) -> None:
    """Write snapshots/ and cubes/ of the history in `folder`, a portfolio being built."""
    build_snapshots(folder, schema, report=part_of(report, 0, 0.7))
    build_cubes(folder, schema, report=part_of(report, 0.7, 1))
