"""Fields that give the outcome away: how well one field alone ranks the target, without over-fitting.

A model's field that separates events from non-events almost perfectly is nearly always the outcome in
other words (a write-off amount, a status, a rate that only granted loans have). Honest single fields of
credit tables stay below an AUC of about 0.9.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

MAX_BINS = 20
MAX_FOLDS = 5
FEWEST_EVENTS = 5
"""With fewer events than this, chance alone can rank them all first: no field is then judged."""


@dataclass(frozen=True)
class Leak:
    """A field that looks like the outcome itself, and the AUC that it reaches alone."""

    name: str
    auc: float


def compute_single_field_auc(values: "pd.Series[Any]", target: "pd.Series[float]") -> float:
    """Return the AUC of ranking rows by the target's rate in their bin of `values`, out of fold.

    Numbers fall into at most 20 quantile bins (each value its own bin where there are no more than 20),
    other values into their categories; missing is a bin of its own. Rates come from other folds than
    the rows they rank (up to five, dealt in turn within each class, so nothing is random), and the AUC is
    the mean over folds, weighted by pairs, ties counting one half. Hence many small categories, an id or few
    rows give about 0.5 and not 1: in-sample rates would call any id a perfect predictor. A bin that the other
    folds have not seen ranks at their overall rate. NaN where a class has fewer than two rows.
    """
    known = target.notna().to_numpy()
    event = target[known].to_numpy(dtype=float) == 1
    bins = _bin(values[known])
    folds = min(MAX_FOLDS, int(event.sum()), int((~event).sum()))
    if folds < 2:
        return float("nan")
    fold = np.empty(len(event), dtype=np.int64)
    for part in (event, ~event):
        fold[part] = np.arange(part.sum()) % folds
    weighted = pairs = 0.0
    for held in range(folds):
        out = fold == held
        rate = _rates(bins[~out], event[~out], int(bins.max()) + 1)
        weight = float(event[out].sum()) * float((~event[out]).sum())
        weighted += weight * _auc(rate[bins[out]], event[out])
        pairs += weight
    return weighted / pairs


def _bin(values: "pd.Series[Any]") -> npt.NDArray[np.int64]:
    """Return a bin's number for each value; missing values share the last one."""
    missing = values.isna().to_numpy()
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        numbers = values[~missing].to_numpy(dtype=float)
        distinct = np.unique(numbers)
        edges = (
            distinct
            if len(distinct) <= MAX_BINS
            else np.unique(np.quantile(numbers, np.linspace(0, 1, MAX_BINS + 1)[1:-1], method="lower"))
        )
        codes = np.searchsorted(edges, numbers, side="left")
    else:
        codes = pd.factorize(values[~missing].astype(str))[0]
    bins = np.full(len(values), (int(codes.max()) if len(codes) else -1) + 1, dtype=np.int64)
    bins[~missing] = codes
    return bins


def _rates(bins: npt.NDArray[np.int64], event: npt.NDArray[np.bool_], count: int) -> npt.NDArray[np.float64]:
    rows = np.bincount(bins, minlength=count)
    events = np.bincount(bins[event], minlength=count)
    return np.where(rows > 0, events / np.maximum(rows, 1), event.mean())


def _auc(score: npt.NDArray[np.float64], event: npt.NDArray[np.bool_]) -> float:
    """Return the share of (event, non-event) pairs in which the event scores higher; ties are one half."""
    ranks = pd.Series(score).rank().to_numpy()
    events = int(event.sum())
    return float((ranks[event].sum() - events * (events + 1) / 2) / (events * (len(event) - events)))


def find_leaking_fields(
    frame: pd.DataFrame, target: "pd.Series[float]", names: Sequence[str], limit: float = 0.97
) -> list[Leak]:
    """Return the fields of `names` whose AUC alone is at least `limit`, worst first.

    With fewer than five events or five non-events nothing is judged and the list is empty.
    """
    events, others = int((target == 1).sum()), int((target == 0).sum())
    if min(events, others) < FEWEST_EVENTS:
        return []
    found = [Leak(name, compute_single_field_auc(frame[name], target)) for name in names]
    return sorted((leak for leak in found if leak.auc >= limit), key=lambda leak: (-leak.auc, leak.name))
