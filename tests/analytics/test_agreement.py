"""Agreement of two models against scipy, hand arithmetic and planted truth."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analytics.agreement import compute_importance_agreement, compute_loan_agreement, summarise_agreement


def test_ranks_as_scipy_ranks_them():
    rng = np.random.default_rng(1)
    a, b = np.round(rng.normal(size=(50, 7)), 1), np.round(rng.normal(size=(50, 7)), 1)  # rounded: with ties
    found = compute_loan_agreement(a, b)["rank"]
    expected = [stats.spearmanr(np.abs(x), np.abs(y)).statistic for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    whole = stats.spearmanr(np.abs(a).mean(axis=0), np.abs(b).mean(axis=0)).statistic
    assert compute_importance_agreement(a, b) == pytest.approx(whole)


def test_top_drivers_by_hand():
    champion = np.array([[3.0, 1, 0], [3, 1, 0], [3, 1, 0], [3, 1, 0], [0, 0, 0]])
    challenger = np.array([
        [2.0, 1, 0],  # same top, same sign
        [-2, 1, 0],  # same top, opposite
        [1, -2, 0],  # its own top driver is opposite in the champion
        [1, -0.5, 4],  # its top driver is nothing to the champion; the champion's has the same sign
        [0, 0, 1],
    ])  # fmt: skip
    found = compute_loan_agreement(champion, challenger)
    assert found["same_top"].tolist() == [True, True, False, False, False]
    assert found["opposite"].tolist() == [False, True, True, False, False]
    assert found["silent"].tolist() == [False, False, False, True, True]
    assert found["rank"].isna().tolist() == [False] * 4 + [True]


def test_planted_share_of_opposite_signs():
    """In 300 of 1,000 loans the largest attribution is turned round: that share and no other loan is found."""
    rng = np.random.default_rng(2)
    champion = rng.normal(size=(1000, 5))
    turned = np.arange(1000) < 300
    challenger = champion.copy()
    top = np.abs(champion).argmax(axis=1)
    challenger[turned, top[turned]] *= -1
    loans = compute_loan_agreement(champion, challenger)
    assert (loans["opposite"] == turned).all()
    assert loans["rank"].to_numpy() == pytest.approx(1.0)
    loans = loans.assign(odds_0=champion.sum(axis=1), odds_1=challenger.sum(axis=1), part=np.where(turned, "t", "u"))
    assert summarise_agreement(loans)["opposite"].tolist() == [0.3]
    by = summarise_agreement(loans, by="part")
    assert by[["segment", "n", "events", "opposite"]].to_numpy().tolist() == [["t", 300, 300, 1.0], ["u", 700, 0, 0.0]]
    assert by["opposite_small"].tolist() == [False, True]
    assert by["small"].tolist() == [False, False]


def test_intervals_against_scipy():
    rng = np.random.default_rng(4)
    loans = pd.DataFrame({"rank": rng.uniform(-1, 1, 80), "same_top": rng.random(80) < 0.4, "silent": False,
                          "opposite": rng.random(80) < 0.2, "odds_0": rng.normal(size=80)})  # fmt: skip
    loans = loans.assign(odds_1=loans["odds_0"] + rng.normal(size=80))
    row = summarise_agreement(loans, level=0.9).iloc[0]
    mean = stats.ttest_1samp(loans["rank"], 0).confidence_interval(0.9)
    assert (row["rank_low"], row["rank_high"]) == pytest.approx((mean.low, mean.high))
    found = stats.pearsonr(loans["odds_0"], loans["odds_1"])
    both = found.confidence_interval(0.9)
    assert row["correlation"] == pytest.approx(found.statistic)
    assert (row["correlation_low"], row["correlation_high"]) == pytest.approx((both.low, both.high))
    x = loans["opposite"].sum()
    jeffreys = stats.beta(x + 0.5, 80 - x + 0.5).ppf([0.05, 0.95])
    assert (row["opposite_low"], row["opposite_high"]) == pytest.approx(tuple(jeffreys))
    assert row["gap"] == pytest.approx((loans["odds_1"] - loans["odds_0"]).abs().mean())


def test_missing_segments_and_single_loans():
    loans = pd.DataFrame({"rank": [0.5, 0.1], "same_top": True, "silent": False, "opposite": [True, False],
                          "odds_0": [0.0, 1.0], "odds_1": [1.0, 1.0], "region": ["north", None]})  # fmt: skip
    found = summarise_agreement(loans, by="region").set_index("segment")
    assert found.index.tolist() == ["north", "not known"]
    assert found["n"].tolist() == [1, 1]
    assert found["small"].all()
    assert found[["rank_low", "correlation", "correlation_low"]].isna().all(axis=None)


@pytest.mark.parametrize("shape", [(3, 2), (4, 3), (4, 0)])
def test_unlike_arrays_are_refused(shape):
    with pytest.raises(ValueError, match="two arrays of loans by features"):
        compute_loan_agreement(np.zeros((4, 2)) if shape[1] else np.zeros(shape), np.zeros(shape))
