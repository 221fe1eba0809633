"""Axis ticks that read as PDs and as words."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from analytics.figures.template import wrap
from analytics.odds import Floats, to_log_odds, to_pd

_ROUND = np.array([1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7,
                   0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999])  # fmt: skip
_DECADES = (1e-5, 1e-4, 0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999)


def pd_ticks(low: float, high: float, *, count: int = 8) -> Floats:
    """Return two to `count` PDs between `low` and `high`: round ones, decades before halves, where there are any."""
    ticks = _ROUND[slice(*np.searchsorted(_ROUND, [low * 0.999, high * 1.001]))]
    if ticks.size > count:
        decades = ticks[np.isin(ticks, _DECADES)]
        ticks = decades if decades.size >= 3 else ticks
        return ticks[:: -(-ticks.size // count)]
    if ticks.size >= 2:
        return ticks
    ends = to_log_odds([low, high])
    even = to_pd(np.linspace(ends[0], ends[1], 5)[1:-1])
    return np.unique([float(f"{tick:.2g}") for tick in even])


def pd_axis(low: float, high: float, *, log_odds: bool, count: int = 8) -> dict[str, object]:
    """Return axis settings that label log-odds (or a logarithmic axis of PDs) with PDs."""
    ticks = pd_ticks(low, high, count=count)
    return {
        "tickvals": to_log_odds(ticks) if log_odds else ticks,
        "ticktext": np.array([f"{100 * tick:g}%" for tick in ticks]),
    }


def label_rows(figure: go.Figure, labels: Sequence[str], *, width: int = 34) -> None:
    """Label the horizontal rows 0, 1, … of a figure, the first on top; long labels wrap and are never cut.

    Rows are numbers, because plotly would merge equal labels and read "620" as one.
    """
    text = np.array([wrap(label, width) for label in labels], dtype=object)
    figure.update_yaxes(
        tickvals=np.arange(len(labels)), ticktext=text, range=[len(labels) - 0.5, -0.5], showgrid=False, automargin=True
    )
