"""Plain logistic regression on the fields as they are: the baseline that any other model must beat."""

import json
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.linear_model import LogisticRegression

from models.base import Labels, PdModel
from models.encoding import Encoder, Feature, Matrix
from portfolio.atomic import write_text

EDGES = (0.005, 0.995)  # quantiles at which a number is held: one income in thousands must not tilt the line


class Logistic(PdModel):
    """Standardised numbers with a flag where one is missing, one indicator a category, a ridge penalty of 1 / `C`."""

    family: ClassVar[str] = "logistic"
    title: ClassVar[str] = "Logistic regression"
    additivity_limit: float = 1e-9

    def __init__(self, features: tuple[Feature, ...] = (), random_state: int = 0, C: float = 1.0) -> None:
        super().__init__(features, random_state)
        self.C = C

    def _fit(self, X: Matrix, y: Labels, validation: tuple[Matrix, Labels] | None) -> None:  # noqa: ARG002
        low, high = np.nanquantile(X, EDGES, axis=0)
        # Arrears of one loan in three hundred lie beyond the edge: a number that seldom differs is not held there.
        seldom = low == high
        low, high = np.where(seldom, np.nanmin(X, axis=0), low), np.where(seldom, np.nanmax(X, axis=0), high)
        held = np.clip(X, low, high)
        spread = np.nanstd(held, axis=0)
        self.scale_ = {
            "low": low, "high": high, "mean": np.nanmean(held, axis=0), "spread": np.where(spread > 0, spread, 1.0)
        }  # fmt: skip
        design, _ = self._design(X)
        line = LogisticRegression(C=self.C, max_iter=500).fit(design, y)
        self.weights_, self.intercept_ = line.coef_[0], float(line.intercept_[0])

    def _design(self, X: Matrix) -> tuple[Matrix, list[slice]]:
        """Return the columns of the regression and which of them belong to each feature."""
        parts, places, end = [], [], 0
        for i, item in enumerate(self.encoder_.features):
            missing = np.isnan(X[:, i])
            if item.kind == "category":
                codes = np.arange(len(self.encoder_.categories[item.name]))
                part = (X[:, i, None] == codes).astype(float)
            else:
                part = self._standard(X[:, i], i)
            part = np.column_stack([part, missing])
            parts.append(part)
            places.append(slice(end, end + part.shape[1]))
            end += part.shape[1]
        return np.column_stack(parts), places

    def _standard(self, column: Matrix, i: int) -> Matrix:
        held = np.clip(column, self.scale_["low"][i], self.scale_["high"][i])
        return np.asarray(np.nan_to_num((held - self.scale_["mean"][i]) / self.scale_["spread"][i], nan=0.0))

    def _raw_log_odds(self, X: Matrix) -> Matrix:
        return np.asarray(self._design(X)[0] @ self.weights_ + self.intercept_)

    def _raw_explain(self, X: Matrix, background: Matrix) -> Matrix:
        """Return w · (columns − their mean over the background), summed over each feature's columns: exact."""
        rows, places = self._design(X)
        terms = (rows - self._design(background)[0].mean(axis=0)) * self.weights_
        return np.column_stack([terms[:, place].sum(axis=1) for place in places])

    def complexity(self) -> int:
        """Return the number of weights."""
        return len(self.weights_) + 1

    def _save(self, folder: Path) -> None:
        body: dict[str, Any] = {
            "encoder": self.encoder_.to_json(), "calibration": self.calibration_, "random_state": self.random_state,
            "C": self.C, "scale": {name: values.tolist() for name, values in self.scale_.items()},
            "weights": self.weights_.tolist(), "intercept": self.intercept_,
        }  # fmt: skip
        write_text(folder / "logistic.json", json.dumps(body, indent=1, ensure_ascii=False))

    @classmethod
    def _load(cls, folder: Path) -> Self:
        body = json.loads((folder / "logistic.json").read_text(encoding="utf-8"))
        encoder = Encoder.from_json(body["encoder"])
        model = cls(encoder.features, body["random_state"], body["C"])
        model.encoder_, model.calibration_ = encoder, tuple(body["calibration"])
        model.scale_ = {name: np.array(values) for name, values in body["scale"].items()}
        model.weights_, model.intercept_ = np.array(body["weights"]), body["intercept"]
        model.classes_, model.n_features_in_ = np.array([0, 1]), len(encoder.features)
        return model
