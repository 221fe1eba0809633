"""What is worked out from a history when it is built: the documents' table, snapshots, cubes, the monthly profile."""

from pathlib import Path

from portfolio.cubes import build_cubes
from portfolio.documents import flatten_documents
from portfolio.progress import Report, part_of, silent
from portfolio.quality_tables import build_quality
from portfolio.schema import Schema
from portfolio.snapshots import build_snapshots


def build_derived(folder: Path, schema: Schema, *, report: Report = silent) -> None:
    """Write documents.parquet, snapshots/, cubes/ and quality/ of the history in `folder`, a portfolio being built."""
    flatten_documents(folder, schema, report=part_of(report, 0, 0.1))
    build_snapshots(folder, schema, report=part_of(report, 0.1, 0.7))
    build_cubes(folder, schema, report=part_of(report, 0.7, 0.8))
    build_quality(folder, schema, report=part_of(report, 0.8, 1))
