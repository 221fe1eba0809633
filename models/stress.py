"""Measuring what a model's complexity costs: seeds, a few per cent of input, parameters, bytes, seconds."""

import datetime
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analytics.performance import compute_metrics
from analytics.sensitivity import compute_flips, compute_seed_spread
from models.base import PdModel
from models.complexity import Complexity, Perturbed, Seeds, save_complexity
from models.data import Labelled, load_labelled, until
from models.families import FITTED_HERE, PREDICTIONS
from models.registry import Entry, load_card, load_model
from models.training import TrainConfig, TrainingData, environment, fit_family
from portfolio.engine import Engine
from portfolio.errors import HypothecError
from portfolio.progress import Report, part_of, silent

ROWS, JUDGED, PERTURBED = 100_000, 50_000, 10_000
STEP, APPROVED, DRAWS = 0.05, 0.8, 5
ONE_REPEATS, MANY, MANY_REPEATS = 30, 10_000, 5
FEWEST_SEEDS = 5
DRAW_SEED = 20260630
COMMON = ("features", "random_state")  # parameters that a refit gets anew


@dataclass(frozen=True)
class StressConfig:
    """How hard to measure: the number of `seeds`, and at most how many `rows` a refit sees."""

    seeds: int = FEWEST_SEEDS
    rows: int = ROWS

    def __post_init__(self) -> None:
        if self.seeds < 2:
            raise HypothecError(f"a spread over seeds needs 2 of them, better {FEWEST_SEEDS}; got {self.seeds}")


def measure(
    engine: Engine, entry: Entry, *, config: StressConfig = StressConfig(), report: Report = silent
) -> Complexity:
    """Measure one model version, keep the figures beside its card and return them."""
    if entry.family == PREDICTIONS:
        raise HypothecError(
            f"{entry.ref} are predictions from a column of the data: without the model nothing of it can be measured"
        )
    report(0.0, f"loading {entry.ref}")
    model, card = load_model(engine.portfolio, entry), load_card(engine.portfolio, entry)
    rows = load_labelled(engine, model.features, course=model.reads_course)
    sample, judged = _judging_rows(rows)
    own = [name for name in entry.files if name not in ("card.json", "delivered.joblib")]
    folder = engine.portfolio.models / entry.name / entry.version
    report(0.02, f"timing {entry.ref}")
    one, many = measure_latency(model, rows.X)
    report(0.05, f"perturbing {entry.ref}")
    perturbed = perturb(model, _spread(judged.X, PERTURBED))
    known = entry.family in FITTED_HERE
    seeds = Seeds(reason="it was trained elsewhere and cannot be fitted again here")
    if known:
        horizon = engine.portfolio.schema.horizon_months
        seeds = refit(model, card, rows, judged, horizon, config, part_of(report, 0.1, 1))
        seeds = replace(seeds, sample=sample)
    found = Complexity(
        model=str(entry.ref),
        family=entry.family,
        measured=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        files=dict(entry.files),
        data_sha256=engine.portfolio.data_hash,
        parameters=model.complexity() if known else None,
        parts=model.parts(),
        artifact_bytes=sum((folder / name).stat().st_size for name in own),
        training_seconds=card.get("seconds"),
        peak_memory_mb=card.get("peak_memory_mb"),
        latency_one_ms=one,
        latency_many_ms=many,
        seeds=seeds,
        perturbed=perturbed,
        environment=environment(),
    )
    save_complexity(engine.portfolio, entry, found)
    report(1.0, f"measured {entry.ref}")
    return found


def _judging_rows(rows: Labelled) -> tuple[str, Labelled]:
    """Return the sample that judges, out-of-time where there is one, and at most JUDGED rows of it, whole loans."""
    for sample in ("out-of-time", "out-of-sample"):
        part = rows.where(rows.sample == sample)
        if len(set(part.y)) == 2:
            return sample, take_loans(part, JUDGED)
    raise HypothecError("no held-out rows with and without the event: seeds cannot be compared on development rows")


def take_loans(rows: Labelled, limit: int) -> Labelled:
    """Return whole loans, drawn with a fixed seed, until at least `limit` rows are in; all if there are fewer."""
    if len(rows.y) <= limit:
        return rows
    codes = rows.loan.astype("category").cat.codes.to_numpy()
    sizes = np.bincount(codes)
    order = np.random.default_rng(DRAW_SEED).permutation(len(sizes))
    chosen = order[: int(np.searchsorted(np.cumsum(sizes[order]), limit)) + 1]
    return rows.where(np.isin(codes, chosen))


def refit(
    model: PdModel, card: dict[str, Any], rows: Labelled, judged: Labelled, horizon_months: int, config: StressConfig,
    report: Report,
) -> Seeds:  # fmt: skip
    """Fit the same configuration with other seeds on the same development rows; judge all on the same rows.

    The loans kept back for calibration stay those of the model's own training: nothing but the seed of the fitting
    changes, so a family that draws nothing at random has no spread.
    """
    cut = card["config"]["until"]
    allowed = until(rows, cut and datetime.date.fromisoformat(cut))
    there = len(allowed.y)
    data = TrainingData(take_loans(allowed, config.rows), pd.DataFrame(), model.features, horizon_months)
    settings = {name: value for name, value in model.get_params(deep=False).items() if name not in COMMON}
    first = int(card["config"]["seed"])
    seeds, pds, seconds = tuple(range(first, first + config.seeds)), [], []
    for place, seed in enumerate(seeds):
        report(place / len(seeds), f"fitting {model.family} with seed {seed} ({place + 1} of {len(seeds)})")
        started = time.monotonic()
        # The same rows each time, chosen by the first seed: only the fitting differs.
        fitted, _ = fit_family(data, TrainConfig(model.family, seed=first, settings=settings), seed=seed)
        seconds.append(round(time.monotonic() - started, 2))
        pds.append(fitted.predict_proba(judged.X)[:, 1])
    spread = compute_seed_spread(judged.y, np.array(pds))
    own = compute_metrics(judged.y, {"own": model.predict_proba(judged.X)[:, 1]}, metrics=("gini",))
    return Seeds(
        seeds=seeds,
        ginis=spread.ginis,
        own_gini=float(own["estimate"].iloc[0]),
        sd=spread.sd,
        low=spread.low,
        high=spread.high,
        pd_difference=spread.pd_difference,
        rows=len(data.rows.y),
        rows_there=there,
        judged=len(judged.y),
        seconds=tuple(seconds),
    )


def perturb(model: PdModel, X: pd.DataFrame) -> Perturbed:
    """Move every number of every loan up or down by 5 %, signs at random; count the decisions that flip.

    Numbers that take two values at most (yes or no) and categories stay as they are; missing stays missing.
    """
    names = [item.name for item in model.features if item.kind == "number" and X[item.name].nunique() > 2]
    if not names:
        return Perturbed(reason="it uses no number that could be moved by a few per cent")
    draw = np.random.default_rng(DRAW_SEED)
    before = model.predict_proba(X)[:, 1]
    found = []
    for _ in range(DRAWS):
        signs = draw.choice([1 - STEP, 1 + STEP], size=(len(X), len(names)))
        moved = X.assign(**{name: X[name].astype(float) * signs[:, i] for i, name in enumerate(names)})
        found.append(compute_flips(before, model.predict_proba(moved)[:, 1], approved=APPROVED))
    flipped = [item.flipped for item in found]
    return Perturbed(
        step=STEP,
        approved=found[0].approved,
        draws=DRAWS,
        rows=len(X),
        features=len(names),
        flipped=statistics.fmean(flipped),
        low=min(flipped),
        high=max(flipped),
        pd_change=statistics.fmean(item.pd_change for item in found),
    )


def measure_latency(model: PdModel, X: pd.DataFrame) -> tuple[float, float]:
    """Return the median milliseconds of predicting 1 row and 10,000 rows, each after one unmeasured call."""
    many = X.iloc[np.resize(np.arange(len(X)), MANY)]
    return (
        _median_ms(lambda: model.predict_proba(X.iloc[:1]), ONE_REPEATS),
        _median_ms(lambda: model.predict_proba(many), MANY_REPEATS),
    )


def _median_ms(call: Callable[[], npt.NDArray[np.float64]], repeats: int) -> float:
    call()
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return round(1000 * statistics.median(taken), 3)


def _spread(X: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return up to `count` rows evenly spaced over the rows."""
    return X.iloc[np.unique(np.linspace(0, len(X) - 1, min(count, len(X))).astype(int))]


def measurable(entries: Sequence[Entry]) -> list[Entry]:
    """Return the versions that have a model to measure."""
    return [entry for entry in entries if entry.family != PREDICTIONS]
