"""Planted data incidents: found, missed and false alarms, on fresh books that nothing was calibrated on."""

import json
import sys
import tempfile
from pathlib import Path

import pandas as pd
from common import Row

from analytics.anomalies import MONTHS_PER_ALARM, detect_anomalies
from analytics.incidents import merge_anomalies
from portfolio.demo.generate import generate_history
from portfolio.demo.schema import make_schema
from portfolio.monthly_profile import compute_profile

SEEDS = (7101, 7102, 7103, 7104, 7105)
LOANS, MONTHS = 20_000, 150
DATA_INCIDENTS = {"unit_error": "performance", "field_lost": "loans"}  # the others are economics and fraud
DERIVED = ("snapshots",)


def find_incidents(folder: Path, *, loans: int, months: int, seed: int) -> pd.DataFrame:
    """Build a book's history and return the incidents that the quality page would show of it."""
    generate_history(folder, loans=loans, months=months, seed=seed)
    profile = compute_profile(folder, make_schema(months))
    return merge_anomalies(detect_anomalies(profile, derived=DERIVED), derived=DERIVED)


def count(folder: Path, found: pd.DataFrame) -> tuple[int, int, int, list[str]]:
    """Return how many data incidents were found and planted, and how many of `found` were not planted at all."""
    answers = json.loads((folder / "answers.json").read_text())["incidents"]
    caught = [any(_matches(row, item) for row in found.itertuples()) for item in answers
              if item["kind"] in DATA_INCIDENTS]  # fmt: skip
    false = [row for row in found.itertuples() if not any(_touches(row, item) for item in answers)]
    names = [f"{row.table}.{row.field} {row.segment}={row.value} {row.kind} {row.first:%Y-%m}" for row in false]
    return sum(caught), len(caught), len(false), names


def _matches(row, item) -> bool:
    fields = {(row.table, row.field), *row.also}
    return (DATA_INCIDENTS[item["kind"]], item["field"]) in fields and _touches(row, item)


def _touches(row, item) -> bool:
    """Say whether an incident lies in a planted one's segment and time; a shift in the economy is no data incident."""
    inside = item["segment"].get(row.segment) == row.value
    together = row.first <= pd.Timestamp(item["to"]) and row.last >= pd.Timestamp(item["from"])
    return item["kind"] != "concept_shift" and inside and together


def measure(seeds: tuple[int, ...] = SEEDS, loans: int = LOANS) -> list[Row]:
    totals = [0, 0, 0]
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            found = find_incidents(Path(folder), loans=loans, months=MONTHS, seed=seed)
            caught, planted, false, names = count(Path(folder), found)
            print(f"  seed {seed}: {caught} of {planted} found, {false} false", *names, sep="\n    ", file=sys.stderr)
        totals = [total + part for total, part in zip(totals, (caught, planted, false), strict=True)]
    allowed = len(seeds) * MONTHS // MONTHS_PER_ALARM
    return [
        Row(f"planted data incidents found, {len(seeds)} fresh books", f"{totals[0]} of {totals[1]}",
            "all", totals[0] == totals[1]),
        Row("… false alarms", f"{totals[2]} in {len(seeds) * MONTHS} months", f"≤ {allowed} (one in two years)",
            totals[2] <= allowed),
    ]  # fmt: skip


if __name__ == "__main__":
    given = tuple(int(seed) for seed in sys.argv[1:2] and sys.argv[1].split(","))
    print(*measure(given or SEEDS, int(sys.argv[2]) if len(sys.argv) > 2 else LOANS), sep="\n")
