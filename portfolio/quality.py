"""What was found when a file was loaded: rows read, kept and quarantined, by rule; the bad rows themselves."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from portfolio.atomic import write_text
from portfolio.errors import HypothecError
from portfolio.workspace import Portfolio

LOAD = "load.json"
QUARANTINE = "quarantine.parquet"
LOADS = "loads.parquet"  # a row a delivered file; only a history taken in from files has it
MISSING = "missing.parquet"  # month, table, field, code, reason, n, source: why values are missing
LOADS_COLUMNS = ("file", "kind", "rows_read", "rows_kept", "quarantined", "replaced", "left_book", "first_month",
                 "last_month")  # fmt: skip
QUARANTINE_COLUMNS = ("file", "line", "rule", "column", "value", "reason", "row")


@dataclass(frozen=True)
class Load:
    """One file's loading. `rows_read` = `rows_kept` + `quarantined`; a row may break several of `rules`."""

    file: str
    rows_read: int
    rows_kept: int
    quarantined: int
    rules: dict[str, int]
    notes: tuple[str, ...] = ()


def save_load(load: Load, folder: Path) -> None:
    """Write `load` as load.json in a portfolio's quality folder."""
    write_text(folder / LOAD, json.dumps(asdict(load), indent=2, ensure_ascii=False))


def load_load(portfolio: Portfolio) -> Load:
    """Return what was found when the portfolio's file was loaded; HypothecError if it was not recorded."""
    path = portfolio.quality / LOAD
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        return Load(**body | {"notes": tuple(body["notes"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HypothecError(f"{path}: cannot read what was found at loading ({error}); ingest the file again") from None


def load_quarantine(portfolio: Portfolio) -> pd.DataFrame:
    """Return the quarantined cells: file, line, rule, column, value, reason, and the whole row as JSON."""
    path = portfolio.quality / QUARANTINE
    if not path.exists():
        return pd.DataFrame(columns=list(QUARANTINE_COLUMNS))
    return pd.read_parquet(path)
