"""Distributions against numpy and pandas on the same rows; planted laws are recognised."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics.fitted import (
    Bins,
    choose_bins,
    compute_curve,
    compute_histogram,
    compute_summary,
    compute_values,
    fit_curves,
)


@pytest.fixture
def rows():
    rng = np.random.default_rng(9)
    frame = pd.DataFrame({"income": rng.lognormal(11, 0.5, 5000), "country": rng.choice(["X", "Y"], 5000)})
    frame.loc[:99, "income"] = np.nan
    frame.loc[100:119, "country"] = None
    return frame


def test_summary_is_numpys(rows, database):
    row = compute_summary(database.table(rows), "income", database.fetch).iloc[0]
    known = rows["income"].dropna().to_numpy()
    assert (row["rows"], row["n"], row["missing"]) == (5000, 4900, pytest.approx(0.02))
    assert row["mean"] == pytest.approx(known.mean())
    assert row["sd"] == pytest.approx(known.std(ddof=1))
    assert [row[name] for name in ("q0.1", "q5", "q50", "q99.9")] == pytest.approx(
        list(np.quantile(known, [0.001, 0.05, 0.5, 0.999]))
    )
    assert database.queries == 1


def test_summary_by_group_is_pandas(rows, database):
    table = compute_summary(database.table(rows), "income", database.fetch, by="country").set_index("group")
    median = rows.groupby("country")["income"].median()
    assert table["q50"].to_dict() == pytest.approx(median.to_dict())
    assert table["rows"].sum() == 4980


@pytest.mark.parametrize("by", [None, "country"])
def test_histogram_is_numpys(rows, database, by):
    table = database.table(rows)
    bins = choose_bins(compute_summary(table, "income", database.fetch).iloc[0])
    found = compute_histogram(table, "income", database.fetch, bins, by=by)
    edges = bins.low + bins.width * np.arange(bins.count + 1)
    for group, part in found.groupby("group"):
        own = rows["income"].dropna() if by is None else rows[rows["country"] == group]["income"].dropna()
        counts, _ = np.histogram(own, bins=edges)
        # A value on an inner edge may fall to either side by rounding: none does here
        np.testing.assert_array_equal(part.sort_values("place")["n"], counts)
        assert part["share"].sum() == pytest.approx(counts.sum() / len(own))


def summary(**values):
    return pd.Series({"n": 1000, "q0.1": 0.0, "q25": 2.0, "q75": 6.0, "q99.9": 10.0, "minimum": 0.0, "maximum": 10.0,
                      "whole": False, **values})  # fmt: skip


def test_bins_of_freedman_and_diaconis():
    # 2 · (6 − 2) / 1000^(1/3) = 0.8: 10 / 0.8 = 12.5, so 13 bins
    assert choose_bins(summary()) == Bins(0.0, 10 / 13, 13)
    assert choose_bins(summary(n=10)).count == 12
    assert choose_bins(summary(n=10**9)).count == 60
    whole = choose_bins(summary(whole=True))
    assert (whole.low, whole.width, whole.count) == (-0.5, 1.0, 11)
    with pytest.raises(ValueError, match="no value"):
        choose_bins(summary(n=0))


def test_one_value_and_a_spike_still_have_bins():
    assert choose_bins(summary(q25=0, q75=0)).count == 60
    constant = choose_bins(summary(**{"q0.1": 5.0, "q25": 5.0, "q75": 5.0, "q99.9": 5.0}, minimum=5.0, maximum=5.0))
    assert constant.width > 0


@pytest.mark.parametrize(
    ("law", "family"),
    [(stats.norm(5, 2), "normal"), (stats.lognorm(0.6, scale=40_000), "log-normal"),
     (stats.gamma(2.5, scale=30_000), "gamma"), (stats.beta(2, 5), "beta")],
)  # fmt: skip
def test_planted_laws_are_recognised(law, family):
    values = law.rvs(4000, random_state=np.random.default_rng(1))
    fit = fit_curves(values)
    assert fit.best == family
    best = fit.table.iloc[0]
    assert best["ks"] == pytest.approx(stats.kstest(values, law.cdf).statistic, abs=0.02)
    assert best["ks"] < 0.02


def test_aic_of_the_normal_in_closed_form():
    # Maximum likelihood: −2 log L = n (log(2π σ²) + 1) with σ² over n; two parameters
    values = np.random.default_rng(3).normal(-1, 2, 500)
    row = fit_curves(values).table.iloc[0]
    assert row["aic"] == pytest.approx(4 + 500 * (np.log(2 * np.pi * values.var()) + 1))


def test_zeros_are_left_out_and_the_curve_scaled():
    rng = np.random.default_rng(4)
    values = np.where(rng.random(5000) < 0.4, 0.0, rng.lognormal(3, 0.4, 5000))
    fit = fit_curves(values)
    assert (fit.part, fit.best) == ("non-zero", "log-normal")
    assert fit.share == pytest.approx(np.mean(values > 0))
    bins = Bins(0.01, 0.5, 400)
    curve = compute_curve(fit, bins, points=4001)
    area = np.trapezoid(curve["share"], curve["x"]) / bins.width
    assert area == pytest.approx(fit.share, abs=0.001)


def test_few_values_get_no_curve():
    assert fit_curves(np.arange(20.0)) is None
    assert fit_curves(np.tile(np.arange(12.0), 50)) is None
    assert fit_curves(np.array([np.nan] * 80)) is None


def test_values_are_counted(rows, database):
    found = compute_values(database.table(rows), "country", database.fetch).set_index("value")
    assert found["n"].to_dict() == rows["country"].value_counts().to_dict()
    assert found["share"].sum() == pytest.approx(1)
