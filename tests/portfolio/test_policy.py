"""The policy file as an auditor meets it: defaults that can be read back, and every mistake named."""

import json
import tomllib
from dataclasses import fields, replace

import pytest

from analytics.lights import Limits, judge_high, judge_low
from analytics.opinion import OpinionPolicy, propose_opinion
from analytics.performance import METRICS
from portfolio.errors import HypothecError
from portfolio.policy import PRIMARY, SECTIONS, TESTS, Lights, Policy, build_policy, format_policy, load_policy
from portfolio.workspace import Portfolio, hash_data


@pytest.fixture
def portfolio(tmp_path):
    (tmp_path / "demo").mkdir()
    return Portfolio(tmp_path / "demo")


def test_without_a_file_the_defaults_hold(portfolio):
    policy = load_policy(portfolio)
    assert policy == Policy()
    # The lead's decisions for the comparison.
    assert (policy.comparison.primary_metric, policy.comparison.margin, policy.comparison.resamples) == (
        "gini", 0.01, 1000)  # fmt: skip


def test_what_is_printed_can_be_read_back(portfolio):
    changed = {
        "comparison": {"margin": 0.02, "primary_metric": "auc"},
        "validation": {"bounds": [0.001, 0.01], "auc_initial": 0.75, "few_defaults": 5},
        "lights": {"psi": [0.2, 0.3]},
        "opinion": {"weights": {"ccf": 2.0}, "key": []},
    }
    policy = build_policy(changed)
    (portfolio.root / "policy.toml").write_text(format_policy(policy))
    assert load_policy(portfolio) == policy
    assert policy.validation.bounds == (0.001, 0.01)
    assert policy.source == "policy.toml"


def test_a_file_with_one_key_leaves_the_rest_at_the_defaults(portfolio):
    (portfolio.root / "policy.toml").write_text("[comparison]\nmargin = 0\n")
    policy = load_policy(portfolio)
    assert policy.comparison.margin == 0
    assert replace(policy, comparison=Policy().comparison, source="defaults") == Policy()


def test_every_setting_is_documented_in_what_is_printed():
    text = format_policy(Policy())
    for cls in SECTIONS.values():
        for item in fields(cls):
            assert len(item.metadata["about"]) > 10
            assert f"# {item.metadata['about']}" in text
    tomllib.loads(text)


def test_every_default_is_allowed():
    raw = tomllib.loads(format_policy(Policy()))
    assert replace(build_policy(raw), source="defaults") == Policy()


def test_the_words_are_those_of_analytics():
    assert set(PRIMARY) <= set(METRICS)
    assert all(METRICS[name].better in {"higher", "lower"} for name in PRIMARY)
    judge = {"low": judge_low, "high": judge_high}
    for item in fields(Lights):
        assert judge[item.metadata["bad"]](0.5, Limits(*item.default)) in {"green", "amber", "red"}
    rule = Policy().opinion
    policy = OpinionPolicy(rule.minor, rule.major, rule.severe, rule.amber, rule.red, rule.weights)
    assert propose_opinion([], policy).level is None
    assert set(rule.key) | set(rule.required) <= set(TESTS)


WRONG = [
    ({"comparisons": {}}, "unknown section comparisons; a policy has comparison"),
    ({"comparison": 3}, "[comparison] must be a section of keys, got 3"),
    ({"comparison": {"margins": 1}}, "[comparison] unknown key margins; there are primary_metric, margin"),
    ({"comparison": {"margin": "0.01"}}, "[comparison] margin must be a number from 0 to 1, got '0.01'"),
    ({"comparison": {"margin": True}}, "margin must be a number from 0 to 1, got True"),
    ({"comparison": {"margin": float("nan")}}, "margin must be a number from 0 to 1, got nan"),
    ({"comparison": {"resamples": 1000.0}}, "resamples must be a whole number from 100 to 20000, got 1000.0"),
    ({"comparison": {"resamples": 10}}, "from 100 to 20000, got 10"),
    ({"comparison": {"primary_metric": "accuracy"}}, "must be one of gini, auc, ks, brier, log_loss, got 'accuracy'"),
    ({"comparison": {"primary_metric": ["gini"]}}, "must be one of gini"),
    ({"comparison": {"calibration_low": 1.3}}, "calibration_low must be a number from 0 to 1, got 1.3"),
    ({"profit": {"share_no_loss": 0.7, "share_full_loss": 0.4}}, "must add up to at most 1, got 1.1"),
    ({"validation": {"grades": 9}}, "grades must be a whole number from 10 to 20, got 9"),
    ({"validation": {"bounds": [0.1, 0.1]}}, "bounds must rise strictly between 0 and 1, got [0.1, 0.1]"),
    ({"validation": {"bounds": [0.0]}}, "bounds must rise strictly"),
    ({"validation": {"bounds": 0.1}}, "bounds must be a list in square brackets, got 0.1"),
    ({"validation": {"auc_initial": 75}}, "auc_initial must be a number from 0.5 to 1, got 75"),
    ({"lights": {"portfolio_pd": [0.01, 0.05]}}, "portfolio_pd must be [amber, red] with red at or below amber"),
    ({"lights": {"psi": [0.25, 0.1]}}, "psi must be [amber, red] with red at or above amber, got [0.25, 0.1]"),
    ({"lights": {"psi": [0.25]}}, "psi must be [amber, red]"),
    ({"lights": {"psi": [-1, 0.1]}}, "psi must be a number from 0, got -1"),
    ({"opinion": {"minor": 5, "major": 2}}, "minor, major and severe must rise, got 5, 2, 10"),
    ({"opinion": {"amber": 4}}, "red must count at least as much as amber, got amber 4, red 3"),
    ({"opinion": {"key": ["jeffreys"]}}, "key must list tests out of portfolio_pd"),
    ({"opinion": {"key": [["psi"]]}}, "key must list tests out of portfolio_pd"),
    ({"opinion": {"weights": {"psi": -1}}}, "weights.psi must be a number from 0 to 1000, got -1"),
    ({"opinion": {"weights": {"psy": 1}}}, "weights must be a table of numbers by test"),
    ({"explanation": {"rarest": 0.5}}, "[explanation] rarest must be a number from 0.0001 to 0.1, got 0.5"),
    ({"explanation": {"stable_share": "high"}}, "stable_share must be a number from 0.5 to 1, got 'high'"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "message"), WRONG, ids=[json.dumps(raw)[:50] for raw, _ in WRONG])
def test_a_wrong_policy_is_refused_by_name(raw, message):
    with pytest.raises(HypothecError) as caught:
        build_policy(raw, where="policy.toml")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"[comparison", b"\xff\xfe", b"# auc\nauc_initial = \n"])
def test_a_file_that_is_no_toml_is_refused_by_name(portfolio, content):
    (portfolio.root / "policy.toml").write_bytes(content)
    with pytest.raises(HypothecError, match=r"policy\.toml: cannot read the policy"):
        load_policy(portfolio)


def test_the_policy_is_no_part_of_the_data(portfolio):
    (portfolio.root / "schema.toml").write_text("")
    before = hash_data(portfolio.root)
    (portfolio.root / "policy.toml").write_text("[comparison]\n")
    assert hash_data(portfolio.root) == before
