"""Reason codes: grouped before they are ranked, adverse first, in plain words."""

import numpy as np
import pandas as pd
import pytest

from analytics.reasons import Vocabulary, list_reasons

PHI = pd.Series({"ltv": np.log(1.8), "work": 0.4, "age": -np.log(2), "noise": 0.04})
VALUES = {"ltv": 0.96, "work": "self-employed", "age": 27.0, "noise": 1.0}
WORDS = Vocabulary(
    groups={},
    typical={"ltv": 0.71, "work": "permanent", "age": 60.0},
    labels={"ltv": "Loan-to-value", "work": "Employment", "age": "Months on book"},
    units={"ltv": "share", "age": "months"},
)


def vocabulary(**groups):
    return Vocabulary(groups, {}, {}, {})


def test_the_strongest_reason_first_in_plain_words():
    assert [reason.sentence for reason in list_reasons(PHI, VALUES, WORDS)] == [
        "Loan-to-value of 96 % (typical: 71 %) raises the odds of default by a factor of 1.8",
        "Employment: self-employed (typical: permanent) raises the odds of default by a factor of 1.5",
    ]


def test_what_lowers_is_told_as_a_factor_above_one_and_kept_with_its_sign():
    (found,) = list_reasons(PHI, VALUES, WORDS, direction="lowers")
    assert (
        found.sentence
        == "Months on book of 27 months (typical: 60 months) lowers the odds of default by a factor of 2.0"
    )
    assert found.phi == pytest.approx(-np.log(2))


def test_fields_of_a_group_are_added_up_before_they_are_ranked():
    phi = pd.Series({"rate": 0.9, "incentive": -0.88, "income": 0.3, "debt": 0.25, "age": 0.4})
    found = list_reasons(phi, {}, vocabulary(rate="price", incentive="price", income="means", debt="means"))
    # price: 0.9 − 0.88 = 0.02, no reason although its rate alone would be the strongest; means: 0.55 before age's 0.4
    assert [(reason.group, round(reason.phi, 6)) for reason in found] == [("means", 0.55), ("age", 0.4)]
    assert found[0].fields == ("income", "debt")
    assert found[0].sentence.startswith("Means raises the odds of default by a factor of 1.7: income: not known; debt")


def test_a_group_names_two_fields_at_most_and_none_that_works_against_it():
    phi = pd.Series({"a": 0.2, "b": 0.6, "c": 0.3, "d": -0.4})
    (found,) = list_reasons(phi, {}, vocabulary(a="g", b="g", c="g", d="g"))
    assert found.fields == ("b", "c")
    assert found.phi == pytest.approx(0.7)


def test_many_small_fields_are_a_reason_together():
    phi = pd.Series({"a": 0.03, "b": 0.04})
    (found,) = list_reasons(phi, {}, vocabulary(a="g", b="g"))
    assert (found.fields, round(found.phi, 9)) == (("b",), 0.07)


def test_at_most_four_reasons_and_none_that_is_negligible():
    phi = pd.Series({name: 0.1 + 0.1 * place for place, name in enumerate("abcdef")})
    assert [reason.group for reason in list_reasons(phi, {}, vocabulary())] == ["f", "e", "d", "c"]
    assert list_reasons(pd.Series({"noise": 0.049, "other": -0.049}), {}, vocabulary()) == []


def test_what_is_not_known_says_so_and_a_typical_value_is_not_repeated():
    words = Vocabulary({}, {"rate": "fixed"}, {}, {}, event="refusal")
    found = list_reasons(pd.Series({"income": 0.5, "rate": 0.3}), {"rate": "fixed"}, words)
    assert [reason.sentence for reason in found] == [
        "income: not known raises the odds of refusal by a factor of 1.6",
        "rate: fixed raises the odds of refusal by a factor of 1.3",
    ]
