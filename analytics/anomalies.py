"""Which months of which field look wrong: robust surprises of monthly aggregates, by segment.

A series is one statistic of one field in one segment, month by month, judged by the months before it (`surprise.py`).
Thresholds are family-wise: if nothing is wrong, one false alarm in `MONTHS_PER_ALARM` months over all series of all
tables together (Bonferroni: each is tested at 1 / `MONTHS_PER_ALARM` / tables / series of its table). What is small is
left out as well: a wrong delivery is seldom subtle, and a slow move is the business of drift monitoring.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analytics.odds import Floats
from analytics.surprise import FAR, Surprise, measure_surprise, name_factor, rolling_sum

MONTHS_PER_ALARM = 24
LEAST_SHIFT = float(np.log(1.25))  # of a level, in logarithms
LEAST_MIX = 0.2  # of a category's share
LEAST_MISSING = 0.05  # jump of the share missing
WINDOWS = (1, 3)  # months over which missing values are counted: few rows a month show a loss only together
LEAST_FACTOR = 3.0  # of a change of unit
LEAST_SCALE = 0.01  # surprises below one per cent are not told apart
KEYS = ["table", "field", "segment", "value"]


@dataclass(frozen=True)
class Panel:
    """The series of one table as arrays of months × series."""

    periods: pd.DatetimeIndex
    series: pd.DataFrame
    n: Floats
    missing: Floats
    counted: Floats
    level: Floats
    spread: Floats
    kind: NDArray[np.str_]  # of each series' level: "log", "mean" or "most"


def detect_anomalies(profile: pd.DataFrame, *, derived: Collection[str] = ()) -> pd.DataFrame:
    """Return the runs of surprising months of every series of a profile (`portfolio.monthly_profile`).

    Tables named in `derived` are computed from the others and follow the economy: only their missing values and
    changes of unit are judged.

    Columns: table, field, segment, value, kind ("missing", "unit", "level", "mix" or "rows"), first and last
    (periods), lasting (still so in the last period), size (difference of logarithms, of shares, or of means in
    standard deviations), error (its standard error), z, n (rows in the run's months), before and after (the
    statistic), factor (of a change of unit, else NaN). Tables of one undated period have no anomalies.
    """
    dated = profile[profile["period"].notna()]
    parts = [part for _, part in dated.groupby("table", sort=False) if part["period"].nunique() > 3]
    found = [_detect_table(part, len(parts)) for part in parts]
    rows = [row for part in found for row in part if row["table"] not in derived or row["kind"] in ("missing", "unit")]
    names = [*KEYS, "kind", "first", "last", "lasting", "size", "error", "z", "n", "before", "after", "factor"]
    return pd.DataFrame(rows, columns=names)


def _detect_table(part: pd.DataFrame, tables: int) -> list[dict[str, object]]:
    panel = _make_panel(part)
    tests = int(np.isfinite(panel.level).any(axis=0).sum()) + panel.level.shape[1]
    alpha = 1 / MONTHS_PER_ALARM / tables / max(tests, 1)
    found = _find_missing(panel, alpha) + _find_shifts(panel, alpha)
    return found + (_find_lost_rows(panel, alpha) if part["table"].iloc[0] == "performance" else [])


def _make_panel(part: pd.DataFrame) -> Panel:
    periods = pd.DatetimeIndex(sorted(part["period"].unique()))
    row = periods.get_indexer(pd.DatetimeIndex(part["period"]))
    column = part.groupby(KEYS, sort=False).ngroup().to_numpy()
    series = part[KEYS].assign(column=column).drop_duplicates("column").sort_values("column", ignore_index=True)
    kinds = _kinds_of_level(part)
    kind = part["field"].map(kinds).to_numpy(dtype=str)
    log, mean = kind == "log", kind == "mean"
    counted = np.where(log, part["positive"], part["n"] - part["missing"])
    level = np.where(log, part["log_mean"], np.where(mean, part["mean"], part["most"]))
    present = part["n"] - part["missing"]
    share = (part["most"] * present + 2) / (present + 4)  # Agresti and Coull: no certainty from a few equal rows
    spread = np.where(log, part["log_std"], np.where(mean, part["std"], np.sqrt(share * (1 - share))))

    def shape(values: object, empty: float) -> Floats:
        grid = np.full((len(periods), len(series)), empty)
        grid[row, column] = values
        return grid

    level = np.where(counted > 0, level, np.nan)
    counts = shape(part["n"], 0.0), shape(part["missing"], 0.0), shape(counted, 0.0)
    kind = series["field"].map(kinds).to_numpy(dtype=str)
    return Panel(periods, series[KEYS], *counts, shape(level, np.nan), shape(spread, np.nan), kind)


def _take(panel: Panel, columns: NDArray[np.intp]) -> Panel:
    """Return some of the series of a panel."""
    series = panel.series.iloc[columns].reset_index(drop=True)
    n, missing, counted = (item[:, columns] for item in (panel.n, panel.missing, panel.counted))
    level, spread = panel.level[:, columns], panel.spread[:, columns]
    return Panel(panel.periods, series, n, missing, counted, level, spread, panel.kind[columns])


def _kinds_of_level(part: pd.DataFrame) -> pd.Series:
    """Return what is followed by field: the logarithm's mean if it is never negative, else the mean; share of words."""
    whole = part.groupby("field").agg(minimum=("minimum", "min"), positive=("positive", "sum"))
    log = (whole["minimum"] >= 0) & (whole["positive"] > 0)
    return pd.Series(np.select([whole["minimum"].isna(), log], ["most", "log"], "mean"), index=whole.index)


def _find_shifts(panel: Panel, alpha: float) -> list[dict[str, object]]:
    """Return the runs in which a level jumped: changes of unit, level shifts and changes of a category's share."""
    surprise = measure_surprise(panel.level, panel.spread, panel.counted, alpha)
    unit = np.where(panel.kind == "mean", _typical(panel.spread), 1.0)  # means are followed in standard deviations
    shift, error = surprise.shift / unit, surprise.error / unit
    floor = np.where(panel.kind == "log", LEAST_SCALE, 0.0)
    scale = np.maximum(np.maximum(surprise.scale / unit, error), floor)
    least = np.select([panel.kind == "log", panel.kind == "most"], [LEAST_SHIFT, LEAST_MIX], 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = shift / np.where(scale > 0, scale, np.nan)
        level = (np.abs(z) > surprise.bar) & (np.abs(shift) >= least) & (panel.counted >= 10)
        # A factor of a thousand needs no long record: the sampling error alone, and far beyond what has been usual.
        crude = np.maximum(np.maximum(error, floor) * surprise.crude_bar, np.nan_to_num(surprise.scale / unit) * 6)
        factor = (panel.kind == "log") & (np.abs(shift) >= np.log(LEAST_FACTOR)) & (np.abs(shift) > crude)
    jump = np.abs(np.diff(panel.level, axis=0, prepend=np.nan) / unit)
    abrupt = ~(jump < np.abs(shift) / 2)
    flags = (level | factor) & abrupt
    return [
        _describe_shift(panel, surprise, (shift, error, z), run)
        for run in _find_runs(panel.level, surprise.base, flags)
    ]


def _typical(spread: Floats) -> Floats:
    """Return each series' median spread, 1 where there is none."""
    known = np.where(spread > 0, spread, np.nan)
    filled = np.where(np.isfinite(known).any(axis=0), known, 1.0)
    return np.asarray(np.nanmedian(filled, axis=0), dtype=float)


Run = tuple[int, int, int]  # column, first row, row after the last


def _find_runs(values: Floats, base: Floats, flags: NDArray[np.bool_]) -> Iterator[Run]:
    """Yield each series' runs: from a flagged month for as long as the value is nearer to it than to the former."""
    for column in np.flatnonzero(flags.any(axis=0)):
        after, former = 0, np.nan
        for flagged in np.flatnonzero(flags[:, column]):
            start = int(flagged)
            moved = abs(values[start, column] - base[start, column]) / 2
            if start < after or abs(values[start, column] - former) < moved:
                continue  # within the run, or the return to where the level stood before it
            former = base[start, column]
            while start > after and abs(values[start - 1, column] - former) >= moved:
                start -= 1  # it began before it could be told from chance
            gone = np.flatnonzero(~(np.abs(values[start:, column] - former) >= moved))
            after = start + int(gone[0]) if gone.size else len(values)
            yield int(column), start, after


def _describe_shift(
    panel: Panel, surprise: Surprise, found: tuple[Floats, Floats, Floats], run: Run
) -> dict[str, object]:
    """Return a run's row; its size is that of the run's most surprising month."""
    column, start, after = run
    shift, error, z = found
    month = start + int(np.nanargmax(np.abs(shift[start:after, column])))
    before, now = surprise.base[month, column], panel.level[month, column]
    logs, factor = panel.kind[column] == "log", np.nan
    if logs:
        factor = name_factor(now - before, min(max(0.1, 4 * float(error[month, column])), 0.35))
        before, now = np.exp(before), np.exp(now)
    kind = "unit" if np.isfinite(factor) else "mix" if panel.kind[column] == "most" else "level"
    measured = {"size": shift[month, column], "error": error[month, column], "z": z[month, column],
                "before": before, "after": now, "factor": factor}  # fmt: skip
    return _describe_run(panel, run, kind) | {name: float(value) for name, value in measured.items()}


def _describe_run(panel: Panel, run: Run, kind: str) -> dict[str, object]:
    column, start, after = run
    return {name: str(panel.series[name].iloc[column]) for name in KEYS} | {
        "kind": kind, "first": panel.periods[start], "last": panel.periods[after - 1],
        "lasting": after == len(panel.periods), "n": int(panel.n[start:after, column].sum()),
    }  # fmt: skip


def _find_missing(panel: Panel, alpha: float) -> list[dict[str, object]]:
    """Return the runs in which more values are missing than the months before foretell.

    The number missing in a month, and in three, is judged by the beta-binomial distribution that the 24 months before
    foretell (Jeffreys prior), exact for few rows too, and the share must lie beyond its usual surprises.
    """
    from scipy.stats import norm

    panel = _take(panel, np.flatnonzero(panel.missing.any(axis=0)))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(panel.n > 0, panel.missing / panel.n, np.nan)
    # Without spread: the sampling error is in the exact test.
    surprise = measure_surprise(share, np.zeros_like(share), panel.n, alpha)
    p = np.minimum(*(_foretell(panel, surprise, months) for months in WINDOWS))
    z = norm.isf(np.clip(p, 1e-300, 1))
    flags = (p < alpha / len(WINDOWS)) & (share - surprise.base >= LEAST_MISSING)
    found = []
    for run in _find_runs(share, surprise.base, flags):
        column, start, after = run
        n, gone = panel.n[start:after, column].sum(), panel.missing[start:after, column].sum()
        before, now = float(surprise.base[start, column]), float(gone / n)
        error = float(np.sqrt(max(now * (1 - now), 0.25 / n) / n))
        found.append(
            _describe_run(panel, run, "missing")
            | {"size": now - before, "error": error, "z": float(z[start:after, column].max()), "before": before,
               "after": now, "factor": np.nan}
        )  # fmt: skip
    return found


def _foretell(panel: Panel, surprise: Surprise, months: int) -> Floats:
    """Return the chance of as many missing values in `months` months up to each, foretold by the months before them.

    1 where the share has risen by less than `LEAST_MISSING` or no more than it often does.
    """
    from scipy.stats import betabinom

    n, missing = (np.cumsum(item, axis=0) for item in (panel.n, panel.missing))
    n, missing = (item - np.vstack([np.zeros((months, item.shape[1])), item[:-months]]) for item in (n, missing))
    rows, lost = (_shift(rolling_sum(item, FAR), months - 1) for item in (panel.n, panel.missing))
    base = _shift(surprise.base, months - 1)
    usual = np.nan_to_num(surprise.scale)
    with np.errstate(invalid="ignore", divide="ignore"):
        risen = missing / n - base
        likely = (risen >= LEAST_MISSING) & ((usual == 0) | (risen > surprise.bar * usual))
    likely &= (rows >= 10) & (missing >= 3)
    p = np.ones_like(n)
    p[likely] = betabinom.sf(missing[likely] - 1, n[likely], lost[likely] + 0.5, (rows - lost)[likely] + 0.5)
    return p


def _shift(values: Floats, rows: int) -> Floats:
    return np.vstack([np.full((rows, values.shape[1]), np.nan), values[: len(values) - rows]])


def _find_lost_rows(panel: Panel, alpha: float) -> list[dict[str, object]]:
    """Return the runs in which a month of loans has far more or fewer rows than the months before."""
    first = panel.series.drop_duplicates(["segment", "value"]).index.to_numpy()
    n = panel.n[:, first]
    with np.errstate(divide="ignore"):
        level = np.log(np.where(n > 0, n, 0.5))
    series = panel.series.iloc[first].assign(field="").reset_index(drop=True)
    level = np.where(np.cumsum(n, axis=0) > 0, level, np.nan)  # a segment that has not begun has lost nothing
    rows = Panel(panel.periods, series, n, np.zeros_like(n), np.maximum(n, 10), level, np.ones_like(n),
                 np.full(len(first), "log"))  # fmt: skip
    found = _find_shifts(rows, alpha)
    return [row | {"kind": "rows"} for row in found]
