import numpy as np
import pandas as pd
import pytest

from analytics.rules import EVERYWHERE, grow_leaves


def everything(n):
    return np.ones(n, dtype=bool)


def leaves_of(frame, target, **options):
    options = {"max_depth": 1, "min_share": 0.1} | options
    found = grow_leaves(frame, np.asarray(target, dtype=float), everything(len(frame)), **options)
    return found, dict(zip(found.rules, [found.leaf == place for place in range(len(found.rules))], strict=True))


def test_numbers_with_units():
    ltv = np.linspace(0.405, 1.195, 80)
    found, rows = leaves_of(pd.DataFrame({"ltv": ltv}), ltv > 0.8, labels={"ltv": "LTV"}, units={"ltv": "share"})
    assert found.rules == ("LTV up to 80 %", "LTV above 80 %")
    np.testing.assert_array_equal(rows["LTV above 80 %"], ltv > 0.8)


def test_words_in_any_order_and_named():
    region = np.repeat(["Aa", "Bb", "Cc", "Dd"], 10)
    frame = pd.DataFrame({"region": region})
    _, rows = leaves_of(frame, np.isin(region, ["Aa", "Dd"]))
    assert set(rows) == {"region Aa, Dd", "region Bb, Cc"}
    many = pd.DataFrame({"region": [f"r{number:02d}" for number in range(20)] * 5})
    _, rows = leaves_of(many, many["region"] >= "r10")
    assert "region r10, r11, r12, r13, r14, r15 and 4 more" in rows


def test_missing_values_have_their_own_words():
    ltv = np.r_[np.linspace(0.1, 1, 50), [np.nan] * 50]
    _, rows = leaves_of(pd.DataFrame({"ltv": ltv}), np.isnan(ltv))
    assert set(rows) == {"ltv known", "ltv not known"}
    np.testing.assert_array_equal(rows["ltv not known"], np.isnan(ltv))
    _, rows = leaves_of(pd.DataFrame({"ltv": ltv}), ~(ltv <= 0.55))
    assert set(rows) == {"ltv up to 0.55", "ltv above 0.55 or not known"}
    words = pd.DataFrame({"kind": pd.Series(["a", None, "b", None] * 10, dtype="str")})
    _, rows = leaves_of(words, words["kind"].isna())
    np.testing.assert_array_equal(rows["kind not known"], words["kind"].isna())


def test_two_cuts_of_one_feature_become_one_condition():
    x = np.arange(90.0)
    found, _ = leaves_of(pd.DataFrame({"x": x}), (x >= 30) & (x < 60), max_depth=2)
    assert "x above 30 and up to 60" in found.rules  # cuts at 29.5 and 59.5, rounded in the text


def test_dates_and_booleans():
    day = pd.date_range("2020-01-01", periods=40, freq="D")
    _, rows = leaves_of(pd.DataFrame({"day": day}), np.arange(40) >= 20)
    assert "day up to 2020-01-20" in rows
    flag = np.tile([True, False], 20)
    _, rows = leaves_of(pd.DataFrame({"flag": flag}), flag)
    np.testing.assert_array_equal(rows["flag True"], flag)


def test_nothing_to_part_is_one_leaf():
    found, rows = leaves_of(pd.DataFrame({"x": np.ones(20)}), np.arange(20))
    assert found.rules == (EVERYWHERE,)
    assert rows[EVERYWHERE].all()


def test_every_row_gets_a_leaf_also_where_it_did_not_grow():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=500), "word": rng.choice(list("abc"), 500)})
    grow = rng.random(500) < 0.5
    frame.loc[np.flatnonzero(~grow)[0], "word"] = "unseen"
    found = grow_leaves(frame, rng.normal(size=500), grow, max_depth=3, min_share=0.05)
    assert found.leaf.shape == (500,)
    assert set(found.leaf[grow]) == set(range(len(found.rules)))
    assert np.bincount(found.leaf[grow]).min() >= 0.05 * grow.sum()


def test_wrong_use_is_refused():
    frame, target = pd.DataFrame({"x": [1.0, 2.0]}), np.array([0.0, 1.0])
    with pytest.raises(ValueError, match="no features"):
        grow_leaves(frame[[]], target, everything(2))
    with pytest.raises(ValueError, match="growing rows differ"):
        grow_leaves(frame, target, ~everything(2))
    with pytest.raises(ValueError, match="depth from 1"):
        grow_leaves(frame, target, everything(2), max_depth=0)
