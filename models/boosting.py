"""Gradient boosting: scikit-learn's HistGradientBoostingClassifier with the schema's expected signs as constraints."""

from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Self

import joblib
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from models.base import Labels, PdModel
from models.encoding import Encoder, Feature, Matrix
from models.forest import read_forest
from models.trees import Tables, explain_pairs, explain_rows, fold_background


class Boosting(PdModel):
    """Boosted trees on the encoded matrix: missing values and categories are split natively."""

    family: ClassVar[str] = "boosting"
    title: ClassVar[str] = "Boosting"
    additivity_limit = 1e-9
    explainer_name = "exact leaf patterns"

    def __init__(
        self,
        features: tuple[Feature, ...] = (),
        random_state: int = 0,
        iterations: int = 160,
        learning_rate: float = 0.06,
        max_depth: int = 5,
        min_samples_leaf: int = 200,
    ) -> None:
        super().__init__(features, random_state)
        self.iterations = iterations
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf

    def _fit(self, X: Matrix, y: Labels, validation: tuple[Matrix, Labels] | None) -> None:  # noqa: ARG002
        # Small tables get smaller leaves, so that a table of two thousand applications can still be split.
        leaf = min(self.min_samples_leaf, max(10, len(y) // 100))
        self.trees_ = HistGradientBoostingClassifier(
            max_iter=self.iterations,
            learning_rate=self.learning_rate,
            max_depth=self.max_depth,
            max_leaf_nodes=None,
            min_samples_leaf=leaf,
            l2_regularization=5.0,
            early_stopping=False,
            random_state=self.random_state,
            categorical_features=[item.kind == "category" for item in self.features],
            monotonic_cst=[item.sign if item.kind == "number" else 0 for item in self.features],
        ).fit(X, y)

    def _raw_log_odds(self, X: Matrix) -> Matrix:
        return np.asarray(self.trees_.decision_function(X), dtype=np.float64)

    def _raw_explain(self, X: Matrix, background: Matrix) -> Matrix:
        return explain_rows(self._tables(background), X)

    def explain_interactions(self, X: pd.DataFrame, background: pd.DataFrame) -> Matrix:
        """Return the calibrated log-odds' pairwise interactions, shape (rows, features, features), symmetric.

        A row of a loan's matrix sums to the feature's attribution (see `models.trees.explain_pairs`).
        """
        reference = self.encoder_.transform(background)
        return self.calibration_[1] * explain_pairs(self._tables(reference), self.encoder_.transform(X))

    def _tables(self, background: Matrix) -> Tables:
        """Return the trees with `background` folded in; the last background's are kept: a book comes in blocks."""
        key = sha256(background.tobytes()).hexdigest()
        kept: tuple[HistGradientBoostingClassifier, str, Tables] | None = getattr(self, "_kept", None)
        if kept is None or kept[:2] != (self.trees_, key):
            kept = self._kept = (self.trees_, key, fold_background(read_forest(self.trees_), background))
        return kept[2]

    def complexity(self) -> int:
        """Return the number of leaves over all trees."""
        return sum(predictor.get_n_leaf_nodes() for (predictor,) in self.trees_._predictors)

    def parts(self) -> dict[str, int]:
        """Return trees, leaves and splits (a tree has one split fewer than leaves)."""
        trees, leaves = len(self.trees_._predictors), self.complexity()
        return {"trees": trees, "leaves": leaves, "splits": leaves - trees}

    def _save(self, folder: Path) -> None:
        state = {
            "encoder": self.encoder_,
            "trees": self.trees_,
            "calibration": self.calibration_,
            "params": self.get_params(deep=False),
        }
        joblib.dump(state, folder / "boosting.joblib", compress=3)

    @classmethod
    def _load(cls, folder: Path) -> Self:
        state = joblib.load(folder / "boosting.joblib")
        model = cls(**state["params"])
        encoder: Encoder = state["encoder"]
        model.encoder_, model.trees_, model.calibration_ = encoder, state["trees"], state["calibration"]
        model.classes_, model.n_features_in_ = np.array([0, 1]), len(encoder.features)
        return model
