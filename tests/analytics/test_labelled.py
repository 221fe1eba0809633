import numpy as np
import pandas as pd
import pytest

from analytics.labelled import check_labelled, check_scores


@pytest.mark.parametrize(
    ("y", "cluster", "message"),
    [
        ([0, 0], None, "no events"),
        ([1, 1], None, "only events"),
        ([], None, "no rows"),
        ([0, 1, np.nan], None, "1 of 3 are missing"),
        (pd.Series([0, 1, None], dtype="Int64"), None, "1 of 3 are missing"),
        ([0, 1, 2], None, "0 or 1"),
        ([0, 1], [1], "2 outcomes, 1 loans"),
        ([0, 1], [1, None], "no loan in 1 rows"),
    ],
)
def test_refuses_outcomes_that_cannot_be_judged(y, cluster, message):
    with pytest.raises(ValueError, match=message):
        check_labelled(y, cluster)


@pytest.mark.parametrize(
    ("pds", "message"),
    [
        ([0.1], "2 outcomes, 1 PDs"),
        ([0.1, np.nan], "not finite"),
        ([0.1, np.inf], "not finite"),
        ([0.1, 1.2], r"outside \[0, 1\]: 0.1 to 1.2"),
        ([-0.1, 0.2], r"outside \[0, 1\]"),
    ],
)
def test_refuses_scores_by_the_models_name(pds, message):
    with pytest.raises(ValueError, match=f"'gbm'.*{message}"):
        check_scores({"gbm": pds}, 2)


def test_no_models_are_refused():
    with pytest.raises(ValueError, match="at least one model"):
        check_scores({}, 2)


def test_loans_may_be_named_by_anything_and_sums_keep_the_total():
    y, influence = [0, 1, 1, 0], np.array([1.0, 2.0, 3.0, 4.0])
    for cluster in (["a", "b", "a", "b"], [7, 9, 7, 9], pd.Series(["a", "b", "a", "b"], index=[5, 6, 7, 8])):
        # first loan 1 + 3, second 2 + 4
        np.testing.assert_array_equal(check_labelled(y, cluster).sum_by_loan(influence), [4.0, 6.0])


def test_single_rows_as_clusters_equal_no_clusters():
    y = [0, 1, 1, 0, 1]
    with_ids, without = check_labelled(y, list("abcde")), check_labelled(y)
    for part in ("loans", "factor", "event_factor", "rest_factor"):
        assert getattr(with_ids, part) == getattr(without, part)
    assert without.event_factor == pytest.approx(np.sqrt(3 / 2))  # three loans with an event
