"""Which explainer a model trained elsewhere gets: the most exact one that adds up on rows of the portfolio."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.encoding import Matrix
from models.explainers import (
    Apart,
    Explainer,
    Frames,
    Leaves,
    Linear,
    Parts,
    ShapTree,
    Walks,
    XgboostLeaves,
    event_share,
)
from models.explainers import take_apart as take_classifier_apart
from models.walks import Sampled

FAITHFUL = 1e-6  # how far the PD of a model's own log-odds may lie from the PD it delivers
PROBE_ROWS = 40
TREES = ("tree_", "estimators_", "tree_count_")  # what scikit-learn's trees and forests have, and CatBoost


@dataclass(frozen=True)
class Choice:
    """The explainer, and why a more exact one was passed over, if there is one for such a classifier."""

    explainer: Explainer
    passed_over: str = ""


def choose_explainer(classifier: Any, X: Matrix, background: Matrix, frames: Frames, seed: int) -> Choice:
    """Return the explainer for what `classifier` is, if it adds up on `PROBE_ROWS` rows of `X`; else the walks.

    `X` and `background` are encoded; `frames` makes of them what the classifier takes. Permutation walks are not
    tried here: they are measured, like all others, whenever a loan is explained.
    """
    probe = X[np.unique(np.linspace(0, len(X) - 1, PROBE_ROWS).astype(int))]
    parts = _take_apart(classifier, frames(np.concatenate([X, background])), seed)
    if isinstance(parts, str):
        return Choice(Walks(classifier), parts)
    kind = _fitting(parts.final)
    if kind is None:
        return Choice(Walks(classifier), "")
    owned = parts.owner[parts.owner >= 0]
    if kind is not Linear and len(np.unique(owned)) < len(owned):  # columns would be players, not features
        return Choice(Walks(classifier), f"{kind.name}: its preprocessing makes several columns of one feature")
    explainer = kind(classifier, parts)
    why = _find_misfit(explainer, probe, background, frames, seed)
    return Choice(explainer) if why is None else Choice(Walks(classifier), f"{kind.name}: {why}")


def _take_apart(classifier: Any, frame: Any, seed: int) -> Parts | str:
    """Return the parts of a classifier, or why it has none."""
    try:
        parts = take_classifier_apart(classifier, frame, seed)
    except (TypeError, ValueError) as error:  # a preprocessing that gives words, or fails on a mixture of loans
        return f"its preprocessing cannot be followed ({_first_line(error)})"
    return parts or "its preprocessing makes columns of several features at once"


def _fitting(final: Any) -> type[Apart] | None:
    """Return the explainer for what a final classifier is, None if there is none but the walks."""
    if _is_a(final, "xgboost", "XGBClassifier"):
        return XgboostLeaves
    if _is_a(final, "lightgbm", "LGBMClassifier") or _is_a(final, "sklearn", "HistGradientBoostingClassifier"):
        return Leaves
    if hasattr(final, "coef_") and hasattr(final, "decision_function"):
        return Linear
    return ShapTree if any(hasattr(final, name) for name in TREES) else None


def _is_a(final: Any, library: str, name: str) -> bool:
    """Whether `final` is of a class of a library, which need not be installed."""
    return any(kind.__name__ == name and kind.__module__.split(".")[0] == library for kind in type(final).__mro__)


def _find_misfit(explainer: Explainer, probe: Matrix, background: Matrix, frames: Frames, seed: int) -> str | None:
    """Return why an explainer's log-odds or attributions are not the classifier's, None if they are."""
    frame = frames(probe)
    try:
        log_odds = explainer.log_odds(frame)
        base = explainer.log_odds(frames(background)).mean()
        found = explainer.explain(probe, background, frames, seed)
    except Exception as error:  # libraries say in any way that they do not know a model: it is told why, and walked
        return _first_line(error)
    phi = found.values if isinstance(found, Sampled) else found
    if phi.shape != probe.shape:
        return f"it gives attributions of shape {phi.shape} for {probe.shape}"
    away = np.abs(1 / (1 + np.exp(-log_odds)) - event_share(explainer.classifier, frame)).max()
    if not away <= FAITHFUL:
        return f"what it explains is not the log-odds of the PDs, which differ by up to {away:.2g}"
    gap = np.abs(base + phi.sum(axis=1) - log_odds).max()
    return None if gap <= explainer.limit else f"its attributions miss the log-odds by up to {gap:.2g}"


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
