"""A model trained elsewhere: any scikit-learn-compatible classifier in a joblib file, brought in by `models add`."""

import io
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import joblib
import numpy as np
import pandas as pd

from models.base import Labels, PdModel
from models.encoding import Encoder, Feature, Matrix
from models.explainer_choice import choose_explainer
from models.explainers import Explainer, Walks
from models.score_plan import EXTERNAL_ROWS
from models.walks import Sampled
from portfolio.errors import HypothecError

CHECKED_ROWS = 200
CHOICE_ROWS = 400  # on which the explainer is chosen
QUICK_SECONDS = 60.0  # a snapshot whose attributions take longer is explained in part


class External(PdModel):
    """Wraps a fitted classifier, explained as `models.explainer_choice` finds.

    Its log-odds are those that the classifier gives itself, or of its probabilities, clipped to [0.0001, 0.9999],
    where it gives none. It is not calibrated again: the model is judged as it was delivered.
    """

    family: ClassVar[str] = "external"
    title: ClassVar[str] = "External model"
    explains_all_rows: bool = False

    def wrap(self, classifier: Any, X: pd.DataFrame) -> Self:
        """Take over a fitted `classifier`; `X` is a table to learn the categories' names from."""
        encoder = Encoder(
            self.features,
            {
                item.name: tuple(sorted(X[item.name].dropna().astype(str).unique()))
                for item in self.features
                if item.kind == "category"
            },
        )
        return self._take(classifier, encoder, Walks(classifier), _wants_categories(classifier, encoder, X))

    def _take(self, classifier: Any, encoder: Encoder, explainer: Explainer, as_category: bool) -> Self:
        self.classifier_, self.encoder_, self.calibration_ = classifier, encoder, (0.0, 1.0)
        self.as_category_ = as_category
        self.classes_, self.n_features_in_ = np.array([0, 1]), len(encoder.features)
        self._set_explainer(explainer)
        return self

    def _set_explainer(self, explainer: Explainer) -> None:
        self.explainer_ = explainer
        self.explainer_name, self.additivity_limit = explainer.name, explainer.limit

    def frames(self, X: Matrix) -> pd.DataFrame:
        """Return encoded rows as the classifier takes them."""
        return _as_given(self.encoder_, X, self.as_category_)

    def choose_explainer(self, X: pd.DataFrame, background: pd.DataFrame) -> str:
        """Take the most exact explainer that adds up on rows of `X`; returns why another was passed over, or ""."""
        rows = X.iloc[np.unique(np.linspace(0, len(X) - 1, CHOICE_ROWS).astype(int))]
        encoded = self.encoder_.transform(rows), self.encoder_.transform(background)
        choice = choose_explainer(self.classifier_, *encoded, self.frames, self.random_state)
        self._set_explainer(choice.explainer)
        return choice.passed_over

    def measure_cost(self, X: pd.DataFrame, background: pd.DataFrame) -> float:
        """Return the seconds that the attributions of a loan take, without what is done once for a background."""
        self.explain(X.iloc[:1], background)
        for count in (2, 200):
            rows, took = X.iloc[:count], []
            for _ in range(2):
                started = time.perf_counter()
                self.explain(rows, background)
                took.append(time.perf_counter() - started)
            if took[0] > 1 and not self.explainer_.quick:  # too long for more rows
                break
        return min(took) / len(rows)

    def _fit(self, X: Matrix, y: Labels, validation: tuple[Matrix, Labels] | None) -> None:  # noqa: ARG002
        raise HypothecError("an external model is trained elsewhere; bring it in with `models add`")

    def _raw_log_odds(self, X: Matrix) -> Matrix:
        return self.explainer_.log_odds(self.frames(X))

    def _raw_explain(self, X: Matrix, background: Matrix) -> Matrix | Sampled:
        return self.explainer_.explain(X, background, self.frames, self.random_state)

    def complexity(self) -> int:
        """Return 0: how many parameters a foreign classifier has is not known."""
        return 0

    def parts(self) -> dict[str, int]:
        """Return nothing: what a foreign classifier is made of is not known."""
        return {}

    def _save(self, folder: Path) -> None:
        state = {
            "classifier": self.classifier_,
            "encoder": self.encoder_,
            "random_state": self.random_state,
            "explainer": self.explainer_,
            "as_category": self.as_category_,
            "explains_all_rows": self.explains_all_rows,
        }
        joblib.dump(state, folder / "external.joblib", compress=3)

    @classmethod
    def _load(cls, folder: Path) -> Self:
        state = joblib.load(folder / "external.joblib")
        encoder: Encoder = state["encoder"]
        model = cls(encoder.features, state["random_state"])
        # A version added before explainers were chosen is walked, as it was.
        explainer = state.get("explainer") or Walks(state["classifier"])
        model._take(state["classifier"], encoder, explainer, state.get("as_category", False))
        model.explains_all_rows = state.get("explains_all_rows", False)
        return model


def _as_given(encoder: Encoder, X: Matrix, as_category: bool) -> pd.DataFrame:
    frame = encoder.decode(X)
    kinds = {name: pd.CategoricalDtype(list(names)) for name, names in encoder.categories.items()}
    return frame.astype(kinds) if as_category else frame


def _wants_categories(classifier: Any, encoder: Encoder, X: pd.DataFrame) -> bool:
    """Whether a classifier takes its words only as pandas' categories, as LightGBM and XGBoost do."""
    if not encoder.categories:
        return False
    rows = encoder.transform(X.iloc[:5])
    return not _predicts(classifier, _as_given(encoder, rows, False)) and _predicts(
        classifier, _as_given(encoder, rows, True)
    )


def _predicts(classifier: Any, frame: pd.DataFrame) -> bool:
    try:
        classifier.predict_proba(frame)
    except Exception:  # whatever it is, `check_predictions` tells it
        return False
    return True


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
    """Refuse a classifier that fails on the portfolio's own rows or gives no probabilities.

    It is tried on the first rows and on those in which a category comes for the first time.
    """
    firsts = [~X[name].duplicated().to_numpy() for name in model.encoder_.categories]
    X = X[np.any([np.arange(len(X)) < CHECKED_ROWS, *firsts], axis=0)]
    try:
        frame = model.frames(model.encoder_.transform(X))
        proba = np.asarray(model.classifier_.predict_proba(frame), dtype=np.float64)
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


def describe_explainer(
    model: External, X: pd.DataFrame, background: pd.DataFrame, passed_over: str, loans: int
) -> dict[str, Any]:
    """Return what the card says of the explainer: its name, limit, measured cost and how many loans get it.

    All `loans` of a snapshot are explained by a quick explainer or in less than `QUICK_SECONDS`, else those of
    scoring's sample.
    """
    seconds = model.measure_cost(X, background)
    model.explains_all_rows = model.explainer_.quick or seconds * loans <= QUICK_SECONDS
    return {
        "name": model.explainer_name,
        "limit": model.additivity_limit,
        "passed_over": passed_over,
        "seconds_a_loan": float(f"{seconds:.3g}"),
        "loans": loans,
        "explains_all_rows": model.explains_all_rows,
    }


def explainer_lines(card: Mapping[str, Any]) -> list[str]:
    """Return what the command line says of an external model's explainer before it runs."""
    found = card.get("explainer")
    if found is None:
        return [f"explained by permutation walks, {EXTERNAL_ROWS} loans a snapshot at up to seconds a loan"]
    count = found["loans"] if found["explains_all_rows"] else min(EXTERNAL_ROWS, found["loans"])
    which = "all" if count == found["loans"] else f"{count:,} of {found['loans']:,}"
    duration = found["seconds_a_loan"] * count
    why = [f"not explained more exactly, because of {found['passed_over']}"] if found["passed_over"] else []
    return [
        *why,
        f"explained by {found['name']}: {found['seconds_a_loan']:.2g} s a loan, measured; "
        f"{which} loans of the latest snapshot, about {max(duration, 1):,.0f} s",
    ]
