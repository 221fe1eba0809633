"""The convex hull of a ROC curve: the only cut-offs that are best at some cost of errors.

Going down the ranking, pooling adjacent groups until their event rates fall gives the hull (Fawcett and
Niculescu-Mizil 2007, Machine Learning 68), and the pooled rate of an edge is the cost share at which its two ends
cost the same.
"""

from dataclasses import dataclass

import numpy as np

from analytics.labelled import Labelled
from analytics.odds import Floats
from analytics.ranking import Ranking


@dataclass(frozen=True)
class RocHull:
    """Corners of the hull from (0, 0), nothing flagged, to (1, 1), all flagged.

    `fpr`, `tpr` and `threshold` (a PD; flagged is what has at least it; infinite at first) belong to the
    corners, `rate` to the edges between them: the event rate of the rows that the edge adds, falling.
    """

    fpr: Floats
    tpr: Floats
    threshold: Floats
    rate: Floats
    prevalence: float

    @property
    def flagged(self) -> Floats:
        """Share of all rows flagged at each corner."""
        return self.prevalence * self.tpr + (1 - self.prevalence) * self.fpr


def find_roc_hull(data: Labelled, pds: Floats) -> RocHull:
    """Return the hull of one model's ROC curve in O(n log n).

    >>> from analytics.labelled import check_labelled
    >>> hull = find_roc_hull(check_labelled([1, 0, 1, 0]), np.array([0.8, 0.6, 0.4, 0.2]))
    >>> hull.fpr.tolist(), hull.tpr.tolist(), hull.rate.round(4).tolist()
    ([0.0, 0.0, 0.5, 1.0], [0.0, 0.5, 1.0, 1.0], [1.0, 0.5, 0.0])
    """
    from scipy.optimize import isotonic_regression

    fpr, tpr, threshold = Ranking(data, pds).curve()
    events = np.rint(np.diff(tpr) * data.events)
    size = events + np.rint(np.diff(fpr) * (data.n - data.events))
    fitted = isotonic_regression(events / size, weights=size, increasing=False)
    corners = fitted.blocks
    rate = np.add.reduceat(events, corners[:-1]) / np.add.reduceat(size, corners[:-1])
    return RocHull(fpr[corners], tpr[corners], threshold[corners], rate, data.events / data.n)
