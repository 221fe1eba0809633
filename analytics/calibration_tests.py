"""Do the PDs fit what happened: Spiegelhalter, Hosmer-Lemeshow, joint test of slope and level, ECE, Brier skill.

All tests take the PDs as given (another sample than the models were fitted on) unless told otherwise. Textbook
versions hold for independent rows; with `cluster` (the loan of each row) each test uses a variance that respects
loans seen more than once, and says so in its docstring. On big samples every p-value is small: read the
size (ECE, slope, observed / expected) first.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, ndtr

from analytics.calibration import fit_recalibration
from analytics.curves import assign_quantile_bins
from analytics.flags import to_series
from analytics.labelled import Labelled, Scores, check_labelled, check_scores
from analytics.observed_expected import compute_design_effects
from analytics.odds import Floats, clip_pd, to_log_odds

Binning = Literal["quantile", "width"]


@dataclass(frozen=True)
class Check:
    """What a measure of calibration is called and how it is computed."""

    label: str
    definition: str


CALIBRATION: dict[str, Check] = {
    "spiegelhalter": Check(
        "Spiegelhalter z", "Σ(y − p)(1 − 2p) / √Σ(1 − 2p)²p(1 − p): is the Brier score what the PDs promise? (1986)"
    ),
    "hosmer_lemeshow": Check(
        "Hosmer-Lemeshow χ²", "Σ(O − np)²/(np(1 − p)) over groups of equally many rows by PD (1980); df as stated"
    ),
    "joint": Check(
        "Joint test of level and spread", "χ² with 2 df that a = 0 and b = 1 in logit(y) = a + b · log-odds"
    ),
    "ece": Check("Expected calibration error", "Σ(n_b/n)·|rate − mean PD| over bins of equally many rows"),
    "ece_width": Check("Expected calibration error, equal width", "the same over bins of equal width in PD"),
    "brier_skill": Check("Brier skill", "1 − Brier score / (rate·(1 − rate)): gain over the observed rate for all"),
}


@dataclass(frozen=True)
class Statistic:
    """A test's outcome; df is None for a normal statistic. A blank (NaN) statistic comes with the reason why."""

    statistic: float
    df: int | None
    p_value: float
    reason: str = ""


def compute_spiegelhalter(y: ArrayLike, pds: ArrayLike, *, cluster: ArrayLike | None = None) -> Statistic:
    """Return Spiegelhalter's z, two-sided: Σ(y − p)(1 − 2p) / √Σ(1 − 2p)²p(1 − p) (Statistics in Medicine 5, 1986).

    With `cluster` the variance is the sum over loans of (Σ(y − p)(1 − 2p))², which has the same mean for single
    rows of a calibrated model. Above 0 where the Brier score is worse than the PDs promise. Blank where all PDs are
    0, ½ or 1, whose score says nothing. Raises ValueError for input that cannot be judged.

    >>> test = compute_spiegelhalter([1, 0, 0, 0], [0.1, 0.1, 0.1, 0.1])
    >>> round(test.statistic, 6)  # .6 · .8 / √(4 · .64 · .09)
    1.0
    """
    data = check_labelled(y, cluster)
    pd_ = check_scores({"model": pds}, data.n)["model"]
    terms = (data.y - pd_) * (1 - 2 * pd_)
    if data.codes is None:
        variance = float(((1 - 2 * pd_) ** 2 * pd_ * (1 - pd_)).sum())
    else:
        variance = float((data.sum_by_loan(terms) ** 2).sum())
    if not variance > 0:
        return Statistic(np.nan, None, np.nan, "all PDs are 0, ½ or 1")
    z = float(terms.sum() / np.sqrt(variance))
    return Statistic(z, None, float(2 * ndtr(-abs(z))))


def compute_hosmer_lemeshow_by_grade(
    n: ArrayLike, events: ArrayLike, pds: ArrayLike, *, in_sample: bool = False, design_effect: float = 1.0
) -> Statistic:
    """Return Σ(O − np)²/(np(1 − p)) over G groups of `n` rows, `events` and mean PD (fraction), df and p.

    df is G where the PDs are given (another sample, or a bank's grades) and G − 2 on the sample that the model was
    fitted on (Hosmer and Lemeshow 1980, Communications in Statistics A 9). The statistic is divided by
    `design_effect` (Rao and Scott 1981, JASA 76). Groups without rows do not count. Blank where a group's PD is 0
    or 1, or where there are too few groups. Raises ValueError for counts or PDs that cannot be.

    >>> test = compute_hosmer_lemeshow_by_grade([100, 100], [2, 12], [0.02, 0.10])
    >>> test.df, round(test.statistic, 4)  # 0 + (12 − 10)²/9
    (2, 0.4444)
    """
    size, x, p = (np.asarray(part, dtype=float).ravel() for part in (n, events, pds))
    if not size.size == x.size == p.size:
        raise ValueError(f"one count and PD per group: {size.size} n, {x.size} events, {p.size} PDs")
    if not ((x >= 0) & (x <= size) & (p >= 0) & (p <= 1)).all():
        raise ValueError("groups need 0 <= events <= n and PDs in [0, 1], without gaps")
    size, x, p = (part[size > 0] for part in (size, x, p))
    df = int(size.size) - 2 * in_sample
    if df < 1:
        return Statistic(np.nan, max(df, 0), np.nan, f"{size.size} groups are too few")
    variance = size * p * (1 - p)
    if not (variance > 0).all():
        return Statistic(np.nan, df, np.nan, "a group has a mean PD of 0 or 1")
    statistic = float(((x - size * p) ** 2 / variance).sum() / design_effect)
    return Statistic(statistic, df, float(chdtrc(df, statistic)))


def compute_hosmer_lemeshow(
    y: ArrayLike,
    pds: ArrayLike,
    *,
    groups: int | ArrayLike = 10,
    in_sample: bool = False,
    cluster: ArrayLike | None = None,
) -> Statistic:
    """Return the Hosmer-Lemeshow test over `groups` quantiles of the PD, or over given groups (grades, one a row).

    Equal PDs stay in one group, so there may be fewer than asked; df follows (`compute_hosmer_lemeshow_by_grade`).
    With `cluster` the statistic is divided by the groups' mean design effect (first-order Rao-Scott).
    """
    data = check_labelled(y, cluster)
    pd_ = check_scores({"model": pds}, data.n)["model"]
    if isinstance(groups, int):
        place = assign_quantile_bins(pd_, groups)
    else:
        keys = to_series(groups)
        if len(keys) != data.n or keys.isna().any():
            raise ValueError(f"one group per outcome is needed: {data.n} outcomes, {len(keys)} groups, none missing")
        place = pd.factorize(keys)[0]
    n, events, mean_pd = _count(data, pd_, place)
    effect = compute_design_effects(data.y - (events / n)[place], place, data.codes, n.size)
    return compute_hosmer_lemeshow_by_grade(n, events, mean_pd, in_sample=in_sample, design_effect=float(effect.mean()))


def compute_joint_test(y: ArrayLike, pds: ArrayLike, *, cluster: ArrayLike | None = None) -> Statistic:
    """Return the χ² with 2 df that (a, b) = (0, 1) in logit P(event) = a + b·log-odds (Cox 1958; PDs clipped).

    2·(log-likelihood at the fit − at (0, 1)). With `cluster` the generalised score test U'V⁻¹U, U = Σ(y − p)(1, x),
    V the sum over loans of their scores' squares (Boos 1992, The American Statistician 46): a likelihood ratio
    would take repeated rows for independent ones. Blank where the PDs are constant or separate the events.
    """
    data = check_labelled(y, cluster)
    pd_ = check_scores({"model": pds}, data.n)["model"]
    x = to_log_odds(pd_)
    if float(np.ptp(x)) < 1e-9:
        return Statistic(np.nan, 2, np.nan, "all PDs are equal: no slope")
    if data.codes is not None:
        return _score_test(data, x, data.y - clip_pd(pd_))
    fitted = fit_recalibration(data, pd_)
    if fitted is None:
        return Statistic(np.nan, 2, np.nan, "the PDs separate events perfectly: no finite slope")
    intercept, slope = fitted
    statistic = 2 * (_log_likelihood(intercept + slope * x, data) - _log_likelihood(x, data))
    return Statistic(max(statistic, 0.0), 2, float(chdtrc(2, max(statistic, 0.0))))


def _score_test(data: Labelled, x: Floats, residual: Floats) -> Statistic:
    # Centred: a change of the intercept's meaning leaves the statistic as it is and the matrix well-conditioned.
    scores = np.column_stack([data.sum_by_loan(residual), data.sum_by_loan(residual * (x - x.mean()))])
    total, variance = scores.sum(axis=0), scores.T @ scores
    if data.loans < 3 or np.linalg.cond(variance) > 1e14:
        return Statistic(np.nan, 2, np.nan, "too few loans for a variance")
    statistic = float(total @ np.linalg.solve(variance, total))
    return Statistic(statistic, 2, float(chdtrc(2, statistic)))


def _log_likelihood(eta: Floats, data: Labelled) -> float:
    return float(eta[data.y].sum() - np.logaddexp(0.0, eta).sum())


def compute_ece(y: ArrayLike, pds: ArrayLike, *, bins: int = 10, binning: Binning = "quantile") -> tuple[float, float]:
    """Return the expected calibration error Σ(n_b/n)·|rate_b − mean PD_b|, and what a calibrated model would show.

    Bins hold equally many rows ("quantile"; equal PDs stay together) or are equally wide from 0 to 1 ("width").
    The second number is Σ_b √(2/π·Σp(1 − p))/n, the mean of |normal| noise: the error is never 0 by chance
    (Bröcker 2012, Climate Dynamics 39), and many bins or few rows raise it. (Naeini et al. 2015, AAAI.)

    >>> round(compute_ece([1, 0, 0, 0], [0.5, 0.5, 0.1, 0.3], bins=2)[0], 6)  # bins (.1, .3) and (.5, .5)
    0.1
    """
    data = check_labelled(y)
    pd_ = check_scores({"model": pds}, data.n)["model"]
    if bins < 1:
        raise ValueError(f"at least one bin is needed, got {bins}")
    wide = np.minimum((pd_ * bins).astype(int), bins - 1)
    place = np.unique(assign_quantile_bins(pd_, bins) if binning == "quantile" else wide, return_inverse=True)[1]
    n, events, mean_pd = _count(data, pd_, place)
    noise = np.bincount(place, weights=pd_ * (1 - pd_))
    error = float((np.abs(events - n * mean_pd)).sum() / data.n)
    return error, float(np.sqrt(2 / np.pi * noise).sum() / data.n)


def compute_brier_skill(y: ArrayLike, pds: ArrayLike) -> float:
    """Return 1 − Brier score / (rate·(1 − rate)): 0 for the observed rate given to all, 1 for certainty (Brier 1950).

    >>> compute_brier_skill([1, 0], [0.5, 0.5])
    0.0
    """
    data = check_labelled(y)
    pd_ = check_scores({"model": pds}, data.n)["model"]
    rate = data.events / data.n
    return float(1 - ((data.y - pd_) ** 2).mean() / (rate * (1 - rate)))


def compute_calibration_tests(
    y: ArrayLike,
    scores: Scores,
    *,
    cluster: ArrayLike | None = None,
    bins: int = 10,
    in_sample: bool = False,
) -> pd.DataFrame:
    """Return one row per model and measure of `CALIBRATION`: value, calibrated, df, p_value, reason, n, events.

    `calibrated` is the value's mean if the PDs were right (z 0, χ² its df, ECE its noise; NaN for the Brier skill);
    df and p_value are NaN where there is none; `reason` says why a value is blank. Raises ValueError for input
    that cannot be judged: one class, gaps, PDs outside [0, 1], unequal lengths.
    """
    data = check_labelled(y, cluster)
    rows: list[tuple[object, ...]] = []
    for model, pd_ in check_scores(scores, data.n).items():
        tests = {
            "spiegelhalter": compute_spiegelhalter(y, pd_, cluster=cluster),
            "hosmer_lemeshow": compute_hosmer_lemeshow(y, pd_, groups=bins, in_sample=in_sample, cluster=cluster),
            "joint": compute_joint_test(y, pd_, cluster=cluster),
        }
        for name, test in tests.items():
            df = np.nan if test.df is None else float(test.df)
            mean = 0.0 if test.df is None else df
            rows.append((model, name, test.statistic, mean, df, test.p_value, test.reason))
        rows.append((model, "ece", *compute_ece(y, pd_, bins=bins), np.nan, np.nan, ""))
        rows.append((model, "ece_width", *compute_ece(y, pd_, bins=bins, binning="width"), np.nan, np.nan, ""))
        rows.append((model, "brier_skill", compute_brier_skill(y, pd_), np.nan, np.nan, np.nan, ""))
    columns = ["model", "measure", "value", "calibrated", "df", "p_value", "reason"]
    return pd.DataFrame(rows, columns=columns).assign(n=data.n, events=data.events)


def _count(data: Labelled, pd_: Floats, place: NDArray[np.intp]) -> tuple[Floats, Floats, Floats]:
    n, events, expected = (np.asarray(np.bincount(place, weights=part), dtype=float) for part in (None, data.y, pd_))
    return n, events, expected / n
