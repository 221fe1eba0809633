"""One training loop for every family: configuration → fit → calibrate → judge → register."""

import contextlib
import datetime
import hashlib
import os
import platform
import resource
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pandas as pd

from analytics.performance import compute_metrics
from models.base import PdModel
from models.data import (
    SAMPLES,
    Labelled,
    background_hash,
    ensure_background,
    load_labelled,
    refuse_leaks,
    until,
)
from models.encoding import Feature, Matrix, features_of
from models.external import External, check_predictions, describe_explainer, external_features, feature_names, unpickle
from models.families import NETWORKS, family_class
from models.fitting import fit_final
from models.observations import choose_features
from models.protocol import rolling_folds
from models.registry import Entry, register
from portfolio.engine import Engine
from portfolio.errors import HypothecError
from portfolio.histories import SEQUENCES
from portfolio.progress import Report, silent

LIBRARIES = ("scikit-learn", "numpy", "pandas", "keras", "jax", "optbinning", "optuna")
PROBE_ROWS, SLOW_PROBE_ROWS = 200, 5


@dataclass(frozen=True)
class TrainConfig:
    """What to train: the family, the name to keep it under, and the last observation date it may see.

    `settings` are parameters of the family where they differ from its defaults.
    """

    family: str
    name: str = ""
    until: datetime.date | None = None
    seed: int = 0
    features: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingData:
    """A portfolio's labelled rows and background, loaded once for several trainings.

    Outcomes are those of `horizon_months` after a row's date: a later period that judges begins that long after.
    """

    rows: Labelled
    background: pd.DataFrame
    features: tuple[Feature, ...]
    horizon_months: int


def load_training_data(engine: Engine, names: tuple[str, ...] = (), *, family: str = "") -> TrainingData:
    """Load what every training of a portfolio needs; stops on protected fields, leaks and missing outcomes.

    A `family` that reads sequences gets all there are where no feature is named, one that reads courses those too.
    """
    cls = family_class(family) if family else PdModel
    features = choose_features(engine, names)
    if not features:
        raise HypothecError(f"the schema of {engine.portfolio.name!r} names no feature; give fields the role feature")
    if cls.reads_sequences and not names:
        features = choose_features(engine, (*(item.name for item in features), *SEQUENCES))
    rows = load_labelled(engine, features, course=cls.reads_course)
    refuse_leaks(rows.where(rows.sample == "development"))
    return TrainingData(rows, ensure_background(engine, features), features, engine.portfolio.schema.horizon_months)


def train(engine: Engine, config: TrainConfig, *, data: TrainingData | None = None, report: Report = silent) -> Entry:
    """Train one model and register it; returns its manifest entry."""
    data = data or load_training_data(engine, config.features, family=config.family)
    started = time.monotonic()
    report(0.0, f"training {config.family}")
    fitted, seen = fit_family(data, config)
    seconds = time.monotonic() - started
    report(0.7, f"judging {config.family}")
    # Raises if it does not add up. Families that explain a sample only take a tenth of a second a row and more.
    few = PROBE_ROWS if fitted.explains_all_rows else SLOW_PROBE_ROWS
    probe = fitted.explain(data.rows.X.iloc[:few], data.background)
    card = {
        "config": {**asdict(config), "until": config.until and config.until.isoformat(), **_parameters(fitted)},
        "data_sha256": engine.portfolio.data_hash,
        "background_sha256": background_hash(engine.portfolio),
        "features": [asdict(item) for item in data.features],
        "trained_on": seen,
        "calibration": fitted.calibration_,
        "metrics": judge(fitted, data.rows),
        "parameters": fitted.complexity(),
        "base_log_odds": probe.base,
        "additivity_error": probe.error,
        "explainer": {"name": fitted.explainer_name, "limit": fitted.additivity_limit},
        "seconds": round(seconds, 2),
        "peak_memory_mb": peak_memory_mb(),
        "environment": environment(),
    }
    entry = register(engine.portfolio, config.name or config.family, fitted, card)
    report(1.0, f"trained {config.family}")
    return entry


def fit_family(data: TrainingData, config: TrainConfig, *, seed: int | None = None) -> tuple[PdModel, dict[str, Any]]:
    """Fit and calibrate one family on the development rows; returns the model and what it saw.

    The configuration's seed chooses the rows, and fits too unless another `seed` is given for that. How many epochs a
    network of the contest makes is found on a later period; the demo's (`neural`) stops early on other loans, which
    takes half as long.
    """
    allowed = until(data.rows, config.until)
    later = config.family in NETWORKS
    fold = rolling_folds(allowed, folds=1, embargo_months=data.horizon_months)[-1] if later else None
    fitted = fit_final(
        config.family, data.features, allowed, config.seed if seed is None else seed, config.settings, fold=fold,
        draw=config.seed,
    )  # fmt: skip
    seen = {
        "rows": fitted.rows,
        "events": fitted.events,
        "calibration_rows": len(allowed.y) - fitted.rows,
        "loans": int(allowed.loan.nunique()),
        "from": _iso(allowed.date.min()),
        "until": _iso(allowed.date.max()),
        "epochs_found_on": None if fold is None else fold.meaning,
        "learning": fitted.history,
    }
    return fitted.model, seen


class Predictor(Protocol):
    """What can be judged: it names its family and predicts."""

    family: ClassVar[str]

    def predict_proba(self, X: pd.DataFrame) -> Matrix:
        """Return the probabilities of no event and event, shape (rows, 2)."""


def judge(model: Predictor, rows: Labelled) -> list[dict[str, Any]]:
    """Return the metrics with intervals, clustered by loan, on every sample that has both outcomes."""
    found = []
    for sample in SAMPLES:
        part = rows.where(rows.sample == sample)
        if len(set(part.y)) == 2:
            scores = {model.family: model.predict_proba(part.X)[:, 1]}
            table = compute_metrics(part.y, scores, cluster=part.loan.to_numpy())
            rows_of = table.drop(columns="model").to_dict("records")
            found += [{"sample": sample, **{str(key): value for key, value in row.items()}} for row in rows_of]
    return found


def add_external(engine: Engine, file: Path, name: str, *, sha256: str) -> Entry:
    """Register a foreign classifier that the user has agreed to unpickle; it must fit the schema and predict.

    `sha256` is what the user was shown: the file is read once, and other bytes than those are not unpickled.
    """
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise HypothecError(
            f"{file} is not the file that was confirmed: its SHA-256 has changed; nothing was unpickled"
        )
    classifier = unpickle(file, content)
    schema = engine.portfolio.schema
    features = external_features(features_of(schema, feature_names(file, classifier)))
    rows = load_labelled(engine, features)
    model = External(features).wrap(classifier, rows.X)
    check_predictions(file, model, rows.X)
    background = ensure_background(engine, features)
    passed_over = model.choose_explainer(rows.X, background)
    probe = model.explain(rows.X.iloc[:2], background)
    key = engine.portfolio.snapshot_keys()[-1]
    table = engine.snapshots([key])
    loans = int(engine.fetch(table.aggregate(n=table.count()))["n"].iloc[0])
    card = {
        "config": {"class": type(classifier).__name__, "module": type(classifier).__module__},
        "delivered_file": file.name,
        "delivered_sha256": sha256,
        "data_sha256": engine.portfolio.data_hash,
        "background_sha256": background_hash(engine.portfolio),
        "features": [asdict(item) for item in features],
        "calibration": model.calibration_,
        "metrics": judge(model, rows),
        "parameters": model.complexity(),
        "base_log_odds": probe.base,
        "additivity_error": probe.error,
        "explainer": describe_explainer(model, rows.X, background, passed_over, loans),
        "environment": environment(),
    }
    return register(engine.portfolio, name, model, card, original=content)


def environment() -> dict[str, str]:
    """Return the versions and the machine that a card records."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": str(os.cpu_count()),
        "memory_gb": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f}",
        **{name: version(name) for name in LIBRARIES},
    }


def peak_memory_mb() -> int:
    """Return the process's peak resident memory in MB since it began, or since `reset_peak_memory`."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024  # Linux counts in kB


def reset_peak_memory() -> None:
    """Begin to count the peak memory anew, where the system lets a process do so."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _parameters(model: PdModel) -> dict[str, Any]:
    return {key: value for key, value in model.get_params(deep=False).items() if key != "features"}


def _iso(date: Any) -> str | None:
    return None if pd.isna(date) else pd.Timestamp(date).date().isoformat()
