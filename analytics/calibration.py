"""Whether PDs have the right level and spread: logistic recalibration with robust influences.

logit P(event) = a + b · log-odds of the PD (Cox 1958, "Two further applications of a model for binary
regression", Biometrika 45). b is 1 for well-spread PDs, below 1 for PDs that are too extreme.
Calibration-in-the-large is a with b held at 1: above 0 where PDs are too low.
"""

import numpy as np
from scipy.special import expit

from analytics.labelled import Labelled
from analytics.odds import Floats, to_log_odds
from analytics.ranking import Estimate

_STEPS = 50
_TOLERANCE = 1e-10


def estimate_slope(data: Labelled, pd: Floats) -> Estimate:
    """Return the calibration slope b and each row's influence; NaN where events are perfectly separated.

    Influence: the second element of H⁻¹ xᵢ (yᵢ − p̂ᵢ) with H the information matrix, so that its sum of
    squares by loan is the sandwich variance (Huber 1967, Liang and Zeger 1986).
    """
    x = to_log_odds(pd)
    if float(np.ptp(x)) < 1e-9 or _separates(x, data):
        return np.nan, np.full(data.n, np.nan)
    centre = float(x.mean())
    x = x - centre
    beta, information, residual = _fit_slope(x, data.y.astype(float), centre)
    if not np.isfinite(beta).all():
        return np.nan, np.full(data.n, np.nan)
    inverse = np.linalg.inv(information)
    return float(beta[1]), data.factor * residual * (inverse[1, 0] + inverse[1, 1] * x)


def fit_recalibration(data: Labelled, pd: Floats) -> tuple[float, float] | None:
    """Return the fitted (a, b) of logit P(event) = a + b · log-odds, or None where the likelihood has no maximum."""
    x = to_log_odds(pd)
    if float(np.ptp(x)) < 1e-9 or _separates(x, data):
        return None
    centre = float(x.mean())
    beta, _, _ = _fit_slope(x - centre, data.y.astype(float), centre)
    return (float(beta[0] - beta[1] * centre), float(beta[1])) if np.isfinite(beta).all() else None


def _separates(x: Floats, data: Labelled) -> bool:
    """Say whether some threshold parts events from the others: then the likelihood grows with the slope for ever."""
    event, rest = x[data.y], x[~data.y]
    return bool(event.min() >= rest.max() or event.max() <= rest.min())


def _fit_slope(x: Floats, y: Floats, centre: float) -> tuple[Floats, Floats, Floats]:
    """Newton's method with halved steps for intercept and slope; NaN where it does not settle."""
    beta = np.array([centre, 1.0])
    eta = beta[0] + beta[1] * x
    likelihood = _log_likelihood(eta, y)
    for _ in range(_STEPS):
        p = expit(eta)
        residual, weight = y - p, p * (1 - p)
        gradient = np.array([residual.sum(), residual @ x])
        wx = weight * x
        information = np.array([[weight.sum(), wx.sum()], [wx.sum(), wx @ x]])
        if np.linalg.cond(information) > 1e14:
            break
        step = np.linalg.solve(information, gradient)
        if gradient @ step < _TOLERANCE:
            return beta, information, residual
        beta, eta, likelihood = _improve(beta, step, x, y, likelihood)
    return np.full(2, np.nan), np.eye(2), np.zeros(x.size)


def _improve(beta: Floats, step: Floats, x: Floats, y: Floats, likelihood: float) -> tuple[Floats, Floats, float]:
    for _ in range(30):
        tried = beta + step
        eta = tried[0] + tried[1] * x
        reached = _log_likelihood(eta, y)
        if reached >= likelihood:
            break
        step = step / 2
    return tried, eta, reached


def _log_likelihood(eta: Floats, y: Floats) -> float:
    return float(y @ eta - np.logaddexp(0.0, eta).sum())


def estimate_in_the_large(data: Labelled, pd: Floats) -> Estimate:
    """Return calibration-in-the-large (log-odds) and each row's influence (yᵢ − p̂ᵢ)/Σ p̂(1 − p̂)."""
    x, y = to_log_odds(pd), data.y.astype(float)
    shift = 0.0
    for _ in range(_STEPS):
        p = expit(x + shift)
        information = float((p * (1 - p)).sum())
        step = float((y - p).sum()) / information
        # A full step from far away can overshoot where the curve is flat; one unit at a time cannot.
        shift += float(np.clip(step, -1.0, 1.0))
        if abs(step) < _TOLERANCE:
            break
    return shift, data.factor * (y - p) / information
