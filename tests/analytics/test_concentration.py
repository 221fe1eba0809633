import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.concentration import (
    BAND_NAMES,
    band_ltv,
    compute_herfindahl,
    compute_shares,
    compute_top_shares,
    fetch_largest,
)


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_equal_groups_have_an_effective_number_of_themselves(n):
    assert 1 / compute_herfindahl(np.full(n, 3.5)) == pytest.approx(n)


def test_herfindahl_of_a_geometric_series():
    # Shares 1/2, 1/4, … : Σ 4^−k from k = 1 is 1/3.
    assert compute_herfindahl(0.5 ** np.arange(1, 60)) == pytest.approx(1 / 3)


@given(st.lists(st.floats(0.01, 1e9), min_size=1, max_size=40))
def test_herfindahl_lies_between_equal_and_one_and_is_variance_plus_equal(amounts):
    shares = np.array(amounts) / sum(amounts)
    found = compute_herfindahl(amounts)
    assert 1 / len(amounts) - 1e-12 <= found <= 1 + 1e-12
    assert found == pytest.approx(1 / len(amounts) + len(amounts) * np.var(shares))


def test_no_exposure_has_no_concentration():
    assert np.isnan(compute_herfindahl([0, 0]))
    with pytest.raises(ValueError, match="0 or more"):
        compute_herfindahl([1, -1])


def test_shares_sum_to_one():
    found = compute_shares(pd.DataFrame({"amount": [1.0, 3.0]}), amount="amount")
    assert found["share"].tolist() == [0.25, 0.75]


def test_top_shares_by_hand():
    found = compute_top_shares([5, 1, 4], 20, tops=(2, 3, 10))
    assert found["top"].tolist() == [2, 3]  # there are no ten
    assert found["exposure"].tolist() == [9, 10]
    assert found["share"].tolist() == [0.45, 0.5]
    assert compute_top_shares([5, 1], 6)["top"].tolist() == [2]
    assert compute_top_shares([], 0).empty


def test_largest_borrowers_sum_their_loans(database):
    rows = pd.DataFrame({"b": ["x", "y", "x", None], "e": [3.0, 5.0, 4.0, 99.0]})
    found = fetch_largest(database.table(rows), database.fetch, amount="e", by="b", top=2)
    assert found.to_dict("list") == {"b": ["x", "y"], "exposure": [7.0, 5.0]}


@pytest.mark.parametrize(("unit", "scale"), [("share", 1), ("%", 100)])
def test_bands_hold_their_upper_end(database, unit, scale):
    values = [0.2, 0.5, 0.5001, 0.8, 0.8001, 1.0, 1.01, None]
    table = database.table(pd.DataFrame({"ltv": [None if v is None else v * scale for v in values]}))
    found = database.fetch(table.select("ltv", band=band_ltv(table.ltv, unit=unit)))
    by_value = dict(zip((found["ltv"] / scale).round(4), found["band"], strict=True))
    assert [by_value[v] for v in values[:-1]] == [
        "up to 50 %", "up to 50 %", "50–60 %", "70–80 %", "80–90 %", "90–100 %", "above 100 %",
    ]  # fmt: skip
    assert found.loc[found["ltv"].isna(), "band"].isna().all()
    assert set(found["band"].dropna()) <= set(BAND_NAMES)
