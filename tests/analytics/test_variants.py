"""Experiments that differ in one thing only are found, and nothing else is taken for an ablation."""

import pytest

from analytics.variants import ABLATED, SIZED, group_variants, say_variant


def config(name, family="mlp", **changes):
    body = {
        "name": name, "family": family, "question": name, "features": [], "sequences": [], "leave_out": [],
        "share": 1.0, "seeds": [0], "settings": {},
        "tuning": {"trials": 0, "minutes": 0.0, "folds": 2, "share": 1.0, "space": {}},
    }  # fmt: skip
    return {**body, **changes}


def groups(configs, keys, ended=None):
    settings = {item["name"]: (ended or {}).get(item["name"], item["settings"]) for item in configs}
    return group_variants(configs, settings, keys)


def test_variants_stand_behind_their_full_one():
    found = groups(
        [config("no_economy", leave_out=["economy"]), config("plain", settings={"embedding": "plain"}),
         config("full", seeds=(0, 1, 2)), config("other", family="boosting"), config("fifth", share=0.2)],
        ABLATED,
    )  # fmt: skip
    assert found == [["full", "plain", "no_economy"]]  # the family alone and the other share are no ablations


def test_the_one_with_the_sequences_is_the_full_one():
    found = groups([config("static"), config("both", sequences=["payment_history"])], ABLATED)
    assert found == [["both", "static"]]


@pytest.mark.parametrize(
    "change",
    [{"settings": {"dropout": 0.2}}, {"seeds": [1]}, {"features": ["ltv"]}, {"family": "tabm"}, {"share": 0.5}],
)
def test_another_difference_is_no_ablation(change):
    assert groups([config("full"), config("less", leave_out=["economy"], **change)], ABLATED) == []


def test_what_was_searched_counts_unless_it_ended_alike():
    tuning = {"trials": 8, "minutes": 4.0, "folds": 2, "share": 0.5,
              "space": {"dropout": {"low": 0.0, "high": 0.4}, "embedding": {"choices": ["a", "b"]}}}  # fmt: skip
    full, same = config("full", tuning=tuning), config("less", tuning=tuning, leave_out=["economy"])
    ended = {"full": {"dropout": 0.1}, "less": {"dropout": 0.3}}
    assert groups([full, same], ABLATED, ended) == [["full", "less"]]  # each with the same budget
    fixed = config("less", leave_out=["economy"], settings={"dropout": 0.1})
    assert groups([full, fixed], ABLATED, {**ended, "less": {"dropout": 0.1}}) == [["full", "less"]]  # its settings
    assert groups([full, fixed], ABLATED, {**ended, "less": {"dropout": 0.2}}) == []


def test_sizes_differ_in_the_share_only():
    found = groups(
        [config("a5", share=0.05), config("all"), config("a20", share=0.2),
         config("less", share=0.2, leave_out=["economy"])], SIZED,
    )  # fmt: skip
    assert found == [["all", "a20", "a5"]]


def test_variants_are_said_by_what_they_lack():
    full = config("full", sequences=["payment_history"], leave_out=["region"])
    assert say_variant(config("x", sequences=["payment_history"]), full) == "with region"
    assert say_variant(config("x", leave_out=["region"]), full) == "without payment history"
    coded = config("x", sequences=["payment_history"], leave_out=["region"], settings={"embedding": "periodic"})
    assert say_variant(coded, full) == "with periodic embeddings of numbers"
    assert say_variant(full, full) == "once more"
