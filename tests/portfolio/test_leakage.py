"""A field that gives the outcome away is found; noise, ids and rare events are not mistaken for one."""

import numpy as np
import pandas as pd
import pytest

from portfolio.leakage import Leak, compute_single_field_auc, find_leaking_fields


def outcome(rows: int, events: int) -> pd.Series:
    return pd.Series([1.0] * events + [0.0] * (rows - events))


def test_the_outcome_under_another_name_has_an_auc_of_one():
    target = outcome(1000, 50)
    assert compute_single_field_auc(target.map({1.0: "denied", 0.0: "granted"}), target) == 1.0
    assert compute_single_field_auc(1 - target, target) == 1.0  # the direction does not matter


def test_being_missing_can_give_the_outcome_away():
    target = outcome(400, 40)
    rate = pd.Series(np.random.default_rng(1).normal(5, 1, 400)).mask(target == 1)  # denied loans have no rate
    assert compute_single_field_auc(rate, target) == 1.0


def test_two_bins_by_hand():
    # 10 events and 10 others; "a" holds 8 events and 2 others, "b" 2 events and 8 others. Pairs won:
    # event in a, other in b 8*8 = 64; ties: 8*2 in a and 2*8 in b, one half each = 16; (64 + 16) / 100 = 0.80.
    # Two folds deal each class in turn, so every fold holds 4+1 events and 1+4 others and has the same 0.80.
    values = pd.Series(["a"] * 8 + ["b"] * 2 + ["a"] * 2 + ["b"] * 8)
    target = pd.Series([1.0] * 10 + [0.0] * 10)
    five_folds = compute_single_field_auc(values, target)
    # By hand with five folds: class members are dealt in turn, so folds hold events (a,a) (a,a) (a,a) (a,b) (a,b) and
    # others (a,b) (a,b) (b,b) (b,b) (b,b); rate(a) > rate(b) out of each fold. Pairs of 4 won:
    # (a,a)x(a,b): 2 + 2/2 = 3 -> .75, twice; (a,a)x(b,b): 4 -> 1; (a,b)x(b,b): 2 + 2/2 = 3 -> .75, twice. Mean .80.
    assert five_folds == pytest.approx(0.80)


@pytest.mark.parametrize(("rows", "events"), [(60, 6), (200, 10), (2000, 20), (5000, 1500)])
def test_an_id_says_nothing(rows, events):
    target = outcome(rows, events).sample(frac=1, random_state=3).reset_index(drop=True)
    names = pd.Series([f"loan {n}" for n in range(rows)])
    assert compute_single_field_auc(names, target) == pytest.approx(0.5)  # every bin is unseen by the other folds


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("rows", "events"), [(50, 5), (300, 6), (3000, 30)])
def test_noise_is_never_called_a_leak(seed, rows, events):
    rng = np.random.default_rng(seed)
    target = outcome(rows, events).sample(frac=1, random_state=seed).reset_index(drop=True)
    frame = pd.DataFrame(
        {
            "number": rng.normal(size=rows),
            "few": rng.integers(0, 4, rows),
            "many": rng.integers(0, rows // 3, rows).astype(str),
        }
    )
    assert find_leaking_fields(frame, target, list(frame)) == []


def test_the_true_auc_of_a_normal_shift_is_found():
    # binormal with equal variance: AUC = Phi(d / sqrt 2); d = 1.5 gives Phi(1.0607) = 0.8556 (normal table)
    rng = np.random.default_rng(5)
    target = outcome(40_000, 20_000)
    values = pd.Series(rng.normal(size=40_000)) + 1.5 * target
    # 20 bins lose a little: ties within a bin count one half
    assert compute_single_field_auc(values, target) == pytest.approx(0.8556, abs=0.01)


def test_a_planted_later_field_is_caught_and_honest_fields_are_not():
    rng = np.random.default_rng(7)
    risk = rng.normal(size=5000)
    target = pd.Series((risk + rng.logistic(size=5000) > 3).astype(float))
    frame = pd.DataFrame({"risk": risk, "arrears_next_year": np.where(target == 1, rng.integers(90, 400, 5000), 0)})
    found = find_leaking_fields(frame, target, ["risk", "arrears_next_year"])
    assert [leak.name for leak in found] == ["arrears_next_year"]
    assert found[0].auc == pytest.approx(1.0)


def test_rows_without_an_outcome_do_not_count():
    target = outcome(200, 40)
    known = compute_single_field_auc(target.astype(str), target)
    longer = pd.concat([target, pd.Series([np.nan] * 50)], ignore_index=True)
    assert compute_single_field_auc(longer.astype(str), longer) == known == 1.0


def test_fewer_than_five_events_are_not_judged_and_one_class_has_no_auc():
    assert find_leaking_fields(pd.DataFrame({"x": outcome(100, 4)}), outcome(100, 4), ["x"]) == []
    assert np.isnan(compute_single_field_auc(outcome(100, 1), outcome(100, 1)))
    assert np.isnan(compute_single_field_auc(outcome(100, 0), outcome(100, 0)))


def test_leaks_come_worst_first_and_the_input_is_untouched():
    target = outcome(1000, 100)
    nearly = target.where(target.index % 100 != 0, 1 - target)  # one row in a hundred is wrong
    frame = pd.DataFrame({"nearly": nearly, "exactly": target})
    before = frame.copy()
    found = find_leaking_fields(frame, target, ["nearly", "exactly"])
    assert found[0] == Leak("exactly", 1.0)
    assert [leak.name for leak in found] == ["exactly", "nearly"]
    pd.testing.assert_frame_equal(frame, before)
