"""What the SQL workbench reads and gives: the portfolio's files as named tables, an answer as a pandas frame."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from portfolio.quality import QUARANTINE
from portfolio.workspace import Portfolio

WHOLE = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}  # pandas would make fractions of whole numbers with a gap


@dataclass(frozen=True)
class Source:
    """The Parquet files behind one table."""

    name: str
    description: str
    files: tuple[Path, ...]


def list_sources(portfolio: Portfolio) -> list[Source]:
    """Return the tables that the portfolio has, those of most use first."""
    root, subject = portfolio.root, portfolio.schema.subject
    snapshot = f"one row a {subject} an observation date"
    found = [
        ("snapshots", f"{snapshot}: features and outcome", portfolio.snapshots.glob("*.parquet")),
        ("loans", f"one row a {subject}: what does not change", root.glob("loans.parquet")),
        ("performance", f"one row a {subject} a month", portfolio.performance.rglob("*.parquet")),
        ("macro", "one row a region a month: unemployment, house prices, rates", root.glob("macro.parquet")),
        ("flows", "months counted by segments and change of state", _glob(root, "cubes/flows")),
        ("ages", "vintages counted by months on book and segments", _glob(root, "cubes/ages")),
        ("documents", "one row a document", root.glob("documents.parquet")),
        ("quarantine", "cells that a load refused, and why", portfolio.quality.glob(QUARANTINE)),
        (
            "documents_quarantine",
            "documents that could not be read, and why",
            portfolio.quality.glob(f"documents_{QUARANTINE}"),
        ),
        *(
            (f"scores_{folder.parent.name}_{folder.name}", f"{snapshot}: PD and attributions", folder.glob("*.parquet"))
            for folder in sorted(portfolio.scores.glob("*/*"))
        ),
    ]
    sources = [Source(_safe(name), text, tuple(sorted(files))) for name, text, files in found]
    return [source for source in sources if source.files]


def _glob(root: Path, name: str) -> Iterator[Path]:
    """Yield the file `name`.parquet or all Parquet files in the folder `name`."""
    yield from root.glob(f"{name}.parquet")
    yield from root.glob(f"{name}/*.parquet")


def _safe(name: str) -> str:
    """Return a name that needs no quotes in SQL.

    >>> _safe("scores_my-model_1")
    'scores_my_model_1'
    """
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name).lower()


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Return an Arrow table as pandas: whole numbers stay whole, sums are numbers, odd types become text.

    Columns of the same name get _2, _3 …: a table on a page has every name once.
    """
    names: list[str] = []
    for name in table.column_names:
        count = sum(former == name or former.startswith(f"{name}_") for former in names) if name in names else 0
        names.append(f"{name}_{count + 1}" if count else name)
    columns = [_plain(column) for column in table.columns]
    plain = pa.Table.from_arrays(columns, names=names)
    frame: pd.DataFrame = plain.to_pandas(types_mapper=WHOLE.get, date_as_object=False)
    return frame


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of a type that tables, charts and CSV know."""
    kind = column.type
    if pa.types.is_decimal(kind):  # sums of whole numbers are HUGEINT in DuckDB
        try:
            return column.cast(pa.int64()) if kind.scale == 0 else column.cast(pa.float64())
        except pa.ArrowInvalid:
            return column.cast(pa.float64())
    if pa.types.is_dictionary(kind):
        return column.cast(kind.value_type)
    known = (pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_string,
             pa.types.is_large_string, pa.types.is_date, pa.types.is_timestamp)  # fmt: skip
    if any(check(kind) for check in known):
        return column
    if pa.types.is_null(kind):
        return column.cast(pa.string())
    texts = [None if value is None else str(value) for value in column.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string())])
