"""The profile of a table against pandas, and against what was put in."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.profile import BARS, LEVELS, compute_profile, draw_bars


@pytest.fixture
def frame():
    rng = np.random.default_rng(3)
    return pd.DataFrame({
        "income": np.where(rng.random(4000) < 0.1, np.nan, rng.lognormal(10, 0.5, 4000)),
        "days": rng.choice([0.0, 30.0, 60.0], 4000, p=[0.95, 0.04, 0.01]),
        "region": rng.choice(["North", "South", None], 4000, p=[0.5, 0.3, 0.2]),
        "nothing": pd.Series([None] * 4000, dtype="float64"),
    })  # fmt: skip


def test_numbers_as_pandas_counts_them(frame, database):
    found = compute_profile(database.table(frame), database.fetch, numbers=["income", "days"]).set_index("field")
    assert database.queries == 2
    for name in ("income", "days"):
        column, row = frame[name], found.loc[name]
        assert (row["rows"], row["missing"]) == (4000, column.isna().sum())
        assert row["missing_share"] == column.isna().mean()
        expected = [column.mean(), column.std(), column.min(), *column.quantile([0.05, 0.5, 0.95]), column.max()]
        shown = [row[key] for key in ("mean", "sd", "minimum", "q05", "median", "q95", "maximum")]
        np.testing.assert_allclose(shown, expected)
    assert found.loc["days", "distinct"] == 3
    assert found.loc["income", "distinct"] == pytest.approx(3600, rel=0.1)


def test_categories_as_pandas_counts_them(frame, database):
    row = compute_profile(database.table(frame), database.fetch, categories=["region"]).iloc[0]
    counts = frame["region"].value_counts(normalize=True)
    assert (row["most_frequent"], row["most_frequent_share"]) == ("North", counts["North"])
    assert row["picture"] == [counts["North"], counts["South"]]
    assert row["missing"] == frame["region"].isna().sum()


def test_a_field_without_values_is_all_missing(frame, database):
    row = compute_profile(database.table(frame), database.fetch, numbers=["nothing"]).iloc[0]
    assert row["missing_share"] == 1
    assert np.isnan(row["mean"])
    assert row["picture"] == []


def test_an_id_has_no_most_frequent_value(database):
    table = database.table(pd.DataFrame({"loan": [f"L{k}" for k in range(30_000)]}))
    row = compute_profile(table, database.fetch, categories=["loan"]).iloc[0]
    assert pd.isna(row["most_frequent"])
    assert row["distinct"] == pytest.approx(30_000, rel=0.1)


def test_unknown_fields_are_refused_by_name(frame, database):
    with pytest.raises(ValueError, match="nowhere"):
        compute_profile(database.table(frame), database.fetch, numbers=["nowhere"])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300))
def test_bars_are_shares(values):
    bars = draw_bars(np.quantile(values, LEVELS))
    assert len(bars) in (1, BARS)
    assert min(bars) >= -1e-12
    assert sum(bars) == pytest.approx(1)


def test_bars_of_even_values_are_even():
    np.testing.assert_allclose(draw_bars(np.array(LEVELS))[1:-1], 0.98 / BARS, rtol=1e-9)


def test_a_spike_stands_in_its_own_bar():
    # 90 % zeros, the rest spread evenly up to 100: nine tenths of the mass belong to the first bar.
    values = np.concatenate([np.zeros(900), np.linspace(1, 100, 100)])
    bars = draw_bars(np.quantile(values, LEVELS))
    assert bars[0] >= 0.9
