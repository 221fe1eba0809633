"""Vintages counted from a hand-made table of ages: grouping, what is complete, and the triangle."""

import ibis
import numpy as np
import pandas as pd
import pytest

from analytics.vintages import (
    COUNTS,
    compute_ages,
    compute_latest,
    compute_triangle,
    compute_vintage_curves,
    find_ages,
    find_latest,
    group_vintages,
    list_whole,
    name_vintages,
)

BACKEND = ibis.duckdb.connect()


def fetch(expression):
    return BACKEND.to_pyarrow(expression).to_pandas(date_as_object=False)


def make_ages(vintages, *, hazard=0.01, start=0, n=1000, seen=None, country="X"):
    """Ages of vintages (first days of quarters) observed up to `seen` months from the last quarter's beginning."""
    rows = []
    last = max(pd.Timestamp(day) for day in vintages)
    for day in map(pd.Timestamp, vintages):
        months = (last.year - day.year) * 12 + last.month - day.month + (seen or 30)
        alive = n
        for age in range(start, months + 1):
            defaults = round(alive * hazard) if age else 0
            rows.append({"vintage": day, "months_on_book": age, "at_risk": alive, "entered": n * (age == start),
                         "exposure": 1.0, "first_defaults": defaults, "default_exposure": 1.0, "prepaid": 0,
                         "matured": 0, "written_off": 0, "country": country})  # fmt: skip
            alive -= defaults
    return pd.DataFrame(rows)


def test_counts_are_summed_over_segments_and_sorted():
    table = pd.concat([make_ages(["2020-01-01"], country="Y"), make_ages(["2020-01-01", "2019-10-01"])])
    frame = compute_ages(ibis.memtable(table.assign(vintage=table["vintage"].dt.date)), fetch)
    first = frame[(frame["vintage"] == "2020-01-01") & (frame["months_on_book"] == 0)].iloc[0]
    assert (first["at_risk"], first["entered"], first["first_defaults"]) == (2000, 2000, 0)
    assert frame.equals(frame.sort_values(["vintage", "months_on_book"], ignore_index=True))
    assert frame[list(COUNTS)].sum().to_dict() == table[list(COUNTS)].sum().to_dict()
    by = compute_ages(ibis.memtable(table), fetch, by=("country",))
    assert by.groupby("country")["at_risk"].sum().to_dict() == table.groupby("country")["at_risk"].sum().to_dict()


def test_rows_without_a_vintage_are_left_out_and_unknown_columns_refused():
    table = make_ages(["2020-01-01"])
    table.loc[0, "vintage"] = pd.NaT
    assert len(compute_ages(ibis.memtable(table), fetch)) == len(table) - 1
    with pytest.raises(ValueError, match="no column region"):
        compute_ages(ibis.memtable(table), fetch, by=("region",))


def test_names_of_vintages():
    days = pd.Series(pd.to_datetime(["2020-01-01", "2021-10-01"]))
    assert name_vintages(days, "year").tolist() == ["2020", "2021"]
    assert name_vintages(days, "quarter").tolist() == ["2020 Q1", "2021 Q4"]
    with pytest.raises(ValueError, match='"year" or "quarter"'):
        name_vintages(days, "month")


def test_an_age_is_complete_once_the_youngest_loans_have_reached_it():
    counts = make_ages(["2020-01-01", "2020-04-01"], seen=12)
    by_year = group_vintages(counts, "year")
    # The second quarter's oldest loans reach month 12, its youngest month 10; the first quarter's go to 15.
    assert by_year.loc[by_year["complete"], "months_on_book"].max() == 10
    assert by_year["months_on_book"].max() == 15
    by_quarter = group_vintages(counts, "quarter").query("vintage == '2020 Q1' and complete")
    assert by_quarter["months_on_book"].max() == 13


def test_vintages_granted_before_the_history_are_not_seen_from_the_start():
    counts = pd.concat([make_ages(["2018-01-01"], start=20, seen=48), make_ages(["2019-01-01", "2020-01-01"])])
    curves = compute_vintage_curves(counts, "year")
    assert list_whole(group_vintages(counts, "year")) == ["2019", "2020"]
    assert curves.groupby("vintage")["from_start"].first().to_dict() == {"2018": False, "2019": True, "2020": True}
    assert curves.groupby("vintage")["start"].first().to_dict() == {"2018": 20, "2019": 0, "2020": 0}
    assert set(compute_triangle(curves, "default", step=12)["vintage"]) == {"2019", "2020"}


def test_curves_are_the_closed_form_of_a_constant_hazard():
    curves = compute_vintage_curves(make_ages(["2020-01-01"], hazard=0.01, n=10**7), "quarter")
    row = curves[(curves["cause"] == "default") & (curves["months_on_book"] == 24)].iloc[0]
    assert row["incidence"] == pytest.approx(1 - 0.99**24, abs=1e-6)


def test_triangle_has_a_row_a_step_and_blanks_where_not_yet_reached():
    counts = make_ages([f"{year}-{month:02d}-01" for year in (2019, 2020, 2021) for month in (1, 4, 7, 10)], seen=14)
    curves = compute_vintage_curves(counts, "year")
    triangle = compute_triangle(curves, "default", step=12)
    # 2021's youngest loans (granted in December) are 12 months old at the end, 2020's 24, 2019's 36.
    expected = [("2019", 12), ("2019", 24), ("2019", 36), ("2020", 12), ("2020", 24), ("2021", 12)]
    assert list(zip(triangle["vintage"], triangle["months_on_book"], strict=True)) == expected
    assert not triangle["small"].any()
    with pytest.raises(ValueError, match="at least one month"):
        compute_triangle(curves, "default", step=0)
    assert find_ages(curves) == [12, 24]
    assert (find_latest(curves, 12), find_latest(curves, 24), find_latest(curves, 99)) == ("2021", "2020", "")


def test_few_events_are_flagged():
    triangle = compute_triangle(compute_vintage_curves(make_ages(["2020-01-01"], hazard=0.001, n=800), "year"),
                                "default", step=12)  # fmt: skip
    # round(800 · 0.001) = 1 default a month: 12 by month 12 is enough; with 2 a year it is not
    assert triangle["small"].tolist() == [False, False]
    rare = make_ages(["2020-01-01"], hazard=0, n=800)
    rare.loc[rare["months_on_book"] == 3, "first_defaults"] = 4
    assert compute_triangle(compute_vintage_curves(rare, "year"), "default", step=12)["small"].all()


def test_latest_is_compared_with_all_earlier_ones_pooled():
    counts = pd.concat([make_ages(["2019-01-01", "2020-01-01"], hazard=0.005, seen=42),
                        make_ages(["2021-01-01"], hazard=0.012)])  # fmt: skip
    found = compute_latest(counts, "year", cause="default", age=24)
    assert (found.high, found.low, found.pairs, found.differ) == ("2021", "earlier vintages", 1, True)
    # Whole loans default each month, so close to but not exactly 1 − (1 − h)^24.
    assert found.high_incidence == pytest.approx(1 - 0.988**24, rel=0.02)
    assert found.low_incidence == pytest.approx(1 - 0.995**24, rel=0.05)
    assert compute_latest(counts, "year", cause="prepaid", age=24) is None
    assert compute_latest(counts[counts["vintage"] == "2021-01-01"], "year", cause="default", age=24) is None


def test_ages_are_not_changed():
    counts = make_ages(["2019-01-01", "2020-01-01"])
    before = counts.copy()
    compute_latest(counts, "year", cause="default", age=24)
    compute_vintage_curves(counts, "quarter")
    pd.testing.assert_frame_equal(counts, before)
    assert np.isfinite(counts["at_risk"]).all()
