import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from analytics.master_scale import MasterScale, _compare_neighbours, assign_grades, build_master_scale


def simulate(n, *, seed=1, spread=1.2):
    rng = np.random.default_rng(seed)
    pds = 1 / (1 + np.exp(-rng.normal(-4, spread, n)))
    return pds, rng.uniform(size=n) < pds


def test_a_large_book_gets_its_grades_monotone_and_different():
    pds, y = simulate(400_000)
    scale = build_master_scale(pds, y, grades=12)
    assert 10 <= len(scale.grades) <= 12
    assert scale.notes == ()
    n, d = np.array(scale.n), np.array(scale.defaults)
    rate = d / n
    assert (np.diff(rate) > 0).all()
    pooled = (d[1:] + d[:-1]) / (n[1:] + n[:-1])
    z = np.diff(rate) / np.sqrt(pooled * (1 - pooled) * (1 / n[1:] + 1 / n[:-1]))
    assert (z >= norm.ppf(0.95)).all()
    assert n.sum() == 400_000
    assert d.sum() == y.sum()


def test_unmerged_bounds_are_geometric():
    pds, y = simulate(2_000_000, seed=2, spread=1.5)
    scale = build_master_scale(pds, y, grades=10)
    assert len(scale.grades) == 10
    steps = np.diff(np.log(scale.bounds))
    np.testing.assert_allclose(steps, steps[0])
    assert scale.bounds[0] == pytest.approx(np.quantile(pds, 0.01) * np.exp(steps[0]))


def test_a_small_book_merges_and_says_so():
    pds, y = simulate(2_000)
    scale = build_master_scale(pds, y, grades=20)
    assert len(scale.grades) < 10
    assert scale.notes[0] == f"{len(scale.grades)} grades, fewer than the usual 10 to 20"
    assert (np.diff(np.array(scale.defaults) / np.array(scale.n)) > 0).all()


def test_neighbours_of_one_default_rate_are_merged():
    # Planted: the PD varies, the true rate has one step only, so that one bound should be left, near the step.
    rng = np.random.default_rng(5)
    pds = np.exp(rng.uniform(np.log(0.001), np.log(0.1), 300_000))
    y = rng.uniform(size=pds.size) < np.where(pds < 0.01, 0.003, 0.03)
    scale = build_master_scale(pds, y, grades=20, level=0.001)
    assert len(scale.grades) in (2, 3)  # 3: the grade across the step is a mixture of both rates
    assert any(abs(np.log(bound / 0.01)) <= np.log(100) / 20 for bound in scale.bounds)


def test_a_score_without_any_signal_is_one_grade():
    rng = np.random.default_rng(6)
    pds = rng.uniform(0.01, 0.2, 20_000)
    scale = build_master_scale(pds, rng.uniform(size=pds.size) < 0.05, level=1e-6)
    assert scale.grades == (1,)
    assert scale.bounds == ()


def test_policy_bounds_stay_and_are_told_what_they_lack():
    # Grades by hand: rates 1/2, 0/2, none, 1/1.
    scale = build_master_scale([0.01, 0.01, 0.03, 0.03, 0.5], [1, 0, 0, 0, 1], bounds=[0.02, 0.1, 0.2])
    assert scale.bounds == (0.02, 0.1, 0.2)
    assert (scale.n, scale.defaults) == ((2, 2, 0, 1), (1, 0, 0, 1))
    assert scale.pds == pytest.approx((0.01, 0.03, np.sqrt(0.1 * 0.2), 0.5))
    assert scale.notes == (
        "4 grades, fewer than the usual 10 to 20",
        "no loan in grade 3",
        "the observed default rate does not rise between grades 1 and 2",
    )
    # z of 0/2 after 1/2: pooled 1/4, √(3/16·1) = .4330, −.5/.4330 = −1.1547; nothing beside an empty grade.
    z = _compare_neighbours(np.array(scale.n), np.array(scale.defaults))
    assert z[0] == pytest.approx(-1.1547005)
    assert not np.isfinite(z[1:]).any()


def test_policy_bounds_work_without_any_default():
    assert build_master_scale([0.01, 0.3], [0, 0], bounds=[0.1]).defaults == (0, 0)


def test_a_pd_on_a_bound_belongs_to_the_worse_grade():
    scale = MasterScale((0.01, 0.1), (0.005, 0.03, 0.2), (1, 1, 1), (0, 0, 0), 0.05, "", ())
    assert assign_grades([0.0, 0.00999, 0.01, 0.1, 1.0], scale).tolist() == [1, 1, 2, 3, 3]


def test_grades_of_the_loans_built_on_give_the_scales_counts():
    pds, y = simulate(50_000, seed=8)
    scale = build_master_scale(pds, y)
    grades = assign_grades(pds, scale)
    counts = pd.Series(y).groupby(grades).agg(["size", "sum", lambda rows: pds[rows.index].mean()])
    assert tuple(counts["size"]) == scale.n
    assert tuple(counts["sum"]) == scale.defaults
    np.testing.assert_allclose(counts.iloc[:, 2], scale.pds)
    order = np.random.default_rng(0).permutation(pds.size)
    assert build_master_scale(pds[order], y[order]).bounds == scale.bounds


@pytest.mark.parametrize(("arguments", "options", "message"), [
    (([0.1, 0.2], [0, 0]), {}, "with and without default"), (([0.1, 0.1], [0, 1]), {}, "all are 0.1"),
    (([0.1, np.nan], [0, 1]), {}, "must be finite"), (([0.1, 2], [0, 1]), {}, r"\[0, 1\]"),
    (([0.1, 0.2], [0, 1]), {"grades": 5}, "10 to 20 grades, got 5"), (([], []), {}, "needs loans"),
    (([0.1, 0.2], [0, 1]), {"bounds": [0.2, 0.1]}, "rise strictly"),
    (([0.1, 0.2], [0, 1]), {"bounds": []}, "rise strictly"), (([0.1, 0.2], [0, 1]), {"level": 0}, "level"),
    (([0.1, 0.2], [0]), {}, "2 rows, 1 values"),
])  # fmt: skip
def test_bad_input_is_refused(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        build_master_scale(*arguments, **options)
