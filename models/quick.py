"""A model made quick for some loans, as a classifier that scikit-learn's inspection tools take."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin

from models.base import Labels
from models.encoding import Matrix
from models.what_if import LiveModel


class QuickClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Asks a `LiveModel` for its PDs: a network answers without its compiler, which a small table would wait for."""

    def __init__(self, live: LiveModel) -> None:
        self.live = live
        self.classes_ = np.array([0, 1])

    def fit(self, X: pd.DataFrame, y: Labels) -> "QuickClassifier":  # noqa: ARG002
        """Return itself: the model is fitted already."""
        return self

    def predict_proba(self, X: pd.DataFrame) -> Matrix:
        """Return the probabilities of no event and event, shape (rows, 2)."""
        risk = self.live.pds(X)
        return np.column_stack([1 - risk, risk])
