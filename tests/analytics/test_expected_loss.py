import datetime

import numpy as np
import pandas as pd
import pytest

from analytics.expected_loss import add_loss, compute_lgd, finish_lgd

DAY = datetime.date(2020, 6, 30)


def sums(*rows):
    return pd.DataFrame(rows, columns=["band", "defaults", "exposure", "loss"])


def test_lgd_by_hand(database):
    defaults = database.table(pd.DataFrame({
        "loan": ["a", "b", "c", "d"], "date": [DAY] * 4, "band": ["low", "low", "high", None],
        "exposure": [100.0, 300.0, 200.0, 50.0],
    }))  # fmt: skip
    losses = database.table(pd.DataFrame({
        "loan": ["a", "a", "c", "c", "b", "stranger"],
        "month": [datetime.date(2020, 12, 31), datetime.date(2021, 6, 30), datetime.date(2022, 6, 30),
                  datetime.date(2022, 7, 31), datetime.date(2020, 5, 31), datetime.date(2021, 1, 31)],
        "loss": [10.0, 20.0, 50.0, 7.0, 99.0, 1000.0],
    }))  # fmt: skip
    found = compute_lgd(defaults, losses, database.fetch, months=24, order=("low", "high")).set_index("band")
    # a lost 10 + 20 within 24 months; c 50 in the 24th month, its 7 in the 25th is too late; b's was before.
    assert found["exposure"].to_dict() == {"low": 400.0, "high": 200.0, "not known": 50.0, "all": 650.0}
    assert found["loss"].to_dict() == {"low": 30.0, "high": 50.0, "not known": 0.0, "all": 80.0}
    assert found["defaults"].to_dict() == {"low": 2, "high": 1, "not known": 1, "all": 4}
    # Three placed defaults are too few for a band of their own: both bands have (30 + 50)/(400 + 200).
    assert found.loc["all", "lgd"] == pytest.approx(80 / 650)
    assert found.loc["not known", "lgd"] == pytest.approx(80 / 650)


def test_small_bands_are_pooled_with_the_band_below():
    found = finish_lgd(sums(("80", 40, 100.0, 10.0), ("90", 30, 100.0, 20.0), ("100", 9, 50.0, 25.0)),
                       ("80", "90", "100")).set_index("band")  # fmt: skip
    assert found.loc["80", "lgd"] == pytest.approx(0.10)
    assert found.loc["90", "lgd"] == found.loc["100", "lgd"] == pytest.approx(45 / 150)
    assert found["pooled"].to_dict() == {"80": False, "90": True, "100": True, "all": False}
    assert found.loc["all", "lgd"] == pytest.approx(55 / 250)


def test_too_few_at_the_low_end_join_the_band_above():
    found = finish_lgd(sums(("50", 3, 10.0, 5.0), ("60", 30, 90.0, 5.0)), ("50", "60")).set_index("band")
    assert found.loc["50", "lgd"] == found.loc["60", "lgd"] == pytest.approx(0.1)


def test_lgd_is_cut_at_one_and_nothing_gives_nothing():
    assert finish_lgd(sums(("a", 50, 10.0, 30.0)), ("a",))["lgd"].tolist() == [1.0, 1.0]
    nothing = finish_lgd(sums().astype({"defaults": float, "exposure": float, "loss": float}), ("a",))
    assert nothing["band"].tolist() == ["all"]
    assert np.isnan(nothing["lgd"].iloc[0])


def test_expected_loss_by_hand():
    # PD 1 % of 100,000 at LGD 10 % = 100; PD 2 % of 50,000 at LGD 30 % = 300; no band: that of all, 20 % of 40 = 8.
    cells = pd.DataFrame({"band": ["low", "high", "odd"], "pd_exposure": [0.01 * 100_000, 0.02 * 50_000, 40.0]})
    lgd = pd.DataFrame({"band": ["low", "high", "all"], "lgd": [0.1, 0.3, 0.2]})
    assert add_loss(cells, lgd, band="band", amount="pd_exposure")["loss"].tolist() == pytest.approx([100, 300, 8])
    whole = add_loss(cells.drop(columns="band"), lgd, band="band", amount="pd_exposure")["loss"]
    assert whole.tolist() == pytest.approx([200, 200, 8])
