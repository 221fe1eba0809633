import datetime

import numpy as np
import pandas as pd
import pytest

from analytics.book import compute_by_month, select_last_year
from analytics.measures import MEASURES
from tests.analytics.conftest import count_flows


def month(number):
    return datetime.date(2024 + (number - 1) // 12, (number - 1) % 12 + 1, 1)


def rows(*records):
    columns = ["loan_id", "month", "region", "balance", "days_past_due", "event", "prepaid_amount"]
    return count_flows(pd.DataFrame(records, columns=columns))


@pytest.fixture
def three_months(database):
    """Four loans: A goes to 30 then 90 days, B is prepaid in month 2, C curtails 10 in month 3, D joins in month 2."""
    return database.table(
        rows(
            ("A", month(1), "North", 100.0, 0, "", 0.0),
            ("B", month(1), "North", 200.0, 0, "", 0.0),
            ("C", month(1), "South", 100.0, 0, "", 0.0),
            ("A", month(2), "North", 100.0, 30, "", 0.0),
            ("B", month(2), "North", 0.0, 0, "prepaid", 198.0),
            ("C", month(2), "South", 99.0, 0, "", 0.0),
            ("D", month(2), "South", 300.0, 0, "", 0.0),
            ("A", month(3), "North", 100.0, 90, None, 0.0),
            ("C", month(3), "South", 88.0, 0, "", 10.0),
            ("D", month(3), "South", 299.0, 0, "cured", 0.0),
        )
    )


def test_months_by_hand(three_months, database):
    found = compute_by_month(three_months, database.fetch)
    assert database.queries == 1
    assert list(found["month"]) == [pd.Timestamp(month(number)) for number in (1, 2, 3)]
    assert list(found["loans"]) == [3, 3, 3]  # B has left the book in the month it prepaid; "cured" is no end
    assert list(found["exposure"]) == [400.0, 499.0, 487.0]
    assert list(found["in_arrears_30"]) == [0, 1, 1]
    assert list(found["in_arrears_90"]) == [0, 0, 1]
    np.testing.assert_allclose(found["arrears_30"], [0, 1 / 3, 1 / 3])
    np.testing.assert_allclose(found["arrears_90"], [0, 0, 1 / 3])
    np.testing.assert_allclose(found["arrears_30_exposure"], [0, 100 / 499, 100 / 487])
    # SMM = amount ahead of schedule / exposure the month before: 198/400, then 10/499.
    expected = [np.nan, 1 - (1 - 198 / 400) ** 12, 1 - (1 - 10 / 499) ** 12]
    np.testing.assert_allclose(found["prepayment_month"], expected)
    assert found["prepayment"].isna().all()
    assert (found["arrears_30_low"] <= found["arrears_30"]).all()
    assert found["small"].all()


def test_groups_add_up_to_the_whole(three_months, database):
    whole, parts = (compute_by_month(three_months, database.fetch, by=by) for by in ((), ("region",)))
    for column in ("loans", "exposure", "in_arrears_30", "prepaid"):
        np.testing.assert_allclose(parts.groupby("month")[column].sum().to_numpy(), whole[column].to_numpy())
    north = parts[parts["region"] == "North"].reset_index(drop=True)
    assert north.loc[1, "prepayment_month"] == pytest.approx(1 - (1 - 198 / 300) ** 12)


def test_trailing_prepayment_is_one_minus_the_product(database):
    """1 % of the balance prepaid each month for 14 months: 1 − .99¹² from the twelfth SMM on, month 13."""
    table = database.table(
        rows(*[("A", month(k), "N", 1000.0, 0, "", 10.0) for k in range(1, 15)]),
    )
    found = compute_by_month(table, database.fetch)
    assert found["prepayment"].notna().tolist() == [False] * 12 + [True] * 2
    np.testing.assert_allclose(found["prepayment"].dropna(), 1 - 0.99**12)
    np.testing.assert_allclose(found["prepayment_month"].dropna(), 1 - 0.99**12)


def test_a_missing_month_is_not_bridged(database):
    months = [k for k in range(1, 16) if k != 5]
    table = database.table(rows(*[("A", month(k), "N", 1000.0, 0, "", 10.0) for k in months]))
    found = compute_by_month(table, database.fetch).set_index("month")
    assert np.isnan(found.loc[pd.Timestamp(month(6)), "prepayment_month"])  # nothing is known of month 5
    assert found["prepayment"].isna().all()


def test_without_amounts_prepayment_counts_loans(three_months, database):
    found = compute_by_month(three_months.mutate(prepaid_amount=0.0), database.fetch)
    # one of four loans in month 2 ends by prepayment, none of three in the others
    np.testing.assert_allclose(found["prepayment_month"], [0, 1 - 0.75**12, 0])


def test_large_cells_are_not_small(database):
    bad = [(str(k), month(1), "N", 1.0, 30 * (k < 5), "", 0.0) for k in range(30)]
    assert not compute_by_month(database.table(rows(*bad)), database.fetch)["small"].any()
    assert compute_by_month(database.table(rows(*bad[1:])), database.fetch)["small"].all()


@pytest.mark.parametrize(("frequency", "rows"), [("ME", 12), ("QE", 4)])
def test_the_last_year_is_twelve_months_whatever_the_delivery(frequency, rows):
    # to February after a leap year: the 29th of February 2024 is a year and a day before
    months = pd.DataFrame({"month": pd.date_range("2021-01-31", "2025-02-28", freq=frequency)})
    found = select_last_year(months)["month"]
    assert len(found) == rows
    assert found.min() == pd.Timestamp(2024, 3, 31)


def test_an_empty_selection_gives_empty_frames(three_months, database):
    empty = three_months.filter(three_months.region == "nowhere")
    assert compute_by_month(empty, database.fetch).empty
    assert compute_by_month(empty, database.fetch, by=["region"]).empty


def test_every_measure_shown_is_defined(three_months, database):
    columns = set(compute_by_month(three_months, database.fetch).columns)
    assert {"arrears_30", "arrears_90", "arrears_30_exposure", "prepayment", "loans", "exposure"} <= columns & set(
        MEASURES
    )
    assert all(measure.label and measure.noun and measure.definition.endswith(".") for measure in MEASURES.values())


def test_loans_of_no_known_region_are_kept(three_months, database):
    renamed = three_months.mutate(region=three_months.region.nullif("South"))
    found = compute_by_month(renamed, database.fetch, by=["region"])
    assert found["region"].isna().sum() == 3
    assert found["exposure"].sum() == 400 + 499 + 487
