"""What a few loans have in common, on planted and on hand-made loans."""

import numpy as np
import pandas as pd
import pytest

from analytics.traits import compute_traits


def book(n=4000, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"channel": rng.choice(["branch", "broker"], n, p=[0.9, 0.1]), "income": rng.normal(50, 9, n),
                         "arrears": rng.choice([0.0, 1.0, 2.0], n, p=[0.9, 0.06, 0.04]), "noise": rng.normal(size=n),
                         "rating": np.where(rng.random(n) < 0.05, np.nan, rng.normal(size=n))})  # fmt: skip


def test_planted_traits_are_found():
    """The few all come from brokers, have arrears of 2, and no rating: these three and neither noise nor income."""
    few = book(100, seed=1).assign(channel="broker", arrears=2.0, rating=np.nan)
    few.loc[0, ["arrears", "rating"]] = [1.0, 0.0]
    others = book()
    found = compute_traits(few, others, numbers=["income", "arrears", "noise", "rating"], categories=["channel"])
    assert set(zip(found["field"], found["kind"], strict=True)) == {
        ("channel", "category"), ("arrears", "number"), ("rating", "missing")
    }  # fmt: skip
    row = found.set_index("field").loc["channel"]
    share = (others["channel"] == "broker").mean()
    assert (row["value"], row["few"], row["others"]) == ("broker", 1.0, pytest.approx(share))
    assert row["lift"] == pytest.approx(1 / share)
    assert (row["n_few"], row["n_others"]) == (100, 4000)
    missing = found.set_index("field").loc["rating"]
    assert missing["few"] == 0.99
    assert missing["others"] == pytest.approx(others["rating"].isna().mean())


def test_a_number_by_hand():
    """Median 9 of the few; of the others 1 … 8, 9, 10 (a hundred times) 8 in 10 are below and 1 in 10 is equal."""
    few = pd.DataFrame({"x": [9.0, 9.0, 9.0, 8.5, 9.5] * 10})
    others = pd.DataFrame({"x": np.tile(np.arange(1.0, 11), 100)})
    row = compute_traits(few, others, numbers=["x"], categories=[]).iloc[0]
    assert (row["few"], row["others"], row["percentile"]) == (9.0, 5.5, pytest.approx(0.85))


def test_equal_medians_are_told_by_their_tails():
    """Both medians are 0. Above it: 45 of the 100 few, 20 of the 1,000 others; the lift is 0.45 / 0.02 = 22.5."""
    few = pd.DataFrame({"x": [0.0] * 55 + [1.0, 2.0, 3.0] * 15})
    others = pd.DataFrame({"x": [0.0] * 980 + [1.0, 2.0] * 10})
    row = compute_traits(few, others, numbers=["x"], categories=[]).iloc[0]
    assert row[["kind", "value", "few", "others"]].tolist() == ["above", 0.0, 0.45, 0.02]
    assert row["lift"] == pytest.approx(22.5)
    row = compute_traits(-few, -others, numbers=["x"], categories=[]).iloc[0]
    assert row[["kind", "few", "others"]].tolist() == ["below", 0.45, 0.02]


def test_chance_is_no_trait():
    found = compute_traits(book(100, seed=5), book(), numbers=["income", "noise"], categories=["channel"])
    assert found.empty


def test_an_empty_side_has_no_traits():
    assert compute_traits(book(10), book(0), numbers=["income"], categories=[]).empty
    assert compute_traits(book(0), book(10), numbers=["income"], categories=[]).empty
