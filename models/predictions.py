"""Predictions without a model: a table's own score columns, registered, judged and compared as they were delivered."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import ibis
import numpy as np
import pandas as pd

from analytics.odds import to_log_odds
from models.data import Labelled, load_labelled
from models.encoding import Feature, Matrix
from models.families import PREDICTIONS
from models.registry import Entry, check_model_name, load_card, load_registry, register
from models.training import environment, judge
from portfolio.engine import Engine
from portfolio.errors import HypothecError
from portfolio.schema import OBSERVATION_DATE, Field
from portfolio.workspace import Portfolio


class Column:
    """One column of PDs in the shape in which models are judged and registered; nothing is fitted or stored."""

    family: ClassVar[str] = PREDICTIONS

    def __init__(self, name: str) -> None:
        self.name = name

    def predict_proba(self, X: pd.DataFrame) -> Matrix:
        """Return the probabilities of no event and event, shape (rows, 2), as delivered."""
        delivered = X[self.name].to_numpy(dtype=np.float64)
        return np.column_stack([1 - delivered, delivered])

    def save(self, folder: Path) -> None:
        """Write nothing: the values are the portfolio's own data."""


def add_columns(engine: Engine, columns: Sequence[str], names: Sequence[str] = ()) -> list[Entry]:
    """Register columns of PDs as models' entries; without `columns` all fields with the role score.

    `names` are what to keep them under, one a column (default: the columns' names). All columns are checked before
    the first is registered. A column already registered from the same data is not registered again.
    """
    portfolio = engine.portfolio
    chosen = list(columns) or portfolio.schema.names("score")
    if not chosen:
        raise HypothecError(
            f"no field of portfolio {portfolio.name!r} has the role score; name a column of PDs with --column, or give "
            'fields roles = ["score"]'
        )
    if len(set(chosen)) < len(chosen):
        raise HypothecError(f"each column once, got {', '.join(chosen)}")
    kept = [check_model_name(name) for name in names] or [name_of(column) for column in chosen]
    if len(kept) != len(chosen) or len(set(kept)) < len(kept):
        raise HypothecError(f"one name a column, all different: {len(chosen)} columns and the names {', '.join(kept)}")
    fields = [check_column(engine, column) for column in chosen]
    for name in kept:
        _refuse_taken(portfolio, name)
    return [_add(engine, item, name) for item, name in zip(fields, kept, strict=True)]


def name_of(column: str) -> str:
    """Return a model's name for a column: what a folder may not be called by becomes "_".

    >>> name_of("pd_vendor"), name_of("PD (12 m), %")
    ('pd_vendor', 'PD_12_m')
    """
    return check_model_name(re.sub(r"[^A-Za-z0-9-]+", "_", column).strip("_-")[:64])


def check_column(engine: Engine, column: str) -> Field:
    """Return the field of `column` if it holds a PD in every row of every snapshot; else say what it holds."""
    schema = engine.portfolio.schema
    item = schema.get(column)
    wrong = next((role for role in ("id", "target") if role in item.roles), "")
    if wrong or item.kind != "number":
        raise HypothecError(
            f"column {column!r} must hold PDs, numbers between 0 and 1, to be compared; "
            f"it is {f'the {wrong}' if wrong else f'a {item.kind}'} in the schema"
        )
    table = engine.snapshots()
    if column not in table.columns:
        raise HypothecError(f"column {column!r} is in the schema of {engine.portfolio.name!r}, not in its snapshots")
    value = table[column].cast("float64")
    known = value.isnan().ifelse(ibis.null("float64"), value)
    told = known.isnull().cast("int64").sum()
    facts = engine.fetch(table.agg(rows=ibis._.count(), missing=told, low=known.min(), high=known.max())).iloc[0]
    _refuse(column, int(facts["rows"]), int(facts["missing"]), float(facts["low"]), float(facts["high"]))
    return item


def _refuse(column: str, rows: int, missing: int, low: float, high: float) -> None:
    """Raise HypothecError unless a column of `rows` values from `low` to `high` can be compared as PDs."""
    needed = f"column {column!r} must hold a PD, a number between 0 and 1, in every row"
    if missing:
        raise HypothecError(f"{needed}; {missing:,} of {rows:,} rows have none. Leave those rows out of the table")
    if low < 0 or high > 1:
        raise HypothecError(
            f"{needed}, got {low:g} to {high:g}. Points of a scorecard are no PDs: turn them into PDs first; "
            "per cent become fractions by scale = 0.01 in the mapping"
        )
    if low == high:
        raise HypothecError(f"{needed} and tell loans apart; it is {low:g} in all {rows:,} rows")


def _refuse_taken(portfolio: Portfolio, name: str) -> None:
    families = {entry.family for entry in load_registry(portfolio).entries if entry.name == name}
    if families - {PREDICTIONS}:
        raise HypothecError(
            f"portfolio {portfolio.name!r} has a {families.pop()} model called {name!r}; "
            "keep the predictions under another --name"
        )


def _add(engine: Engine, item: Field, name: str) -> Entry:
    portfolio = engine.portfolio
    former = [entry for entry in load_registry(portfolio).entries if entry.name == name]
    if former and former[-1].label == item.label and _is_of(portfolio, former[-1], item.name):
        return former[-1]
    rows = _labelled(engine, item.name)
    column = Column(item.name)
    card = {
        "config": {"column": item.name},
        "label": item.label,
        "data_sha256": portfolio.data_hash,
        "features": [],
        "metrics": judge(column, rows) if rows else [],
        "environment": environment(),
    }
    return register(portfolio, name, column, card, label=item.label)


def _is_of(portfolio: Portfolio, entry: Entry, column: str) -> bool:
    """Whether an entry was registered from this column of the data that the portfolio holds now."""
    card = load_card(portfolio, entry)
    return bool(card["config"] == {"column": column} and card["data_sha256"] == portfolio.data_hash)


def _labelled(engine: Engine, column: str) -> Labelled | None:
    """Return the rows with a known outcome, or None where the portfolio has no outcome to judge by."""
    if not engine.portfolio.schema.with_role("target"):
        return None
    return load_labelled(engine, (Feature(column, "number"),))


def read_column(engine: Engine, entry: Entry, key: str) -> pd.DataFrame:
    """Return id, date, pd (as delivered) and log_odds of every loan of a snapshot.

    A PD of 0 or 1 stays; its log-odds, which are infinite, are those of one in a million.
    """
    column = str(load_card(engine.portfolio, entry)["config"]["column"])
    id_name = engine.portfolio.schema.id.name
    table = engine.snapshots([key])
    if column not in table.columns:
        raise HypothecError(
            f"{entry.ref} are predictions from the column {column!r}, which the snapshot {key} has not; "
            "ingest a table that has it"
        )
    rows = table.select(id_name, OBSERVATION_DATE, pd=table[column].cast("float64")).order_by(id_name)
    frame = engine.fetch(rows)
    return frame.assign(log_odds=to_log_odds(frame["pd"]))
