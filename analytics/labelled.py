"""Loans with a known outcome: checked input, and variances that respect loans seen more than once.

Every statistic here is asymptotically a sum of one *influence* per row. Rows of one loan (several
snapshots) are not independent, so influences are summed by loan first:

    variance = f · Σ over loans (Σ over the loan's rows influence)²,  f = I / (I − 1), I loans

which is the ordinary sandwich or jackknife variance, and for single rows the textbook one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from analytics.odds import Floats

Scores = Mapping[str, ArrayLike] | pd.DataFrame


@dataclass(frozen=True)
class Labelled:
    """Outcomes (True = the event happened), and the loan of each row (None: each row its own loan).

    The factors are I/(I − 1) for all loans, for loans with an event and for loans with a row without
    one, as roots, NaN where there is only one such loan and so no variance to be had.
    """

    y: NDArray[np.bool_]
    codes: NDArray[np.intp] | None
    loans: int
    factor: float
    event_factor: float
    rest_factor: float

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.y.size)

    @property
    def events(self) -> int:
        """Number of rows with the event."""
        return int(self.y.sum())

    def sum_by_loan(self, influence: Floats) -> Floats:
        """Return the influences summed by loan (in a fixed order of loans)."""
        if self.codes is None:
            return influence
        return np.asarray(np.bincount(self.codes, weights=influence, minlength=self.loans), dtype=float)


def check_labelled(y: ArrayLike, cluster: ArrayLike | None = None) -> Labelled:
    """Return checked outcomes with their loans.

    Raises ValueError when `y` is not 0/1 without gaps, has one class only, or when `cluster` has another
    length or gaps.
    """
    outcome = _check_outcome(y)
    if cluster is None:
        n, m = outcome.size, int(outcome.sum())
        return Labelled(outcome, None, n, _root(n), _root(m), _root(n - m))
    keys = pd.Series(np.asarray(cluster) if not isinstance(cluster, pd.Series) else cluster.array)
    if len(keys) != outcome.size:
        raise ValueError(f"cluster needs one loan per outcome: {outcome.size} outcomes, {len(keys)} loans")
    codes, loans = pd.factorize(keys)
    if (codes < 0).any():
        raise ValueError(f"cluster has no loan in {int((codes < 0).sum())} rows; every row belongs to one")
    with_event, with_rest = (np.unique(codes[flag]).size for flag in (outcome, ~outcome))
    return Labelled(outcome, codes, len(loans), _root(len(loans)), _root(with_event), _root(with_rest))


def _check_outcome(y: ArrayLike) -> NDArray[np.bool_]:
    values = pd.to_numeric(pd.Series(np.asarray(y).ravel() if not isinstance(y, pd.Series) else y.array))
    unknown = int(values.isna().sum())
    if unknown:
        raise ValueError(f"outcomes must be known: {unknown} of {len(values)} are missing; keep mature labels only")
    numbers = values.to_numpy(dtype=float)
    if not np.isin(numbers, (0.0, 1.0)).all():
        raise ValueError("outcomes must be 0 or 1, got other values")
    outcome = np.asarray(numbers == 1, dtype=bool)
    if outcome.all() or not outcome.any():
        which = "no rows at all" if not outcome.size else "only events" if outcome.all() else "no events"
        raise ValueError(f"outcomes must hold both events and non-events, got {which} in {outcome.size} rows")
    return outcome


def _root(count: int) -> float:
    return float(np.sqrt(count / (count - 1))) if count > 1 else np.nan


def check_scores(scores: Scores, n: int) -> dict[str, Floats]:
    """Return each model's PDs as floats.

    Raises ValueError naming the model whose PDs have another length, are not finite or lie outside [0, 1].
    """
    found = {str(name): _check_pd(str(name), values, n) for name, values in scores.items()}
    if not found:
        raise ValueError("no scores: at least one model is needed")
    return found


def _check_pd(name: str, values: Any, n: int) -> Floats:
    pds = np.asarray(values, dtype=float).ravel()
    if pds.size != n:
        raise ValueError(f"model {name!r} needs one PD per outcome: {n} outcomes, {pds.size} PDs")
    if not np.isfinite(pds).all():
        raise ValueError(f"model {name!r} has {int((~np.isfinite(pds)).sum())} PDs that are not finite numbers")
    if pds.min() < 0 or pds.max() > 1:
        raise ValueError(f"model {name!r} has PDs outside [0, 1]: {pds.min():g} to {pds.max():g}")
    return pds
