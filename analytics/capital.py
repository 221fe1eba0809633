"""What a loan ties up and may cost: the IRB risk weight of mortgages, and the expected credit loss of IFRS 9."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from analytics.flags import check_numbers

Floats = NDArray[np.float64]
CORRELATION, CONFIDENCE = 0.15, 0.999  # residential mortgages, Regulation (EU) 575/2013, Art. 154(3)


def compute_risk_weight(pd: ArrayLike, lgd: ArrayLike) -> Floats:
    """Return the IRB risk weight of non-defaulted mortgages as a fraction of the exposure at default.

    RW = 12.5 · K, K = LGD · [Φ((Φ⁻¹(PD) + √R · Φ⁻¹(0.999)) / √(1 − R)) − PD], R = 0.15 (Basel Committee 2006,
    paragraph 328; Regulation (EU) 575/2013, Art. 154). Without the scaling factor of 1.06, which Regulation (EU)
    2024/1623 ended, and without floors. `pd` and `lgd` are fractions in [0, 1] of one length, or one number for all;
    anything else raises ValueError. A PD of 0 or 1 weighs 0: nothing unexpected can happen.

    >>> round(float(compute_risk_weight(0.01, 0.45)), 4)
    0.564
    """
    rate, loss = _fractions(pd, "pd"), _fractions(lgd, "lgd")
    with np.errstate(invalid="ignore"):
        stressed = ndtr((ndtri(rate) + np.sqrt(CORRELATION) * ndtri(CONFIDENCE)) / np.sqrt(1 - CORRELATION))
    weight: Floats = 12.5 * loss * (stressed - rate)
    return weight


def compute_lifetime_loss(
    marginal: ArrayLike, lgd: ArrayLike, ead: ArrayLike, *, eir: float, weights: ArrayLike | None = None
) -> float:
    """Return the expected credit loss in the currency of `ead`, over the years that `marginal` covers.

    ECL = Σ_s w_s Σ_t PD_st · LGD_st · EAD_st / (1 + EIR)^t (IFRS 9, 5.5.17 and B5.5.44), t = 1, 2, … years. `marginal`
    is scenarios × years, or years alone: the probability of default within each year, seen from today; a row
    sums to 1 at most. `lgd` and `ead` have its shape or are one number. `weights` of the scenarios sum to 1.
    With one year it is the twelve-month loss. Raises ValueError for anything else.

    >>> round(compute_lifetime_loss([0.01, 0.02], 0.2, 100_000, eir=0.05), 2)
    553.29
    """
    rates = np.atleast_2d(_fractions(marginal, "marginal"))
    if (rates.sum(axis=1) > 1 + 1e-9).any():
        raise ValueError("marginal PDs of a scenario must sum to 1 at most; cumulative PDs are not marginal ones")
    share = np.full(len(rates), 1 / len(rates)) if weights is None else _fractions(weights, "weights")
    if share.shape != (len(rates),) or abs(share.sum() - 1) > 1e-9:
        raise ValueError(f"weights must be one a scenario ({len(rates)}) and sum to 1, got {share.tolist()}")
    if not eir > -1:
        raise ValueError(f"eir must be a fraction above -1, got {eir}")
    amount = np.asarray(check_numbers(np.ravel(ead), "ead", low=0), dtype=float).reshape(np.shape(ead))
    discount = (1 + eir) ** np.arange(1, rates.shape[1] + 1)
    return float(share @ (rates * _fractions(lgd, "lgd") * amount / discount).sum(axis=1))


def _fractions(values: ArrayLike, name: str) -> Floats:
    checked = check_numbers(np.ravel(values), name, low=0, high=1)
    return np.asarray(checked, dtype=float).reshape(np.shape(values))
