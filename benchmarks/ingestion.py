"""Loan-months ingested a second, by format: read, checked and merged; and with snapshots, cubes and quality tables."""

import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from big_books import name_of, workspace
from common import ROOT, Row

sys.path.insert(0, str(ROOT))
from portfolio.progress import Report
from portfolio.sources.history import MERGED
from tests.portfolio.written_from_layouts import BOOK, Loan, fannie_months, freddie_months, freddie_origination

TEXT_LOANS = 100_000  # about 2.5 million loan-months
PARQUET, TEXT = 300_000, 100_000  # bars, loan-months a second


def measure() -> list[Row]:
    from portfolio.sources.canonical import ingest_history
    from portfolio.sources.fannie import ingest_fannie
    from portfolio.sources.freddie import ingest_freddie

    rows: list[list[Row]] = []
    with workspace() as books:
        book = books / name_of("6M")
        months = sorted(map(str, (book / "performance").rglob("*.parquet")))
        rows.append(_rows("Parquet, own columns", PARQUET, lambda to, told: ingest_history(
            to, book / "loans.parquet", months, name="ingested", report=told).rows_kept, _count(months)))  # fmt: skip
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _write(folder / "orig.txt", lambda loan: [freddie_origination(loan)])
        lines = _write(folder / "perf.txt", freddie_months)
        files = [folder / "orig.txt", folder / "perf.txt"]
        rows.append(_rows("Freddie Mac, 32 fields", TEXT, lambda to, told: ingest_freddie(
            to, files, name="ingested", report=told).rows_kept, lines))  # fmt: skip
    with tempfile.TemporaryDirectory() as temporary:
        lines = _write(Path(temporary) / "2019Q1.csv", fannie_months)
        rows.append(_rows("Fannie Mae, 113 fields", TEXT, lambda to, told: ingest_fannie(
            to, [Path(temporary)], name="ingested", report=told).rows_kept, lines))  # fmt: skip
    return list(itertools.chain(*rows))


def _rows(name: str, bar: int, ingest: Callable[[Path, Report], int], given: int) -> list[Row]:
    """Return the speed until the months lie checked and merged in the portfolio, and until it is finished."""
    merged = 0.0

    def told(share: float, _: str) -> None:
        nonlocal merged
        if share >= MERGED and not merged:
            merged = time.perf_counter() - started

    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        kept = ingest(Path(folder), told)
        seconds = time.perf_counter() - started
    if kept < 0.99 * given:
        raise SystemExit(f"{name}: {kept:,} of {given:,} rows kept")
    speed = given / merged
    return [
        Row(f"ingestion, {name}: {given / 1e6:.1f}M loan-months", f"{speed:,.0f}/s", f"≥ {bar:,}/s", speed >= bar),
        Row("… with all snapshots, cubes and quality tables", f"{given / seconds:,.0f}/s", "—", None),
    ]


def _count(paths: Iterable[str]) -> int:
    import duckdb

    return int(duckdb.read_parquet(list(paths)).count("*").fetchall()[0][0])


def _write(path: Path, lines_of: Callable[[Loan], list[str]]) -> int:
    """Write the fixtures' stories told again and again under new loan numbers; return the number of lines."""
    stories = [(loan.number, lines_of(loan)) for loan in BOOK]
    written = 0
    with path.open("w") as file:
        for number in range(TEXT_LOANS):
            former, lines = stories[number % len(stories)]
            file.write("\n".join(lines).replace(former, f"F19Q1{number:07d}") + "\n")
            written += len(lines)
    return written


if __name__ == "__main__":
    print(*measure(), sep="\n")
