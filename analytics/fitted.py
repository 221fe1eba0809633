"""How a field is distributed: quantiles and histogram by the engine, and the curve that fits a sample best."""

from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from analytics.book import Fetch
from analytics.odds import Floats

QUANTILES = (0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999)
FEWEST_BINS, MOST_BINS = 12, 60
DISCRETE = 24  # a number with at most so many values is shown value by value and gets no curve
SPIKE = 0.01  # share of exact zeros from which they are left out of the fit
FEWEST = 50  # values for a fit
ALL = "all"


def quantile_name(level: float) -> str:
    """Return the column of a quantile: 0.5 is "q50", 0.001 is "q0.1"."""
    return f"q{100 * level:g}"


def compute_summary(table: ir.Table, column: str, fetch: Fetch, *, by: str | None = None) -> pd.DataFrame:
    """Return one row per group of `by` (one row "all" without), largest first.

    Columns: group, rows, n (known), missing (share), mean, sd, minimum, maximum, distinct (roughly), zeros (share
    of the known), whole (whether all are whole numbers), and the quantiles q0.1 q1 q5 q25 q50 q75 q95 q99 q99.9.
    Rows without a group are left out.
    """
    used = table.filter(table[by].notnull()) if by else table
    value = used[column].cast("float64")
    aggregates = {
        "rows": used.count(),
        "n": value.count(),
        "mean": value.mean(),
        "sd": value.std(how="sample"),
        "minimum": value.min(),
        "maximum": value.max(),
        "distinct": value.approx_nunique(),
        "zeros": (value == 0).sum(),
        "whole": (value == value.round()).all(),
        "quantiles": value.quantile(list(QUANTILES)),
    }
    key = used[by].cast("string") if by else ibis.literal(ALL)
    frame = fetch(used.group_by(group=key).aggregate(**aggregates))
    n = frame["n"].to_numpy(dtype=float)
    spread = np.vstack([np.full(len(QUANTILES), np.nan) if q is None else q for q in frame["quantiles"]] or [[]])
    levels = {quantile_name(level): spread[:, place] for place, level in enumerate(QUANTILES)} if len(frame) else {}
    shares = {"missing": 1 - n / frame["rows"].clip(lower=1), "zeros": frame["zeros"].fillna(0) / np.maximum(n, 1)}
    frame = frame.drop(columns="quantiles").assign(**shares, **levels)
    return frame.sort_values(["rows", "group"], ascending=[False, True], ignore_index=True)


@dataclass(frozen=True)
class Bins:
    """Bins of equal width: `count` of them from `low`."""

    low: float
    width: float
    count: int

    @property
    def high(self) -> float:
        """The upper end of the last bin."""
        return self.low + self.width * self.count


def choose_bins(summary: pd.Series) -> Bins:
    """Return bins from the 0.1 % to the 99.9 % quantile by Freedman and Diaconis, between 12 and 60 of them.

    Width = 2 (q75 − q25) / n^(1/3) (Z. Wahrscheinlichkeitstheorie 57, 1981); whole numbers get whole widths.
    Takes a row of `compute_summary`; raises ValueError where no value is known.
    """
    if not summary["n"]:
        raise ValueError("no value is known, there is nothing to bin")
    low, high = float(summary["q0.1"]), float(summary["q99.9"])
    if low == high:
        low, high = float(summary["minimum"]), float(summary["maximum"])
    span = (high - low) or max(1e-9, abs(low))
    width = 2 * float(summary["q75"] - summary["q25"]) / float(summary["n"]) ** (1 / 3)
    count = int(np.clip(np.ceil(span / width) if width > 0 else MOST_BINS, FEWEST_BINS, MOST_BINS))
    if not summary["whole"]:
        return Bins(low, span / count, count)
    step = max(1.0, np.ceil((span + 1) / count))
    return Bins(np.floor(low) - 0.5, step, int(np.ceil((span + 1) / step)))


def compute_histogram(table: ir.Table, column: str, fetch: Fetch, bins: Bins, *, by: str | None = None) -> pd.DataFrame:
    """Return one row per group and bin: group, place, low, high, n, share (of the group's known values).

    Values outside the bins are in none, so shares may add up to a little less than 1. Empty bins have n 0.
    """
    value = table[column].cast("float64")
    place = ((value - bins.low) / bins.width).floor().cast("int64")
    inside = (value >= bins.low) & (value <= bins.high)
    where = inside.ifelse(ibis.least(place, bins.count - 1), -1)
    group = table[by].cast("string") if by else ibis.literal(ALL)
    rows = table.filter(value.notnull() & group.notnull())
    counted = fetch(rows.group_by(group=group, place=where).agg(n=ibis._.count()))
    wide = counted.pivot(index="group", columns="place", values="n").fillna(0)
    total = wide.sum(axis=1)
    wide = wide.reindex(columns=range(bins.count), fill_value=0)
    frame = wide.rename_axis(columns="place").reset_index().melt("group", var_name="place", value_name="n")
    low = bins.low + bins.width * frame["place"].to_numpy(dtype=float)
    share = frame["n"] / frame["group"].map(total)
    return frame.assign(
        n=frame["n"].astype("int64"), place=frame["place"].astype("int64"), low=low, high=low + bins.width, share=share
    )


def compute_values(table: ir.Table, column: str, fetch: Fetch, *, by: str | None = None) -> pd.DataFrame:
    """Return one row per group and value of a category or a discrete number: group, value, n, share of the known."""
    group = table[by].cast("string") if by else ibis.literal(ALL)
    rows = table.filter(table[column].notnull() & group.notnull())
    frame = fetch(rows.group_by(group=group, value=table[column]).agg(n=ibis._.count()))
    share = frame["n"] / frame.groupby("group")["n"].transform("sum")
    return frame.assign(share=share).sort_values(["group", "value"], ignore_index=True)


@dataclass(frozen=True)
class Fit:
    """Curves fitted to a sample by maximum likelihood.

    `table` has one row per family, best first: family, parameters, aic, ks (largest distance between the empirical
    and the fitted distribution function), n. `part` says which values were fitted ("all", "non-zero"), `share` how
    large a share of the known values they are.
    """

    table: pd.DataFrame
    part: str
    share: float

    @property
    def best(self) -> str:
        """The family with the smallest AIC."""
        return str(self.table["family"].iloc[0])


def fit_curves(values: Floats) -> Fit | None:
    """Fit the normal, and for positive values the log-normal and gamma, and for shares the beta; best by AIC.

    AIC = 2 k − 2 log L, all on the same values. Zeros are left out where they are 1 % or more of the values (no
    continuous curve has a spike) and where all others are positive (the log-normal and the gamma have no zero).
    None for fewer than 50 values or fewer than 25 different ones.
    """
    known = values[np.isfinite(values)]
    zeros = float((known == 0).mean()) if known.size else 0.0
    apart = zeros >= SPIKE or (zeros > 0 and known.min() == 0)
    used = known[known != 0] if apart else known
    if used.size < FEWEST or np.unique(used).size <= DISCRETE:
        return None
    rows = [_fit(family, used) for family in _families(used)]
    table = pd.DataFrame(rows).sort_values("aic", ignore_index=True)
    return Fit(table, "non-zero" if apart else ALL, used.size / known.size)


def _families(values: Floats) -> list[str]:
    if values.min() <= 0:
        return ["normal"]
    return ["normal", "log-normal", "gamma", *(["beta"] if values.max() < 1 else [])]


def _fit(family: str, values: Floats) -> dict[str, object]:
    from scipy.stats import kstest

    law, held = _law(family)
    # Units such as euros by the hundred thousand upset the optimiser of gamma: fit in units of the mean.
    scale = float(values.mean()) if family == "gamma" else 1.0
    parameters = law.fit(values / scale, **held)
    parameters = (*parameters[:-1], parameters[-1] * scale)
    likelihood = float(law.logpdf(values, *parameters).sum())
    distance = float(kstest(values, law.cdf, args=parameters).statistic)
    free = len(parameters) - len(held)
    return {"family": family, "parameters": parameters, "aic": 2 * free - 2 * likelihood, "ks": distance,
            "n": values.size}  # fmt: skip


def _law(family: str) -> tuple[Any, dict[str, float]]:
    from scipy import stats

    laws: dict[str, tuple[Any, dict[str, float]]] = {
        "normal": (stats.norm, {}),
        "log-normal": (stats.lognorm, {"floc": 0}),
        "gamma": (stats.gamma, {"floc": 0}),
        "beta": (stats.beta, {"floc": 0, "fscale": 1}),
    }
    return laws[family]


def compute_curve(fit: Fit, bins: Bins, *, points: int = 241) -> pd.DataFrame:
    """Return the best curve over the bins: x, share (of all known values that a bin of this width at x would hold)."""
    law, _ = _law(fit.best)
    x = np.linspace(bins.low, bins.high, points)
    density: Floats = np.asarray(law.pdf(x, *fit.table["parameters"].iloc[0]), dtype=float)
    return pd.DataFrame({"x": x, "share": np.where(np.isfinite(density), density, np.nan) * bins.width * fit.share})
