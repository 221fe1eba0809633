"""How well a score ranks: AUC and KS with their influences, in one sort.

DeLong, DeLong and Clarke-Pearson 1988 (Biometrics 44) give the variance of the AUC from placement
values, Sun and Xu 2014 (IEEE Signal Processing Letters 21) compute these in O(n log n) with
mid-ranks, Obuchowski 1997 (Biometrics 53) sums them by cluster.
"""

import numpy as np
from numpy.typing import NDArray

from analytics.labelled import Labelled
from analytics.odds import Floats

Estimate = tuple[float, Floats]


class Ranking:
    """One sort of a score, from which AUC and KS are read; ties count one half."""

    def __init__(self, data: Labelled, score: Floats) -> None:
        order = np.argsort(score)
        ranked, y = score[order], data.y[order]
        starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        ends = np.r_[starts[1:], ranked.size]
        events = np.r_[0, np.cumsum(y)]
        self._data, self._order = data, order
        self._tie: NDArray[np.intp] = np.repeat(np.arange(starts.size), ends - starts)
        self._thresholds = ranked[starts]
        self._events = events[ends] - events[starts]
        self._rest = (ends - starts) - self._events

    def estimate_auc(self) -> Estimate:
        """Return the AUC and each row's influence.

        An event's placement V10 is the share of non-events below it, a non-event's V01 the share of
        events above it. AUC = mean V10 = mean V01. Influence of an event (V10 − AUC)/events, of a non-event
        (V01 − AUC)/non-events, each times √(I/(I − 1)) for the I loans with such rows: for single rows the
        sum of squares is DeLong's var(V10)/events + var(V01)/non-events exactly. (Obuchowski's factor of
        the cross term, which single rows lack, is their geometric mean here: never a negative variance.)
        """
        m, n = self._events.sum(), self._rest.sum()
        above = m - np.cumsum(self._events)
        below = np.cumsum(self._rest) - self._rest
        v10 = (below + 0.5 * self._rest) / n
        v01 = (above + 0.5 * self._events) / m
        auc = float(v10 @ self._events / m)
        return auc, self._scatter(v10 - auc, v01 - auc)

    def estimate_ks(self) -> Estimate:
        """Return the largest distance between the two groups' distribution functions, and influences.

        At the maximum t, KS = |F0(t) − F1(t)|; an event's influence is ∓(1{score ≤ t} − F1(t))/events, a
        non-event's ±(1{score ≤ t} − F0(t))/non-events. That t is itself estimated does not matter to first
        order where the maximum is unique; near KS = 0 the estimate is biased upwards and the interval too
        short, so do not read it as a test of KS = 0.
        """
        f1 = np.cumsum(self._events) / self._events.sum()
        f0 = np.cumsum(self._rest) / self._rest.sum()
        best = int(np.argmax(np.abs(f0 - f1)))
        sign = 1.0 if f0[best] >= f1[best] else -1.0
        inside = (np.arange(f0.size) <= best).astype(float)
        return abs(float(f0[best] - f1[best])), self._scatter(sign * (f1[best] - inside), sign * (inside - f0[best]))

    def curve(self) -> tuple[Floats, Floats, Floats]:
        """Return false positive rate, true positive rate and threshold, from strict to lenient.

        A row counts as positive when its score is at least the threshold; the first threshold is infinite.
        """
        tpr = np.r_[0.0, np.cumsum(self._events[::-1]) / self._events.sum()]
        fpr = np.r_[0.0, np.cumsum(self._rest[::-1]) / self._rest.sum()]
        return fpr, tpr, np.r_[np.inf, self._thresholds[::-1]]

    def _scatter(self, event: Floats, rest: Floats) -> Floats:
        """Spread one value per distinct score and group over the rows, in the rows' own order."""
        data = self._data
        event = event * data.event_factor / self._events.sum()
        rest = rest * data.rest_factor / self._rest.sum()
        influence = np.empty(data.n)
        influence[self._order] = np.where(data.y[self._order], event[self._tie], rest[self._tie])
        return influence
