"""What a scoring run has to do: which snapshots of which models, which of them explained, and how long each takes."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow.parquet as pq

from models.families import PREDICTIONS, family_class
from models.registry import Entry, load_card
from models.score_stamp import ALL, NOT_EXPLAINED
from portfolio.errors import HypothecError
from portfolio.workspace import UNDATED, Portfolio

WORDS = ("all", "latest", "yearly")

# Microseconds a loan, measured on the demo with two cores: only their proportions matter, for the time left.
PREDICT_COST = {"scorecard": 3.0, "logistic": 1.5, "boosting": 5.0, "neural": 6.0, "mlp": 2.5, "additive": 4.5,
                "tabm": 8.0, "competing": 4.0, "sequence": 27.0, "external": 20.0, PREDICTIONS: 1.0}  # fmt: skip
EXPLAIN_COST = {"scorecard": 4.0, "logistic": 4.5, "boosting": 25.0, "additive": 135.0, "neural": 300.0, "mlp": 1_000.0,
                "competing": 62_000.0, "tabm": 112_000.0, "sequence": 373_000.0}  # fmt: skip
EXTERNAL_SECONDS = 0.3  # a loan, where a card of an earlier version of the program does not say it
EXTERNAL_ROWS = 300  # how many loans of a snapshot are explained where a loan takes long


@dataclass(frozen=True)
class Job:
    """One file to make: a model version's scores of a snapshot of `rows` loans; `explained` as in a Stamp.

    `explain_cost` is about how many microseconds the attributions of a loan take.
    """

    entry: Entry
    key: str
    rows: int
    explained: str = NOT_EXPLAINED
    explain_cost: float = 0.0

    @property
    def work(self) -> float:
        """About how long it takes, in microseconds."""
        return self.rows * PREDICT_COST[self.entry.family] + self.explaining

    @property
    def explaining(self) -> float:
        """About how long its attributions take, in microseconds."""
        count = self.rows if self.explained == ALL else min(self.rows, int(self.explained or 0))
        return count * self.explain_cost


def plan_jobs(
    portfolio: Portfolio,
    entries: Sequence[Entry],
    keys: Sequence[str] | None,
    explain: Sequence[str] | None,
    sample: int | None,
) -> list[Job]:
    """Return the files to make, model by model; a wrong date is refused before an hour of work, not after."""
    if sample is not None and sample < 1:
        raise HypothecError(f"a sample to explain has at least one loan, got {sample}")
    known = portfolio.snapshot_keys()
    wanted = known if keys is None else sorted(set(keys))
    explained = choose_explained(wanted, ["latest"] if explain is None else explain)
    wanted = sorted({*wanted, *explained})
    rows = {key: int(pq.read_metadata(portfolio.snapshot_file(key)).num_rows) for key in wanted}
    jobs = []
    for entry in entries:
        extent, cost = _how_explained(portfolio, entry, sample)
        jobs += [Job(entry, key, rows[key], extent if key in explained else NOT_EXPLAINED, cost) for key in wanted]
    return jobs


def _how_explained(portfolio: Portfolio, entry: Entry, sample: int | None) -> tuple[str, float]:
    """Return how many loans of a snapshot are explained, as in a Stamp, and the microseconds that each takes."""
    if entry.family == PREDICTIONS:
        return NOT_EXPLAINED, 0.0
    if entry.family == "external":
        card = load_card(portfolio, entry).get("explainer", {})
        whole, cost = card.get("explains_all_rows"), 1e6 * card.get("seconds_a_loan", EXTERNAL_SECONDS)
    else:
        whole = family_class(entry.family).explains_all_rows
        cost = EXPLAIN_COST[entry.family]
    return str(sample) if sample is not None else ALL if whole else str(EXTERNAL_ROWS), cost


def choose_explained(keys: Sequence[str], wanted: Sequence[str]) -> set[str]:
    """Return the snapshots that `wanted` means: dates, or words about the snapshots `keys` that are scored.

    "all" of them, the "latest", or "yearly": the latest and those a whole number of years before it.
    """
    found: set[str] = set()
    for word in wanted:
        if word == "all":
            found |= set(keys)
        elif word == "latest":
            found |= set(keys[-1:])
        elif word == "yearly":
            found |= set(_a_year_apart(keys))
        else:
            found.add(word)
    return found


def _a_year_apart(keys: Sequence[str]) -> list[str]:
    """Return the last key and those of its calendar month in earlier years; all of a table without dates."""
    if not keys or keys[-1] == UNDATED:
        return list(keys)
    month = pd.Timestamp(keys[-1]).month
    return [key for key in keys if pd.Timestamp(key).month == month]
