"""The smallest change on functions whose answer is known; every answer is asked of the model again."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.counterfactual import Option, find_smallest_change

LOAN = pd.DataFrame({"x": [4.0], "z": [2.0], "kind": ["bad"]})


def logistic(frame):
    odds = 0.8 * frame["x"] + 0.5 * frame["z"] + np.where(frame["kind"] == "bad", 1.0, 0.0) - 4
    return (1 / (1 + np.exp(-odds))).to_numpy()


def everything(frame, changed):
    return frame, np.ones(len(frame), dtype=bool)


def down(name, high, steps=24, **words):
    return Option(name, tuple(np.linspace(0, high, steps, endpoint=False)), **words)


def test_one_field_moves_no_further_than_needed():
    # logit = 0.8 · 4 + 0.5 · 2 + 1 − 4 = 1.2; PD < 0.5 needs x < 2.5 (0.8 · 1.5 = 1.2).
    found = find_smallest_change(LOAN, [down("x", 4.0)], logistic, everything, threshold=0.5)
    assert found.found
    assert set(found.changes) == {"x"}
    assert 2.3 <= found.changes["x"] < 2.5
    assert logistic(LOAN.assign(**found.changes))[0] == found.pd < 0.5
    assert found.pd_before == pytest.approx(1 / (1 + np.exp(-1.2)))


def test_the_cheapest_field_is_taken():
    options = [down("x", 4.0, spread=0.1), down("z", 2.0, spread=10.0)]
    found = find_smallest_change(LOAN, options, logistic, everything, threshold=0.7)
    assert set(found.changes) == {"z"}  # 15 spreads of x against a tenth of one of z


def test_two_fields_where_one_is_not_enough():
    options = [down("z", 2.0), Option("kind", ("good",))]
    found = find_smallest_change(LOAN, options, logistic, everything, threshold=0.5)  # each alone leaves 0.2 at least
    assert found.found
    assert set(found.changes) == {"z", "kind"}
    assert logistic(LOAN.assign(**found.changes))[0] < 0.5


def test_none_found_says_how_low_it_gets():
    found = find_smallest_change(LOAN, [down("z", 2.0)], logistic, everything, threshold=0.01)
    assert not found.found
    assert found.changes == {"z": 0.0}
    assert found.pd == pytest.approx(1 / (1 + np.exp(-0.2)))


def test_nothing_needed():
    found = find_smallest_change(LOAN, [down("x", 4.0)], logistic, everything, threshold=0.99)
    assert (found.found, found.changes, found.size) == (True, {}, 0.0)


def test_without_options():
    found = find_smallest_change(LOAN, [], logistic, everything, threshold=0.5)
    assert (found.found, found.changes) == (False, {})


def test_impossible_loans_are_no_answer():
    def only_small_steps(frame, changed):
        return frame, (frame["x"] >= 3).to_numpy()

    found = find_smallest_change(LOAN, [down("x", 4.0)], logistic, only_small_steps, threshold=0.5)
    assert not found.found


def test_whole_numbers_stay_whole():
    found = find_smallest_change(LOAN, [Option("x", (0.0, 1.0, 2.0, 3.0), whole=True)], logistic, everything,
                                 threshold=0.5)  # fmt: skip
    assert found.changes == {"x": 2.0}


def test_linked_fields_are_moved_before_the_model_is_asked():
    def complete(frame, changed):
        return frame.assign(z=frame["x"] / 2), np.ones(len(frame), dtype=bool)

    # z follows as x / 2: logit = 0.8 x + 0.25 x + 1 − 4 < 0 needs x < 2.857.
    found = find_smallest_change(LOAN, [down("x", 4.0)], logistic, complete, threshold=0.5)
    assert 2.6 <= found.changes["x"] < 3 / 1.05


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="between 0 and 1, got 0"):
        find_smallest_change(LOAN, [], logistic, everything, threshold=0)
    with pytest.raises(ValueError, match="one loan, got 2"):
        find_smallest_change(pd.concat([LOAN, LOAN]), [], logistic, everything, threshold=0.5)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.05, 0.95), st.integers(0, 10_000))
def test_what_is_called_found_crosses_the_threshold_whatever_the_model(threshold, seed):
    draw = np.random.default_rng(seed)
    table = draw.random((6, 6))  # a model with jumps and no direction

    def jumpy(frame):
        return table[np.clip(frame["x"], 0, 5).astype(int), np.clip(frame["z"], 0, 5).astype(int)]

    options = [Option("x", tuple(np.linspace(0, 5, 12))), Option("z", tuple(np.linspace(0, 5, 12)))]
    found = find_smallest_change(LOAN, options, jumpy, everything, threshold=threshold)
    assert (jumpy(LOAN.assign(**found.changes))[0] < threshold) == found.found
    assert found.found == bool((table < threshold).any())  # every pair of the grid is tried
