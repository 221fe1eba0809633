"""The explainers of models trained elsewhere; `models.explainer_choice` takes one of them for a model.

Linear models are explained by `shap`'s linear explainer, trees of scikit-learn's histogram boosting, LightGBM and
XGBoost by their leaf patterns (`models.trees`), other trees by `shap.TreeExplainer`, all else by permutation walks
(`models.walks`). `shap` is not asked about the boosted families: it compares in float32 and by another background than
the one it was given if that has more than 100 rows. Its permutation explainer walks one order for the whole
background; the walks here take other orders for every background row, at the same cost, and measure their error.

A classifier behind a preprocessing is taken apart only where that is sound: if each prepared column depends on one
feature alone, then switching a feature is switching its columns. That is tried on rows, see `find_owners`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from models.encoding import Matrix
from models.leaf_groups import Whole
from models.walks import Sampled, explain_batched

CLIP = 1e-4  # a forest may say 0 or 1, whose log-odds are infinite
MIXTURES = 500

Frames = Callable[[Matrix], pd.DataFrame]


@dataclass(frozen=True)
class Parts:
    """A classifier taken apart: `prepare` makes of features the columns that `final` reads (None: they are the same).

    `owner` is the place of the feature that each column depends on, -1 where it depends on none.
    """

    prepare: Any
    final: Any
    owner: Whole

    def columns(self, frame: pd.DataFrame) -> Any:
        """Return what the final classifier is given."""
        return frame if self.prepare is None else self.prepare.transform(frame)

    def full_columns(self, frame: pd.DataFrame) -> Any:
        """Return the same, written out where it is a sparse matrix."""
        columns = self.columns(frame)
        return columns.toarray() if hasattr(columns, "toarray") else columns

    def by_feature(self, phi: Matrix, features: int) -> Matrix:
        """Return the sums of the columns' attributions by feature."""
        members = (self.owner[:, None] == np.arange(features)).astype(float)
        return np.asarray(phi @ members)


def take_apart(classifier: Any, frame: pd.DataFrame, seed: int) -> Parts | None:
    """Return the parts of a classifier, None where its preprocessing mixes features."""
    from sklearn.pipeline import Pipeline

    inner = getattr(classifier, "best_estimator_", classifier)  # a search delivers its best
    if not isinstance(inner, Pipeline):
        return Parts(None, inner, np.arange(frame.shape[1]))
    if len(inner.steps) == 1:
        return Parts(None, inner[-1], np.arange(frame.shape[1]))
    prepare = inner[:-1]
    owner = find_owners(lambda rows: _dense(prepare.transform(rows)), frame, seed)
    return None if owner is None else Parts(prepare, inner[-1], owner)


def find_owners(prepare: Callable[[pd.DataFrame], Matrix], frame: pd.DataFrame, seed: int) -> Whole | None:
    """Return the feature on which each prepared column depends (-1: none); None if one depends on two.

    Mixtures of two loans must be prepared as the two loans are: `MIXTURES` random ones are tried.
    """
    draw = np.random.default_rng(seed)
    one, two = (frame.iloc[draw.integers(0, len(frame), MIXTURES)].reset_index(drop=True) for _ in range(2))
    first, second = prepare(one), prepare(two)
    owner = np.full(first.shape[1], -1)
    for place, name in enumerate(frame.columns):
        changed = ~_same(prepare(one.assign(**{name: two[name]})), first).all(axis=0)
        if (owner[changed] >= 0).any():
            return None
        owner[changed] = place
    switched = draw.random(one.shape) < 0.5
    mixed = one.where(~switched, two)
    from_second = np.column_stack([switched, np.zeros(len(one), dtype=bool)])[:, owner]
    as_parts = np.where(from_second, second, first)
    return owner if _same(prepare(mixed.astype(one.dtypes)), as_parts).all() else None


def _same(one: Matrix, two: Matrix) -> Any:
    return (one == two) | (np.isnan(one) & np.isnan(two))


def _dense(values: Any) -> Matrix:
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float64)


@dataclass
class Explainer:
    """Log-odds and attributions of a classifier; `limit` is how far they may miss each other.

    `quick` says that it takes a small part of a millisecond a loan, whatever the model.
    """

    classifier: Any
    name: ClassVar[str] = ""
    limit: ClassVar[float] = 1e-6
    quick: ClassVar[bool] = False

    def log_odds(self, frame: pd.DataFrame) -> Matrix:
        """Return the log-odds of the classifier's PDs, these clipped to [0.0001, 0.9999]."""
        clipped = np.clip(event_share(self.classifier, frame), CLIP, 1 - CLIP)
        return np.asarray(np.log(clipped / (1 - clipped)))

    def explain(self, X: Matrix, background: Matrix, frames: Frames, seed: int) -> Matrix | Sampled:
        """Return attributions of encoded rows; `frames` makes of them what the classifier takes."""
        raise NotImplementedError


def event_share(classifier: Any, frame: pd.DataFrame) -> Matrix:
    """Return the delivered PDs."""
    return np.asarray(classifier.predict_proba(frame), dtype=np.float64)[:, 1]


@dataclass
class Walks(Explainer):
    """Permutation walks: for any classifier."""

    name: ClassVar[str] = "permutation walks"

    def explain(self, X: Matrix, background: Matrix, frames: Frames, seed: int) -> Sampled:
        """Return sampled attributions with their standard errors."""
        return explain_batched(lambda rows: self.log_odds(frames(rows)), X, background, seed=seed)


@dataclass
class Apart(Explainer):
    """A classifier taken apart, whose final part may give log-odds itself."""

    parts: Parts

    def log_odds(self, frame: pd.DataFrame) -> Matrix:
        """Return the final classifier's decision function, the log-odds of its PDs if it has none."""
        if not hasattr(self.parts.final, "decision_function"):
            return super().log_odds(frame)
        return np.asarray(self.parts.final.decision_function(self.parts.columns(frame)), dtype=np.float64)

    def _masker(self, background: Matrix) -> Any:
        import shap

        return shap.maskers.Independent(background, max_samples=len(background))  # it would take 100 rows


@dataclass
class Linear(Apart):
    """A linear model: coefficient times distance from the background's mean; a feature has the sum of its columns."""

    name: ClassVar[str] = "shap linear"
    quick: ClassVar[bool] = True

    def explain(self, X: Matrix, background: Matrix, frames: Frames, seed: int) -> Matrix:  # noqa: ARG002
        """Return exact attributions."""
        import shap

        final = self.parts.final
        rows, reference = (_dense(self.parts.columns(frames(part))) for part in (X, background))
        weights = (np.asarray(final.coef_, dtype=np.float64).ravel(), float(np.ravel(final.intercept_)[0]))
        phi = np.asarray(shap.LinearExplainer(weights, self._masker(reference)).shap_values(rows))
        return self.parts.by_feature(phi, X.shape[1])


@dataclass
class ShapTree(Apart):
    """Trees that add up to log-odds and that shap reads."""

    name: ClassVar[str] = "shap tree"

    def explain(self, X: Matrix, background: Matrix, frames: Frames, seed: int) -> Matrix:  # noqa: ARG002
        """Return shap's interventional attributions."""
        import shap

        rows, reference = (_dense(self.parts.columns(frames(part))) for part in (X, background))
        explainer = shap.TreeExplainer(
            self.parts.final, self._masker(reference), feature_perturbation="interventional", model_output="raw"
        )
        phi = np.asarray(explainer.shap_values(rows, check_additivity=False))  # the contract checks it, for every row
        return self.parts.by_feature(phi[..., 1] if phi.ndim == 3 else phi, X.shape[1])


@dataclass
class Leaves(Apart):
    """Boosted trees of scikit-learn's histogram boosting or LightGBM, read into leaf patterns."""

    name: ClassVar[str] = "exact leaf patterns"
    quick: ClassVar[bool] = True
    _kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def log_odds(self, frame: pd.DataFrame) -> Matrix:
        """Return the margin, in the units of log-odds."""
        final, columns = self.parts.final, self.parts.columns(frame)
        if not hasattr(final, "booster_"):
            return np.asarray(final.decision_function(columns), dtype=np.float64)
        sigmoid = float(final.booster_.params.get("sigmoid", 1.0))
        return np.asarray(final.predict(columns, raw_score=True), dtype=np.float64) * sigmoid

    def explain(self, X: Matrix, background: Matrix, frames: Frames, seed: int) -> Matrix:  # noqa: ARG002
        """Return exact attributions; the last background's tables are kept, for a book comes in blocks."""
        from models.trees import explain_rows, fold_background

        key = sha256(background.tobytes()).hexdigest()
        if key not in self._kept:
            self._kept = {key: fold_background(self._read(), self.parts.full_columns(frames(background)))}
        phi = explain_rows(self._kept[key], self.parts.full_columns(frames(X)))
        return self.parts.by_feature(phi, X.shape[1])

    def _read(self) -> Any:
        from models.foreign_trees import read_lightgbm
        from models.forest import read_forest

        final = self.parts.final
        return read_lightgbm(final.booster_) if hasattr(final, "booster_") else read_forest(final)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the tables out of the file."""
        return {**self.__dict__, "_kept": {}}


@dataclass
class XgboostLeaves(Leaves):
    """XGBoost's trees; it adds their leaves up in float32, so its own sums miss the exact ones."""

    limit: ClassVar[float] = 1e-4

    def log_odds(self, frame: pd.DataFrame) -> Matrix:
        """Return the margin."""
        margin = self.parts.final.predict(self.parts.columns(frame), output_margin=True)
        return np.asarray(margin, dtype=np.float64)

    def _read(self) -> Any:
        from models.foreign_trees import read_xgboost

        final = self.parts.final
        booster, best = final.get_booster(), getattr(final, "best_iteration", None)
        return read_xgboost(booster if best is None else booster[: best + 1], final.missing)
