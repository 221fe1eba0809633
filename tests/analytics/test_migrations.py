import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from analytics.migrations import compute_bandwidth, compute_migrations, compute_neighbour_tests


def test_the_matrix_by_hand():
    found = compute_migrations(
        ["A", "A", "B", "B", "C"],
        ["A", "B", None, "B", None],
        default=[0, 0, 0, 1, 0], other_model=[0, 0, 0, 1, 1], ended=[0, 0, 1, 1, 1], grades=["A", "B", "C"],
    )  # fmt: skip
    assert list(found.columns) == ["A", "B", "C", "default", "other model", "ended"]
    # The fourth loan has a grade, another model, an end and a default: a default counts first, then another model.
    assert found.to_numpy().tolist() == [[1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 1], [0, 0, 0, 0, 1, 0]]


def test_what_is_not_recorded_is_blank():
    found = compute_migrations([1, 2], [1, 2], default=[0, 0], grades=[1, 2])
    assert found[["other model", "ended"]].isna().all().all()
    assert compute_bandwidth(found).upper == 0
    assert compute_neighbour_tests(found)["n"].sum() == 2


@pytest.mark.parametrize(("start", "end", "message"), [
    ([1, 3], [1, 2], "at the start outside the scale"), ([1, 2], [1, 9], "at the end outside the scale"),
    ([1, None], [1, 2], "1 of 2 loans have no grade at the start"), ([1, 2], [1, None], "no flag says why"),
    ([1, 2, 2], [1, 2], "3 starts, 2 ends"),
])  # fmt: skip
def test_bad_grades_are_refused(start, end, message):
    with pytest.raises(ValueError, match=message):
        compute_migrations(start, end, default=[0, 0], grades=[1, 2])


def test_reference_bandwidths():
    # METHODS section 5: meliora's documentation, computed twice.
    found = compute_bandwidth([[2, 1, 1], [1, 2, 1], [1, 1, 2]])
    assert (found.upper, found.lower) == (pytest.approx(0.8), pytest.approx(0.8))
    # MathWorks, risk.validation.matrixWeightedBandwidth (R2026a), which states lower 0.3306, upper 0.6066.
    counts = [[10, 8, 15, 9, 10], [11, 9, 13, 9, 8], [0, 10, 10, 11, 10], [0, 0, 9, 11, 11], [0, 0, 0, 11, 10]]
    found = compute_bandwidth(counts)
    assert found.lower == pytest.approx(0.3306, abs=5e-5)
    # By hand: (8+2·15+3·9+4·10 + 13+18+24 + 11+20 + 11)/(4·42 + 3·30 + 2·21 + 3·11) = 202/333.
    assert found.upper == pytest.approx(202 / 333)
    assert (found.moved_upper, found.moved_lower) == (104, 41)


@pytest.mark.parametrize("k", [2, 5, 17])
def test_the_ends_of_the_bandwidth(k):
    still = compute_bandwidth(100 * np.eye(k))
    assert (still.upper, still.lower, still.moved_upper, still.moved_lower) == (0, 0, 0, 0)
    corners = np.zeros((k, k))
    corners[0, -1], corners[-1, 0] = 3, 4
    far = compute_bandwidth(corners)
    assert (far.upper, far.lower) == (1, 1)


@given(st.integers(2, 8), st.integers(0, 10_000))
@settings(max_examples=50)
def test_bandwidth_against_the_formula_as_printed(k, seed):
    counts = np.random.default_rng(seed).integers(0, 9, (k, k + 3))
    upper = lower = most_upper = most_lower = 0
    for i in range(1, k + 1):
        for j in range(1, k + 1):
            n = counts[i - 1, j - 1]
            far = max(abs(i - k), abs(i - 1)) * n
            if j > i:
                upper, most_upper = upper + abs(i - j) * n, most_upper + far
            if j < i:
                lower, most_lower = lower + abs(i - j) * n, most_lower + far
    found = compute_bandwidth(counts)
    assert found.upper == pytest.approx(upper / most_upper if most_upper else 0)
    assert found.lower == pytest.approx(lower / most_lower if most_lower else 0)
    flipped = compute_bandwidth(counts[:, :k][::-1, ::-1])  # the scale upside down: upper and lower swap
    assert (flipped.upper, flipped.lower) == (pytest.approx(found.lower), pytest.approx(found.upper))


def test_neighbours_by_the_formula_as_printed():
    rng = np.random.default_rng(3)
    matrix = pd.DataFrame(rng.integers(1, 60, (6, 9)), index=range(1, 7))
    found = compute_neighbour_tests(matrix).set_index(["start", "end"])
    counts = matrix.to_numpy()
    for i in range(6):
        total = counts[i].sum()
        for j in range(6):
            z = found["z"].loc[(i + 1, j)]
            if i == j:
                assert np.isnan(z)
                continue
            p, q = counts[i, j] / total, counts[i, j + (1 if j < i else -1)] / total
            assert z == pytest.approx((q - p) / np.sqrt((p * (1 - p) + q * (1 - q) + 2 * p * q) / total))
            assert found["p"].loc[(i + 1, j)] == pytest.approx(norm.cdf(z))


def test_undefined_neighbours_are_blank_with_a_reason():
    matrix = pd.DataFrame([[3, 0, 0], [0, 0, 7], [0, 0, 0]], index=["A", "B", "C"], columns=["A", "B", "C"])
    found = compute_neighbour_tests(matrix).set_index(["start", "end"])
    assert found["reason"].to_dict() == {
        ("A", "A"): "on the diagonal", ("A", "B"): "one of the two cells holds the whole row",
        ("A", "C"): "no loan in either cell", ("B", "A"): "no loan in either cell", ("B", "B"): "on the diagonal",
        ("B", "C"): "one of the two cells holds the whole row",
        ("C", "A"): "no loan in this grade at the start", ("C", "B"): "no loan in this grade at the start",
        ("C", "C"): "on the diagonal",
    }  # fmt: skip
    assert found[["z", "p"]].isna().all().all()


def test_z_is_standard_normal_where_neighbours_are_equally_frequent():
    # Row of 2,000 with shares .5, .2, .2, the rest out: cells (1, 2) and (1, 3) are equal in truth.
    rng = np.random.default_rng(4)
    rows = rng.multinomial(2000, [0.5, 0.2, 0.2, 0.1], 3000)
    z = []
    for a, b, c, d in rows:
        matrix = pd.DataFrame([[a, b, c, d, 0, 0], [0, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]], index=range(3))
        z.append(compute_neighbour_tests(matrix)["z"].iloc[2])
    # Monte Carlo error of the level √(.05·.95/3000) = .004, of the standard deviation 1/√6000 = .013.
    assert np.std(z) == pytest.approx(1, abs=0.05)
    assert np.mean(norm.cdf(z) < 0.05) == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize("matrix", [np.ones((3, 4)), np.ones((1, 1)), [[1, -1], [1, 1]], [[1, np.nan], [1, 1]]])
def test_what_is_no_migration_matrix_is_refused(matrix):
    with pytest.raises(ValueError, match="a migration matrix"):
        compute_bandwidth(matrix)
