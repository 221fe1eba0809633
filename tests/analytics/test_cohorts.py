"""All fields of two cohorts: what is planted is found first, what is not is not, and the pictures add up."""

import numpy as np
import pandas as pd
import pytest

from analytics.cohorts import compute_comparison, compute_pictures

N = 1500


def make(seed, shift=0.0, share=0.3, lost=0.0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({f"noise_{place}": rng.normal(size=N) for place in range(20)})
    frame["planted"] = rng.normal(shift, 1, N)
    frame["kind"] = np.where(rng.random(N) < share, "x", "y")
    frame["flag"] = (rng.random(N) < 0.5).astype(float)
    frame["gappy"] = np.where(rng.random(N) < lost, np.nan, rng.normal(size=N))
    frame["same"] = 1.0
    frame["loan"] = [f"{seed}-{place}" for place in range(N)]
    return frame


NUMBERS = [*(f"noise_{place}" for place in range(20)), "planted", "flag", "gappy", "same"]


@pytest.fixture(scope="module")
def compared():
    a, b = make(1, shift=1.0, share=0.5, lost=0.2), make(2, lost=0.05)
    return a, b, compute_comparison(a, b, numbers=NUMBERS, categories=["kind"], loan="loan")


def test_what_is_planted_comes_first(compared):
    table = compared[2]
    assert list(zip(table["field"], table["kind"], strict=True))[:3] == [
        ("planted", "number"), ("gappy", "missing"), ("kind", "category")
    ]  # fmt: skip
    # A shift of one standard deviation: δ = 2 Φ(1/√2) − 1 = 0.5205
    assert table["effect"][0] == pytest.approx(0.5205, abs=0.04)
    assert table["strength"][0] == "large"


def test_what_is_not_planted_is_not_found(compared):
    noise = compared[2][compared[2]["field"].str.startswith("noise")]
    assert len(noise) == 20
    assert (noise["q"] > 0.05).sum() >= 19
    assert set(noise["strength"]) == {"negligible"}


def test_missing_values_are_a_row_of_their_own(compared):
    a, b, table = compared
    row = table[table["kind"] == "missing"].iloc[0]
    assert (row["field"], row["value"]) == ("gappy", "missing")
    assert (row["a"], row["b"]) == pytest.approx((a["gappy"].isna().mean(), b["gappy"].isna().mean()))
    assert row["low"] < 0.15 < row["high"]  # planted: 20 % against 5 %
    assert row["missing_a"] == pytest.approx(a["gappy"].isna().mean())


def test_flags_count_as_words_and_constants_are_left_out(compared):
    table = compared[2].set_index("field")
    assert table["kind"]["flag"] == "category"
    assert table["value"]["flag"] in ("yes", "no")
    assert "same" not in table.index


def test_cohorts_turned_round_turn_the_signs(compared):
    a, b, table = compared
    turned = compute_comparison(b, a, numbers=NUMBERS, categories=["kind"], loan="loan").set_index(["field", "kind"])
    for _, row in table.iterrows():
        other = turned.loc[(row["field"], row["kind"])]
        assert other["p"] == pytest.approx(row["p"])
        assert abs(other["effect"]) == pytest.approx(abs(row["effect"]), abs=1e-12)
        sign = -1 if other["value"] == row["value"] else 1  # of two equal gaps the one that A has more of is told
        assert other["difference"] == pytest.approx(sign * row["difference"])


def test_a_loan_in_both_cohorts_is_clustered(compared):
    a, b, _ = compared
    both = compute_comparison(a, b.assign(loan=a["loan"]), numbers=["planted"], categories=["kind"], loan="loan")
    assert set(both["test"]) == {"ranks, clustered by loan", "Wald, clustered by loan"}


def test_an_empty_cohort_is_refused(compared):
    with pytest.raises(ValueError, match="two cohorts"):
        compute_comparison(compared[0].iloc[:0], compared[1], numbers=["planted"], categories=[])


def test_pictures_are_the_histograms(compared):
    a, b, table = compared
    pictures = compute_pictures(a, b, table)
    sums = pictures.groupby(["field", "kind"])[["share_a", "share_b"]].sum()
    np.testing.assert_allclose(sums, 1)
    part = pictures[pictures["field"] == "planted"]
    edges = np.append(part["low"], part["high"].iloc[-1])
    counts, _ = np.histogram(a["planted"].clip(edges[0], edges[-1]), bins=edges)
    np.testing.assert_allclose(part["share_a"], counts / N)
    kind = pictures[pictures["field"] == "kind"].set_index("label")
    assert kind["share_a"]["x"] == pytest.approx((a["kind"] == "x").mean())


def test_many_categories_are_joined_in_the_picture():
    rng = np.random.default_rng(4)
    a, b = (pd.DataFrame({"region": rng.choice([f"r{place:02}" for place in range(40)], 2000)}) for _ in range(2))
    pictures = compute_pictures(a, b, compute_comparison(a, b, numbers=[], categories=["region"]))
    assert len(pictures) == 12
    assert pictures["label"].iloc[-1] == "other (29)"
    assert pictures["share_a"].sum() == pytest.approx(1)
