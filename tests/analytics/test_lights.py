import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.lights import SYMBOLS, Limits, judge_high, judge_low, show_light

SEVERITY = ["green", "amber", "red"]


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_smaller_p_is_never_better(p, q):
    limits = Limits(0.05, 0.01)
    low, high = sorted((p, q))
    assert SEVERITY.index(judge_low(low, limits)) >= SEVERITY.index(judge_low(high, limits))


@given(st.floats(0, 1), st.floats(0, 1))
def test_low_and_high_mirror_each_other(p, limit):
    assert judge_high(p, Limits(limit, 1.0)) == judge_low(-p, Limits(-limit, -1.0))


def test_unknown_is_not_run_and_not_green():
    assert judge_low(np.nan, Limits(0.05, 0.01)) == judge_high(np.nan, Limits(0.1, 0.25)) == "not run"


@pytest.mark.parametrize(("judge", "limits"), [
    (judge_low, Limits(0.01, 0.05)), (judge_high, Limits(0.25, 0.1)), (judge_low, Limits(np.nan, 0.01)),
])  # fmt: skip
def test_limits_the_wrong_way_round_are_refused(judge, limits):
    with pytest.raises(ValueError, match="limits need"):
        judge(0.5, limits)


def test_each_light_has_its_own_shape_and_its_word():
    assert len(set(SYMBOLS.values())) == 4
    assert all(show_light(word).endswith(word) for word in SYMBOLS)
