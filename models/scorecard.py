"""The scorecard: bins by weight of evidence, logistic regression, points. The champion's family.

A fitted scorecard *is* a table of bins, weights and points, stored as readable JSON; optbinning is
imported only to find the bins.
"""

import itertools
import json
import logging
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from models.base import Labels, PdModel
from models.encoding import Encoder, Feature, Matrix
from portfolio.atomic import write_text
from portfolio.errors import HypothecError

MIN_INFORMATION_VALUE = 0.01
MAX_BINNING_ROWS = 150_000
POINTS_TO_DOUBLE = 20.0
ANCHOR_POINTS, ANCHOR_ODDS = 600.0, 50.0  # 600 points mean 50 good loans to 1 bad
TRENDS = {1: "ascending", -1: "descending", 0: "auto_asc_desc"}


@dataclass(frozen=True)
class Bins:
    """One feature's bins. A number uses `edges` (a value equal to an edge lies above it), a category `codes` → bin.

    `woe[b]` = ln(share of events in bin b / share of non-events): positive means riskier than average.
    The last entry of `woe` is the bin of missing values.
    """

    feature: str
    edges: tuple[float, ...]
    codes: tuple[int, ...]
    woe: tuple[float, ...]
    weight: float = 0.0

    def index(self, column: Matrix) -> Any:
        """Return each value's bin; missing is the last."""
        missing = np.isnan(column)
        if self.codes:
            filled = np.where(missing, 0, column).astype(int)
            found = np.asarray(self.codes)[filled]
        else:
            found = np.searchsorted(np.asarray(self.edges), np.where(missing, 0, column), side="right")
        return np.where(missing, len(self.woe) - 1, found)

    def transform(self, column: Matrix) -> Matrix:
        """Return each value's weight of evidence."""
        return np.asarray(np.asarray(self.woe)[self.index(column)])


class Scorecard(PdModel):
    """Weight-of-evidence bins (monotone where the schema knows the sign) and logistic regression."""

    family: ClassVar[str] = "scorecard"
    title: ClassVar[str] = "Scorecard"
    explainer_name = "exact, linear in the weights of evidence"

    def __init__(self, features: tuple[Feature, ...] = (), random_state: int = 0, max_bins: int = 7) -> None:
        super().__init__(features, random_state)
        self.max_bins = max_bins

    def _fit(self, X: Matrix, y: Labels, validation: tuple[Matrix, Labels] | None) -> None:  # noqa: ARG002
        sample = _binning_rows(y, self.random_state)
        found = [_find_bins(item, X[:, i], y, sample, self.max_bins) for i, item in enumerate(self.features)]
        worth = [_information_value(bins, X[:, i], y) for i, bins in enumerate(found)]
        kept = [i for i, value in enumerate(worth) if value >= MIN_INFORMATION_VALUE] or [int(np.argmax(worth))]
        weights, intercept = _positive_weights(X, y, found, kept)
        self.bins_ = tuple(Bins(b.feature, b.edges, b.codes, b.woe, weights.get(i, 0.0)) for i, b in enumerate(found))
        self.intercept_ = intercept

    def _raw_log_odds(self, X: Matrix) -> Matrix:
        return np.asarray(self.intercept_ + self._parts(X).sum(axis=1))

    def _raw_explain(self, X: Matrix, background: Matrix) -> Matrix:
        # Linear in the weight of evidence: phi_f = beta_f (WoE_f(x) - mean background WoE_f), exact.
        return np.asarray(self._parts(X) - self._parts(background).mean(axis=0))

    def _parts(self, X: Matrix) -> Matrix:
        return np.column_stack([bins.weight * bins.transform(X[:, i]) for i, bins in enumerate(self.bins_)])

    def points_table(self) -> pd.DataFrame:
        """Return feature, bin, woe, weight and points of every bin that counts.

        points = offset/n - factor * (a/n + b * weight * woe), factor = 20 / ln 2: 20 points more double the odds of
        staying good. Golden number: at the anchor odds of 50:1 (PD 1/51) the points sum to 600.
        """
        factor = POINTS_TO_DOUBLE / math.log(2)
        offset = ANCHOR_POINTS - factor * math.log(ANCHOR_ODDS)
        used = [bins for bins in self.bins_ if bins.weight > 0]
        intercept, slope = self.calibration_
        constant = (offset - factor * (intercept + slope * self.intercept_)) / max(len(used), 1)
        rows = [
            (bins.feature, label, woe, bins.weight, constant - factor * slope * bins.weight * woe)
            for bins in used
            for label, woe in zip(self.bin_labels(bins), bins.woe, strict=True)
        ]
        return pd.DataFrame(rows, columns=["feature", "bin", "woe", "weight", "points"])

    def bin_labels(self, bins: Bins) -> list[str]:
        """Return how each bin of a feature reads, missing last."""
        if bins.codes:
            names = np.asarray(self.encoder_.categories[bins.feature], dtype=object)
            codes = np.asarray(bins.codes)
            return [*(", ".join(names[codes == b]) for b in range(len(bins.woe) - 1)), "missing"]
        ends = [f"{edge:.6g}" for edge in bins.edges]
        if not ends:
            return ["any value", "missing"]
        between = [f"{low} to {high}" for low, high in itertools.pairwise(ends)]
        return [f"below {ends[0]}", *between, f"{ends[-1]} and above", "missing"]

    def complexity(self) -> int:
        """Return the number of weights and bins in use."""
        return 1 + sum(1 + len(bins.woe) for bins in self.bins_ if bins.weight > 0)

    def parts(self) -> dict[str, int]:
        """Return the features in use, each with one weight, and their bins."""
        used = [bins for bins in self.bins_ if bins.weight > 0]
        return {"weights": 1 + len(used), "bins": sum(len(bins.woe) for bins in used)}

    def _save(self, folder: Path) -> None:
        body = {
            "family": self.family,
            "random_state": self.random_state,
            "max_bins": self.max_bins,
            "calibration": self.calibration_,
            "intercept": self.intercept_,
            "encoder": self.encoder_.to_json(),
            "bins": [asdict(bins) for bins in self.bins_],
        }
        write_text(folder / "scorecard.json", json.dumps(body, indent=1, ensure_ascii=False))
        write_text(folder / "points.csv", self.points_table().to_csv(index=False))

    @classmethod
    def _load(cls, folder: Path) -> Self:
        body = json.loads((folder / "scorecard.json").read_text(encoding="utf-8"))
        encoder = Encoder.from_json(body["encoder"])
        model = cls(encoder.features, body["random_state"], body["max_bins"])
        model.encoder_, model.classes_, model.n_features_in_ = encoder, np.array([0, 1]), len(encoder.features)
        model.calibration_ = tuple(body["calibration"])
        model.intercept_ = body["intercept"]
        model.bins_ = tuple(
            Bins(b["feature"], tuple(b["edges"]), tuple(b["codes"]), tuple(b["woe"]), b["weight"]) for b in body["bins"]
        )
        return model


def _binning_rows(y: Labels, seed: int) -> Any:
    """Return the rows that bins are found on: all events and, in a large table, a sample of the others."""
    if len(y) <= MAX_BINNING_ROWS:
        return np.arange(len(y))
    events = np.flatnonzero(y == 1)
    others = np.random.default_rng(seed).choice(np.flatnonzero(y == 0), MAX_BINNING_ROWS, replace=False)
    return np.sort(np.concatenate([events, others]))


def _find_bins(item: Feature, column: Matrix, y: Labels, sample: Any, max_bins: int) -> Bins:
    """Find one feature's bins with optbinning, then count their weight of evidence on all rows."""
    OptimalBinning = _import_optbinning()

    values, labels = column[sample], y[sample]
    present = ~np.isnan(values)
    edges: tuple[float, ...] = ()
    codes: tuple[int, ...] = ()
    if np.unique(values[present]).size > 1 and np.unique(labels[present]).size > 1:
        kind = "numerical" if item.kind == "number" else "categorical"
        trend = TRENDS[item.sign] if item.kind == "number" else None
        binning = OptimalBinning(
            name=item.name,
            dtype=kind,
            monotonic_trend=trend,
            max_n_bins=max_bins,
            min_bin_size=0.02,
            min_bin_n_event=5,
            solver="cp",
            time_limit=10,
        )
        binning.fit(
            values[present] if kind == "numerical" else values[present].astype(int).astype(str), labels[present]
        )
        if item.kind == "number":
            edges = tuple(float(edge) for edge in binning.splits)
        else:
            codes = _codes_of(binning.splits, int(np.nanmax(column)) + 1)
    elif item.kind == "category":
        codes = tuple(0 for _ in range(int(np.nanmax(column)) + 1))
    bare = Bins(item.name, edges, codes, tuple(0.0 for _ in range(_bin_count(edges, codes) + 1)))
    return Bins(item.name, edges, codes, _weights_of_evidence(bare.index(column), y, len(bare.woe)))


def _import_optbinning() -> Any:
    """Return optbinning's binning class; seconds to import, and solvers that we do not use complain on the way."""
    logging.disable(logging.WARNING)
    try:
        from optbinning import OptimalBinning
    finally:
        logging.disable(logging.NOTSET)
    return OptimalBinning


def _bin_count(edges: tuple[float, ...], codes: tuple[int, ...]) -> int:
    return max(codes) + 1 if codes else len(edges) + 1


def _codes_of(groups: Any, size: int) -> tuple[int, ...]:
    """Return category code → bin from optbinning's groups of codes (written as text)."""
    bins = {int(code): number for number, group in enumerate(groups) for code in group}
    return tuple(bins.get(code, len(groups) - 1) for code in range(size))


def _weights_of_evidence(index: Any, y: Labels, size: int) -> tuple[float, ...]:
    """Return ln(share of events / share of non-events) a bin, half a loan added to each count; an empty bin is 0."""
    events = np.bincount(index, weights=y, minlength=size)
    others = np.bincount(index, weights=1 - y, minlength=size)
    woe = np.log((events + 0.5) / (y.sum() + 1)) - np.log((others + 0.5) / ((1 - y).sum() + 1))
    return tuple(float(value) for value in np.where(events + others > 0, woe, 0.0))


def _information_value(bins: Bins, column: Matrix, y: Labels) -> float:
    """Return IV = sum over bins of (share of events - share of non-events) * WoE."""
    index, size = bins.index(column), len(bins.woe)
    events = np.bincount(index, weights=y, minlength=size) / y.sum()
    others = np.bincount(index, weights=1 - y, minlength=size) / (1 - y).sum()
    return float(((events - others) * np.asarray(bins.woe)).sum())


def _positive_weights(X: Matrix, y: Labels, bins: list[Bins], kept: list[int]) -> tuple[dict[int, float], float]:
    """Fit the regression, dropping features whose weight turns negative: WoE already carries the direction."""
    while kept:
        woe = np.column_stack([bins[i].transform(X[:, i]) for i in kept])
        line = LogisticRegression(C=10.0, max_iter=300).fit(woe, y)
        weights = line.coef_[0]
        if (weights > 0).all():
            return {i: float(w) for i, w in zip(kept, weights, strict=True)}, float(line.intercept_[0])
        kept = [i for i, w in zip(kept, weights, strict=True) if w > min(0.0, weights.min())]
    raise HypothecError("no feature tells events from non-events in this table; a scorecard cannot be fitted")
