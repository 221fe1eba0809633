"""Do ratings crowd into few grades? The coefficient of variation and Herfindahl index of the supervisor's template.

ECB, Instructions for reporting the validation results of internal models, February 2019, section 2.5.5.3: with R_i
the share of grade i of K, CV = √(K·Σ(R_i − 1/K)²), HI = 1 + ln((CV² + 1)/K)/ln K: 0 where all grades hold the same,
1 where one holds all. Against the CV at initial validation: p = 1 − Φ(√(K − 1)(CV − CV_initial)/√(CV²(½ + CV²))), by
number of loans; a small p says that concentration has risen. By exposure there is no test.
The statistic's standard error grows as CV² does, so that p rises again for a CV far above the initial one (all loans in
one of ten grades, initial CV 0.3: p = .19): read it beside HI, never alone.
Since K·Σ(R_i − 1/K)² = K·ΣR_i² − 1, both come from the plain Herfindahl index of `analytics.concentration`.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtr

from analytics.concentration import compute_herfindahl
from analytics.flags import check_numbers


def compute_cv(amounts: ArrayLike) -> float:
    """Return CV = √(K·Σ(R_i − 1/K)²) of K amounts (empty grades of the scale count, as 0).

    Raises ValueError for fewer than two grades, negative or missing amounts, and where all are 0.

    >>> round(compute_cv([406, 480, 114]), 10)
    0.4740210966
    """
    sizes = check_numbers(amounts, "amounts by grade", low=0)
    if sizes.size < 2 or not sizes.sum():
        raise ValueError(f"concentration needs two grades or more with loans in them, got {sizes.size} grades")
    # Rounding can leave K·ΣR² a hair under 1 where all grades hold the same.
    return float(np.sqrt(max(0.0, sizes.size * compute_herfindahl(sizes) - 1)))


def compute_hi(cv: float, grades: int) -> float:
    """Return the index HI = 1 + ln((CV² + 1)/K)/ln K, between 0 and 1.

    >>> round(compute_hi(compute_cv([406, 480, 114]), 3), 10)
    0.1844988009
    """
    if grades < 2 or not 0 <= cv * cv <= grades:
        raise ValueError(f"the index needs two grades or more and a CV that they can have, got {grades} and {cv}")
    return float(1 + np.log((cv * cv + 1) / grades) / np.log(grades))


def compute_cv_test(cv: float, cv_initial: float, grades: int) -> float:
    """Return p of the test that concentration by number has not risen since initial validation; NaN where CV is 0.

    >>> round(compute_cv_test(compute_cv([406, 480, 114]), 0.40, 3), 10)
    0.397657569
    """
    check_numbers([cv, cv_initial], "coefficients of variation", low=0)
    if cv == 0:
        return float("nan")
    return float(ndtr(-np.sqrt(grades - 1) * (cv - cv_initial) / np.sqrt(cv**2 * (0.5 + cv**2))))


def compute_rating_concentration(
    number: ArrayLike, exposure: ArrayLike | None = None, *, cv_initial: float | None = None
) -> pd.DataFrame:
    """Return one row by number of loans (with the test) and, where given, one by exposure (without).

    `number` and `exposure` hold one value per grade of the scale. Columns: basis, grades, cv, hi, cv_initial, p,
    reason (why there is no p).
    """
    rows = [_describe("number", number, cv_initial)]
    if exposure is not None:
        sizes = check_numbers(exposure, "exposure by grade", np.size(number), low=0)
        rows.append(_describe("exposure", sizes, None) | {"reason": "by exposure there is no test"})
    return pd.DataFrame(rows)


def _describe(basis: str, amounts: ArrayLike, cv_initial: float | None) -> dict[str, object]:
    grades, cv = int(np.size(amounts)), compute_cv(amounts)
    p, reason = float("nan"), "no initial validation to compare with"
    if cv_initial is not None:
        p = compute_cv_test(cv, cv_initial, grades)
        reason = "all grades hold the same: the statistic is undefined" if np.isnan(p) else ""
    initial = np.nan if cv_initial is None else cv_initial
    hi = compute_hi(cv, grades)
    return {"basis": basis, "grades": grades, "cv": cv, "hi": hi, "cv_initial": initial, "p": p, "reason": reason}
