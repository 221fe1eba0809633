"""A bounded DuckDB of its own for long work on a portfolio's files, with room to spill that is cleaned up."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis

from portfolio.atomic import PREFIX


@contextlib.contextmanager
def open_scratch(folder: Path, memory_limit: str) -> Iterator[Any]:
    """Yield an Ibis backend that spills beside the data, or to the system's place where the folder is read only."""
    place = folder if os.access(folder, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=place) as spill:
        backend = ibis.duckdb.connect(memory_limit=memory_limit, temp_directory=spill)
        try:
            yield backend
        finally:
            backend.disconnect()
