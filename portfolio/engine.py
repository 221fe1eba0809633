"""The query engine: a portfolio's tables as Ibis expressions, run by DuckDB over Parquet.

Pages and analytics ask for aggregates through Ibis, so another Ibis backend (Spark) can run the
same code. One connection a portfolio; DuckDB uses every core for one query, so queries take turns.
"""

import threading
from collections.abc import Sequence
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
import pandas as pd

from portfolio.errors import HypothecError
from portfolio.workspace import Portfolio


class Engine:
    """One portfolio's tables, queried in place.

    >>> engine = Engine(portfolio)                                   # doctest: +SKIP
    >>> engine.fetch(engine.snapshots().group_by("country").agg(n=ibis._.count()))  # doctest: +SKIP
    """

    def __init__(self, portfolio: Portfolio, *, memory_limit: str = "4GB") -> None:
        self.portfolio = portfolio
        self._lock = threading.Lock()
        self._connection = duckdb.connect(config={"memory_limit": memory_limit, "preserve_insertion_order": "false"})
        self._backend = ibis.duckdb.from_connection(self._connection)
        self._tables: dict[tuple[str, ...], ir.Table] = {}

    def loans(self) -> ir.Table:
        """One row a loan."""
        return self._read([self.portfolio.loans])

    def performance(self) -> ir.Table:
        """One row a loan a month."""
        return self._read([self.portfolio.performance / "year=*" / "*.parquet"])

    def flows(self) -> ir.Table:
        """Loans by month, segments, state at the reporting date before and state: see portfolio.cubes.flows."""
        return self._read(sorted((self.portfolio.cubes / "flows").glob("*.parquet")))

    def ages(self) -> ir.Table:
        """Loans at risk by vintage, months on book and segments: see portfolio.cubes.ages."""
        return self._read([self.portfolio.cubes / "ages.parquet"])

    def macro(self) -> ir.Table:
        """One row a region a month."""
        return self._read([self.portfolio.macro])

    def snapshots(self, keys: Sequence[str] | None = None) -> ir.Table:
        """One row a loan an observation date: all snapshots, or those of `keys`."""
        wanted = self.portfolio.snapshot_keys() if keys is None else list(keys)
        return self._read([self.portfolio.snapshot_file(key) for key in wanted])

    def histories(self, keys: Sequence[str]) -> ir.Table:
        """24 months of each loan of the snapshots `keys`: see portfolio.histories, which writes them."""
        return self._read([self.portfolio.histories / f"{key}.parquet" for key in keys])

    def outcomes(self, keys: Sequence[str]) -> ir.Table:
        """Event and month of each loan of the snapshots `keys`: see portfolio.outcomes, which writes them."""
        return self._read([self.portfolio.outcomes / f"{key}.parquet" for key in keys])

    def scores(self, ref: str, keys: Sequence[str] | None = None) -> ir.Table:
        """Stored scores of a model version ("scorecard/1"): all scored snapshots, or those of `keys`."""
        folder = self.portfolio.scores / ref
        files = sorted(folder.glob("*.parquet")) if keys is None else [folder / f"{key}.parquet" for key in keys]
        missing = [path.stem for path in files if not path.exists()]
        if missing or not files:
            raise HypothecError(
                f"model {ref} has no scores for {', '.join(missing) or 'any snapshot'}; "
                f"`python cli.py score --portfolio {self.portfolio.name}` makes them"
            )
        return self._read(files)

    def fetch(self, expression: ir.Expr) -> pd.DataFrame:
        """Run an Ibis table expression and return the rows as a pandas frame."""
        with self._lock:
            frame: pd.DataFrame = self._backend.to_pyarrow(expression).to_pandas(date_as_object=False)
            return frame

    def _read(self, files: Sequence[Path]) -> ir.Table:
        """Return the Parquet files as one table; the reader is made once for each set of files."""
        if not files:
            raise HypothecError(f"portfolio {self.portfolio.name!r} has no such table")
        key = tuple(f"{path}|{path.stat().st_mtime_ns if path.exists() else ''}" for path in files)
        with self._lock:
            if key not in self._tables:
                # union_by_name: snapshots explained and not explained differ in their attribution columns
                self._tables[key] = self._backend.read_parquet(
                    [str(path) for path in files], union_by_name=True, hive_partitioning=False
                )
            return self._tables[key]
