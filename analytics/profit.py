"""What a ranking is worth: expected maximum profit, costs of a cut-off, and net benefit of acting on a PD."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analytics.labelled import Scores, check_labelled, check_scores
from analytics.odds import Floats
from analytics.ranking import Ranking
from analytics.roc_hull import RocHull, find_roc_hull

# Verbraken et al. 2014 estimated these on two consumer credit portfolios; a mortgage book has its own.
NO_LOSS, TOTAL_LOSS, RETURN = 0.55, 0.10, 0.2644
THRESHOLDS = 100


def compute_emp(
    y: ArrayLike,
    scores: Scores,
    *,
    no_loss: float = NO_LOSS,
    total_loss: float = TOTAL_LOSS,
    roi: float = RETURN,
) -> pd.DataFrame:
    """Return the expected maximum profit of each model: model, emp, rejected_share, n, events.

    Verbraken, Bravo, Weber and Baesens 2014 (European Journal of Operational Research 238). A rejected default saves λ
    of the loan, a rejected good loan forgoes its return `roi` over its life (fractions of the amount lent). λ is
    0 with probability `no_loss`, 1 with probability `total_loss`, otherwise anything between, evenly. At each λ
    the best cut-off is taken: EMP = E over λ of max over t [λ·π₁·TPR(t) − roi·π₀·FPR(t)], a fraction of
    the amount per applicant above granting all. `rejected_share` is the share rejected, likewise on
    average over λ. The defaults are the published ones, for consumer credit: give your own for mortgages. Loans
    count alike whatever their amount. Raises ValueError for probabilities outside [0, 1] or adding up to more
    than 1, and for a negative or infinite `roi`.

    >>> found = compute_emp([1, 0, 1, 0], {"m": [0.9, 0.1, 0.8, 0.2]}, no_loss=0.5, total_loss=0.5)
    >>> found[["emp", "rejected_share"]].values.tolist()
    [[0.25, 0.25]]
    """
    check_loss(no_loss, total_loss, roi)
    data = check_labelled(y)
    rows = []
    for model, pds in check_scores(scores, data.n).items():
        emp, rejected = _integrate_profit(find_roc_hull(data, pds), no_loss, total_loss, roi)
        rows.append((model, emp, rejected, data.n, data.events))
    return pd.DataFrame(rows, columns=["model", "emp", "rejected_share", "n", "events"])


def check_loss(no_loss: float, total_loss: float, roi: float) -> None:
    """Refuse parameters of the expected maximum profit that cannot be."""
    if min(no_loss, total_loss) < 0 or not no_loss + total_loss <= 1:
        raise ValueError(
            f"the shares of defaults without and with total loss lie in [0, 1] and add up to at most 1, "
            f"got {no_loss} and {total_loss}"
        )
    if not 0 <= roi < np.inf:
        raise ValueError(f"the return on a good loan is a fraction of at least 0, got {roi}")


def _integrate_profit(hull: RocHull, no_loss: float, total_loss: float, roi: float) -> tuple[float, float]:
    """An edge pays from λ = roi·(1 − rate)/rate on, where the default it catches is worth the good loans it costs."""
    with np.errstate(divide="ignore", invalid="ignore"):
        pays_from = np.where(hull.rate > 0, roi * (1 - hull.rate) / hull.rate, np.inf)
    between = np.clip(np.r_[0.0, pays_from, 1.0], 0.0, 1.0)
    gain, price = hull.prevalence * hull.tpr, roi * (1 - hull.prevalence) * hull.fpr
    width, half_squares = np.diff(between), np.diff(between**2) / 2
    best = int((pays_from < 1).sum())
    even = 1 - no_loss - total_loss
    emp = even * (gain @ half_squares - price @ width) + total_loss * (gain[best] - price[best])
    return float(emp), float(even * (hull.flagged @ width) + total_loss * hull.flagged[best])


def compute_cost_curve(y: ArrayLike, scores: Scores, *, points: int = 101) -> pd.DataFrame:
    """Return what errors cost at every ratio of costs, each model at its best cut-off (Drummond and Holte 2006).

    Columns: model, probability_cost, cost_ratio, cost, without. probability_cost x = π₁k/(π₁k + π₀) with k =
    cost_ratio, the cost of a missed event over that of a false alarm; cost = min over t [x·(1 − TPR) + (1 − x)·FPR],
    a fraction of the dearest outcome; `without` = min(x, 1 − x) is that of the better of flagging all or none.
    Reference: Machine Learning 65.
    """
    if points < 2:
        raise ValueError(f"a curve has at least two points, got {points}")
    data = check_labelled(y)
    x = np.linspace(0, 1, points)
    odds = data.events / (data.n - data.events)
    with np.errstate(divide="ignore"):
        ratio = x / (1 - x) / odds
    parts = []
    for model, pds in check_scores(scores, data.n).items():
        hull = find_roc_hull(data, pds)
        # The corner after the last edge whose rate beats the price at which its events equal its false alarms.
        corner = _best_corner(hull, ratio)
        cost = x * (1 - hull.tpr[corner]) + (1 - x) * hull.fpr[corner]
        columns = {"probability_cost": x, "cost_ratio": ratio, "cost": cost, "without": np.minimum(x, 1 - x)}
        parts.append(pd.DataFrame(columns).assign(model=model))
    return pd.concat(parts, ignore_index=True)[["model", "probability_cost", "cost_ratio", "cost", "without"]]


def _best_corner(hull: RocHull, cost_ratio: Floats) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the corner of least cost: all edges are taken whose event rate is above 1/(1 + k)."""
    return np.searchsorted(-hull.rate, -1 / (1 + cost_ratio), side="left")


def compute_cutoff_costs(y: ArrayLike, scores: Scores, *, cost_ratio: float, max_points: int = 400) -> pd.DataFrame:
    """Return what errors cost per loan at each cut-off: model, threshold, rejected_share, cost, without, best.

    `cost_ratio` k is the cost of an event that is let in, in costs of a good loan that is turned away. Loans
    with a PD of at least `threshold` are turned away (infinite: none): cost = k·π₁·(1 − TPR) + π₀·FPR per loan,
    `without` = min(k·π₁, π₀) that of the better of taking all or none. `best` marks the cheapest cut-off,
    the most lenient of several. At most `max_points` cut-offs, evenly along the rejected share, and the best one.
    """
    if not 0 < cost_ratio < np.inf:
        raise ValueError(f"a cost ratio is a positive number, got {cost_ratio}")
    data = check_labelled(y)
    rate = data.events / data.n
    parts = []
    for model, pds in check_scores(scores, data.n).items():
        fpr, tpr, threshold = Ranking(data, pds).curve()
        cost = cost_ratio * rate * (1 - tpr) + (1 - rate) * fpr
        rejected = rate * tpr + (1 - rate) * fpr
        best = int(np.argmin(cost))
        even = np.searchsorted(rejected, np.linspace(0, 1, max_points)).clip(0, rejected.size - 1)
        keep = np.unique(np.r_[even, best])
        columns = {"threshold": threshold[keep], "rejected_share": rejected[keep], "cost": cost[keep]}
        parts.append(pd.DataFrame(columns).assign(model=model, best=keep == best))
    table = pd.concat(parts, ignore_index=True).assign(without=min(cost_ratio * rate, 1 - rate))
    return table[["model", "threshold", "rejected_share", "cost", "without", "best"]]


def compute_decision_curve(y: ArrayLike, scores: Scores, *, thresholds: ArrayLike | None = None) -> pd.DataFrame:
    """Return the net benefit of acting on PDs from each threshold up.

    Columns: model, threshold, net_benefit, all, none, flagged_share.

    Vickers and Elkin 2006 (Medical Decision Making 26): net benefit = TP/n − FP/n · t/(1 − t), in true positives per
    loan, where acting at PD ≥ t says that a missed event costs (1 − t)/t false alarms. `all` is π₁ − π₀·t/(1 − t),
    for acting on every loan, `none` is 0. It uses the PDs' level, not only their ranks. Without `thresholds`
    there are 100 even ones up to four times the observed rate. Raises ValueError for thresholds outside (0, 1).
    """
    data = check_labelled(y)
    rate = data.events / data.n
    top = min(0.99, 4 * rate)
    chosen = (
        np.linspace(top / THRESHOLDS, top, THRESHOLDS) if thresholds is None else np.asarray(thresholds, dtype=float)
    )
    if not chosen.size or not ((chosen > 0) & (chosen < 1)).all():
        raise ValueError("thresholds are PDs between 0 and 1, both left out")
    weight = chosen / (1 - chosen)
    parts = []
    for model, pds in check_scores(scores, data.n).items():
        flagged = [
            values.size - np.searchsorted(values, chosen) for values in map(np.sort, (pds[data.y], pds[~data.y]))
        ]
        columns = {
            "threshold": chosen,
            "net_benefit": (flagged[0] - weight * flagged[1]) / data.n,
            "all": rate - weight * (1 - rate),
            "flagged_share": (flagged[0] + flagged[1]) / data.n,
        }
        parts.append(pd.DataFrame(columns).assign(model=model, none=0.0))
    return pd.concat(parts, ignore_index=True)[["model", "threshold", "net_benefit", "all", "none", "flagged_share"]]
