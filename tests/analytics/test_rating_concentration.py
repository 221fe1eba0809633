import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from analytics.rating_concentration import compute_cv, compute_cv_test, compute_hi, compute_rating_concentration

COUNTS = [406, 480, 114]


def test_reference_numbers():
    # METHODS section 5, computed independently twice.
    cv = compute_cv(COUNTS)
    assert cv == pytest.approx(0.4740210966, abs=5e-11)
    assert compute_hi(cv, 3) == pytest.approx(0.1844988009, abs=5e-11)
    assert compute_cv_test(cv, 0.40, 3) == pytest.approx(0.3976575690, abs=5e-11)


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=20).filter(lambda counts: sum(counts) > 0))
def test_against_the_formula_as_printed(counts):
    share, k = np.array(counts) / sum(counts), len(counts)
    printed = np.sqrt(k * np.sum((share - 1 / k) ** 2))
    assert compute_cv(counts) == pytest.approx(printed, abs=1e-7)  # near 0 the root magnifies rounding
    # CV is also the standard deviation of the counts over their mean.
    assert compute_cv(counts) == pytest.approx(np.std(counts) / np.mean(counts), abs=1e-7)
    assert -1e-12 <= compute_hi(compute_cv(counts), k) <= 1 + 1e-12


@pytest.mark.parametrize("k", [2, 7, 17])
def test_the_ends_of_the_index(k):
    assert compute_hi(compute_cv(np.full(k, 9)), k) == pytest.approx(0, abs=1e-12)
    assert compute_hi(compute_cv(np.eye(k)[0]), k) == pytest.approx(1)


def test_the_table_tests_number_and_never_exposure():
    found = compute_rating_concentration(COUNTS, [1e6, 3e6, 2e6], cv_initial=0.4)
    assert found["basis"].tolist() == ["number", "exposure"]
    assert found["p"].iloc[0] == pytest.approx(0.397657569)
    assert np.isnan(found["p"].iloc[1])
    assert found["reason"].tolist() == ["", "by exposure there is no test"]
    assert found["cv"].iloc[1] == pytest.approx(np.std([1, 3, 2]) / 2)


def test_blanks_have_reasons():
    assert compute_rating_concentration(COUNTS)["reason"].tolist() == ["no initial validation to compare with"]
    even = compute_rating_concentration([5, 5], cv_initial=0.1).iloc[0]
    assert np.isnan(even["p"])
    assert even["reason"].startswith("all grades hold the same")


def test_more_crowding_lowers_p_at_first_and_the_same_gives_one_half():
    assert compute_cv_test(0.5, 0.5, 10) == pytest.approx(0.5)
    assert np.all(np.diff([compute_cv_test(cv, 0.3, 10) for cv in (0.2, 0.4, 0.6, 0.8)]) < 0)
    # The supervisor's statistic turns: its standard error grows as CV² does. All in one of ten grades, CV = 3:
    # √9·2.7/√(9·9.5) = .8760, p = .1905, no finding. That is why HI stands beside it.
    assert compute_cv_test(3, 0.3, 10) == pytest.approx(norm.sf(8.1 / np.sqrt(85.5)))
    assert compute_cv_test(3, 0.3, 10) > 0.19
    assert compute_hi(3, 10) == pytest.approx(1)


def test_p_by_hand():
    # K = 5, CV 1, initial .5: √4·.5/√(1·1.5) = .81650.
    assert compute_cv_test(1.0, 0.5, 5) == pytest.approx(norm.sf(0.8164966))


@pytest.mark.parametrize("amounts", [[5], [0, 0], [1, -1], [1, np.nan]])
def test_bad_amounts_are_refused(amounts):
    with pytest.raises(ValueError, match=r"(grades or more|amounts by grade)"):
        compute_rating_concentration(amounts)


def test_other_bad_input_is_refused():
    with pytest.raises(ValueError, match="3 rows, 2 values"):
        compute_rating_concentration(COUNTS, [1, 2])
    with pytest.raises(ValueError, match="a CV that they can have"):
        compute_hi(3.0, 2)
