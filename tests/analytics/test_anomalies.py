"""Faults put into quiet series are found where they are, and quiet series are left alone."""

import numpy as np
import pandas as pd
import pytest

from analytics.anomalies import MONTHS_PER_ALARM, detect_anomalies
from analytics.incidents import merge_anomalies

MONTHS = pd.date_range("2018-01-31", periods=72, freq="ME")
REGIONS = {"north": "A", "south": "A", "east": "B", "west": "B"}
ROWS = 200


def make_rows(rng, fields=("income",)):
    """Loans by month in four regions of two countries; log-normal values."""
    parts = []
    for region, country in REGIONS.items():
        for period in MONTHS:
            values = {name: np.exp(10 + 0.4 * rng.normal(size=ROWS)) for name in fields}
            parts.append(pd.DataFrame(values).assign(period=period, region=region, country=country))
    return pd.concat(parts, ignore_index=True)


def make_profile(rows, fields=("income",), table="performance"):
    """The profile of the rows, worked out with pandas."""
    parts = []
    for field in fields:
        for segment in ("", "country", "region"):
            keys = rows[segment] if segment else pd.Series("", index=rows.index)
            values = rows[field]
            grouped = values.groupby([rows["period"], keys.rename("value")])
            logs = np.log(values.where(values > 0)).groupby([rows["period"], keys.rename("value")])
            stats = grouped.agg(mean="mean", std="std", minimum="min", maximum="max", n="size", present="count")
            stats = stats.assign(
                log_mean=logs.mean(), log_std=logs.std(), positive=logs.count(), zeros=0.0, most=np.nan
            )
            parts.append(stats.reset_index().assign(field=field, segment=segment, table=table))
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(missing=frame["n"] - frame["present"])


def incidents(rows, fields=("income",)):
    return merge_anomalies(detect_anomalies(make_profile(rows, fields)))


def inside(rows, first, last, **where):
    chosen = rows["period"].between(MONTHS[first], MONTHS[last])
    for name, value in where.items():
        chosen &= rows[name] == value
    return chosen


def test_a_region_in_thousands_is_one_incident_in_that_region():
    rows = make_rows(np.random.default_rng(0))
    rows.loc[inside(rows, 40, 41, region="south"), "income"] /= 1000
    found = incidents(rows)
    assert len(found) == 1
    row = found.iloc[0]
    assert (row["segment"], row["value"], row["kind"], row["factor"]) == ("region", "south", "unit", 0.001)
    assert (row["first"], row["last"], row["n"], row["lasting"]) == (MONTHS[40], MONTHS[41], 2 * ROWS, False)
    assert row["size"] == pytest.approx(-np.log(1000), abs=0.15)  # 4 standard errors of 0.4 / √200 and more


def test_a_whole_country_is_named_rather_than_its_regions():
    rows = make_rows(np.random.default_rng(1))
    rows.loc[inside(rows, 50, 52, country="B"), "income"] *= 12
    found = incidents(rows)
    assert found[["segment", "value", "factor"]].to_numpy().tolist() == [["country", "B", 12.0]]


def test_all_rows_are_named_where_all_are_hit():
    rows = make_rows(np.random.default_rng(2))
    rows.loc[inside(rows, 30, 30), "income"] *= 100
    assert incidents(rows)[["segment", "value", "factor"]].to_numpy().tolist() == [["", "", 100.0]]


def test_two_regions_hit_at_once_in_different_countries_are_two_incidents():
    rows = make_rows(np.random.default_rng(3))
    for region in ("north", "west"):
        rows.loc[inside(rows, 30, 31, region=region), "income"] /= 1000
    assert set(incidents(rows)["value"]) == {"north", "west"}


def test_a_field_lost_in_a_region_is_missing_there():
    rows = make_rows(np.random.default_rng(4))
    rows.loc[inside(rows, 44, 49, region="east"), "income"] = np.nan
    found = incidents(rows)
    row = found.iloc[0]
    assert len(found) == 1
    assert (row["kind"], row["value"], row["before"], row["after"]) == ("missing", "east", 0.0, 1.0)
    assert (row["first"], row["last"]) == (MONTHS[44], MONTHS[49])


def test_a_level_that_shifts_for_good_is_still_so_at_the_end():
    rows = make_rows(np.random.default_rng(5))
    rows.loc[inside(rows, 60, 71, region="north"), "income"] *= 1.6
    row = incidents(rows).iloc[0]
    assert (row["kind"], row["value"], row["first"], row["lasting"]) == ("level", "north", MONTHS[60], True)
    assert row["after"] / row["before"] == pytest.approx(1.6, rel=0.2)


def test_a_month_of_a_region_that_was_not_delivered_has_lost_rows():
    rows = make_rows(np.random.default_rng(6))
    lost = inside(rows, 35, 35, region="west")
    rows = rows[~lost | (np.arange(len(rows)) % 10 == 0)]
    found = incidents(rows)
    assert found[["kind", "field", "value"]].to_numpy().tolist() == [["rows", "", "west"]]
    assert found["after"].iloc[0] / found["before"].iloc[0] == pytest.approx(0.1)


def test_fields_hit_together_are_one_incident_led_by_the_delivered_table():
    rng = np.random.default_rng(7)
    rows = make_rows(rng)
    wrong = inside(rows, 40, 41, region="south")
    rows.loc[wrong, "income"] /= 1000
    derived = make_profile(rows.assign(income=1 / rows["income"]), table="snapshots").assign(field="debt_service")
    profile = pd.concat([make_profile(rows), derived])
    found = merge_anomalies(detect_anomalies(profile, derived=("snapshots",)), derived=("snapshots",))
    assert len(found) == 1
    assert found["field"].iloc[0] == "income"
    assert found["also"].iloc[0] == (("snapshots", "debt_service"),)


def test_derived_tables_follow_the_economy_and_are_not_judged_by_level():
    rows = make_rows(np.random.default_rng(8))
    rows.loc[inside(rows, 60, 71), "income"] *= 1.8
    profile = make_profile(rows, table="snapshots")
    assert len(detect_anomalies(profile)) > 0
    assert detect_anomalies(profile, derived=("snapshots",)).empty


@pytest.mark.parametrize("seed", range(3))
def test_quiet_series_give_at_most_one_alarm_in_two_years(seed):
    fields = ("a", "b", "c")
    rows = make_rows(np.random.default_rng(100 + seed), fields)
    assert len(incidents(rows, fields)) <= len(MONTHS) / MONTHS_PER_ALARM


def test_a_rising_share_missing_that_is_usual_is_left_alone():
    rng = np.random.default_rng(9)
    rows = make_rows(rng)
    rows.loc[rng.random(len(rows)) < 0.3, "income"] = np.nan
    assert incidents(rows).empty


def test_nothing_is_found_without_dates():
    rows = make_rows(np.random.default_rng(10))
    profile = make_profile(rows).assign(period=pd.NaT)
    found = merge_anomalies(detect_anomalies(profile))
    assert found.empty
    assert "also" in found.columns
