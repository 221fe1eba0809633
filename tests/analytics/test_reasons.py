import numpy as np
import pandas as pd

from analytics.reasons import describe_reasons

PHI = pd.Series({"ltv": np.log(1.8), "work": 0.4, "age": -np.log(2), "noise": 0.04})
VALUES = {"ltv": 0.96, "work": "self-employed", "age": 27.0, "noise": 1.0}
WORDS = {
    "labels": {"ltv": "Loan-to-value", "work": "Employment", "age": "Months on book"},
    "units": {"ltv": "share", "age": "months"},
    "typical": {"ltv": 0.71, "work": "permanent", "age": 60.0},
}


def test_the_strongest_reason_first_in_plain_words():
    assert describe_reasons(PHI, VALUES, **WORDS) == [
        "Loan-to-value of 96 % raises the odds of default by a factor of 1.8; typical is 71 %",
        "Employment: self-employed raises the odds of default by a factor of 1.5; typical is permanent",
    ]


def test_what_lowers_is_told_as_a_factor_above_one():
    assert describe_reasons(PHI, VALUES, direction="lowers", **WORDS) == [
        "Months on book of 27 months lowers the odds of default by a factor of 2.0; typical is 60 months"
    ]


def test_both_directions_by_size_and_at_most_top():
    found = describe_reasons(PHI, VALUES, direction="both", top=2, **WORDS)
    assert [sentence.split()[0] for sentence in found] == ["Months", "Loan-to-value"]


def test_negligible_contributions_are_no_reasons():
    assert describe_reasons(pd.Series({"noise": 0.049, "other": -0.049}), {}, direction="both") == []


def test_what_is_not_known_says_so_and_a_typical_value_is_not_repeated():
    found = describe_reasons(pd.Series({"income": 0.5, "rate": 0.3}), {"rate": "fixed"}, typical={"rate": "fixed"},
                             event="refusal")  # fmt: skip
    assert found == [
        "income: not known raises the odds of refusal by a factor of 1.6",
        "rate: fixed raises the odds of refusal by a factor of 1.3",
    ]
