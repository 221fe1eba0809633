"""A model trained elsewhere: any scikit-learn-compatible classifier in a joblib file, brought in by `models add`."""

import io
from pathlib import Path
from typing import Any, ClassVar, Self

import joblib
import numpy as np
import pandas as pd

from models.base import Labels, PdModel
from models.encoding import Encoder, Feature, Matrix
from portfolio.errors import HypothecError

CLIP = 1e-4  # a forest may say 0 or 1, whose log-odds are infinite


class External(PdModel):
    """Wraps a fitted classifier; explained by `shap`'s permutation explainer on the log-odds.

    Probabilities are clipped to [0.0001, 0.9999] before the log-odds are taken. It is not calibrated again:
    the model is judged as it was delivered.
    """

    family: ClassVar[str] = "external"
    title: ClassVar[str] = "External model"
    explains_all_rows: ClassVar[bool] = False

    def wrap(self, classifier: Any, X: pd.DataFrame) -> Self:
        """Take over a fitted `classifier`; `X` is a table to learn the categories' names from."""
        self.classifier_ = classifier
        self.encoder_ = Encoder(
            self.features,
            {
                item.name: tuple(sorted(X[item.name].dropna().astype(str).unique()))
                for item in self.features
                if item.kind == "category"
            },
        )
        self.classes_, self.n_features_in_, self.calibration_ = np.array([0, 1]), len(self.features), (0.0, 1.0)
        return self

    def _fit(self, X: Matrix, y: Labels, validation: tuple[Matrix, Labels] | None) -> None:  # noqa: ARG002
        raise HypothecError("an external model is trained elsewhere; bring it in with `models add`")

    def _raw_log_odds(self, X: Matrix) -> Matrix:
        proba = np.asarray(self.classifier_.predict_proba(self.encoder_.decode(X)), dtype=np.float64)
        clipped = np.clip(proba[:, 1], CLIP, 1 - CLIP)
        return np.asarray(np.log(clipped / (1 - clipped)))

    def _raw_explain(self, X: Matrix, background: Matrix) -> Matrix:
        import shap

        masker = shap.maskers.Independent(background, max_samples=len(background))
        explainer = shap.explainers.Permutation(self._raw_log_odds, masker, seed=self.random_state)
        return np.asarray(explainer(X, max_evals=2 * X.shape[1] + 1, silent=True).values, dtype=np.float64)

    def complexity(self) -> int:
        """Return 0: how many parameters a foreign classifier has is not known."""
        return 0

    def parts(self) -> dict[str, int]:
        """Return nothing: what a foreign classifier is made of is not known."""
        return {}

    def _save(self, folder: Path) -> None:
        joblib.dump(
            {"classifier": self.classifier_, "encoder": self.encoder_, "random_state": self.random_state},
            folder / "external.joblib",
            compress=3,
        )

    @classmethod
    def _load(cls, folder: Path) -> Self:
        state = joblib.load(folder / "external.joblib")
        encoder: Encoder = state["encoder"]
        model = cls(encoder.features, state["random_state"])
        model.encoder_, model.classifier_, model.calibration_ = encoder, state["classifier"], (0.0, 1.0)
        model.classes_, model.n_features_in_ = np.array([0, 1]), len(encoder.features)
        return model


def unpickle(file: Path, content: bytes) -> Any:
    """Load the bytes of a joblib file that the user has agreed to trust; say what is wrong if it is no classifier."""
    try:
        classifier = joblib.load(io.BytesIO(content))
    except Exception as error:  # a foreign pickle can fail in any way: the user gets the reason, not a traceback
        raise HypothecError(f"{file}: joblib cannot load it ({type(error).__name__}: {error})") from None
    if not hasattr(classifier, "predict_proba"):
        raise HypothecError(f"{file}: a classifier with predict_proba is needed, got {type(classifier).__name__}")
    classes = list(getattr(classifier, "classes_", []))
    if len(classes) != 2 or set(map(str, classes)) not in ({"0", "1"}, {"False", "True"}, {"0.0", "1.0"}):
        raise HypothecError(f"{file}: the classifier's classes must be 0 and 1 (1 = the event), got {classes}")
    return classifier


def feature_names(file: Path, classifier: Any) -> list[str]:
    """Return the columns the classifier was fitted on."""
    names = getattr(classifier, "feature_names_in_", None)
    if names is None:
        raise HypothecError(
            f"{file}: the classifier does not know its columns (feature_names_in_); "
            "fit it on a pandas DataFrame and save it again"
        )
    return [str(name) for name in names]


def check_predictions(file: Path, model: External, X: pd.DataFrame) -> None:
    """Refuse a classifier that fails on the portfolio's own rows or gives no probabilities."""
    try:
        proba = np.asarray(model.classifier_.predict_proba(X[model.encoder_.names]), dtype=np.float64)
    except Exception as error:  # the foreign classifier's own error is the useful message
        raise HypothecError(
            f"{file}: predict_proba fails on this portfolio's rows ({type(error).__name__}: "
            f"{str(error).splitlines()[0]})"
        ) from None
    if proba.shape != (len(X), 2) or not np.isfinite(proba).all() or proba.min() < 0 or proba.max() > 1:
        raise HypothecError(
            f"{file}: predict_proba must give two probabilities a row between 0 and 1, got shape {proba.shape}"
        )


def external_features(features: tuple[Feature, ...]) -> tuple[Feature, ...]:
    """Return the features without expected signs: a foreign model was not fitted under our constraints."""
    return tuple(Feature(item.name, item.kind) for item in features)
