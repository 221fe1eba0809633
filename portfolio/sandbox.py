"""The SQL workbench's sandbox: one reading statement at a time on a portfolio's tables, in a process of its own.

Two worker processes a portfolio (`portfolio.sandbox_worker` says what locks them in) stay warm between statements.
Every statement ends within the time-out, its process being killed if need be; a third user waits for a free worker
no longer than one time-out and is then told so: one user's slow query never holds up another for longer.
"""

import contextlib
import json
import queue
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from portfolio.errors import HypothecError
from portfolio.sandbox_tables import list_sources, to_frame
from portfolio.workspace import Portfolio

WORKER = Path(__file__).with_name("sandbox_worker.py")
ROWS, COLUMNS, MEGABYTES = 10_000, 300, 16
MEMORY = "1GB"  # of DuckDB; the whole process gets PROCESS_BYTES
PROCESS_BYTES = 3 << 30
SECONDS, IDLE_SECONDS, START_SECONDS = 10.0, 900, 60.0


class SqlError(HypothecError):
    """A statement that was refused, failed or was stopped; DuckDB's own words, so it may have several lines."""


@dataclass(frozen=True)
class Column:
    """A column of a table and its DuckDB type."""

    name: str
    type: str


@dataclass(frozen=True)
class Table:
    """A table that statements can name: what a row is, how many there are, its columns."""

    name: str
    description: str
    rows: int
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Answer:
    """A statement's rows (at most `ROWS`), how long it took, and what was cut ("" if nothing)."""

    frame: pd.DataFrame
    seconds: float
    cut: str


class Sandbox:
    """Runs reading SQL on a portfolio's tables.

    >>> sandbox = Sandbox(portfolio)                                      # doctest: +SKIP
    >>> sandbox.run("SELECT count(*) AS loans FROM loans").frame          # doctest: +SKIP
    """

    def __init__(self, portfolio: Portfolio, *, workers: int = 2, seconds: float = SECONDS) -> None:
        self.portfolio = portfolio
        self.seconds = seconds
        self._start = threading.Lock()
        self._message: dict[str, Any] = {}
        self._tables: tuple[Table, ...] = ()
        self._free: queue.LifoQueue[_Worker] = queue.LifoQueue()  # last in, first out: the warm one is taken first
        crew = [_Worker() for _ in range(workers)]
        for worker in crew:
            self._free.put(worker)
        self.close = weakref.finalize(self, _stop, crew)

    def run(self, sql: str) -> Answer:
        """Return the answer to one reading statement; SqlError if it is refused, fails or takes too long."""
        message = self._prepare()
        with self._worker() as worker:
            facts, body = worker.ask(sql, message, self.seconds)
        if "error" in facts:
            raise SqlError(self._without_paths(facts["error"]))
        return Answer(to_frame(pa.ipc.open_stream(body).read_all()), facts["seconds"], facts["cut"])

    def tables(self) -> tuple[Table, ...]:
        """Return the tables with columns, types and row counts (from the files' footers, nothing is scanned)."""
        if not self._tables:
            rows = self._prepare()["rows"]
            shown = self.run(
                "SELECT table_name, column_name, data_type FROM duckdb_columns() "
                "WHERE schema_name = 'main' AND NOT internal ORDER BY table_name, column_index"
            ).frame
            columns = {
                str(name): tuple(Column(*pair) for pair in zip(part["column_name"], part["data_type"], strict=True))
                for name, part in shown.groupby("table_name", sort=False)
            }
            self._tables = tuple(
                Table(source.name, source.description, rows[source.name], columns[source.name])
                for source in list_sources(self.portfolio)
            )
        return self._tables

    @contextlib.contextmanager
    def _worker(self) -> Iterator["_Worker"]:
        try:
            worker = self._free.get(timeout=self.seconds + 1)
        except queue.Empty:
            raise SqlError(
                f"Other statements have been running for {self.seconds:g} s; run yours again in a moment"
            ) from None
        try:
            yield worker
        finally:
            self._free.put(worker)

    def _prepare(self) -> dict[str, Any]:
        """Return what a new worker is told: the files of each view and the limits. Reads every footer once."""
        with self._start:
            if not self._message:
                views, rows = {}, {}
                for source in list_sources(self.portfolio):
                    footers = [pq.read_metadata(path) for path in source.files]
                    names = [str(path.relative_to(self.portfolio.root)) for path in source.files]
                    first = footers[0].schema
                    # matching columns by name costs a second look at every file: only where they differ
                    union = not all(footer.schema.equals(first) for footer in footers[1:])
                    views[source.name] = {"files": names, "union": union}
                    rows[source.name] = sum(footer.num_rows for footer in footers)
                if not views:
                    raise HypothecError(f"portfolio {self.portfolio.name!r} has no tables yet")
                limits = {"rows": ROWS, "columns": COLUMNS, "bytes": MEGABYTES << 20, "seconds": int(self.seconds),
                          "process_bytes": PROCESS_BYTES, "idle_seconds": IDLE_SECONDS}  # fmt: skip
                self._message = {
                    "root": str(self.portfolio.root.absolute()),
                    "views": views,
                    "rows": rows,
                    "memory": MEMORY,
                    "limits": limits,
                }
            return self._message

    def _without_paths(self, text: str) -> str:
        """Return an error's text without the folder that the portfolio lies in."""
        return text.replace(f"{self.portfolio.root.absolute()}/", "").replace(str(self.portfolio.root), "")


class _Worker:
    """One worker process, started when it is first needed and again after it was killed or had gone."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.pipe: Connection | None = None

    def ask(self, sql: str, message: dict[str, Any], seconds: float) -> tuple[dict[str, Any], bytes]:
        """Return what the worker says of a statement, and its rows; kill it after `seconds`."""
        pipe = self._running(message)
        try:
            pipe.send_bytes(sql.encode("utf-8", "replace"))
            if not pipe.poll(seconds):
                self.stop()
                return {"error": f"Stopped: the statement took longer than {seconds:g} s. Ask for fewer rows, or "
                                 "filter before you join."}, b""  # fmt: skip
            facts: dict[str, Any] = json.loads(pipe.recv_bytes())
            return facts, b"" if "error" in facts else pipe.recv_bytes(2 * MEGABYTES << 20)
        except (EOFError, OSError, ValueError):
            self.stop()
            return {"error": "Stopped: the process that ran the statement ended, most likely for lack of memory."}, b""
        except BaseException:  # an answer left unread would be taken for the next statement's
            self.stop()
            raise

    def _running(self, message: dict[str, Any]) -> Connection:
        if self.process is None or self.process.poll() is not None or self.pipe is None:
            self.stop()
            ours, theirs = socket.socketpair()
            with theirs:
                # -I: neither PYTHON* variables nor the working directory count; env={}: no secrets to read
                self.process = subprocess.Popen(
                    [sys.executable, "-I", str(WORKER), str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    env={"ARROW_DEFAULT_MEMORY_POOL": "system"},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            self.pipe = Connection(ours.detach())
            self.pipe.send_bytes(json.dumps(message).encode())
            if not self.pipe.poll(START_SECONDS) or not self._is_ready():
                self.stop()
                raise HypothecError("the SQL worker did not start; see whether `import duckdb` works, and try again")
        return self.pipe

    def _is_ready(self) -> bool:
        try:
            return self.pipe is not None and self.pipe.recv_bytes() == b"ready"
        except EOFError:
            return False

    def stop(self) -> None:
        """End the process, if there is one."""
        if self.pipe is not None:
            self.pipe.close()
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = self.pipe = None


def _stop(crew: list[_Worker]) -> None:
    for worker in crew:
        worker.stop()
