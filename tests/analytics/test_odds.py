import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.odds import CLIP, clip_pd, to_factor, to_log_odds, to_pd


@given(st.floats(CLIP, 1 - CLIP))
def test_there_and_back(pd):
    assert float(to_pd(to_log_odds(pd))) == pytest.approx(pd, rel=1e-9)


def test_odds_of_four_to_one():
    # PD .2: odds .2/.8 = 1/4.
    assert float(to_log_odds(0.2)) == pytest.approx(-np.log(4))


def test_certainties_are_clipped_to_one_in_a_million():
    np.testing.assert_array_equal(clip_pd([0, 1]), [1e-6, 1 - 1e-6])
    assert np.isfinite(to_log_odds([0, 1])).all()


def test_a_contribution_multiplies_the_odds():
    before, after = -3.0, -3.0 + 0.5
    odds = [float(p / (1 - p)) for p in to_pd([before, after])]
    assert odds[1] / odds[0] == pytest.approx(to_factor(0.5))
