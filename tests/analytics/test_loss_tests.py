import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from analytics.loss_tests import ALL, compute_loss_psi, compute_loss_t, compute_loss_tests
from analytics.stability import compute_psi

REALISED = [0.10, 0.25, 0.05, 0.40, 0.30]
ESTIMATED = [0.15, 0.20, 0.10, 0.25, 0.25]


def test_reference_numbers():
    # METHODS section 5. By hand: errors −.05 .05 −.05 .15 .05, mean .03, s² = .028/4 = .007, T = .03·√5/√.007.
    t, p, s2 = compute_loss_t(REALISED, ESTIMATED)
    assert t == pytest.approx(0.8017837257, abs=5e-11)
    assert s2 == pytest.approx(0.007, abs=1e-15)
    assert p == pytest.approx(0.2338023773, abs=5e-11)


@given(st.integers(0, 10_000), st.integers(2, 50))
def test_against_scipy(seed, n):
    rng = np.random.default_rng(seed)
    seen, guess = rng.beta(1, 3, (2, n))
    t, p, _ = compute_loss_t(seen, guess)
    other = ttest_rel(seen, guess, alternative="greater")
    assert (t, p) == (pytest.approx(other.statistic), pytest.approx(other.pvalue))


def test_p_is_uniform_where_estimates_are_right():
    rng = np.random.default_rng(2)
    p = [compute_loss_t(rng.beta(1, 3, 200), np.full(200, 0.25))[1] for _ in range(2000)]
    # Monte Carlo error √(.05·.95/2000) = .005; the skew of Beta(1, 3) moves T's tail by about .007 (Edgeworth).
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.045, abs=0.018)
    assert np.mean(np.array(p) < 0.5) == pytest.approx(0.5, abs=0.05)


def test_the_table_by_hand():
    found = compute_loss_tests(
        REALISED, ESTIMATED, exposure=[100, 200, 100, 50, 50], segment=["a", "a", "a", "b", "b"]
    ).set_index("segment")
    assert found.index.tolist() == ["a", "b", ALL]
    # a: lost 10 + 50 + 5 = 65, estimated 15 + 40 + 10 = 65: no shortfall. b: lost 20 + 15 = 35, estimated 25.
    assert found["loss"].tolist() == pytest.approx([65, 35, 100])
    assert found["loss_estimated"].tolist() == pytest.approx([65, 25, 90])
    assert found["shortfall"].tolist() == pytest.approx([0, 10 / 35, 0.1])
    assert found["exposure"].tolist() == [400, 100, 500]
    assert found.loc[ALL, "t"] == pytest.approx(0.8017837257)
    assert found.loc["b", "difference"] == pytest.approx(0.1)
    # Two errors .15 and .05: s² = .005, T = √2·.1/√.005 = 2, p = 1 − t₁(2) = ½ − arctan(2)/π.
    assert found.loc["b", "p"] == pytest.approx(0.5 - np.arctan(2) / np.pi)
    assert (found["reason"] == "").all()


def test_blanks_have_reasons():
    found = compute_loss_tests([0.1, 0.3, 0.0], [0.2, 0.4, 0.1], exposure=[1, 1, 1], segment=["x", "x", None])
    table = found.set_index("segment")
    assert table.loc["x", "reason"] == "no variance: all errors are equal"
    assert table.loc["not known", "reason"] == "no variance: fewer than two facilities"
    assert table["t"].isna().all()
    assert np.isnan(table.loc["not known", "shortfall"])
    assert compute_loss_tests(REALISED, ESTIMATED)["reason"].tolist() == ["no shortfall: no exposure given"]
    assert compute_loss_tests([0, 0, 0], [0.1, 0.2, 0.3], exposure=[1, 1, 1])["reason"].tolist() == [
        "no shortfall: nothing was lost"
    ]


def test_rows_in_any_order():
    order = [3, 1, 4, 0, 2]
    first = compute_loss_tests(REALISED, ESTIMATED, exposure=[1, 2, 3, 4, 5])
    second = compute_loss_tests(np.array(REALISED)[order], np.array(ESTIMATED)[order], exposure=np.arange(1, 6)[order])
    np.testing.assert_allclose(first.iloc[0, 1:-1].astype(float), second.iloc[0, 1:-1].astype(float))


def test_psi_over_segments():
    # [0, 5 %), [5, 10 %), [10, 20 %): counts 2, 1, 1 then 1, 1, 2.
    found = compute_loss_psi([0.01, 0.04, 0.05, 0.1], [0.0, 0.06, 0.19, 0.1])
    assert found.psi == pytest.approx(compute_psi([2, 1, 1], [1, 1, 2]).psi)
    assert found.bins == 3


@pytest.mark.parametrize(("arguments", "message"), [
    (([0.1, np.nan], [0.1, 0.2]), "realised values must be finite"), (([0.1], [0.1, 0.2]), "1 rows, 2 values"),
    (([], []), "needs facilities"),
])  # fmt: skip
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        compute_loss_tests(*arguments)


def test_bad_exposure_and_segments_are_refused():
    with pytest.raises(ValueError, match="exposure must lie in"):
        compute_loss_tests([0.1, 0.2], [0.1, 0.2], exposure=[1, -1])
    with pytest.raises(ValueError, match="2 facilities, 1 segments"):
        compute_loss_tests([0.1, 0.2], [0.1, 0.2], segment=["a"])
