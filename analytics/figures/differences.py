"""Differences from the champion: a panel per metric, dots with intervals about a line at no difference."""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from analytics.figures.metrics import plot_metric_intervals
from analytics.figures.template import TEXT


def plot_differences(
    frame: pd.DataFrame,
    metrics: Sequence[str],
    *,
    rows: str,
    order: Sequence[str],
    colours: Mapping[str, str],
    labels: Mapping[str, str],
    title: str,
    subtitle: str,
) -> go.Figure:
    """Return dots and whiskers: a panel per metric, a row per value of the column `rows`, a dot per challenger.

    `frame` has challenger, metric, difference, low, high, n, events and `rows`, whose values stand in `order`.
    """
    shaped = frame.drop(columns=["sample"], errors="ignore") if rows != "sample" else frame
    shaped = shaped.rename(columns={"challenger": "model", "difference": "estimate", rows: "sample"})
    figure = plot_metric_intervals(
        shaped, metrics, colours=colours, labels=labels, samples=order, title=title, subtitle=subtitle
    )
    figure.update_xaxes(nticks=4)
    figure.add_vline(0, line={"color": TEXT, "width": 1, "dash": "dot"}, row="all", col="all")
    return figure
