"""A change of a rate, taken apart: closed forms, hand arithmetic, and planted segments."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.rate_change import compute_change, compute_steps, find_drivers


def side(field, **counts):
    rows = [(field, value, n, events) for value, (n, events) in counts.items()]
    return pd.DataFrame(rows, columns=["field", "value", "n", "events"])


def change_of(before, after, **words):
    return compute_change(before, after, events="events", n="n", **words)


def test_simpson_every_segment_falls_and_the_whole_rises():
    # Before: good 900 of which 9 (1 %), bad 100 of which 10 (10 %): 19/1000 = 1.9 %.
    # After:  good 500 of which 4 (0.8 %), bad 500 of which 45 (9 %): 49/1000 = 4.9 %.
    before, after = side("kind", good=(900, 9), bad=(100, 10)), side("kind", good=(500, 4), bad=(500, 45))
    change = change_of(before, after)
    assert change.before == pytest.approx(0.019)
    assert change.after == pytest.approx(0.049)
    rows = change.of("kind").set_index("value")
    # Within: mean share · change of rate: good 0.7·(0.008 − 0.010) = −0.0014, bad 0.3·(0.09 − 0.10) = −0.003.
    assert rows.loc["good", "within"] == pytest.approx(-0.0014)
    assert rows.loc["bad", "within"] == pytest.approx(-0.0030)
    # Mix: R̄ = (0.019 + 0.049)/2 = 0.034. good −0.4·(0.009 − 0.034) = 0.010, bad 0.4·(0.095 − 0.034) = 0.0244.
    assert rows.loc["good", "mix"] == pytest.approx(0.010)
    assert rows.loc["bad", "mix"] == pytest.approx(0.0244)
    assert change.mix("kind") + rows["within"].sum() == pytest.approx(0.030)  # 0.0344 − 0.0044
    # Excess of bad: −0.003 − 0.3·(−0.0044) = −0.00168; that of good is its mirror.
    assert rows.loc["bad", "excess"] == pytest.approx(-0.00168)
    assert rows["excess"].sum() == pytest.approx(0, abs=1e-15)


counts = st.lists(
    st.tuples(st.integers(0, 5000), st.floats(0, 1), st.integers(0, 5000), st.floats(0, 1)), min_size=1, max_size=12
)


@settings(max_examples=60, deadline=None)
@given(counts)
def test_parts_sum_to_the_change_exactly_whatever_the_segments(rows):
    before = side("f", **{f"s{i}": (n0, round(r0 * n0)) for i, (n0, r0, _, _) in enumerate(rows)})
    after = side("f", **{f"s{i}": (n1, round(r1 * n1)) for i, (_, _, n1, r1) in enumerate(rows)})
    if not (before["n"].sum() and after["n"].sum()):
        with pytest.raises(ValueError, match="rows at both dates"):
            change_of(before, after)
        return
    change = change_of(before, after)
    own = change.of("f")
    assert own["mix"].sum() + own["within"].sum() == pytest.approx(change.difference, abs=1e-12)
    assert own["excess"].sum() == pytest.approx(0, abs=1e-12)
    steps = compute_steps(change, "f", top=3)
    moves = steps[steps["kind"] != "total"]
    assert change.before + moves["effect"].sum() == pytest.approx(change.after, abs=1e-12)
    # Each bar begins where the one before it ends.
    np.testing.assert_allclose(moves["start"].iloc[1:], moves["end"].iloc[:-1], atol=1e-12)
    assert moves["end"].iloc[-1] == pytest.approx(change.after, abs=1e-12)
    assert len(moves) == 1 + min(3, len(own)) + (len(own) > 3)


def test_a_segment_that_comes_or_goes_is_all_mix():
    change = change_of(side("f", a=(100, 10), gone=(100, 30)), side("f", a=(100, 10), new=(100, 50)))
    rows = change.of("f").set_index("value")
    assert rows.loc[["gone", "new", "a"], "within"].tolist() == [0, 0, 0]
    assert rows["mix"].sum() == pytest.approx(0.10)  # (60 − 40) of 200


def test_without_change_nothing_is_clear():
    same = side("f", a=(1000, 20), b=(1000, 30))
    change = change_of(same, same)
    assert change.difference == 0
    assert not change.clear
    assert change.low == pytest.approx(-change.high)
    assert find_drivers(change).empty


def test_interval_of_the_whole_is_movers():
    # MOVER: d ± sqrt of squared distances to the ends of each rate's own (Jeffreys) interval, from scipy's beta.
    from scipy.stats import beta

    change = change_of(side("f", a=(1000, 20)), side("f", a=(1200, 48)))
    (l0, u0), (l1, u1) = (beta.interval(0.95, x + 0.5, n - x + 0.5) for x, n in ((20, 1000), (48, 1200)))
    assert change.low == pytest.approx(0.02 - np.sqrt((0.04 - l1) ** 2 + (u0 - 0.02) ** 2))
    assert change.high == pytest.approx(0.02 + np.sqrt((u1 - 0.04) ** 2 + (0.02 - l0) ** 2))
    assert change.clear


def test_intervals_agree_with_a_parametric_bootstrap():
    sizes = {"a": 4000, "b": 3000, "c": 1500}
    rates = ({"a": 0.02, "b": 0.03, "c": 0.05}, {"a": 0.02, "b": 0.03, "c": 0.08})
    expected = [side("f", **{k: (n, round(n * r[k])) for k, n in sizes.items()}) for r in rates]
    found = change_of(*expected).of("f").set_index("value")
    rng = np.random.default_rng(5)
    drawn = []
    for _ in range(200):
        pair = [side("f", **{k: (n, rng.binomial(n, r[k])) for k, n in sizes.items()}) for r in rates]
        drawn.append(change_of(*pair).of("f").set_index("value")[["within", "excess"]])
    for effect in ("within", "excess"):
        spread = np.std([frame[effect].to_numpy() for frame in drawn], axis=0)
        width = ((found[f"{effect}_high"] - found[f"{effect}_low"]) / (2 * 1.959964)).to_numpy()
        np.testing.assert_allclose(width, spread, rtol=0.2)  # 200 draws: a standard error of 5 %


def two_fields(rng, rate_of):
    """Counts of 30,000 loans by two fields that do not depend on each other."""
    region, kind = rng.integers(0, 12, 30_000), rng.integers(0, 2, 30_000)
    events = rng.random(30_000) < rate_of(region)
    rows = pd.DataFrame({"region": region, "kind": kind, "events": events.astype(float), "n": 1.0})
    parts = [
        rows.groupby(name)[["n", "events"]].sum().reset_index(names="value").assign(field=name)
        for name in ("region", "kind")
    ]
    return pd.concat(parts).astype({"value": str})


def test_the_planted_segment_is_found_and_named_first():
    rng = np.random.default_rng(1)
    before = two_fields(rng, lambda region: 0.02 + 0 * region)
    after = two_fields(rng, lambda region: np.where(region == 7, 0.06, 0.02))
    drivers = find_drivers(change_of(before, after))
    assert drivers[["field", "value"]].iloc[0].tolist() == ["region", "7"]
    assert len(drivers) == 1


def test_a_rise_everywhere_names_no_segment():
    rng = np.random.default_rng(2)
    named = 0
    for _ in range(20):
        before, after = (two_fields(rng, lambda region, r=rate: r + 0 * region) for rate in (0.02, 0.04))
        change = change_of(before, after)
        assert change.clear
        named += len(find_drivers(change)) > 0
    assert named <= 4  # Holm holds the chance of a single false name at 5 %: P(Binomial(20, .05) > 4) = 0.3 %


def test_the_rest_is_as_sure_as_its_segments_together():
    # Two segments, each 500 of 1,000: the rest's variance is the sum of theirs, so its reach √2 of one's.
    before = side("f", a=(1000, 30), b=(500, 10), c=(500, 10))
    after = side("f", a=(1000, 80), b=(500, 17), c=(500, 17))
    change = change_of(before, after)
    rows = change.of("f").set_index("value")
    reach = rows.loc["b", "within_high"] - rows.loc["b", "within"]
    rest = compute_steps(change, "f", top=1).set_index("step").loc["other (2)"]
    assert rest["effect"] == pytest.approx(0.25 * 0.014 * 2)
    assert rest["clear"] == (rest["effect"] > np.sqrt(2) * reach)
    assert not (rows.loc["b", "within_low"] > 0)


def test_exact_rates_have_no_interval_and_rank_by_size():
    before, after = side("f", a=(100.0, 1.0), b=(100.0, 2.0)), side("f", a=(100.0, 1.0), b=(100.0, 3.0))
    change = change_of(before, after, sampled=False)
    assert change.clear
    assert np.isnan(change.low)
    assert find_drivers(change)["value"].tolist() == ["b"]
    assert compute_steps(change, "f")["clear"].all()


def test_fields_that_count_other_rows_are_refused():
    before = pd.concat([side("f", a=(100, 1)), side("g", x=(90, 1))])
    with pytest.raises(ValueError, match="same rows"):
        change_of(before, before)


def test_few_events_are_flagged_and_never_clear():
    change = change_of(side("f", a=(100, 0)), side("f", a=(100, 4)))
    assert change.small
    assert not change.clear
    assert change.of("f")["small"].all()
