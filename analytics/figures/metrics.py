"""Figures that compare models on the same loans: metrics with intervals, and ROC curves."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analytics.figures.axes import label_rows
from analytics.figures.template import TEXT, draw_order, escape, finish, marker_of, present_models
from analytics.performance import METRICS
from analytics.words import format_interval, format_share, format_value


def plot_metric_intervals(
    frame: pd.DataFrame,
    metrics: Sequence[str],
    *,
    colours: Mapping[str, str],
    title: str,
    subtitle: str,
    samples: Sequence[str],
    labels: Mapping[str, str] | None = None,
    columns: int = 4,
) -> go.Figure:
    """Return dots and whiskers: a panel per metric, a row per sample, a dot per model.

    `frame` is that of `compute_metrics` with a column `sample`; `labels` maps a model to its name. A dotted
    line marks the ideal where the metric has one.
    """
    wide = min(columns, len(metrics))
    deep = -(-len(metrics) // wide)
    titles = [escape(METRICS[name].label) for name in metrics]
    figure = make_subplots(deep, wide, subplot_titles=titles, shared_yaxes=True, horizontal_spacing=0.035,
                           vertical_spacing=0.3 / deep)  # fmt: skip
    figure.update_annotations(font={"size": 13}, yshift=2)
    models = present_models(frame, colours)
    for place, metric in enumerate(metrics):
        spot = {"row": place // wide + 1, "col": place % wide + 1}
        for order, model in enumerate(models):
            rows = frame[(frame["metric"] == metric) & (frame["model"] == model)].set_index("sample")
            rows = rows.reindex([name for name in samples if name in rows.index])
            heights = np.array([samples.index(name) for name in rows.index]) + (order + 0.5) / len(models) * 0.6 - 0.3
            trace = _dots(rows, heights, (labels or {}).get(model, model), colours[model], metric)
            figure.add_trace(trace.update(showlegend=place == 0), **spot)
        ideal = METRICS[metric].ideal
        if ideal is not None:
            figure.add_vline(ideal, line={"color": TEXT, "width": 1, "dash": "dot"}, **spot)
        figure.update_xaxes(showgrid=True, nticks=5, **spot, **_axis(metric))
    label_rows(figure, list(samples), width=20)
    return finish(figure, title, subtitle, height=deep * (16 * len(samples) * max(2, len(models)) + 62), panels=True)


def _axis(metric: str) -> dict[str, str]:
    return {"tickformat": ".2~%"} if METRICS[metric].unit == "share" else {}


def _dots(rows: pd.DataFrame, heights: np.ndarray, name: str, colour: str, metric: str) -> go.Scatter:
    unit, estimate = METRICS[metric].unit, rows["estimate"].to_numpy(dtype=float)
    digits = None if unit else 3
    hover = []
    for sample, row in zip(rows.index, rows.to_dict("records"), strict=True):
        shown = format_share(row["estimate"]) if unit else f"{row['estimate']:.3f}"
        interval = format_interval(row["low"], row["high"], unit, digits)
        counts = f"n {format_value(row['n'])}, events {format_value(row['events'])}"
        hover.append(f"<b>{escape(name)}</b>, {sample}<br>{METRICS[metric].label} {shown} {interval}<br>{counts}")
    whiskers = {"type": "data", "array": rows["high"].to_numpy(dtype=float) - estimate, "thickness": 2, "width": 0,
                "arrayminus": estimate - rows["low"].to_numpy(dtype=float), "color": colour}  # fmt: skip
    return go.Scatter(
        x=estimate, y=heights, error_x=whiskers, mode="markers", name=escape(name), legendgroup=name,
        marker={"color": colour, "size": 9, "symbol": marker_of(colour)},
        customdata=np.array(hover, dtype=object), hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip


def plot_roc(
    frame: pd.DataFrame,
    *,
    colours: Mapping[str, str],
    title: str,
    subtitle: str,
    labels: Mapping[str, str] | None = None,
    event: str = "default",
) -> go.Figure:
    """Return the ROC curves of `compute_roc`; `labels` may carry each model's Gini."""
    figure = go.Figure()
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line={"color": TEXT, "width": 1, "dash": "dot"})
    for model in draw_order(frame, colours):
        rows = frame[frame["model"] == model]
        cut = rows["threshold"].to_numpy(dtype=float)
        figure.add_trace(
            go.Scatter(
                x=rows["false_positive_rate"].to_numpy(dtype=float),
                y=rows["true_positive_rate"].to_numpy(dtype=float),
                customdata=np.array([format_share(min(value, 1.0)) for value in cut], dtype=object),
                hovertemplate="PD ≥ %{customdata}: %{y:.1%} of events, %{x:.1%} of the others",
                name=escape((labels or {}).get(model, model)),
                mode="lines",
                line={"color": colours[model], "width": 2.25},
                showlegend=True,
                legendrank=list(colours).index(model),
            )
        )
    share = {"tickformat": ".0%", "range": [-0.005, 1.005], "nticks": 6, "showgrid": True}
    figure.update_xaxes(title=f"loans without {escape(event)} above the threshold", **share)
    figure.update_yaxes(title=f"loans with {escape(event)} above the threshold", **share)
    return finish(figure, title, subtitle, height=380)
