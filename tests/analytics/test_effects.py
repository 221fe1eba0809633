"""Effects along one feature against closed forms."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin

from analytics.effects import (
    centre,
    choose_grid,
    compute_ale,
    compute_ice,
    compute_pdp,
    find_companion,
    to_scale,
)


class Known(ClassifierMixin, BaseEstimator):
    """A classifier whose log-odds are a given function of the frame."""

    def __init__(self, log_odds):
        self.log_odds = log_odds
        self.classes_ = np.array([0, 1])

    def fit(self, X, y):  # noqa: ARG002
        return self

    def predict_proba(self, X):
        pd_ = 1 / (1 + np.exp(-self.log_odds(X)))
        return np.column_stack([1 - pd_, pd_])


def uniform(n=4000, seed=0):
    draw = np.random.default_rng(seed)
    return pd.DataFrame({"a": draw.uniform(-1, 1, n), "b": draw.uniform(-1, 1, n)})


def at(frame, value):
    return np.interp(value, frame["value"], frame["effect"])


@given(st.floats(-3, 3), st.floats(-3, 3), st.integers(0, 50))
@settings(max_examples=25, deadline=None)
def test_a_linear_function_gives_its_own_line(slope, other, seed):
    """f = slope·a + other·b: ALE is slope·(a − c), whatever b does, and its mean over the loans is about 0."""
    X = uniform(500, seed)
    X["b"] = X["a"] ** 2 + 0.1 * X["b"]  # moves with a
    found = compute_ale(lambda frame: (slope * frame["a"] + other * frame["b"]).to_numpy(), X, "a", bins=10)
    np.testing.assert_allclose(np.diff(found["effect"]), slope * np.diff(found["value"]), atol=1e-12)
    inner = np.interp(X["a"], found["value"], found["effect"]).mean()
    assert inner == pytest.approx(0, abs=0.02 * max(1, abs(slope)))
    assert (found["high"] - found["low"]).max() < 1e-12  # the same step for every loan


def test_a_pure_interaction_has_no_first_order_effect():
    """f = a·b, independent with mean 0: E[b] = 0 in every bin, so nothing adds up but the sample's own means."""
    found = compute_ale(lambda frame: (frame["a"] * frame["b"]).to_numpy(), uniform(), "a")
    assert found["effect"].abs().max() < 0.06
    assert (found["low"] <= 0.02).all()
    assert (found["high"] >= -0.02).all()


def test_correlated_features_ale_against_pdp():
    """b = a exactly and f = a·b: ALE of a is ∫ a da = a²/2 − 1/6; PDP of a is a·mean(b), which is about 0."""
    X = uniform()
    X["b"] = X["a"]
    found = compute_ale(lambda frame: (frame["a"] * frame["b"]).to_numpy(), X, "a", bins=40)
    for value in (-0.9, -0.5, 0.0, 0.6):
        assert at(found, value) == pytest.approx(value**2 / 2 - 1 / 6, abs=0.02)
    grid = [-0.9, 0.0, 0.9]
    pds = compute_ice(Known(lambda frame: frame["a"] * frame["b"]), X, "a", grid)
    assert np.abs(compute_pdp(to_scale(pds, "log-odds"), grid)["effect"]).max() < 0.03


def test_ale_by_hand():
    """Two bins, (1, 2] with the loans 1 and 2, (2, 4] with 4: f = a·b steps by b, then by 2·b."""
    X = pd.DataFrame({"a": [1.0, 2.0, 4.0, np.nan], "b": [10.0, 20.0, 1.0, 99.0]})
    found = compute_ale(lambda frame: (frame["a"] * frame["b"]).to_numpy(), X, "a", bins=3)
    # Ends by inverted_cdf at 0, 1/3, 2/3, 1 of {1, 2, 4}: 1, 1, 2, 4.
    assert found["value"].tolist() == [1, 2, 4]
    assert found["n"].tolist() == [0, 2, 1]
    added = np.array([0.0, (10 + 20) / 2, (10 + 20) / 2 + 2 * 1])
    mean = (2 * (added[0] + added[1]) / 2 + 1 * (added[1] + added[2]) / 2) / 3
    np.testing.assert_allclose(found["effect"], added - mean)
    # Steps 10 and 20 of two loans: variance 50, over 2 loans 25.
    np.testing.assert_allclose(found["high"] - found["effect"], 1.959964 * np.array([0, 5, 5]))


def test_what_has_no_order_or_one_value_is_refused():
    X = pd.DataFrame({"k": ["x", "y"], "one": [3.0, 3.0], "none": [np.nan, np.nan]})
    with pytest.raises(ValueError, match="need an ordered number; 'k'"):
        compute_ale(lambda frame: np.zeros(len(frame)), X, "k")
    for name, values in (("one", 1), ("none", 0)):
        with pytest.raises(ValueError, match=f"'{name}' has {values}"):
            compute_ale(lambda frame: np.zeros(len(frame)), X, name)


def test_two_values_are_one_step():
    X = pd.DataFrame({"flag": [0.0, 1.0, 1.0, 0.0]})
    found = compute_ale(lambda frame: 3 * frame["flag"].to_numpy(), X, "flag")
    assert found["value"].tolist() == [0, 1]
    np.testing.assert_allclose(found["effect"], [-1.5, 1.5])


def test_ice_sets_the_value_and_nothing_else():
    X = uniform(50).assign(k=np.where(np.arange(50) % 2, "x", "y"))
    X.loc[3, "a"] = np.nan
    asked = Known(lambda frame: 2 * frame["a"].fillna(0) + frame["b"] * (frame["k"] == "x"))
    found = to_scale(compute_ice(asked, X, "a", [-0.5, 0.0, 0.5]), "log-odds")
    rest = (X["b"] * (X["k"] == "x")).to_numpy()
    np.testing.assert_allclose(found, rest[:, None] + 2 * np.array([-0.5, 0.0, 0.5]), atol=1e-9)
    np.testing.assert_allclose(centre(found), np.tile([0.0, 1.0, 2.0], (50, 1)), atol=1e-9)
    both = to_scale(compute_ice(asked, X, "k", ["x", "y"]), "log-odds")
    np.testing.assert_allclose(both[:, 0] - both[:, 1], X["b"], atol=1e-9)
    pdp = compute_pdp(found, [-0.5, 0.0, 0.5])
    np.testing.assert_allclose(pdp["effect"], rest.mean() + np.array([-1.0, 0.0, 1.0]))
    np.testing.assert_allclose(pdp["high"] - pdp["effect"], 1.959964 * rest.std(ddof=1) / np.sqrt(50))


def test_scales():
    assert to_scale(np.array([0.5]), "log-odds")[0] == 0
    assert to_scale(np.array([0.5]), "PD")[0] == 0.5
    with pytest.raises(ValueError, match="got 'odds'"):
        to_scale(np.array([0.5]), "odds")


def test_grids():
    values = pd.Series(np.arange(1001.0))
    grid = choose_grid(values, 3)
    assert grid == [10.0, 500.0, 990.0]  # 1, 50 and 99 % of 0 … 1000
    assert choose_grid(pd.Series(["b", "a", "b", "c"])) == ["b", "a", "c"]
    assert len(choose_grid(pd.Series([f"k{i}" for i in range(40)]))) == 12


def test_the_companion_is_the_one_it_moves_with():
    X = uniform(500)
    X["c"], X["k"] = -(X["a"] ** 3), "x"
    assert find_companion(X, "a") == ("c", pytest.approx(-1))
    assert find_companion(X, "k") is None
    assert find_companion(X[["a"]], "a") is None
