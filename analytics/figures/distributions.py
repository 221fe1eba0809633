"""Where each model puts the loans that defaulted and those that did not."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analytics.figures.axes import pd_axis
from analytics.figures.template import SLATE, escape, fade, finish, present_models
from analytics.words import format_share


def plot_score_distributions(
    frame: pd.DataFrame,
    *,
    colours: Mapping[str, str],
    title: str,
    subtitle: str,
    labels: Mapping[str, str] | None = None,
    event: str = "default",
) -> go.Figure:
    """Return a panel per model with the PD distributions of `compute_score_distribution` on a log-odds axis.

    Loans with the event carry the model's colour, the others are slate; each adds up to 100 %. Raises
    ValueError where no model of `colours` is in the frame.
    """
    models = present_models(frame, colours)
    if not models:
        raise ValueError(f"nothing to plot: none of the models {', '.join(colours)} has a distribution")
    names = [f"<b>{escape((labels or {}).get(name, name))}</b>" for name in models]
    figure = make_subplots(len(models), 1, shared_xaxes=True, vertical_spacing=0.32 / max(3, len(models)),
                           subplot_titles=names)  # fmt: skip
    figure.update_annotations(x=0, xanchor="left", font={"size": 13})
    for row, model in enumerate(models, start=1):
        for outcome, colour, name in ((0, SLATE, f"no {event}"), (1, colours[model], event)):
            part = frame[(frame["model"] == model) & (frame["outcome"] == outcome)]
            figure.add_trace(_area(part, colour, name), row=row, col=1)
            _label_area(figure, part, colour, name, row)
    used = frame[frame["n"] > 0]
    axis = pd_axis(float(used["pd_low"].min()), float(used["pd_high"].max()), log_odds=True)
    figure.update_xaxes(showgrid=True, **axis)
    figure.update_xaxes(title="PD (on the log-odds scale)", row=len(models), col=1)
    figure.update_yaxes(tickformat=".0%", nticks=4, rangemode="tozero")
    return finish(figure, title, subtitle, height=150 * len(models) + 30, panels=True)


def _area(part: pd.DataFrame, colour: str, name: str) -> go.Scatter:
    spans = [
        f"PD {format_share(low)} to {format_share(high)}, n {n:,}"
        for low, high, n in zip(part["pd_low"], part["pd_high"], part["n"], strict=True)
    ]
    return go.Scatter(
        x=part["log_odds"].to_numpy(dtype=float), y=part["share"].to_numpy(dtype=float), mode="lines", fill="tozeroy",
        line={"color": colour, "width": 2, "shape": "hvh"}, fillcolor=fade(colour, 0.22), name=escape(name),
        customdata=np.array(spans, dtype=object), showlegend=False,
        hovertemplate=f"{escape(name)}: %{{y:.1%}}<br>%{{customdata}}<extra></extra>",
    )  # fmt: skip


def _label_area(figure: go.Figure, part: pd.DataFrame, colour: str, name: str, row: int) -> None:
    """Name an area directly, above its peak."""
    peak = int(part["share"].to_numpy().argmax())
    x, y = float(part["log_odds"].iloc[peak]), float(part["share"].iloc[peak])
    font = {"color": colour, "size": 12}
    spot = {"x": x, "y": y, "row": row, "col": 1}
    figure.add_annotation(text=f"<b>{escape(name)}</b>", showarrow=False, yanchor="bottom", font=font, **spot)
