"""The hull against Qhull and against its definition: no point of the ROC curve above it, no corner inside."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from analytics.labelled import check_labelled
from analytics.ranking import Ranking
from analytics.roc_hull import find_roc_hull


@given(st.integers(0, 10_000), st.integers(2, 60))
@settings(max_examples=100, deadline=None)
def test_hull_covers_the_curve_and_its_corners_lie_on_it(seed, levels):
    rng = np.random.default_rng(seed)
    score = rng.integers(0, levels, 80) / levels
    data = check_labelled(np.r_[1, 0, rng.random(78) < 0.2 + 0.5 * score[2:]])
    hull = find_roc_hull(data, score)
    fpr, tpr, threshold = Ranking(data, score).curve()
    below = np.c_[np.r_[fpr, 1], np.r_[tpr, 0]]  # (1, 0) closes the region under the curve
    area = ConvexHull(below).volume
    assert np.trapezoid(hull.tpr, hull.fpr) == pytest.approx(area, abs=1e-12)
    assert (np.diff(hull.rate) <= 1e-12).all()
    points = set(zip(fpr, tpr, threshold, strict=True))
    assert set(zip(hull.fpr, hull.tpr, hull.threshold, strict=True)) <= points
    # The rate of an edge is the event rate of the rows it adds.
    events, rest = np.diff(hull.tpr) * data.events, np.diff(hull.fpr) * (data.n - data.events)
    np.testing.assert_allclose(hull.rate, events / (events + rest))
    assert hull.flagged[-1] == pytest.approx(1)


def test_a_constant_pd_has_the_diagonal():
    hull = find_roc_hull(check_labelled([1, 0, 0, 0]), np.full(4, 0.3))
    assert hull.fpr.tolist() == hull.tpr.tolist() == [0, 1]
    assert hull.rate.tolist() == [0.25]
