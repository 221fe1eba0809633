"""What every model family is: a scikit-learn classifier that also explains itself on the log-odds.

A family fills in `_fit`, `_raw_log_odds`, `_raw_explain`, `_save` and `_load`; this class does what all share:
checking the input, the two-parameter calibration, probabilities and the explanation contract.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

from models.encoding import Encoder, Feature, Matrix
from models.walks import Sampled
from portfolio.errors import HypothecError

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Explanation:
    """Attributions of the log-odds: `base` + sum of a row of `values` = the row's log-odds.

    `values` has one column a feature. `base` is the mean log-odds of the background.
    `gap` is how far apart the two sides of that equation are in each row, `error` the largest of it, in log-odds.
    `noise` is the largest standard error among a row's attributions where orders are sampled (see `models.walks`),
    in log-odds; 0 where attributions are exact.
    """

    base: float
    values: pd.DataFrame
    error: float
    gap: Matrix
    noise: Matrix


class PdModel(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The common contract of all families: PD = 1 / (1 + exp(-(a + b * raw log-odds)))."""

    family: ClassVar[str] = ""
    title: ClassVar[str] = ""
    additivity_limit: float = 1e-6
    explains_all_rows: bool = True
    reads_sequences: ClassVar[bool] = False  # whether histories may be among its features
    reads_course: ClassVar[bool] = False  # whether `fit` wants to know when what happened (see models.data.Labelled)
    explainer_name: str = "exact"

    def __init__(self, features: tuple[Feature, ...] = (), random_state: int = 0) -> None:
        self.features = features
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: Any, *, validation: tuple[pd.DataFrame, Any] | None = None) -> Self:
        """Fit on the columns named in `features`; `y` is 1 where the event happened.

        `validation` is a second (X, y) for families that stop early; others do not look at it.
        """
        labels = check_labels(y, len(X))
        self._refuse_sequences()
        self.encoder_ = Encoder.fit(X, self.features)
        later = (
            None
            if validation is None
            else (self.encoder_.transform(validation[0]), check_labels(validation[1], len(validation[0])))
        )
        matrix = self.encoder_.transform(X)
        self._refuse_empty(matrix)
        self.classes_ = np.array([0, 1])
        self.n_features_in_ = len(self.features)
        self.calibration_ = (0.0, 1.0)
        self._fit(matrix, labels, later)
        return self

    def calibrate(self, X: pd.DataFrame, y: Any) -> Self:
        """Fit intercept and slope of the log-odds on data that `fit` did not use.

        logit PD = a + b * raw log-odds by maximum likelihood (Platt scaling); b is kept above zero, so ranks stay.
        """
        labels = check_labels(y, len(X))
        raw = self._raw_log_odds(self.encoder_.transform(X))
        line = LogisticRegression(C=np.inf, max_iter=200).fit(raw[:, None], labels)
        slope = float(line.coef_[0, 0])
        if slope > 0:
            self.calibration_ = (float(line.intercept_[0]), slope)
        return self

    def predict_log_odds(self, X: pd.DataFrame) -> Matrix:
        """Return the calibrated log-odds of the event, one a row."""
        check_is_fitted(self, "encoder_")
        matrix = self.encoder_.transform(X)
        if not len(matrix):
            return np.zeros(0)
        intercept, slope = self.calibration_
        return intercept + slope * self._raw_log_odds(matrix)

    def predict_proba(self, X: pd.DataFrame) -> Matrix:
        """Return the probabilities of no event and event, shape (rows, 2)."""
        pd_ = 1 / (1 + np.exp(-self.predict_log_odds(X)))
        return np.column_stack([1 - pd_, pd_])

    def predict(self, X: pd.DataFrame) -> Labels:
        """Return 1 where the event is more likely than not."""
        return (self.predict_log_odds(X) > 0).astype(np.int64)

    def explain(self, X: pd.DataFrame, background: pd.DataFrame) -> Explanation:
        """Return interventional attributions of the calibrated log-odds against `background`.

        Raises if they do not add up within the family's `additivity_limit`: what does not add up is not shown.
        """
        check_is_fitted(self, "encoder_")
        rows, reference = self.encoder_.transform(X), self.encoder_.transform(background)
        intercept, slope = self.calibration_
        found = self._raw_explain(rows, reference)
        sampled = found if isinstance(found, Sampled) else Sampled(found, np.zeros_like(found))
        phi = slope * sampled.values
        base = float(intercept + slope * self._raw_log_odds(reference).mean())
        gap = np.abs(base + phi.sum(axis=1) - (intercept + slope * self._raw_log_odds(rows)))
        error = float(gap.max(initial=0))
        if not error <= self.additivity_limit:  # NaN fails too
            raise HypothecError(
                f"the attributions of the {self.family} model miss its log-odds by up to {error:.2g}, "
                f"more than the {self.additivity_limit:.0e} allowed; they are not stored"
            )
        values = pd.DataFrame(phi, columns=self.encoder_.names, index=X.index)
        return Explanation(base, values, error, gap, slope * sampled.noise)

    def save(self, folder: Path) -> None:
        """Write the fitted model's files into `folder`."""
        check_is_fitted(self, "encoder_")
        self._save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read the model that `save` wrote; call it through the registry, which checks the files first."""
        return cls._load(folder)

    def complexity(self) -> int:
        """Return the number of fitted parameters."""
        raise NotImplementedError

    def parts(self) -> dict[str, int]:
        """Return what the parameters are: name → count."""
        return {"weights": self.complexity()}

    def _refuse_sequences(self) -> None:
        names = [item.name for item in self.features if item.kind == "sequence"]
        if names and not self.reads_sequences:
            raise HypothecError(f"the {self.family} family reads no sequences; leave out {', '.join(names)}")

    def _refuse_empty(self, matrix: Matrix) -> None:
        places = zip(self.encoder_.names, self.encoder_.places(), strict=True)
        empty = [name for name, place in places if np.isnan(matrix[:, place]).all()]
        if empty:
            raise HypothecError(
                f"feature {', '.join(map(repr, empty))} has no value in any of {len(matrix):,} training "
                'rows; set its roles to ["ignore"] in schema.toml'
            )

    def _fit(self, X: Matrix, y: Labels, validation: tuple[Matrix, Labels] | None) -> None:
        raise NotImplementedError

    def _raw_log_odds(self, X: Matrix) -> Matrix:
        raise NotImplementedError

    def _raw_explain(self, X: Matrix, background: Matrix) -> Matrix | Sampled:
        """Return the raw log-odds' attributions (rows, features), with their standard errors if they are sampled."""
        raise NotImplementedError

    def _save(self, folder: Path) -> None:
        raise NotImplementedError

    @classmethod
    def _load(cls, folder: Path) -> Self:
        raise NotImplementedError


def check_labels(y: Any, rows: int) -> Labels:
    """Return `y` as 0 and 1, or say what is wrong with it."""
    values = pd.Series(np.asarray(y))
    if len(values) != rows:
        raise HypothecError(f"one label a row is needed: got {len(values):,} labels for {rows:,} rows")
    if not values.isin([0, 1]).all():
        bad = values[~values.isin([0, 1])].iloc[0]
        raise HypothecError(f"the outcome must be 0 or 1 in every row used for training, got {bad!r}")
    if values.nunique() < 2:
        raise HypothecError(
            f"training needs loans with and without the event; all {rows:,} rows have outcome "
            f"{values.iloc[0] if rows else 'none'}"
        )
    return values.to_numpy(dtype=np.int64)
