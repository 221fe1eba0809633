"""The tables behind Compare's segments, course through time and calibration: judged rows split, dated and tested."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analytics import calibration_tests, concentration, forecast_test, reliability, segments, through_time, weak_spots
from analytics.forecast_test import DieboldMariano
from models.families import UNKNOWN_TRAINING
from pages.common import cached, compare_data, model_data, overview_data
from pages.common.cached import hold, remember
from portfolio.policy import Comparison, load_policy
from portfolio.schema import OBSERVATION_DATE, SAMPLE, Schema
from portfolio.selection import Selection, select_rows

GRANTED = "_granted"
VINTAGE = "vintage"
GRAINS: tuple[through_time.Grain, ...] = ("month", "quarter", "year")
METRICS = ("gini", "ks", "brier", "log_loss", "o_e_ratio")
UNEVEN = 1.5  # times the usual distance between two dates: farther apart and a date is missing between them


@dataclass(frozen=True)
class Forecast:
    """A series of loss differences by date and its test; no test (None) with the `reason`.

    `horizon` is how many dates an outcome window spans.
    """

    series: pd.DataFrame
    test: DieboldMariano | None
    horizon: int
    reason: str = ""

    @property
    def windows(self) -> float:
        """How many windows fit beside each other into the series: about its number of independent dates."""
        return len(self.series) / self.horizon


@dataclass(frozen=True)
class Fit:
    """How well PDs fit: tests by measure, reliability curves, and the parts of the scores."""

    tests: pd.DataFrame
    curves: pd.DataFrame
    parts: pd.DataFrame


def policy(selection: Selection) -> Comparison:
    """Return what the portfolio's policy asks of a challenger; HypothecError where its file is wrong."""
    return load_policy(cached.portfolio(selection)).comparison


def measures(selection: Selection) -> tuple[str, ...]:
    """Return the metrics that segments are compared by: Gini (or AUC, where it decides), Brier score, the policy's."""
    own = policy(selection).primary_metric
    return tuple(dict.fromkeys(("auc" if own == "auc" else "gini", "brier", own)))


def margins(selection: Selection) -> dict[str, float]:
    """Return by how much a challenger may be worse and still count as no worse, on the metric that decides."""
    asked = policy(selection)
    return {asked.primary_metric: asked.margin}


@hold
def sliced(selection: Selection, sample: str) -> pd.DataFrame:
    """Return every judged row: _loan, _date, _y, each model's PD, the fields it is split by, year granted."""
    from models.stored import load_judged_rows

    schema = cached.portfolio(selection).schema
    columns = {name: _part(schema, name) for name in overview_data.fields(selection)}
    if (year := _granted(selection)) is not None:
        columns[GRANTED] = year
    refs = [view.ref for view in model_data.models(selection)]
    return load_judged_rows(cached.engine(selection), refs, sample, selection.where, columns)


def _part(schema: Schema, name: str) -> Callable[[ir.Table], ir.Value]:
    ltv = schema.meaning("ltv")
    if name == overview_data.LTV_BAND and ltv is not None:
        return lambda rows: concentration.band_ltv(rows[ltv.name], unit=ltv.unit)
    return lambda rows: rows[name].cast("string")


def _granted(selection: Selection) -> Callable[[ir.Table], ir.Value] | None:
    granted = cached.portfolio(selection).schema.meaning("origination_date")
    known = cached.engine(selection).snapshots().columns
    if granted is None or granted.kind != "date" or granted.name not in known:
        return None
    return lambda rows: rows[granted.name].year()


def _scores(selection: Selection, rows: pd.DataFrame) -> pd.DataFrame:
    return rows[[view.ref for view in model_data.models(selection)]]


@remember
def fields(selection: Selection, sample: str) -> list[str]:
    """Return the fields that part the sample's rows into two segments or more."""
    rows = sliced(selection, sample)
    return [name for name in overview_data.fields(selection) if rows[name].nunique(dropna=False) > 1]


@remember
def differences(selection: Selection, sample: str) -> pd.DataFrame:
    """Every challenger's difference from the first model by field and segment; needs two models and a field."""
    rows, asked = sliced(selection, sample), policy(selection)
    return segments.compute_segment_differences(
        rows["_y"],
        _scores(selection, rows),
        model_data.models(selection)[0].ref,
        _labels(selection, sample),
        cluster=rows["_loan"],
        metrics=measures(selection),
        margins=margins(selection),
        level=asked.level,
    )


@remember
def levels(selection: Selection, sample: str) -> pd.DataFrame:
    """Observed over expected events of every model by field and segment."""
    rows = sliced(selection, sample)
    return segments.compute_segment_calibration(
        rows["_y"],
        _scores(selection, rows),
        _labels(selection, sample),
        cluster=rows["_loan"],
        level=policy(selection).level,
    )


def _labels(selection: Selection, sample: str) -> Mapping[str, pd.Series]:
    rows, bands = sliced(selection, sample), pd.CategoricalDtype(list(concentration.BAND_NAMES), ordered=True)
    names = fields(selection, sample)
    return {name: rows[name].astype(bands) if name == overview_data.LTV_BAND else rows[name] for name in names}


@remember
def pd_spots(selection: Selection, sample: str, ref: str) -> pd.DataFrame:
    """Groups of loans whose outcomes differ from a model's PDs, found on half of the loans, judged on the others."""
    (rows, known), (labels, units) = _explained(selection, sample), _names(selection)
    level = policy(selection).level
    return weak_spots.compute_weak_spots(
        known, rows["_y"], rows[ref], cluster=rows["_loan"], level=level, labels=labels, units=units
    )


@remember
def loss_spots(selection: Selection, sample: str, challenger: str, champion: str) -> pd.DataFrame:
    """Groups of loans where a challenger's log loss differs from the champion's; excess above 0 is worse."""
    (rows, known), (labels, units) = _explained(selection, sample), _names(selection)
    y, first, second, loan = (rows[name] for name in ("_y", challenger, champion, "_loan"))
    level = policy(selection).level
    return weak_spots.compute_loss_spots(known, y, first, second, cluster=loan, level=level, labels=labels, units=units)


def _explained(selection: Selection, sample: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the judged rows whose features are looked at, and these features in the same order."""
    rows, known = sliced(selection, sample), compare_data.judged_fields(selection, sample)
    names = [item.name for item in compare_data.driving_fields(selection) if known[item.name].notna().any()]
    refs = [view.ref for view in model_data.models(selection)]
    own = rows[["_loan", "_date", "_y", *refs]]
    keys = ["_loan", "_date"]
    if len(own) == len(known) and all((own[key] == known[key]).all() for key in keys):  # every row, in one order
        return own, known[names]
    both = own.merge(known[[*keys, *names]], on=keys, suffixes=("", "_field"))
    return both[["_loan", "_date", "_y", *refs]], both[names]


def _names(selection: Selection) -> tuple[dict[str, str], dict[str, str]]:
    """Return the features' labels and units, as rules name them."""
    chosen = compare_data.driving_fields(selection)
    return {item.name: item.label for item in chosen}, {item.name: item.unit for item in chosen}


@remember
def grains(selection: Selection, sample: str) -> list[str]:
    """Return the periods that the sample can be cut into: months, quarters and years of observation, and vintage.

    Finer ones first; one that has no more periods than the next coarser one is left out. Empty without dates.
    """
    rows = sliced(selection, sample)
    days = sorted(set(rows["_date"].unique()) - {""})
    if not days:
        return [VINTAGE] if GRANTED in rows else []
    counts = [through_time.to_period(days, grain).nunique() for grain in GRAINS]
    found: list[str] = [
        grain for grain, count, coarser in zip(GRAINS, counts, [*counts[1:], 1], strict=True) if count > coarser
    ]
    return [*(found or ["year"]), *([VINTAGE] if GRANTED in rows else [])]


@remember
def by_period(selection: Selection, sample: str, grain: str) -> pd.DataFrame:
    """Metrics of every model by period; of the out-of-time sample also with the rows whose outcome is still open."""
    rows = sliced(selection, sample)
    parts = [rows]
    if sample == "out-of-time":
        parts.append(_open_rows(selection, grain))
    whole = pd.concat(parts, ignore_index=True)
    period = whole[GRANTED] if grain == VINTAGE else through_time.to_period(whole["_date"], grain)  # type: ignore[arg-type]
    return through_time.compute_metrics_by_period(
        whole["_y"],
        _scores(selection, whole).fillna(0.0),  # of open rows: they are counted, never judged
        period,
        cluster=whole["_loan"].fillna(""),
        metrics=METRICS,
        level=policy(selection).level,
    )


def _open_rows(selection: Selection, grain: str) -> pd.DataFrame:
    """Return the rows that have no outcome yet, with nothing but their date and year granted."""
    here = cached.engine(selection)
    rows = select_rows(here.snapshots(), selection.where)
    rows = rows.filter(rows[SAMPLE] == "unlabelled")
    asked: dict[str, ir.Value] = {"_date": rows[OBSERVATION_DATE].cast("date").cast("string")}
    year = _granted(selection)
    if grain == VINTAGE and year is not None:
        asked = {GRANTED: year(rows)}
    found = here.fetch(rows.group_by(**asked).agg(n=ibis._.count()))
    return found.loc[np.repeat(found.index.to_numpy(), found["n"])].drop(columns="n")


@remember
def forecast(selection: Selection, sample: str, challenger: str, champion: str) -> Forecast:
    """Return the log losses of two models by observation date, their difference and the Diebold-Mariano test on it."""
    rows = sliced(selection, sample)
    series = forecast_test.compute_loss_differences(rows["_y"], rows[champion], rows[challenger], rows["_date"])
    months = pd.to_datetime(series["date"]).dt.to_period("M").astype("int64").to_numpy()
    steps = np.diff(months)
    usual = float(np.median(steps)) if steps.size else 1.0
    window = cached.portfolio(selection).schema.horizon_months
    horizon = max(1, int(np.ceil(window / max(usual, 1.0))))
    if steps.size and steps.max() > UNEVEN * usual:
        return Forecast(series, None, horizon, "the dates are not evenly spaced")
    if len(series) <= horizon:
        return Forecast(series, None, horizon, f"{len(series)} dates span no more than one outcome window")
    level = policy(selection).level
    test = forecast_test.compute_diebold_mariano(
        series["difference"], horizon=horizon, variance="newey-west", level=level
    )
    return Forecast(series, None if test.reason else test, horizon, test.reason)


@remember
def fit(selection: Selection, sample: str) -> Fit:
    """Return the calibration of every model: tests, reliability curves with consistency bands, and score parts."""
    data = model_data.judged(selection, sample)
    level = policy(selection).level
    here = sample == "development"
    fitted = {view.ref: here and view.family not in UNKNOWN_TRAINING for view in model_data.models(selection)}
    tests = []
    for in_sample in (False, True):
        chosen = {ref: pds for ref, pds in data.scores.items() if fitted[ref] == in_sample}
        if chosen:
            tests.append(
                calibration_tests.compute_calibration_tests(data.y, chosen, cluster=data.loan, in_sample=in_sample)
            )
    return Fit(
        pd.concat(tests, ignore_index=True),
        reliability.compute_reliability(data.y, data.scores, cluster=data.loan, level=level),
        reliability.compute_corp_parts(data.y, data.scores),
    )
