"""Moves between states against hand-made histories: matrices, rates and the difference of two periods."""

import itertools

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from analytics.transitions import (
    CURES,
    LIVE,
    ROLLS,
    STATES,
    add_period,
    add_position,
    compute_arrears_flows,
    compute_difference,
    compute_flows,
    compute_matrix,
    compute_rates,
    find_cell,
    find_change,
    find_step,
    last_months,
    list_periods,
)

BACKEND = ibis.duckdb.connect()


def fetch(expression):
    return BACKEND.to_pyarrow(expression).to_pandas(date_as_object=False)


def flow(paths, start="2020-01-31", balance=100.0):
    """Flows of loans given as their states month by month; "" is a month without a row."""
    months = pd.date_range(start, periods=max(map(len, paths)), freq="ME")
    rows = []
    for path in paths:
        for place, state in enumerate(path):
            if state:
                before = (path[place - 1] if place else "") or "new"
                rows.append((months[place], before, state, 1, 0.0 if before == "new" else balance))
    frame = pd.DataFrame(rows, columns=["month", "state_before", "state", "loans", "exposure_before"])
    return frame.groupby(["month", "state_before", "state"], as_index=False).sum()


# Four loans over four months: one falls late and cures, one rolls to default and is written off, one prepays,
# one is missing in month 2 and comes back (so it comes from nowhere).
HAND = flow([
    ["current", "30", "current", "current"],
    ["30", "60", "default", "written off"],
    ["current", "current", "prepaid"],
    ["current", "", "current", "30"],
])  # fmt: skip


def test_matrix_of_a_hand_made_history():
    cells = compute_matrix(HAND).set_index(["state_before", "state"])
    # From current: 1→30 (loan 1), stays (loan 1, loan 3), prepaid (loan 3), 30 (loan 4): 5 moves.
    assert cells.loc[("current", "30"), ["loans", "n"]].tolist() == [2, 5]
    assert cells.loc[("current", "current"), ["loans", "n"]].tolist() == [2, 5]
    assert cells.loc[("current", "prepaid"), ["loans", "n"]].tolist() == [1, 5]
    assert cells.loc[("30", "60"), "share"] == 0.5
    assert cells.loc[("30", "current"), "share"] == 0.5
    assert cells.loc[("60", "default"), "share"] == 1
    assert cells.loc[("default", "written off"), "share"] == 1
    assert cells["small"].all()


def test_rows_sum_to_one_and_no_loan_is_lost():
    matrix = compute_matrix(HAND)
    sums = matrix.groupby("state_before")["share"].sum()
    assert sums.to_numpy() == pytest.approx(np.ones(4))
    assert matrix["loans"].sum() == HAND.loc[HAND["state_before"] != "new", "loans"].sum() == 9
    assert len(matrix) == len(LIVE) * len(STATES)


PATHS = st.lists(st.lists(st.sampled_from(LIVE), min_size=2, max_size=6), min_size=1, max_size=12)


@given(PATHS)
def test_matrix_is_the_crosstab_of_consecutive_states(paths):
    pairs = pd.DataFrame([pair for path in paths for pair in itertools.pairwise(path)],
                         columns=["before", "after"])  # fmt: skip
    expected = pd.crosstab(pairs["before"], pairs["after"], normalize="index")
    matrix = compute_matrix(flow(paths)).set_index(["state_before", "state"])["share"]
    for before in expected.index:
        for after in expected.columns:
            assert matrix[(before, after)] == pytest.approx(expected.loc[before, after])
    seen = matrix.groupby("state_before").sum()[expected.index]
    assert seen.to_numpy() == pytest.approx(np.ones(len(seen)))


@given(PATHS)
def test_months_conserve_loans(paths):
    flows = flow(paths)
    for month, moves in flows[flows["state_before"] != "new"].groupby("month"):
        before = flows[flows["month"] == month - pd.offsets.MonthEnd(1)].groupby("state")["loans"].sum()
        out = moves.groupby("state_before")["loans"].sum()
        assert (out <= before[out.index]).all()  # a path may end with the data, but never come from nowhere


def test_flows_are_summed_over_segments_and_unknown_states_refused():
    two = pd.concat([HAND.assign(country="X"), HAND.assign(country="Y")])
    frame = compute_flows(ibis.memtable(two), fetch)
    merged = frame.merge(HAND, on=["month", "state_before", "state"])
    assert len(frame) == len(HAND) == len(merged)
    assert (merged["loans_x"] == 2 * merged["loans_y"]).all()
    with pytest.raises(ValueError, match="got 90"):
        compute_flows(ibis.memtable(HAND.assign(state="90")), fetch)


def test_rates_by_month_and_year():
    monthly = compute_rates(HAND, "month").set_index(["period", "state_before", "state"])
    assert monthly.loc[("2020-02", "current", "30"), ["loans", "n"]].tolist() == [1, 2]
    assert monthly.loc[("2020-02", "30", "60"), "share"] == 1
    assert monthly.loc[("2020-03", "30", "current"), "share"] == 1
    assert np.isnan(monthly.loc[("2020-03", "default", "current"), "share"])  # nobody was in default before
    yearly = compute_rates(HAND, "year")
    assert len(yearly) == len(ROLLS) + len(CURES)
    assert yearly.set_index(["state_before", "state"]).loc[("current", "30"), ["loans", "n"]].tolist() == [2, 5]
    assert set(yearly.loc[yearly["state"] == "current", "kind"]) == {"cure"}


def test_rate_interval_is_jeffreys():
    flows = pd.DataFrame({"month": pd.Timestamp("2020-02-29"), "state_before": "30", "state": ["60", "current"],
                          "loans": [30, 70], "exposure_before": [600.0, 400.0]})  # fmt: skip
    row = compute_rates(flows).set_index(["state_before", "state"]).loc[("30", "60")]
    assert row["share_low"] == pytest.approx(beta.ppf(0.025, 30.5, 70.5))
    assert row["share_high"] == pytest.approx(beta.ppf(0.975, 30.5, 70.5))
    assert row["share_exposure"] == pytest.approx(0.6)
    assert not row["small"]


def test_periods():
    assert list_periods(HAND, "month") == ["2020-02", "2020-03", "2020-04"]  # in January all loans are new
    assert list_periods(HAND, "quarter") == ["2020 Q1", "2020 Q2"]
    assert add_period(HAND, "year")["period"].unique().tolist() == ["2020"]
    with pytest.raises(ValueError, match="month, quarter, year"):
        add_period(HAND, "week")


@pytest.mark.parametrize(("months", "step"), [
    (["2023-12-31"], 1),
    (["2023-11-30", "2023-12-31", "2024-01-31", "2024-05-31"], 1),  # months are missing in a monthly book
    (["2023-09-30", "2023-12-31", "2024-03-31"], 3),
    ([], 1),
])  # fmt: skip
def test_the_step_is_the_usual_distance_of_reporting_dates(months, step):
    frame = pd.DataFrame({"month": pd.to_datetime([*months, *months])})
    assert find_step(frame) == step


def test_last_months_are_counted_from_the_end_also_over_gaps():
    months = pd.to_datetime(["2019-01-31", "2020-01-31", "2020-02-29", "2020-12-31"])
    frame = pd.DataFrame({"month": months})
    assert last_months(frame, 12)["month"].tolist() == list(months[1:])
    assert last_months(frame, 12, skip=12)["month"].tolist() == [months[0]]


def test_position_is_within_each_rate_and_leaves_small_cells_out():
    rates = pd.DataFrame({"state_before": "30", "state": ["60"] * 4, "share": [0.1, 0.3, 0.2, 0.9],
                          "small": [False, False, False, True]})  # fmt: skip
    assert add_position(rates, "share")["position"].tolist()[:3] == pytest.approx([0, 1, 0.5])
    assert np.isnan(add_position(rates, "share")["position"].iloc[3])
    even = add_position(rates.assign(share=0.2), "share")["position"]
    assert even.tolist()[:3] == [0.5, 0.5, 0.5]


def one_month(rolled, stayed, cured=0):
    """Flows of loans 30 days late, and current ones that stay so."""
    return pd.DataFrame({"month": pd.Timestamp("2020-02-29"), "state_before": ["30", "30", "30", "current"],
                         "state": ["60", "30", "current", "current"], "loans": [rolled, stayed, cured, 1000],
                         "exposure_before": [1.0, 1.0, 1.0, 1.0]})  # fmt: skip


def test_difference_interval_is_mover_by_hand():
    after, before = (compute_matrix(one_month(*counts)) for counts in ((60, 140), (30, 170)))
    frame = compute_difference(after, before).set_index(["state_before", "state"])
    row = frame.loc[("30", "60")]
    # Three cells have 5 moves on either side (30→60, 30→30, current→current): level 1 − 0.05/3.
    tail = 0.05 / 3 / 2
    l1, u2 = beta.ppf(tail, 60.5, 140.5), beta.ppf(1 - tail, 30.5, 170.5)
    u1, l2 = beta.ppf(1 - tail, 60.5, 140.5), beta.ppf(tail, 30.5, 170.5)
    assert row["difference"] == pytest.approx(0.15)
    assert row["difference_low"] == pytest.approx(0.15 - np.hypot(0.3 - l1, u2 - 0.15))
    assert row["difference_high"] == pytest.approx(0.15 + np.hypot(u1 - 0.3, 0.15 - l2))
    assert row["differs"]
    change = find_change(compute_difference(after, before))
    assert (change.state_before, change.share, change.share_reference) in [("30", 0.3, 0.15), ("30", 0.7, 0.85)]


def test_equal_matrices_do_not_differ():
    matrix = compute_matrix(one_month(60, 140))
    frame = compute_difference(matrix, matrix)
    assert not frame["differs"].any()
    assert find_change(frame) is None


def test_difference_rarely_claims_what_is_not_there():
    rng = np.random.default_rng(11)
    claims = 0
    for _ in range(120):
        counts = [rng.multinomial(300, [0.3, 0.25, 0.45]) for _ in range(2)]
        matrices = [compute_matrix(one_month(int(a), int(b), int(c))) for a, b, c in counts]
        claims += find_change(compute_difference(*matrices)) is not None
    assert claims <= 12  # at most 5 % of 120 is 6; P(more than 12) = 0.7 % (binomial)


def test_arrears_flows_leave_the_sound_current_loans_out():
    frame = compute_arrears_flows(HAND)
    pairs = set(zip(frame["state_before"], frame["state"], strict=True))
    assert pairs == {("current", "30"), ("30", "60"), ("30", "current"), ("60", "default"), ("default", "written off")}
    row = frame.set_index(["state_before", "state"]).loc[("current", "30")]
    assert (row["loans"], row["n"], row["share"]) == (2, 5, 0.4)  # the share is of all current loans


def test_find_cell():
    cell = find_cell(compute_matrix(HAND), "current", "30")
    assert (cell.share, cell.n, cell.small) == (0.4, 5, True)
    with pytest.raises(ValueError, match="one cell"):
        find_cell(compute_matrix(HAND), "matured", "30")
