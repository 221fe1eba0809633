"""The smallest change of a loan that brings its PD under a threshold, searched with the model itself.

Which fields a borrower or the bank can act on, and in which direction, is listed by meaning in ACTIONABLE. The size of
a change is Σ |new − old| / spread over the changed fields (a change of category counts 1), where the spread is that of
the book: so a large step in a field that varies little is a large change. First one field alone, then two, then all
that can move. The result is what the model says of the changed loan, never an extrapolation.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analytics.odds import Floats

# Meaning → direction that somebody can bring about: less debt, more income, a lower payment or rate, arrears cleared.
ACTIONABLE: dict[str, str] = {
    "exposure": "down",
    "income": "up",
    "debt_service": "down",
    "ltv": "down",
    "rate": "down",
    "rate_type": "any",
    "remaining_months": "up",
    "days_past_due": "down",
    "energy_label": "any",
}
PAIR_STEPS, PASSES, BISECTIONS = 14, 3, 12


@dataclass(frozen=True)
class Option:
    """A field that may be changed: the values to try, and the spread that its changes are measured in."""

    name: str
    values: tuple[Any, ...]
    spread: float = 1.0
    whole: bool = False


@dataclass(frozen=True)
class Counterfactual:
    """What the search found. `changes` maps each changed field to its new value; empty where nothing was needed.

    `found` says whether `pd` is below the threshold by the model. Where not, `changes` is the best that was reached.
    `size` is the size of the changes, `tried` how many changed loans the model was asked about.
    """

    found: bool
    changes: dict[str, Any]
    pd_before: float
    pd: float
    size: float
    tried: int


Predict = Callable[[pd.DataFrame], Floats]
Complete = Callable[[pd.DataFrame, Sequence[frozenset[str]]], tuple[pd.DataFrame, "np.ndarray[Any, Any]"]]


class _Search:
    def __init__(self, row: pd.DataFrame, options: Sequence[Option], predict: Predict, complete: Complete) -> None:
        self.row, self.options, self.ask, self.complete = row, {item.name: item for item in options}, predict, complete
        self.tried = 0

    def rate(self, candidates: Sequence[Mapping[str, Any]]) -> Floats:
        """Return the PD of each changed loan; infinite where no loan can be so."""
        if not candidates:
            return np.zeros(0)
        frame = pd.concat([self.row] * len(candidates), ignore_index=True)
        for name in {name for item in candidates for name in item}:
            old = self.row[name].iloc[0]
            frame[name] = [item.get(name, old) for item in candidates]
        done, possible = self.complete(frame, [frozenset(item) for item in candidates])
        self.tried += len(candidates)
        return np.where(possible, self.ask(done), np.inf)

    def size(self, change: Mapping[str, Any]) -> float:
        """Return Σ |new − old| / spread, a category counting 1."""
        total = 0.0
        for name, value in change.items():
            old = self.row[name].iloc[0]
            total += float(value != old) if isinstance(value, str) else abs(value - old) / self.options[name].spread
        return total

    def best(self, candidates: Sequence[Mapping[str, Any]], threshold: float) -> dict[str, Any] | None:
        """Return the smallest of the candidates that the model puts below the threshold."""
        pds = self.rate(candidates)
        good = [item for item, risk in zip(candidates, pds, strict=True) if risk < threshold]
        return min((dict(item) for item in good), key=self.size, default=None)

    def shrink(self, change: dict[str, Any], threshold: float) -> dict[str, Any]:
        """Move each changed number back towards the loan's own as far as the threshold allows (bisection)."""
        for name in sorted(change, key=lambda name: -self.size({name: change[name]})):
            without = {key: value for key, value in change.items() if key != name}
            if without and self.rate([without])[0] < threshold:
                change = without
                continue
            if isinstance(change[name], str):
                continue
            near, far = float(self.row[name].iloc[0]), float(change[name])
            for _ in range(BISECTIONS):
                middle = (near + far) / 2
                if self.rate([{**change, name: middle}])[0] < threshold:
                    far = middle
                else:
                    near = middle
            tidy = {
                **change,
                name: _round_out(near, far, float(self.row[name].iloc[0]), whole=self.options[name].whole),
            }
            change = tidy if self.rate([tidy])[0] < threshold else {**change, name: far}
        return change


def _round_out(near: float, far: float, start: float, *, whole: bool) -> float:
    """Return a value with few digits just beyond `far`, seen from `near`: what one would say aloud."""
    step = 1.0 if whole else 10.0 ** math.floor(math.log10(max(abs(far - start), 1e-12)) - 1)
    value = (math.ceil if far >= near else math.floor)(far / step) * step
    return float(f"{value:.10g}")


def find_smallest_change(
    row: pd.DataFrame, options: Sequence[Option], predict: Predict, complete: Complete, *, threshold: float
) -> Counterfactual:
    """Return the smallest change among `options` that brings the PD of `row` (one loan) below `threshold`.

    `predict` gives PDs of a frame. `complete` takes a frame of changed loans and the fields changed in each, and gives
    it back with linked fields moved along, and which rows are possible. Raises ValueError for a threshold outside
    (0, 1] or a `row` of another length than one.
    """
    if len(row) != 1:
        raise ValueError(f"the search changes one loan, got {len(row):,}")
    if not 0 < threshold <= 1:
        raise ValueError(f"a threshold of a PD lies between 0 and 1, got {threshold}")
    search = _Search(row.reset_index(drop=True), options, predict, complete)
    start = float(np.asarray(predict(row))[0])
    if start < threshold:
        return Counterfactual(True, {}, start, start, 0.0, 1)
    singles = [{item.name: value} for item in options for value in item.values]
    change = search.best(singles, threshold) or search.best(_pairs(options), threshold)
    if change is None:
        change = _descend(search)
    risk = float(search.rate([change])[0]) if change else start
    if risk < threshold:
        change = search.shrink(change, threshold)
        risk = float(search.rate([change])[0])
    return Counterfactual(risk < threshold, change, start, risk, search.size(change), search.tried)


def _pairs(options: Sequence[Option]) -> list[dict[str, Any]]:
    found = []
    for one, other in itertools.combinations(options, 2):
        for first, second in itertools.product(_thin(one.values), _thin(other.values)):
            found.append({one.name: first, other.name: second})
    return found


def _thin(values: Sequence[Any]) -> list[Any]:
    if not values:
        return []
    return [values[place] for place in np.unique(np.linspace(0, len(values) - 1, PAIR_STEPS).astype(int))]


def _descend(search: _Search) -> dict[str, Any]:
    """Return the change of all fields that lowers the PD most, found field by field in a few passes."""
    change: dict[str, Any] = {}
    risk = float(search.rate([{}])[0])
    for _ in range(PASSES):
        before = risk
        for item in search.options.values():
            candidates = [{**change, item.name: value} for value in item.values]
            pds = search.rate(candidates)
            if pds.size and pds.min() < risk:
                change, risk = candidates[int(pds.argmin())], float(pds.min())
        if risk >= before:
            break
    return change
