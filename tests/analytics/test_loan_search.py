"""Finding a loan: order, parts of ids, the sample of a cloud with its extremes, examples."""

import numpy as np
import pandas as pd
import pytest

from analytics import loan_search


def make_crowd(n=2000):
    rng = np.random.default_rng(7)
    return pd.DataFrame({
        "loan": [f"A{i:05}" for i in range(n)], "card/1": rng.beta(1, 50, n), "gbm/1": rng.beta(1, 50, n),
        "country": "Italy",
    })  # fmt: skip


def test_list_is_sorted_both_ways_ties_by_id_and_unknown_last(database):
    frame = pd.DataFrame({"loan": ["b", "a", "c", "d"], "m": [0.2, 0.2, 0.5, np.nan]})
    table = database.table(frame)
    assert list(loan_search.list_loans(table, database.fetch, "m")["loan"]) == ["c", "a", "b", "d"]
    assert list(loan_search.list_loans(table, database.fetch, "m", ascending=True)["loan"]) == ["a", "b", "c", "d"]
    assert list(loan_search.list_loans(table, database.fetch, "m", limit=1)["loan"]) == ["c"]
    with pytest.raises(ValueError, match="no column other; it has loan, m"):
        loan_search.list_loans(table, database.fetch, "other")


def test_parts_of_ids_whatever_their_case(database):
    table = database.table(pd.DataFrame({"loan": ["L10", "l100", "L7", "L%1"]}))
    assert loan_search.find_by_part(table, database.fetch, "L10") == (["L10", "l100"], 2)
    assert loan_search.find_by_part(table, database.fetch, "l1", limit=1) == (["L10"], 2)
    assert loan_search.find_by_part(table, database.fetch, "%") == (["L%1"], 1)  # no wildcard
    assert loan_search.find_by_part(table, database.fetch, "nobody") == ([], 0)


def test_a_small_cloud_is_whole(database):
    frame = make_crowd(100)
    found = loan_search.sample_cloud(database.table(frame), database.fetch, "card/1", "gbm/1")
    assert list(found["loan"]) == list(frame["loan"])
    np.testing.assert_array_equal(found["y"], frame["gbm/1"])


def test_a_large_cloud_keeps_its_extremes_and_is_the_same_again(database):
    frame = make_crowd()
    table = database.table(frame)
    found = loan_search.sample_cloud(table, database.fetch, "card/1", "gbm/1", limit=300, extremes=10)
    assert len(found) == 300
    odds = np.log(frame[["card/1", "gbm/1"]] / (1 - frame[["card/1", "gbm/1"]]))
    gap = odds["gbm/1"] - odds["card/1"]
    for column in (frame["card/1"], frame["gbm/1"], gap):
        for ends in (column.nlargest(10), column.nsmallest(10)):
            assert set(frame["loan"][ends.index]) <= set(found["loan"])
    again = loan_search.sample_cloud(table, database.fetch, "card/1", "gbm/1", limit=300, extremes=10)
    pd.testing.assert_frame_equal(found, again)


def test_examples_are_the_ends_the_median_and_the_widest_disagreement(database):
    frame = pd.DataFrame(
        {"loan": list("abcde"), "m": [0.01, 0.02, 0.03, 0.04, 0.05], "k": [0.01, 0.2, 0.03, 0.04, 0.05]}
    )
    found = loan_search.find_examples(database.table(frame), database.fetch, "m", ["m", "k"])
    assert found == {"Highest PD": "e", "Typical": "c", "Lowest PD": "a", "Models disagree most": "b"}
    assert "Models disagree most" not in loan_search.find_examples(database.table(frame), database.fetch, "m", ["m"])
    assert loan_search.find_examples(database.table(frame[:0]), database.fetch, "m", ["m"]) == {}
