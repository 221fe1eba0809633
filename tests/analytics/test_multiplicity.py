import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.multiplicity import adjust_p_values

P = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205]


def test_benjamini_hochberg_by_hand():
    # q_i = min over j >= i of p_j · m / j, m = 8: 0.001·8/1, 0.008·8/2, then min(0.039·8/3, 0.041·8/4, 0.042·8/5) …
    expected = [0.008, 0.032, 0.0672, 0.0672, 0.0672, 0.08, 0.074 * 8 / 7, 0.205]
    np.testing.assert_allclose(adjust_p_values(P), expected)


def test_holm_by_hand():
    # p_(i) · (8 − i + 1), never falling: 0.008, 0.056, 0.234, then 0.041·5 = 0.205 is raised to 0.234, …
    expected = [0.008, 0.056, 0.234, 0.234, 0.234, 0.234, 0.234, 0.234]
    np.testing.assert_allclose(adjust_p_values(P, "holm"), expected)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.randoms())
def test_order_does_not_matter_and_holm_is_the_stricter(values, random):
    p = np.array(values)
    order = np.array(random.sample(range(p.size), p.size))
    for method in ("benjamini-hochberg", "holm"):
        np.testing.assert_allclose(adjust_p_values(p[order], method), adjust_p_values(p, method)[order])
    assert (adjust_p_values(p, "holm") >= adjust_p_values(p) - 1e-12).all()
    assert (adjust_p_values(p) >= p - 1e-12).all()


def test_a_test_not_made_does_not_count():
    adjusted = adjust_p_values([0.01, np.nan, 0.04])
    np.testing.assert_allclose(adjusted[[0, 2]], [0.02, 0.04])
    assert np.isnan(adjusted[1])


def test_p_outside_its_range_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        adjust_p_values([0.1, 1.2])


def test_false_findings_stay_below_q():
    # 60 true nulls and 40 shifts of 3 standard errors: expected share of false findings <= q · 60/100 = 0.06.
    rng = np.random.default_rng(3)
    from scipy.stats import norm

    shares = []
    for _ in range(400):
        z = rng.normal(np.repeat([0.0, 3.0], [60, 40]))
        found = adjust_p_values(2 * norm.sf(np.abs(z))) < 0.1
        shares.append(found[:60].sum() / max(1, found.sum()))
    assert 0.04 < np.mean(shares) < 0.075
