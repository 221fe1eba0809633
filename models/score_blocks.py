"""A snapshot's rows read in blocks, and what a model says of each: PD, log-odds and, where asked, attributions."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.base import PdModel
from models.encoding import Matrix
from models.score_stamp import ALL, Stamp
from models.stored import PHI
from portfolio.errors import HypothecError
from portfolio.histories import LOAN
from portfolio.schema import OBSERVATION_DATE

BLOCK = 50_000

Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Source:
    """One snapshot's file `path` and the model that scores it.

    `stamp.explained` says how many loans are explained against `background`; `rows` is the size of a block. A model
    that reads sequences finds them in the file `histories`, whose rows are the snapshot's, in the same order.
    """

    path: Path
    id_name: str
    model: PdModel
    background: pd.DataFrame | None
    stamp: Stamp
    histories: Path | None = None
    rows: int = BLOCK

    def blocks(self) -> Iterator["ScoredBlock"]:
        """Yield the snapshot's blocks in the order of its rows."""
        start = 0
        for batch in self.batches():
            yield ScoredBlock(self, batch, start)
            start += batch.num_rows

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield id, date and the model's features of the snapshot's rows."""
        fields = [item.name for item in self.model.features if item.kind != "sequence"]
        own = read_batches(self.path, self.rows, list(dict.fromkeys([self.id_name, OBSERVATION_DATE, *fields])))
        if self.histories is None:
            return own
        if pq.read_metadata(self.histories).num_rows != pq.read_metadata(self.path).num_rows:
            raise self._mismatch()
        names = [item.name for item in self.model.features if item.kind == "sequence"]
        beside = read_batches(self.histories, self.rows, [LOAN, *names])
        return (self._join(*pair) for pair in zip(own, beside, strict=True))

    def _join(self, batch: pa.RecordBatch, beside: pa.RecordBatch) -> pa.RecordBatch:
        """Return some rows with their sequences."""
        own = batch.column(self.id_name)
        if not own.equals(beside.column(LOAN).cast(own.type)):
            raise self._mismatch()
        for name in beside.schema.names[1:]:
            batch = batch.append_column(name, beside.column(name))
        return batch

    def _mismatch(self) -> HypothecError:
        return HypothecError(f"{self.histories} is not of the loans of {self.path}; delete it, then score again")

    def frame(self, batch: pa.RecordBatch) -> pd.DataFrame:
        """Return the features of some rows."""
        known = [item.name for item in self.model.features if item.name in batch.schema.names]
        frame: pd.DataFrame = batch.select(known).to_pandas(date_as_object=False, split_blocks=True)  # without a copy
        return frame

    @cached_property
    def log_odds(self) -> Matrix:
        """The log-odds of all the snapshot's rows: which loans stand for all is known only then."""
        parts = [self.model.predict_log_odds(self.frame(batch)) for batch in self.batches()]
        return np.concatenate(parts) if parts else np.zeros(0)

    @cached_property
    def sample(self) -> Places:
        """The positions of the loans to explain where not all are."""
        return spread_rows(self.log_odds, int(self.stamp.explained))

    @cached_property
    def schema(self) -> pa.Schema:
        """The score file's columns, with the stamp as its metadata."""
        known = pq.read_schema(self.path).field(self.id_name).type
        kind = known.value_type if pa.types.is_dictionary(known) else known
        columns = [(self.id_name, kind), (OBSERVATION_DATE, pa.date32()), ("pd", pa.float64())]
        numbers = ["log_odds"]
        if self.stamp.explained:
            numbers += ["base", "gap", "noise", *(f"{PHI}{item.name}" for item in self.model.features)]
        return pa.schema([*columns, *((name, pa.float64()) for name in numbers)], metadata=self.stamp.metadata())


def read_batches(path: Path, rows: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield a Parquet file's rows, `rows` at a time whatever its row groups."""
    yield from pq.ParquetFile(path).iter_batches(rows, columns=columns)


@dataclass(frozen=True)
class ScoredBlock:
    """The rows of a snapshot from position `start` on."""

    source: Source
    batch: pa.RecordBatch
    start: int

    def table(self) -> pa.Table:
        """Return the rows' scores; HypothecError for a PD that is no number."""
        source = self.source
        X = source.frame(self.batch)
        sampled = source.stamp.explained not in ("", ALL)
        end = self.start + len(X)
        log_odds = source.log_odds[self.start : end] if sampled else source.model.predict_log_odds(X)
        if bad := int((~np.isfinite(log_odds)).sum()):
            raise HypothecError(
                f"model {source.stamp.model} gives {bad:,} PDs in {source.path.stem} that are no numbers; nothing was "
                "stored for this snapshot"
            )
        columns = {
            source.id_name: self.batch.column(source.id_name),
            OBSERVATION_DATE: as_dates(self.batch.column(OBSERVATION_DATE)),
            "pd": 1 / (1 + np.exp(-log_odds)),
            "log_odds": log_odds,
        }
        if source.stamp.explained:
            columns |= self._attributions(X, self._sampled(end) if sampled else None)
        arrays = [_array(columns[item.name], item.type) for item in source.schema]
        return pa.Table.from_arrays(arrays, schema=source.schema)

    def _sampled(self, end: int) -> Places:
        """Return the places in this block of the loans to explain."""
        sample = self.source.sample
        return sample[(sample >= self.start) & (sample < end)] - self.start

    def _attributions(self, X: pd.DataFrame, places: Places | None) -> dict[str, Matrix]:
        """Return base, gap, noise and attributions of every row; NaN in rows that are not at `places`."""
        source = self.source
        names = [item.name for item in source.model.features]
        if source.background is None:
            raise HypothecError("attributions need a background; none was given")
        if places is not None and not len(places):
            return dict.fromkeys(["base", "gap", "noise", *(f"{PHI}{name}" for name in names)], np.full(len(X), np.nan))
        found = source.model.explain(X if places is None else X.iloc[places], source.background)
        rows = slice(None) if places is None else places
        given: dict[str, Matrix | float] = {"base": found.base, "gap": found.gap, "noise": found.noise}
        given |= {f"{PHI}{name}": found.values[name].to_numpy() for name in names}
        return {name: _spread(values, rows, len(X)) for name, values in given.items()}


def _spread(values: Matrix | float, rows: Places | slice, count: int) -> Matrix:
    """Return a column of `count` rows that holds `values` at `rows` and NaN elsewhere."""
    column = np.full(count, np.nan)
    column[rows] = values
    return column


def _array(values: Matrix | pa.Array, kind: pa.DataType) -> pa.Array:
    """Return a column as Arrow data; a NaN is a missing value."""
    if isinstance(values, np.ndarray):
        return pa.array(values, kind, from_pandas=True)
    return values.cast(kind)


def as_dates(column: pa.Array) -> pa.Array:
    """Return a column of dates, timestamps or nothing as days: as a timestamp it would not join the snapshots' DATE."""
    return column.cast(pa.timestamp("us")).cast(pa.date32())


def spread_rows(log_odds: Matrix, count: int) -> Places:
    """Return up to `count` row positions evenly spaced over the ranking by PD: all risk levels."""
    order = np.argsort(log_odds, kind="stable")
    return np.sort(order[np.unique(np.linspace(0, len(order) - 1, min(count, len(order))).astype(int))])
