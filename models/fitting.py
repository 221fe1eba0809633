"""Fitting one model: how long a network learns is found on a later period, then all development dates teach."""

import inspect
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from models.base import PdModel
from models.data import Labelled, split_calibration
from models.encoding import Feature
from models.families import NETWORKS, family_class
from models.protocol import Fold
from portfolio.errors import HypothecError

if TYPE_CHECKING:
    from models.networks.base import Network

LEARNT_IN_EPOCHS = ("neural", *NETWORKS)


@dataclass(frozen=True)
class Fitted:
    """A model, how many rows and events it learnt from, the seconds it took, and the course of its learning.

    The seconds are those of both fits of a network and of the calibration. `history` has epochs and losses of the first
    member, of the fit that was judged on the later period; its `warning` is the final fit's, where that was cut off.
    """

    model: PdModel
    rows: int
    events: int
    seconds: float
    history: dict[str, Any]


def fit_final(
    family: str, features: tuple[Feature, ...], rows: Labelled, seed: int, settings: Mapping[str, Any], *,
    fold: Fold | None, draw: int | None = None,
) -> Fitted:  # fmt: skip
    """Return a model fitted on 85 % of the development loans and calibrated on the others, drawn by `draw` or the seed.

    With a `fold` a network first learns on it and stops at the epoch that was best on its later period, then it learns
    on all dates for as many epochs. Without one it stops early on the loans kept for calibration. `rows` are
    development rows.
    """
    started = time.monotonic()
    fit_rows, calibration_rows = split_calibration(rows, seed if draw is None else draw)
    if not 0 < calibration_rows.y.sum() < len(calibration_rows.y):
        raise HypothecError(
            f"the {len(calibration_rows.y):,} rows kept for calibration are all with or all without the event; take "
            "more loans or another seed"
        )
    history: dict[str, Any] = {}
    if fold is None:
        model = fit_on(family, features, fit_rows, calibration_rows, seed, settings)
        history = dict(getattr(model, "history_", {}))
    else:
        epochs = None
        if family in LEARNT_IN_EPOCHS:
            probe = fit_on(family, features, fold.fit, fold.later, seed, settings)
            history = dict(getattr(probe, "history_", {}))
            epochs = int(history.get("best_epoch", 1))
        model = fit_on(family, features, fit_rows, None, seed, settings, epochs=epochs)
        if warning := getattr(model, "history_", {}).get("warning"):  # the fit that counts was cut off
            history["warning"] = warning
    model.calibrate(calibration_rows.X, calibration_rows.y)
    return Fitted(model, len(fit_rows.y), int(fit_rows.y.sum()), time.monotonic() - started, history)


def fit_on(
    family: str, features: tuple[Feature, ...], fit: Labelled, later: Labelled | None, seed: int,
    settings: Mapping[str, Any], *, epochs: int | None = None,
) -> PdModel:  # fmt: skip
    """Return a family fitted on `fit`, stopping early on `later`; with `epochs` it learns for exactly so many.

    HypothecError names a setting the family does not have, or says why it cannot be fitted with them.
    """
    cls = family_class(family)
    known = set(inspect.signature(cls).parameters) - {"features", "random_state"}
    unknown = sorted(set(settings) - known)
    if unknown:
        raise HypothecError(
            f"the {family} family has no setting {', '.join(unknown)}; it has {', '.join(sorted(known))}"
        )
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
    model = cls(features=features, random_state=seed, **given)
    if epochs is not None:
        cast("Network", model).exact_epochs = epochs
    more: dict[str, Any] = {}
    if cls.reads_course:
        more = {"course": fit.course, "validation_course": later.course if later else None}
    try:
        model.fit(fit.X, fit.y, validation=None if later is None else (later.X, later.y), **more)
    except (TypeError, ValueError) as error:  # how the libraries below refuse a value
        said = str(error).strip().splitlines() or [type(error).__name__]
        told = f" with {dict(settings)}" if settings else ""
        raise HypothecError(f"the {family} family cannot be fitted{told}: {said[0]}") from error
    return model
