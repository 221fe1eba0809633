"""What is known of a portfolio's quality: profile, rules and duplicates, made when it is built and read by the page."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from portfolio.documents import KEYS, QUARANTINED
from portfolio.duplicates import DUPLICATES, build_duplicates, find_duplicates
from portfolio.errors import HypothecError
from portfolio.monthly_profile import PROFILE, build_profile, compute_profile
from portfolio.progress import Report, part_of, silent
from portfolio.quality import LOADS, MISSING
from portfolio.quality_rules import RULES, build_rules, check_rules
from portfolio.schema import Schema
from portfolio.workspace import Portfolio

_MAKERS: dict[str, Callable[[Path, Schema], pd.DataFrame]] = {
    PROFILE: compute_profile,
    RULES: check_rules,
    DUPLICATES: find_duplicates,
}
OPTIONAL = (LOADS, MISSING, KEYS, QUARANTINED)  # written by adapters and readers of documents that know them


def build_quality(folder: Path, schema: Schema, *, report: Report = silent, memory_limit: str = "3GB") -> None:
    """Write quality/profile.parquet, rules.parquet and duplicates.parquet of the portfolio in `folder`."""
    build_profile(folder, schema, report=part_of(report, 0, 0.7), memory_limit=memory_limit)
    build_rules(folder, schema, report=part_of(report, 0.7, 0.95), memory_limit=memory_limit)
    build_duplicates(folder, schema, report=part_of(report, 0.95, 1), memory_limit=memory_limit)


def load_quality(
    portfolio: Portfolio, name: str, *, filters: Sequence[tuple[str, str, object]] = (), columns: Sequence[str] = ()
) -> pd.DataFrame:
    """Return a table of the portfolio's quality folder: rows that pass all `filters` (column, operator, value).

    The profile, rules and duplicates of a plain table are made at once where they were not written with it; those of
    a history take minutes and are asked for. An adapter's table that is not there is empty.
    """
    path = portfolio.quality / name
    if path.exists():
        return pd.read_parquet(path, filters=list(filters) or None, columns=list(columns) or None)
    if name in OPTIONAL:
        return pd.DataFrame()
    if portfolio.has_history:
        raise HypothecError(
            f"portfolio {portfolio.name!r} was built before its months were profiled; build or ingest it again"
        )
    frame = _MAKERS[name](portfolio.root, portfolio.schema)
    for column, _, value in filters:
        frame = frame[frame[column] == value]
    return frame[list(columns)] if columns else frame
