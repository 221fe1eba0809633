"""Which rows a model may see when: later periods inside the development sample judge what is tuned and when to stop.

    development dates ─────────────────────────────►│ embargo │ out-of-time
    fit … │ embargo │ validate (fold 1)
    fit … … … … … … │ embargo │ validate (last fold)

The out-of-time rows are never handed to tuning, early stopping or calibration: `develop` takes them away first.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.data import Labelled, split_calibration
from portfolio.errors import HypothecError

BLOCKS = 6  # a validation period is this part of the development dates
FEWEST = 10  # events that a period needs to judge anything


@dataclass(frozen=True)
class Fold:
    """Rows to fit on and later rows to judge with, and what they are in words."""

    fit: Labelled
    later: Labelled
    meaning: str


def develop(rows: Labelled, *, share: float = 1.0) -> Labelled:
    """Return the development rows only, of about `share` of the loans: always the same loans, small shares in large."""
    kept = np.array(rows.sample == "development")
    if share < 1:
        place = pd.util.hash_array(rows.loan.astype(str).to_numpy(dtype=object)) % np.uint64(10_000)
        kept = kept & (place < np.uint64(round(share * 10_000)))
    part = rows.where(kept)
    if part.y.sum() < FEWEST:
        raise HypothecError(
            f"the development sample has {int(part.y.sum())} events in {len(part.y):,} rows; "
            f"an experiment needs {FEWEST}"
        )
    return part


def rolling_folds(rows: Labelled, *, folds: int, embargo_months: int) -> list[Fold]:
    """Return up to `folds` folds, oldest first, each later period after an embargo in which outcomes would overlap.

    Where dates or events are missing or too few for that, or a feature has its first values only later, one fold:
    other loans judge (15 % of them).
    """
    known = set(rows.X.columns[rows.X.notna().any()])
    found = [
        fold
        for fold in _by_date(rows, folds, embargo_months)
        if _has_events(fold) and known <= set(fold.fit.X.columns[fold.fit.X.notna().any()])
    ]
    if found:
        return found
    fit, later = split_calibration(rows, 0)
    return [
        Fold(fit, later, "other loans of the same period: there are too few dates, events or values for a later one")
    ]


def _by_date(rows: Labelled, folds: int, embargo_months: int) -> Iterator[Fold]:
    dates = np.sort(rows.date.dropna().unique())
    size = max(1, len(dates) // BLOCKS)
    for back in range(folds, 0, -1):
        window = dates[len(dates) - back * size : len(dates) - (back - 1) * size]
        if len(dates) <= back * size:
            continue
        start, end = pd.Timestamp(window[0]), pd.Timestamp(window[-1])
        until = start - pd.DateOffset(months=max(embargo_months, 0)) if embargo_months else dates[-back * size - 1]
        fit = rows.where(rows.date <= pd.Timestamp(until))
        later = rows.where((rows.date >= start) & (rows.date <= end))
        if len(fit.y):
            words = f"fit to {pd.Timestamp(fit.date.max()):%Y-%m-%d}, judged {start:%Y-%m-%d} to {end:%Y-%m-%d}"
            yield Fold(fit, later, words)


def _has_events(fold: Fold) -> bool:
    return all(FEWEST <= part.y.sum() < len(part.y) for part in (fold.fit, fold.later))


def describe(rows: Labelled) -> dict[str, Any]:
    """Return rows, events, loans and dates of a part, for the report."""
    dates = rows.date.dropna()
    return {
        "rows": len(rows.y), "events": int(rows.y.sum()), "loans": int(rows.loan.nunique()),
        "from": None if dates.empty else f"{dates.min():%Y-%m-%d}",
        "until": None if dates.empty else f"{dates.max():%Y-%m-%d}",
    }  # fmt: skip
