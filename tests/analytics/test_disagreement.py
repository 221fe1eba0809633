"""The difference of two models against hand arithmetic, scipy and planted truth."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analytics.disagreement import (
    LOAN,
    NoLoansError,
    compute_difference,
    list_difference_steps,
    list_most_different,
    name_main_feature,
    pair_models,
)


def scores(base, phi, ids=None, left=0.0):
    """A score table: log-odds = base + Σφ + what the explanation leaves over."""
    phi = pd.DataFrame(phi).add_prefix("phi_").astype(float)
    log_odds = base + phi.sum(axis=1) + left
    ids = [f"L{k}" for k in range(len(phi))] if ids is None else ids
    return phi.assign(loan_id=ids, base=base, log_odds=log_odds, pd=1 / (1 + np.exp(-log_odds)))


def pair(database, champion, challenger, rows=None):
    ids = champion["loan_id"].tolist()
    rows = pd.DataFrame({"loan_id": ids, "arrears": np.arange(len(ids))}) if rows is None else rows
    tables = [database.table(frame) for frame in (rows, champion, challenger)]
    return pair_models(*tables, database.fetch, id_name="loan_id")


@pytest.fixture
def two(database):
    """Champion uses a and b (its c is stored as 0), challenger b and c (it has no a)."""
    champion = scores(-4.0, {"a": [1.0, 0.0], "b": [0.5, -0.5], "c": [0.0, 0.0]})
    challenger = scores(-3.0, {"b": [0.25, 0.25], "c": [2.0, -1.0]})
    return pair(database, champion, challenger)


def test_difference_by_hand(database, two):
    """Champion −4 + 1.5 = −2.5 and −4.5; challenger −3 + 2.25 = −0.75 and −3.75: differences 1.75 and 0.75."""
    assert two.features == ("a", "b", "c")
    assert two.only == (("a",), ("c",))
    asked = database.queries
    found = compute_difference(two, database.fetch)
    assert database.queries == asked + 1
    terms = found.terms.set_index(["kind", "feature"])
    assert terms["mean"].to_dict() == pytest.approx(
        {("base", ""): 1.0, ("feature", "a"): -0.5, ("feature", "b"): 0.25, ("feature", "c"): 0.5, ("remainder", ""): 0}
    )
    # a: −1 and 0, so sd = √½; b: −0.25 and 0.75; c: 2 and −1
    assert terms["sd"].to_list() == pytest.approx([0, math.sqrt(0.5), math.sqrt(0.5), math.sqrt(4.5), 0])
    assert terms["only"].to_dict()["feature", "c"] == "challenger"
    assert (found.start, found.end, found.n, found.total["mean"]) == (-3.5, -2.25, 2, 1.25)
    assert found.small
    assert name_main_feature(found) == "c"


def test_intervals_are_those_of_a_t_test(database):
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(40, 2)), rng.normal(0.3, 1, size=(40, 2))
    found = compute_difference(
        pair(database, scores(-3, dict(zip("xy", a.T, strict=True))), scores(-2, dict(zip("xy", b.T, strict=True)))),
        database.fetch, level=0.9,
    )  # fmt: skip
    expected = stats.ttest_1samp(b[:, 0] - a[:, 0], 0).confidence_interval(0.9)
    row = found.terms[found.terms["feature"] == "x"].iloc[0]
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high))
    expected = stats.ttest_1samp((b - a).sum(axis=1) + 1, 0).confidence_interval(0.9)
    assert (found.total["low"], found.total["high"]) == pytest.approx((expected.low, expected.high))
    assert not found.small


def test_planted_one_feature_explains_it_all(database):
    """Two linear models alike but for one weight, on one background: φ = w · (x − mean), bases differ by Δw · mean."""
    rng = np.random.default_rng(0)
    x, background = rng.normal(1, 1, (500, 4)), np.array([1.1, 0.9, 1.0, 1.2])
    weights = np.array([0.8, -0.4, 0.3, 0.0])
    other = weights + np.array([0, 0, 0.5, 0])
    champion, challenger = (
        scores(-5 + w @ background, dict(zip("abcd", (w * (x - background)).T, strict=True))) for w in (weights, other)
    )
    found = compute_difference(pair(database, champion, challenger), database.fetch)
    means = found.terms[found.terms["kind"] == "feature"].set_index("feature")["mean"]
    assert means[["a", "b", "d"]].abs().max() < 1e-12
    assert means["c"] == pytest.approx(0.5 * (x[:, 2] - 1.0).mean())
    assert found.terms.iloc[0]["mean"] == pytest.approx(0.5)
    most = list_most_different(pair(database, champion, challenger), database.fetch, count=10)
    moved = most["part"].abs() > 1e-9
    assert set(most.loc[moved, "feature"]) == {"c"}
    assert moved.any()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 14))
def test_terms_and_steps_add_up(seed, n, features):
    import tempfile
    from pathlib import Path

    import ibis

    rng = np.random.default_rng(seed)
    names = [f"f{k}" for k in range(features)]
    left, right = (
        scores(rng.normal(-4, 1), dict(zip(names, rng.normal(0, 2, (features, n)), strict=True)), left=rest)
        for rest in (0.0, rng.normal(0, 1e-2, n))
    )
    backend = ibis.duckdb.connect()
    with tempfile.TemporaryDirectory() as folder:
        tables = []
        for place, frame in enumerate((left[["loan_id"]], left, right)):
            frame.to_parquet(Path(folder) / f"{place}.parquet")
            tables.append(backend.read_parquet(Path(folder) / f"{place}.parquet"))

        def fetch(expression):
            return backend.to_pyarrow(expression).to_pandas()

        found = compute_difference(pair_models(*tables, fetch, id_name="loan_id"), fetch)
    whole = (right["log_odds"] - left["log_odds"]).mean()
    assert found.terms["mean"].sum() == pytest.approx(whole, abs=1e-9)
    assert found.end - found.start == pytest.approx(whole, abs=1e-9)
    steps = list_difference_steps(found, top=5)
    inner = steps.iloc[1:-1]
    assert found.start + inner["contribution"].sum() == pytest.approx(found.end, abs=1e-9)
    assert inner["end"].iloc[-1] == pytest.approx(found.end, abs=1e-9)
    np.testing.assert_allclose(inner["start"].to_numpy()[1:], inner["end"].to_numpy()[:-1])
    assert (inner["kind"] == "other").sum() == (features > 5)


def test_steps_in_words(database, two):
    one = two.on(two.table.filter(two.table[LOAN] == "L0"))
    found = compute_difference(one, database.fetch)
    assert (found.n, math.isnan(found.total["low"])) == (1, True)
    steps = list_difference_steps(found, labels={"c": "Arrears"}, values={"c": 2, "a": None, "b": "yes"},
                                  units={"c": "months"}, names=("Card", "Net"))  # fmt: skip
    assert steps["label"].tolist() == ["Card", "Arrears", "a", "b", "Level of the background", "Net"]
    assert steps["value"].tolist() == ["", "2 months", "not known", "yes", "", ""]
    assert steps["end"].tolist() == pytest.approx([-2.5, -0.5, -1.5, -1.75, -0.75, -0.75])
    assert steps["only"].tolist() == ["", "challenger", "champion", "", "", ""]


def test_what_explanations_leave_over_has_its_own_step(database):
    """The challenger's log-odds lie 0.02 above what its attributions say."""
    champion, challenger = scores(-4, {"a": [1.0, 2.0]}), scores(-4, {"a": [1.0, 3.0]}, left=0.02)
    found = compute_difference(pair(database, champion, challenger), database.fetch)
    assert found.left_over == pytest.approx(0.02)
    steps = list_difference_steps(found)
    left = steps[steps["kind"] == "remainder"]
    assert left["contribution"].tolist() == pytest.approx([0.02])
    assert found.start + steps["contribution"].iloc[1:-1].sum() == pytest.approx(found.end)


def test_only_loans_that_both_explain(database):
    champion, challenger = scores(-4, {"a": [1.0, 2.0, 3.0]}), scores(-4, {"a": [1.0, 2.0, 9.0]})
    challenger.loc[2, ["base", "phi_a"]] = np.nan
    found = compute_difference(pair(database, champion, challenger), database.fetch)
    assert (found.n, found.total["mean"]) == (2, 0.0)
    challenger[["base", "phi_a"]] = np.nan
    with pytest.raises(NoLoansError, match="both models have explained, got none"):
        compute_difference(pair(database, champion, challenger), database.fetch)


def test_scores_without_attributions_are_refused(database):
    bare = scores(-4, {"a": [1.0]}).drop(columns="phi_a")
    with pytest.raises(ValueError, match="neither model's scores hold attributions"):
        pair(database, bare, bare)


def test_a_field_may_be_called_as_a_score_is(database):
    rows = pd.DataFrame({"loan_id": ["L0"], "pd": [7.0], "base": [8.0], "self": [9.0], "a": [4.0]})
    made = pair(database, scores(-4, {"a": [1.0]}), scores(-3, {"a": [2.0]}), rows)
    most = list_most_different(made, database.fetch)
    assert most["value"].tolist() == [4.0]
    assert most["gap"].tolist() == [2.0]


def test_most_different_by_hand(database):
    """Log-odds 0 → 2 is PD 50 % → 88.1 %; −8 → −5 is 0.03 % → 0.7 %; L2 and L3 are the same both ways."""
    champion = scores(0.0, {"a": [0, -8, 1, 1], "arrears": [0.0, 0, 0, 0]})
    challenger = scores(0.0, {"a": [3.0, -8, 1, 1], "arrears": [-1.0, 3, 0, 0]})
    made = pair(database, champion, challenger)
    odds = list_most_different(made, database.fetch, by="odds", count=3)
    assert odds[LOAN].tolist() == ["L1", "L0", "L2"]
    assert odds["gap"].tolist() == [3.0, 2.0, 0.0]
    assert odds["feature"].tolist() == ["arrears", "a", ""]
    assert odds["part"].tolist() == [3.0, 3.0, 0.0]
    assert odds["value"].tolist() == [1, "", ""]  # the loans have the field arrears (their place), and none called a
    points = list_most_different(made, database.fetch, by="points", count=1)
    assert points[LOAN].tolist() == ["L0"]
    assert points["points"].tolist() == pytest.approx([1 / (1 + math.exp(-2)) - 0.5])


def test_a_lower_pd_is_explained_by_what_lowers_it(database):
    made = pair(database, scores(0.0, {"a": [0.0], "b": [0.0]}), scores(0.0, {"a": [1.0], "b": [-3.0]}))
    row = list_most_different(made, database.fetch).iloc[0]
    assert (row["feature"], row["part"], row["gap"]) == ("b", -3.0, -2.0)
    assert name_main_feature(compute_difference(made, database.fetch)) == "b"
