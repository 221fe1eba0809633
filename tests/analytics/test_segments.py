import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import t as student

from analytics.performance import compute_paired_differences
from analytics.segments import compute_segment_calibration, compute_segment_differences, split_rows


def draw(seed=0, n=24_000, segments=8, loans=12_000):
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, loans, n)
    region = np.array([f"r{number}" for number in rng.integers(0, segments, n)])
    x = rng.normal(-2, 1, n)
    y = rng.random(n) < expit(x)
    noise = rng.normal(0, 0.8, (2, n))
    return rng, y, {"champion": expit(x + noise[0]), "challenger": expit(x + noise[1])}, region, cluster


def test_one_segment_is_the_paired_difference():
    _, y, scores, region, cluster = draw()
    found = compute_segment_differences(y, scores, "champion", {"region": region}, cluster=cluster)
    inside = region == "r3"
    wanted = compute_paired_differences(
        y[inside], {name: pds[inside] for name, pds in scores.items()}, "champion", cluster=cluster[inside]
    ).set_index("metric")
    own = found[found["segment"] == "r3"].set_index("metric")
    for metric in ("gini", "brier"):
        assert own.loc[metric, "difference"] == pytest.approx(wanted.loc[metric, "difference"])
        assert own.loc[metric, "standard_error"] == pytest.approx(wanted.loc[metric, "standard_error"])
    row = own.loc["gini"]
    with_event = np.unique(cluster[inside & y]).size
    half = student.ppf(0.975, with_event - 1) * row["standard_error"]
    assert row["high"] == pytest.approx(row["difference"] + half)
    # Bonferroni over the 8 segments.
    wide = student.ppf(1 - 0.025 / 8, with_event - 1) * row["standard_error"]
    assert row["low_simultaneous"] == pytest.approx(row["difference"] - wide)
    p = 2 * student.sf(abs(row["difference"] / row["standard_error"]), with_event - 1)
    assert row["p_value"] == pytest.approx(p)
    assert (row["n"], row["events"]) == (inside.sum(), y[inside].sum())


def test_planted_segments_are_told_apart():
    """The challenger is better everywhere, equal in r0 and much worse in r1."""
    rng, y, scores, region, cluster = draw(1, n=60_000)
    x = np.log(scores["champion"] / (1 - scores["champion"]))
    truth = rng.normal(-2, 1, 60_000)
    y = rng.random(60_000) < expit(truth)
    champion = truth + rng.normal(0, 1.2, 60_000)
    challenger = np.where(region == "r0", champion, np.where(region == "r1", x, truth))
    scores = {"champion": expit(champion), "challenger": expit(challenger)}
    found = compute_segment_differences(
        y, scores, "champion", {"region": region}, cluster=cluster, margins={"gini": 0.02}
    )
    verdicts = found[found["metric"] == "gini"].set_index("segment")["verdict"]
    assert verdicts["r0"] == "no worse"  # identical PDs: difference 0 without any error
    assert verdicts["r1"] == "worse"
    assert (verdicts.drop(["r0", "r1"]) == "better").all()
    same = found[(found["metric"] == "gini") & (found["segment"] == "r0")].iloc[0]
    assert (same["difference"], same["p_value"]) == (0, 1)


def test_a_clear_worsening_within_the_margin_is_no_worse():
    rng = np.random.default_rng(3)
    x = rng.normal(-1.5, 1.2, 100_000)
    y = rng.random(100_000) < expit(x)
    scores = {"champion": expit(x), "challenger": expit(x + rng.normal(0, 0.25, 100_000))}
    options = {"metrics": ["gini"], "segments": {"all": np.zeros(100_000)}}
    strict = compute_segment_differences(y, scores, "champion", margins={"gini": 0.001}, **options).iloc[0]
    lenient = compute_segment_differences(y, scores, "champion", margins={"gini": 0.05}, **options).iloc[0]
    without = compute_segment_differences(y, scores, "champion", **options).iloc[0]
    assert strict["difference"] < 0
    assert [row["verdict"] for row in (strict, lenient, without)] == ["worse", "no worse", "worse"]
    assert np.isnan(without["p_no_worse"])


def test_cells_that_cannot_be_judged_say_why():
    # Segment a: 60 rows, 20 events; b: no events; c: only events; d: four events; one row without a label.
    sizes, events = [60, 40, 6, 50, 1], [20, 0, 6, 4, 0]
    y = np.concatenate([np.r_[np.ones(k), np.zeros(n - k)] for n, k in zip(sizes, events, strict=True)])
    labels = np.repeat(np.array(["a", "b", "c", "d", None], dtype=object), sizes)
    rng = np.random.default_rng(0)
    scores = {"old": rng.random(157), "new": rng.random(157)}
    found = compute_segment_differences(y, scores, "old", {"s": labels}, metrics=["gini"]).set_index("segment")
    assert list(found.index) == ["a", "b", "c", "d", "not known"]
    assert found.loc["b", "reason"] == found.loc["not known", "reason"] == "no events"
    assert found.loc["c", "reason"] == "only events"
    assert "too few for a claim" in found.loc["d", "reason"]
    assert np.isfinite(found.loc["d", "difference"])
    blank = found.drop("a")
    assert blank[["p_value", "p_holm", "low_simultaneous"]].isna().all(axis=None)
    assert (blank["verdict"] == "").all()
    assert found.loc["a", "p_holm"] == found.loc["a", "p_value"]  # the only one in the family
    assert list(found["small"]) == [False, True, True, True, True]


def test_a_segment_of_one_loan_has_no_variance():
    y, cluster = [1, 0, 1, 0, 0, 1], ["x", "x", "a", "b", "c", "d"]
    scores = {"old": [0.1, 0.2, 0.3, 0.1, 0.2, 0.4], "new": [0.2, 0.1, 0.4, 0.2, 0.2, 0.5]}
    found = compute_segment_differences(
        y, scores, "old", {"s": ["one"] * 2 + ["more"] * 4}, cluster=cluster, metrics=["gini"]
    ).set_index("segment")
    assert found.loc["one", "difference"] == 2  # from wholly wrong (−1) to wholly right (1)
    assert found.loc["one", ["standard_error", "low", "p_value"]].isna().all()
    assert found.loc["one", "reason"] == "one loan with or without the event: no variance"
    assert found.loc["one", "loans"] == 1


def test_calibration_by_segment_finds_the_planted_one():
    _, _, scores, region, cluster = draw(5)
    x = np.log(scores["champion"] / (1 - scores["champion"]))
    right = np.random.default_rng(1).random(len(x)) < expit(x)
    low = np.where(region == "r2", scores["champion"] / 1.5, scores["champion"])
    found = compute_segment_calibration(
        right, {"right": scores["champion"], "low": low}, {"region": region}, cluster=cluster
    ).set_index(["model", "segment"])
    assert found.loc[("low", "r2"), "p_holm"] < 1e-6
    assert found.loc[("low", "r2"), "low_simultaneous"] > 1
    others = found.drop(("low", "r2"))
    assert (others["p_holm"] > 0.05).all()
    assert (others["low_simultaneous"] < others["low"]).all()
    assert (others["high_simultaneous"] > others["high"]).all()


def test_no_events_where_many_were_expected_is_a_finding():
    y = np.r_[np.zeros(1000), np.ones(50), np.zeros(950)]
    labels = np.repeat(["none", "some"], 1000)
    found = compute_segment_calibration(y, {"m": np.full(2000, 0.05)}, {"s": labels}).set_index("segment")
    assert found.loc["none", "p_holm"] < 1e-6
    assert found.loc["none", "reason"] == ""
    assert found.loc["none", "small"]  # fewer than 5 events: greyed all the same
    tiny = compute_segment_calibration([1, *[0] * 99], {"m": np.full(100, 0.01)}, {"s": np.zeros(100)}).iloc[0]
    assert "too few for a claim" in tiny["reason"]
    assert np.isnan(tiny["p_value"])


def test_labels_keep_their_own_order():
    bands = pd.Categorical(["high", "low", None, "low"], categories=["low", "high"], ordered=True)
    assert [label for label, _ in split_rows(bands, 4)] == ["low", "high", "not known"]
    assert [label for label, _ in split_rows(np.array([10.0, 9.0, np.nan]), 3)] == ["9.0", "10.0", "not known"]
    with pytest.raises(ValueError, match="a segment label per outcome"):
        split_rows(["a"], 2)


def test_wrong_use_is_refused():
    _, y, scores, region, _ = draw(n=200)
    with pytest.raises(ValueError, match="champion 'x'"):
        compute_segment_differences(y, scores, "x", {"region": region})
    with pytest.raises(ValueError, match="higher or lower is better, got o_e_ratio"):
        compute_segment_differences(y, scores, "champion", {"region": region}, metrics=["o_e_ratio"])
    with pytest.raises(ValueError, match="margins are 0 or more"):
        compute_segment_differences(y, scores, "champion", {"region": region}, margins={"gini": -0.1})
    with pytest.raises(ValueError, match="no segments"):
        compute_segment_differences(y, scores, "champion", {})


@pytest.mark.slow
def test_equal_models_are_seldom_told_apart():
    """400 books, 10 segments, equally good models: any false claim in at most 5 % + three standard errors (3.3)."""
    claims, covered = [], []
    for seed in range(400):
        _, y, scores, region, cluster = draw(seed, n=4000, segments=10, loans=2000)
        fields = {"region": region}
        found = compute_segment_differences(y, scores, "champion", fields, cluster=cluster, metrics=["gini"])
        claims.append(found["verdict"].isin(["better", "worse"]).any())
        covered.append(((found["low_simultaneous"] <= 0) & (found["high_simultaneous"] >= 0)).all())
    assert np.mean(claims) < 0.083
    assert np.mean(covered) > 0.917
