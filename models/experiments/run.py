"""Running an experiment: tune, fit each seed, judge on the samples, write the report."""

import datetime
import time
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from analytics.curves import compute_calibration_bins
from analytics.performance import compute_metrics
from models.base import PdModel
from models.data import SAMPLES, Labelled, load_labelled, refuse_leaks
from models.encoding import Feature
from models.experiments.config import ExperimentConfig
from models.experiments.folders import KEYS, Run, list_runs, open_folder, write_report
from models.experiments.truth import measure_truth
from models.experiments.tuning import list_trials, tune
from models.families import TITLES, family_class
from models.fitting import Fitted, fit_final
from models.observations import choose_features
from models.protocol import Fold, describe, develop, rolling_folds
from models.training import environment, peak_memory_mb, reset_peak_memory
from portfolio.engine import Engine
from portfolio.errors import HypothecError
from portfolio.histories import SEQUENCES
from portfolio.progress import Report, part_of, silent

JUDGED = SAMPLES[1:]
METRICS = ("gini", "auc", "ks", "brier", "log_loss", "mean_pd", "default_rate", "o_e_ratio", "calibration_slope")
LATENCY_ROWS = 10_000


def run_experiment(engine: Engine, config: ExperimentConfig, *, again: bool = False, report: Report = silent) -> Run:
    """Run one experiment and return it; one that is done on the same data is returned as it is."""
    portfolio = engine.portfolio
    folder = open_folder(portfolio, config, portfolio.data_hash, again=again)
    done = next((run for run in list_runs(portfolio) if run.config.name == config.name and run.done), None)
    if done:
        report(1.0, f"{config.name} is done already")
        return done
    started = datetime.datetime.now(datetime.UTC)
    reset_peak_memory()
    report(0.0, f"reading the rows of {config.name}")
    features = select_features(engine, config)
    reads_course = family_class(config.family).reads_course
    rows = load_labelled(engine, features, course=reads_course)
    development = develop(rows, share=config.share)
    refuse_leaks(development)
    embargo = portfolio.schema.horizon_months
    folds = rolling_folds(
        develop(rows, share=config.share * config.tuning.share), folds=config.tuning.folds, embargo_months=embargo
    )
    best = tune(config, features, folds, folder, report=part_of(report, 0.05, 0.6))
    last = rolling_folds(development, folds=1, embargo_months=embargo)[-1]
    settings = {**config.settings, **best}
    body, predictions = _fit_seeds(config, features, rows, development, last, settings, part_of(report, 0.6, 0.95))
    report(0.95, f"judging {config.name}")
    trials = [trial for trial in list_trials(folder, config) if trial["state"] != "running"]  # killed in the middle
    body = {
        "name": config.name, "family": config.family, "title": TITLES[config.family], "question": config.question,
        "config": config.to_json(), "settings": settings, "data_sha256": portfolio.data_hash,
        "features": [asdict(item) for item in features],
        "protocol": _protocol(rows, development, last, folds, embargo, trials=bool(trials)),
        "trials": trials, **body,
        "truth": measure_truth(engine, predictions.assign(pd=predictions[str(config.seeds[0])])),
        "peak_memory_mb": peak_memory_mb(), "environment": environment(),
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }  # fmt: skip
    write_report(folder, body, predictions)
    report(1.0, f"{config.name} is done")
    return Run(folder, config, body)


def select_features(engine: Engine, config: ExperimentConfig) -> tuple[Feature, ...]:
    """Return the experiment's features; HypothecError for an unknown name or group to leave out, or if none is left."""
    schema = engine.portfolio.schema
    every = [item.name for item in schema.with_role("feature") if item.kind != "date"]
    fields = [item for item in config.features if item not in SEQUENCES] if config.features else every
    groups = {item.name: item.group for item in schema.fields}
    known = {*fields, *groups.values(), *SEQUENCES} - {""}
    unknown = [name for name in config.leave_out if name not in known]
    if unknown:
        raise HypothecError(f"experiment {config.name}: no field or group {', '.join(unknown)} to leave out")
    kept = [name for name in fields if name not in config.leave_out and groups.get(name, "") not in config.leave_out]
    sequences = [*(item for item in config.features if item in SEQUENCES), *config.sequences]
    sequences = [name for name in dict.fromkeys(sequences) if name not in config.leave_out]
    if not kept and not sequences:
        raise HypothecError(f"experiment {config.name}: no feature is left; leave out less")
    return choose_features(engine, [*kept, *sequences])


def _fit_seeds(
    config: ExperimentConfig, features: tuple[Feature, ...], rows: Labelled, development: Labelled, fold: Fold,
    settings: dict[str, Any], report: Report,
) -> tuple[dict[str, Any], pd.DataFrame]:  # fmt: skip
    """Return the report's part on the fitted models, and every seed's PDs of the judged rows."""
    judged = rows.where(rows.sample.isin(JUDGED))
    predictions = pd.DataFrame(dict(zip(KEYS, (judged.loan.astype(str), judged.date, judged.sample, judged.y),
                                        strict=True))).reset_index(drop=True)  # fmt: skip
    seeds = []
    for place, seed in enumerate(config.seeds):
        report(place / len(config.seeds), f"fitting {config.name}, seed {seed}")
        fitted = fit_final(config.family, features, development, seed, settings, fold=fold)
        predictions[str(seed)] = fitted.model.predict_proba(judged.X)[:, 1]
        seeds.append(_describe_seed(seed, fitted, judged, predictions))
    first = predictions[str(config.seeds[0])]
    metrics, curves = judge(predictions, first)
    return {"seeds": seeds, "metrics": metrics, "calibration": curves, "complexity": seeds[0]["parameters"],
            "latency_ms": seeds[0]["latency_ms"], "fit_seconds": seeds[0]["fit_seconds"]}, predictions  # fmt: skip


def _describe_seed(seed: int, fitted: Fitted, judged: Labelled, predictions: pd.DataFrame) -> dict[str, Any]:
    """Return what is told of one seed: seconds, epochs, losses, parameters, latency, Gini by sample."""
    metrics, _ = judge(predictions, predictions[str(seed)], metrics=("gini", "log_loss"))
    return {
        "seed": seed, "fit_seconds": round(fitted.seconds, 2), "parameters": fitted.model.complexity(),
        "parts": fitted.model.parts(), "latency_ms": round(measure_latency(fitted.model, judged.X), 2),
        "history": fitted.history, "calibration": list(fitted.model.calibration_), "metrics": metrics,
    }  # fmt: skip


def measure_latency(model: PdModel, X: pd.DataFrame) -> float:
    """Return the milliseconds that PDs of 10,000 loans take the second time; fewer rows are repeated to that number."""
    if not len(X):
        return 0.0
    rows = X.iloc[np.arange(LATENCY_ROWS) % len(X)]
    model.predict_proba(rows)
    started = time.perf_counter()
    model.predict_proba(rows)
    return 1000 * (time.perf_counter() - started)


def judge(
    predictions: pd.DataFrame, pds: pd.Series, *, metrics: tuple[str, ...] = METRICS
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return metrics with intervals clustered by loan, and the calibration curve, of each sample with both outcomes."""
    found: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    for sample, part in predictions.assign(_pd=pds).groupby("_sample", sort=False):
        if part["_y"].nunique() < 2:
            continue
        y, scores, loan = part["_y"].to_numpy(), part["_pd"].to_numpy(), part["_loan"].to_numpy()
        table = compute_metrics(y, {"": scores}, cluster=loan, metrics=metrics).drop(columns="model")
        found += [{"sample": sample, **_plain(row)} for row in table.to_dict("records")]
        curve = compute_calibration_bins(y, {"": scores}) if len(metrics) > 2 else pd.DataFrame()
        curves += [{"sample": sample, **_plain(row)} for row in curve.to_dict("records")]
    return found, curves


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    """Return a row as JSON takes it: no NumPy numbers, nothing that is no number."""
    plain = {str(key): value.item() if isinstance(value, np.generic) else value for key, value in row.items()}
    return {key: None if isinstance(value, float) and not np.isfinite(value) else value for key, value in plain.items()}


def _protocol(
    rows: Labelled, development: Labelled, last: Fold, folds: list[Fold], embargo: int, *, trials: bool
) -> dict[str, Any]:
    """Return in words and numbers which rows did what."""
    return {
        "development": describe(development),
        "tuned_on": [fold.meaning for fold in folds] if trials else [],
        "stopped_on": last.meaning,
        "embargo_months": embargo,
        **{sample: describe(rows.where(rows.sample == sample)) for sample in JUDGED},
        "untouched": "the out-of-sample and out-of-time rows were read for judging only, after all was fitted",
    }
