"""Rows that were made odd are the oddest, for the reason for which they were made so."""

import numpy as np
import pandas as pd
import pytest

from analytics.outliers import find_outliers


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    n = 2_000
    rows = pd.DataFrame({
        "loan": [f"L{place}" for place in range(n)],
        "income": np.exp(10.5 + 0.4 * rng.normal(size=n)),
        "ltv": rng.uniform(0.4, 1.0, n),
        "age": rng.integers(20, 70, n).astype(float),
        "channel": rng.choice(["branch", "broker"], n),
        "constant": 1.0,
    })  # fmt: skip
    rows.loc[rng.random(n) < 0.05, "age"] = np.nan
    return rows


FIELDS = ("income", "ltv", "age", "channel", "constant")


def test_a_planted_row_is_first_with_its_reason(frame):
    frame.loc[77, ["income", "ltv"]] = [5e6, 3.0]
    found = find_outliers(frame, key="loan", fields=FIELDS, top=10)
    assert found.top["loan"].iloc[0] == "L77"
    assert found.top["score"].is_monotonic_decreasing
    reasons = found.reasons[found.reasons["loan"] == "L77"].set_index("field")
    assert set(reasons.index[:2]) == {"income", "ltv"}
    assert reasons.loc["ltv", "value"] == 3.0
    assert reasons.loc["ltv", "typical"] == pytest.approx(frame["ltv"].median())
    assert (found.reasons["drop"] > 0).all()


def test_a_rare_word_is_odd(frame):
    frame.loc[:7, "channel"] = "fax"  # eight rows: a word on one row is in few of the trees' samples of 512
    found = find_outliers(frame, key="loan", fields=("channel", "ltv"), top=8)
    assert set(found.top["loan"]) == {f"L{place}" for place in range(8)}
    assert (found.reasons.drop_duplicates("loan")["field"] == "channel").all()


def test_the_same_rows_give_the_same_answer_and_stay_as_they_are(frame):
    before = frame.copy()
    one, two = (find_outliers(frame, key="loan", fields=FIELDS) for _ in range(2))
    pd.testing.assert_frame_equal(one.reasons, two.reasons)
    pd.testing.assert_frame_equal(frame, before)
    assert one.rows == len(frame)
    assert "constant" not in one.typical


def test_infinite_missing_and_empty_values_do_no_harm(frame):
    frame.loc[3, "ltv"] = np.inf
    frame["empty"] = np.nan
    frame["flag"] = pd.array([True, False, None, True] * 500, dtype="boolean")
    found = find_outliers(frame, key="loan", fields=(*FIELDS, "empty", "flag"))
    assert np.isfinite(found.top["score"]).all()
    assert "empty" not in found.typical


def test_too_little_to_judge_is_said(frame):
    with pytest.raises(ValueError, match="50 rows and two fields"):
        find_outliers(frame.head(20), key="loan", fields=FIELDS)
    with pytest.raises(ValueError, match="50 rows and two fields"):
        find_outliers(frame, key="loan", fields=("income", "constant"))
