"""The books that the large benchmarks share: 0.6, 6 and 60 million loan-months, generated once, without models."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common import ROOT, run_measured  # noqa: F401

MONTHS = 60
BOOKS = {"0.6M": 14_000, "6M": 140_000, "60M": 1_400_000}  # rows of the performance table → loans


@contextmanager
def workspace() -> Iterator[Path]:
    """Give a folder with the three books; BIG_WORKSPACE keeps it for the next run (about 3 GB)."""
    kept = os.environ.get("BIG_WORKSPACE")
    if kept:
        _build(Path(kept))
        yield Path(kept)
        return
    with tempfile.TemporaryDirectory() as folder:
        _build(Path(folder))
        yield Path(folder)


def _build(folder: Path) -> None:
    from portfolio.demo.build import build_demo
    from portfolio.workspace import list_portfolios

    for name, loans in BOOKS.items():
        if name_of(name) not in list_portfolios(folder):
            build_demo(folder, name=name_of(name), loans=loans, months=MONTHS, seed=1)


def name_of(size: str) -> str:
    """Return the portfolio's name: a name has no dots."""
    return "book-" + size.replace(".", "-")
