"""Similar loans: distances by hand, neighbours as scikit-learn finds them, what became of loans like it by counting."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta
from sklearn.neighbors import NearestNeighbors

from analytics import similar

SEED = 5


def make_scores(n=400):
    rng = np.random.default_rng(SEED)
    phi = pd.DataFrame(rng.normal(size=(n, 3)), columns=["phi_a", "phi_b", "phi_c"])
    return phi.assign(_loan=[f"L{i:04}" for i in range(n)])


def test_neighbours_by_reasons_are_those_of_scikit_learn(database):
    frame = make_scores()
    table = database.table(frame)
    phi = frame[["phi_a", "phi_b", "phi_c"]].to_numpy()
    gap, place = NearestNeighbors(n_neighbors=6).fit(phi).kneighbors(phi[:1])
    own = {name: phi[0, i] for i, name in enumerate("abc")}
    found = similar.find_nearest(table, similar.attribution_gap(table, own), database.fetch, loan="L0000", keep=[],
                                 limit=5)  # fmt: skip
    assert list(found["_loan"]) == [f"L{i:04}" for i in place[0, 1:]]  # the first neighbour is the loan itself
    np.testing.assert_allclose(found["_distance"], gap[0, 1:], rtol=1e-12)


def test_loans_without_attributions_are_left_out(database):
    frame = make_scores(20)
    frame.loc[3:, ["phi_a", "phi_b", "phi_c"]] = np.nan
    table = database.table(frame)
    gap = similar.attribution_gap(table, {"a": 0.0, "b": 0.0, "c": 0.0})
    found = similar.find_nearest(table, gap, database.fetch, loan="L0000", keep=["phi_a"], limit=10)
    assert sorted(found["_loan"]) == ["L0001", "L0002"]


def test_distance_by_fields_by_hand(database):
    frame = pd.DataFrame({
        "_loan": ["self", "same", "rate", "income", "lost", "far"],
        "income": [40.0, 40.0, 40.0, 60.0, np.nan, 80.0],
        "rate": ["fixed", "fixed", "variable", "fixed", "fixed", None],
        "gone": [np.nan, np.nan, np.nan, np.nan, np.nan, 1.0],
    })  # fmt: skip
    table = database.table(frame)
    loan = {"income": 40.0, "rate": "fixed", "gone": None}
    gap = similar.field_gap(table, loan, {"income": 20.0, "gone": 1.0}, {"income": 3.0, "rate": 1.0, "gone": 1.0})
    found = similar.find_nearest(table, gap, database.fetch, loan="self", keep=[], limit=9).set_index("_loan")
    # Weights 3/5, 1/5, 1/5. A category that differs: √(1/5). One spread of income, or a lost income: √(3/5).
    # Far: income two spreads off (4 · 3/5), no rate (1/5), a value where the loan has none (1/5): √(14/5).
    expected = {"same": 0.0, "rate": 0.2**0.5, "income": 0.6**0.5, "lost": 0.6**0.5, "far": 2.8**0.5}
    assert found["_distance"].to_dict() == pytest.approx(expected)
    assert list(found.index) == ["same", "rate", "income", "lost", "far"]


def test_a_distance_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one field"):
        similar.field_gap(None, {}, {}, {})


def test_spreads_are_quantile_ranges_else_deviations_else_one(database):
    n = 101
    late = np.zeros(n)
    late[:5] = 30.0  # 5 of 101 in arrears: the 10 and 90 % quantiles are both 0
    frame = pd.DataFrame({"even": np.arange(n, dtype=float), "late": late, "same": np.full(n, 7.0)})
    found = similar.compute_spreads(database.table(frame), ["even", "late", "same"], database.fetch)
    assert found == pytest.approx({"even": 80.0, "late": late.std(ddof=1), "same": 1.0})  # 90 − 10 of 0 … 100
    assert similar.compute_spreads(database.table(frame), [], database.fetch) == {}


def make_past(loans=1000, dates=3):
    """Loans at three dates: `x` is 0 … 999 and drifts by 0.1 a date; those below 100 default."""
    rows = [
        {"_loan": f"L{i:04}", "x": i + 0.1 * date, "y": float(i < 100), "pd": 0.5 if i < 50 else 0.1}
        for i in range(loans) for date in range(dates)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_fate_counts_each_of_the_nearest_loans_once(database):
    table = database.table(make_past())
    gap = similar.field_gap(table, {"x": 75.0}, {"x": 1.0}, {"x": 1.0})
    found = similar.compute_fate(table, gap, database.fetch, loan="L0075", outcome="y", pd_column="pd")
    # 999 other loans, a twentieth is 49: those from 51 to 100 but 75 itself (25 above at 100, 24 below at 51; 50 at
    # 0.2 past is 24.8 away, as near as 100 at 25.0 is not). Counted over the frame, the slow way:
    frame = make_past()
    frame = frame[frame["_loan"] != "L0075"].assign(gap=lambda f: (f["x"] - 75).abs())
    near = frame.sort_values(["gap", "_loan"]).drop_duplicates("_loan").head(49)
    assert (found.total, found.n, found.events) == (999, 49, int(near["y"].sum()))
    assert found.expected == pytest.approx(near["pd"].mean())
    # Jeffreys: the quantiles of Beta(x + ½, n − x + ½), here by scipy.
    assert found.low == pytest.approx(beta.ppf(0.025, found.events + 0.5, 49 - found.events + 0.5))
    assert not found.few


def test_fate_is_left_out_where_a_twentieth_is_fewer_than_thirty(database):
    table = database.table(make_past(loans=600, dates=1))  # 599 others: a twentieth is 29
    gap = similar.field_gap(table, {"x": 75.0}, {"x": 1.0}, {"x": 1.0})
    found = similar.compute_fate(table, gap, database.fetch, loan="L0075", outcome="y")
    assert found.few
    assert (found.total, found.n) == (599, 0)


def test_fate_takes_no_more_than_three_hundred_and_no_unknown_outcomes(database):
    frame = make_past(loans=8000, dates=1)
    frame.loc[frame.index % 10 == 0, "y"] = np.nan
    table = database.table(frame)
    gap = similar.field_gap(table, {"x": 0.0}, {"x": 1.0}, {"x": 1.0})
    found = similar.compute_fate(table, gap, database.fetch, loan="none", outcome="y")
    assert (found.total, found.n, found.events) == (7200, 300, 90)  # below 100 nine of ten are known
    assert np.isnan(found.expected)
