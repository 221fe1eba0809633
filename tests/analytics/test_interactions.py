"""Features that act together: hand arithmetic, and functions with one planted interaction."""

import numpy as np
import pandas as pd
import pytest

from analytics.interactions import (
    Pair,
    compute_left_over,
    compute_pair_grid,
    compute_pair_strengths,
    draw_explained,
    find_partner,
    rank_features,
    rank_pairs,
    to_bins,
    to_square,
)


def planted(n=4000, seed=0, interaction=1.0):
    """f = 2a + b² + interaction·c·d + [k = "x"] with independent features centred on 0: φ in closed form.

    Interventional against a background of mean 0: φ_c = φ_d = interaction·c·d / 2, since v({c}) = c·E[d] = 0.
    """
    draw = np.random.default_rng(seed)
    X = pd.DataFrame({name: draw.uniform(-1, 1, n) for name in "abcd"})
    X["k"] = draw.choice(["x", "y", "z"], n)
    half = interaction * X["c"] * X["d"] / 2
    own = 1.0 * (X["k"] == "x") - 1 / 3
    return X, pd.DataFrame({"a": 2 * X["a"], "b": X["b"] ** 2 - 1 / 3, "c": half, "d": half, "k": own})


def test_pair_strengths_by_hand():
    values = np.zeros((2, 3, 3))
    values[:, 0, 1] = values[:, 1, 0] = [0.5, -0.1]  # the index is both halves: 1.0 and −0.2
    values[:, 1, 2] = values[:, 2, 1] = [0.05, 0.05]
    values[:, 0, 0] = 9.0  # main effects do not count
    found = compute_pair_strengths(values, ["a", "b", "c"])
    assert len(found) == 6
    assert found.loc[0, ["feature", "partner", "strength"]].tolist() == ["a", "b", pytest.approx(0.6)]
    # sizes 1.0 and 0.2: standard deviation 0.8/√2, over √2 loans
    assert found["error"].iloc[0] == pytest.approx(0.4)
    square = to_square(found, ["a", "b", "c"])
    assert np.isnan(np.diag(square)).all()
    np.testing.assert_allclose(square.to_numpy(), square.to_numpy().T)
    assert square.loc["c", "b"] == pytest.approx(0.1)
    assert rank_pairs(found) == [Pair("a", "b", pytest.approx(0.6)), Pair("b", "c", pytest.approx(0.1))]
    assert rank_features(found) == ["b", "a", "c"]  # 0.7, 0.6, 0.1
    assert find_partner(found, "c").partner == "b"


def test_the_planted_pair_is_found_and_no_other():
    found = compute_left_over(*planted())
    assert {(pair.feature, pair.partner) for pair in rank_pairs(found)} in ({("c", "d")}, {("d", "c")})
    assert find_partner(found, "c").partner == "d"
    assert find_partner(found, "d").partner == "c"
    assert all(find_partner(found, name) is None for name in "abk")
    # What is left of c·d/2 after its curve over c is all of it but the line over c; its mean square is (1/3·1/3)/4.
    # Cells of 5 × 5 keep (1 − 1/25) of the variance of each factor, √(0.96² / 36) = 0.16, judged out of bin.
    own = found[(found["feature"] == "c") & (found["partner"] == "d")].iloc[0]
    assert own["strength"] == pytest.approx(np.sqrt(0.96**2 / 36), rel=0.05)
    assert 0.85 < own["share"] < 0.96
    assert own["clear"]


def test_a_stronger_interaction_scales_in_log_odds():
    one, three = (compute_left_over(*planted(interaction=size)).iloc[0]["strength"] for size in (1.0, 3.0))
    assert three == pytest.approx(3 * one)


def test_an_additive_model_leaves_nothing_even_where_features_move_together():
    draw = np.random.default_rng(3)
    a = draw.normal(size=4000)
    X = pd.DataFrame({"a": a, "b": a + 0.3 * draw.normal(size=4000), "c": draw.choice(["x", "y"], 4000)})
    phi = pd.DataFrame({"a": 0.7 * X["a"], "b": -2 * X["b"], "c": np.where(X["c"] == "x", 0.2, -0.2)})
    assert rank_pairs(compute_left_over(X, phi)) == []


def test_noise_is_seldom_taken_for_an_interaction():
    """Sampled attributions carry noise: of the 380 pairs of pure noise, 3 standard errors let pass a few at most."""
    draw = np.random.default_rng(5)
    X = pd.DataFrame(draw.normal(size=(2000, 20)), columns=[f"f{i}" for i in range(20)])
    phi = pd.DataFrame(draw.normal(size=(2000, 20)), columns=X.columns)
    assert len(rank_pairs(compute_left_over(X, phi))) <= 2


def test_a_partner_may_be_a_category_or_missing():
    draw = np.random.default_rng(1)
    X = pd.DataFrame({"a": draw.uniform(-1, 1, 4000), "b": draw.uniform(-1, 1, 4000),
                      "k": draw.choice(["x", "y"], 4000)})  # fmt: skip
    X.loc[::4, "b"] = np.nan
    phi = pd.DataFrame({"a": X["a"] * np.where(X["k"] == "x", 1, -1) + X["b"].isna() * X["a"], "b": 0.0, "k": 0.0})
    found = compute_left_over(X, phi)
    assert find_partner(found, "a").partner == "k"
    assert set(found.loc[(found["feature"] == "a") & found["clear"], "partner"]) == {"b", "k"}


def test_other_rows_are_refused():
    X, phi = planted(20)
    with pytest.raises(ValueError, match="same loans"):
        compute_left_over(X, phi.iloc[:5])


def test_bins_by_hand():
    assert to_bins(pd.Series([1.0, 2.0, 3.0, 4.0, None]), 2).tolist() == [0, 0, 1, 1, 2]
    assert to_bins(pd.Series([0.0, 1.0, 0.0]), 5).tolist() == [0, 1, 0]
    codes = to_bins(pd.Series(["b", "b", "a", "c", None, "a", "b"]), 2).tolist()
    assert codes == [0, 0, 1, 2, 3, 1, 0]  # b and a by frequency, the rest, missing
    assert to_bins(pd.Series([np.nan, np.nan]), 3).tolist() == [0, 0]


def explained(n=3000):
    X, phi = planted(n)
    X.loc[::50, "c"] = np.nan
    named = phi.add_prefix("phi_")
    return pd.concat([X, named], axis=1).assign(loan_id=[f"L{i}" for i in range(n)])


def test_the_grid_is_the_mean_of_both_attributions(database):
    frame = explained()
    found = compute_pair_grid(database.table(frame), database.fetch, ("c", "k"), bins=4)
    assert found["loans"].sum() == len(frame)
    assert found["row"].cat.categories[-1] == "not known"
    cell = found[(found["row"] == "not known") & (found["column"] == "x")].iloc[0]
    own = frame[frame["c"].isna() & (frame["k"] == "x")]
    assert cell["loans"] == len(own)
    assert cell["value"] == pytest.approx((own["phi_c"] + own["phi_k"]).mean())
    assert bool(cell["small"]) == (len(own) < 30)
    with pytest.raises(ValueError, match="no attributions of loan_id"):
        compute_pair_grid(database.table(frame), database.fetch, ("c", "loan_id"))


def test_the_sample_is_the_same_on_every_visit(database):
    frame = explained(500)
    drawn = [
        draw_explained(database.table(rows), database.fetch, ["c", "k"], keys=["loan_id"], size=100)
        for rows in (frame, frame.sample(frac=1, random_state=1))
    ]
    pd.testing.assert_frame_equal(*drawn)
    assert list(drawn[0].columns) == ["c", "k", "phi_c", "phi_k"]
    assert len(drawn[0]) == 100
    with pytest.raises(ValueError, match="phi_nobody"):
        draw_explained(database.table(frame), database.fetch, ["nobody"], keys=["loan_id"], size=5)
