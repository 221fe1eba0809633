"""Fitting one model of an experiment: how long to learn is found on a later period, then all development rows teach."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.base import PdModel
from models.data import Labelled, split_calibration
from models.encoding import Feature
from models.experiments.config import ExperimentConfig
from models.experiments.protocol import Fold
from models.families import NETWORKS
from models.training import fit_on
from portfolio.errors import HypothecError

LEARNT_IN_EPOCHS = ("neural", *NETWORKS)


@dataclass(frozen=True)
class Fitted:
    """A model, the seconds it took to fit, and what was seen on the later period: epochs and losses, where it has them.

    The seconds are those of both fits of a network and of the calibration. `history` is the first member's, of the fit
    that was judged on the later period; its `warning` is the final fit's, where that was cut off.
    """

    model: PdModel
    seconds: float
    history: dict[str, Any]


def fit_final(
    config: ExperimentConfig, features: tuple[Feature, ...], rows: Labelled, fold: Fold, seed: int,
    settings: Mapping[str, Any],
) -> Fitted:  # fmt: skip
    """Return the experiment's model: fitted on 85 % of the development loans and calibrated on the others.

    A network first learns on `fold` and stops at the epoch that was best on its later period; then it learns on all
    dates for as many epochs. `rows` are development rows.
    """
    started = time.monotonic()
    history: dict[str, Any] = {}
    epochs = None
    if config.family in LEARNT_IN_EPOCHS:
        probe = fit_on(config.family, features, fold.fit, fold.later, seed, settings)
        history = dict(getattr(probe, "history_", {}))
        epochs = int(history.get("best_epoch", 1))
    fit_rows, calibration_rows = split_calibration(rows, seed)
    if not 0 < calibration_rows.y.sum() < len(calibration_rows.y):
        raise HypothecError(
            f"experiment {config.name}: the {len(calibration_rows.y):,} rows kept for calibration are all with or all "
            "without the event; take more loans (share) or another seed"
        )
    model = fit_on(config.family, features, fit_rows, None, seed, settings, epochs=epochs)
    model.calibrate(calibration_rows.X, calibration_rows.y)
    if warning := getattr(model, "history_", {}).get("warning"):  # the fit that counts was cut off
        history["warning"] = warning
    return Fitted(model, time.monotonic() - started, history)
