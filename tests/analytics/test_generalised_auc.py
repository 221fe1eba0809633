import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, norm, somersd
from sklearn.metrics import roc_auc_score

from analytics.generalised_auc import SEGMENTS, assign_segments, compute_generalised_auc, compute_somers_d

SAS = [[26, 26, 23, 18, 9], [6, 7, 9, 14, 23]]


def test_reference_numbers():
    # METHODS section 5: the SAS FREQ procedure's example to four digits, computed independently twice.
    d, error = compute_somers_d(SAS)
    assert d == pytest.approx(0.4427, abs=5e-5)
    assert (d + 1) / 2 == pytest.approx(0.7213359920, abs=5e-11)
    assert error / 2 == pytest.approx(0.0418668109, abs=5e-11)
    # scipy's documentation of somersd.
    d, _ = compute_somers_d([[27, 25, 14, 7, 0], [7, 14, 18, 35, 12], [1, 3, 2, 7, 17]])
    assert d == pytest.approx(0.6032766111513396, abs=1e-14)


@given(st.integers(2, 7), st.integers(2, 7), st.integers(0, 10_000))
@settings(max_examples=40)
def test_against_scipy_and_the_formula_as_printed(rows, columns, seed):
    counts = np.random.default_rng(seed).integers(0, 9, (rows, columns))
    counts[0, 0] += 1
    counts[-1, -1] += 1
    d, error = compute_somers_d(counts)
    assert d == pytest.approx(somersd(counts).statistic, abs=1e-12)
    n, by_row = counts.sum(), counts.sum(axis=1)
    w = n**2 - (by_row**2).sum()
    sign = np.array([[[[np.sign((k - i) * (m - j)) for m in range(columns)] for k in range(rows)]
                      for j in range(columns)] for i in range(rows)])  # fmt: skip
    balance = (sign * counts[None, None]).sum(axis=(2, 3))
    excess = (balance * counts).sum()
    total = sum(counts[i, j] * (w * balance[i, j] - excess * (n - by_row[i])) ** 2
                for i in range(rows) for j in range(columns))  # fmt: skip
    assert error == pytest.approx(2 / w**2 * np.sqrt(total), abs=1e-12)


@given(st.integers(0, 10_000))
@settings(max_examples=30)
def test_with_two_rows_it_is_the_auc_and_s_is_delongs_with_biased_variances(seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 12, (2, 6))
    counts[:, 0] += 1
    group = np.repeat([0, 1], counts.sum(axis=1))
    score = np.concatenate([np.repeat(np.arange(6), row) for row in counts])
    d, error = compute_somers_d(counts)
    assert (d + 1) / 2 == pytest.approx(roc_auc_score(group, score))
    low, high = score[group == 0], score[group == 1]
    wins = (high[:, None] > low) + 0.5 * (high[:, None] == low)
    variance = wins.mean(axis=1).var() / high.size + wins.mean(axis=0).var() / low.size
    assert error / 2 == pytest.approx(np.sqrt(variance), abs=1e-12)


def test_two_lgd_grades_and_two_outcomes():
    # Estimates .1 and .5, realised 0 or 1: the table is [[6, 2], [3, 5]]; by hand P − Q = 2(6·5 − 2·3) = 48,
    # w_r = 256 − 128 = 128, D = .375, gAUC .6875 = (TPR + TNR)/2 seen from the rows: (6/8 + 5/8)/2.
    estimated = np.repeat([0.1, 0.5], 8)
    realised = np.repeat([0, 1, 0, 1], [6, 2, 3, 5])
    found = compute_generalised_auc(estimated, realised)
    assert (found.gauc, found.d) == (0.6875, 0.375)
    assert found.gauc == pytest.approx(roc_auc_score(estimated > 0.3, realised))


def test_perfect_reversed_and_unrelated_estimates():
    values = np.array([0.02, 0.07, 0.15, 0.25, 0.55, 1.2])
    assert compute_generalised_auc(values, values).gauc == 1
    assert compute_generalised_auc(values, values[::-1]).gauc == 0
    assert compute_generalised_auc(values, np.full(6, 0.3)).gauc == 0.5


def test_more_than_twenty_grades_become_segments():
    rng = np.random.default_rng(1)
    realised = rng.uniform(0, 1.2, 300)
    few = compute_generalised_auc(rng.choice(np.linspace(0, 1, 20), 300), realised)
    many = compute_generalised_auc(rng.choice(np.linspace(0, 1, 21), 300), realised)
    assert (few.rows, many.rows, many.n) == ("grades", "segments", 300)
    assert len(SEGMENTS) == 12
    # The table of segments by hand, through scipy.
    estimated = rng.uniform(0, 1.2, 300)
    table = np.zeros((12, 12), dtype=int)
    np.add.at(table, (assign_segments(estimated), assign_segments(realised)), 1)
    assert compute_generalised_auc(estimated, realised).d == pytest.approx(somersd(table).statistic)


def test_every_segment_holds_its_lower_end():
    ends = [0, 0.05, *np.arange(1, 11) / 10]
    assert assign_segments(ends).tolist() == list(range(12))


def test_p_is_uniform_where_nothing_has_fallen():
    # The true gAUC of a known 3 x 3 table, then samples of 400 from it.
    rng = np.random.default_rng(5)
    share = np.array([[0.2, 0.1, 0.05], [0.1, 0.15, 0.05], [0.05, 0.1, 0.2]])
    truth = (compute_somers_d(share)[0] + 1) / 2
    guess, seen = (grid.ravel() for grid in np.meshgrid([0.1, 0.3, 0.6], [0.02, 0.35, 0.95], indexing="ij"))
    p = []
    for counts in rng.multinomial(400, share.ravel(), 800):
        found = compute_generalised_auc(np.repeat(guess, counts), np.repeat(seen, counts), initial=truth)
        p.append(found.p)
    assert p[-1] == pytest.approx(norm.sf((truth - found.gauc) / found.s))
    # Monte Carlo error of 800: √(.05·.95/800) = .0077.
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=0.025)
    assert kstest(p, "uniform").pvalue > 0.01


def test_blanks_have_reasons():
    values = [0.02, 0.3, 0.6]
    assert compute_generalised_auc(values, values).reason == "no initial validation to compare with"
    perfect = compute_generalised_auc(values, values, initial=0.8)
    assert np.isnan(perfect.p)
    assert perfect.reason.startswith("no variance")


@pytest.mark.parametrize(("estimated", "realised", "message"), [
    ([0.1, 0.1], [0.2, 0.5], "one segment only"), ([0.1, np.nan], [0.2, 0.5], "estimates must be finite"),
    ([0.1, 0.2], [0.2], "2 rows, 1 values"), ([], [], "needs facilities"),
])  # fmt: skip
def test_bad_input_is_refused(estimated, realised, message):
    with pytest.raises(ValueError, match=message):
        compute_generalised_auc(estimated, realised)


def test_bad_tables_are_refused():
    with pytest.raises(ValueError, match="0 or more"):
        compute_somers_d([[1, -1], [1, 1]])
