"""Figures of the what-if page: changed attributions by model, PD along a field, a shocked book by segment and grade."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import label_rows
from analytics.figures.template import TEXT, escape, fade, finish, format_axis, marker_of, present_models
from analytics.words import format_share, format_value


def plot_attribution_changes(
    frame: pd.DataFrame,
    *,
    colours: Mapping[str, str],
    labels: Mapping[str, str],
    title: str,
    subtitle: str,
) -> go.Figure:
    """Return grouped bars: a row per `label` of `frame` in its order, a bar per `model`, its `change` in log-odds."""
    rows = list(dict.fromkeys(frame["label"]))
    figure = go.Figure()
    for model in present_models(frame, colours):
        own = frame[frame["model"] == model].set_index("label").reindex(rows)
        size = own["change"].to_numpy(dtype=float)
        text = np.array(
            [f"{value:+.2f}".replace("-", "−") if np.isfinite(value) else "" for value in size], dtype=object
        )
        figure.add_trace(
            go.Bar(
                x=size, y=np.arange(len(rows)), orientation="h", name=escape(labels[model]), showlegend=True, text=text,
                textposition="outside", cliponaxis=False, textfont={"size": 11},
                marker={"color": colours[model], "line": {"width": 0}},
                hovertemplate="%{x:+.3f} log-odds<extra>%{fullData.name}</extra>",
            )
        )  # fmt: skip
    label_rows(figure, rows, width=26)
    values = frame["change"].to_numpy(dtype=float)
    low, high = min(0.0, float(np.nanmin(values))), max(0.0, float(np.nanmax(values)))
    room = 0.14 * max(high - low, 0.02)
    _stand(figure, 0.0, {"color": TEXT, "width": 1})
    figure.update_xaxes(
        title="change of the log-odds (left lowers the PD, right raises it)", showgrid=True, nticks=6,
        range=[low - (room if low < 0 else 0), high + (room if high > 0 else 0)],
    )  # fmt: skip
    models = max(1, len(figure.data))
    figure.update_layout(barmode="group", bargap=0.28, bargroupgap=0.08)
    return finish(figure, title, subtitle, height=int(len(rows) * (14 + 13 * models)) + 56)


def plot_field_curve(
    frame: pd.DataFrame,
    *,
    colours: Mapping[str, str],
    labels: Mapping[str, str],
    label: str,
    unit: str,
    marks: Mapping[str, Any],
    title: str,
    subtitle: str,
    inside: tuple[float, float] | None = None,
) -> go.Figure:
    """Return each model's PD (columns of `frame`) over `value`: lines for a number, dots for a category.

    `marks` maps words to values of the field that get a dotted line; what lies outside `inside` is shaded.
    """
    number = pd.api.types.is_numeric_dtype(frame["value"])
    figure = go.Figure()
    x = frame["value"].to_numpy() if number else np.arange(len(frame))
    said = [format_value(value, unit) for value in frame["value"]]
    for model in [name for name in colours if name in frame]:
        risk = frame[model].to_numpy(dtype=float)
        texts = np.array(
            [f"{format_share(p)} at {escape(str(v))}" for p, v in zip(risk, said, strict=True)], dtype=object
        )
        figure.add_trace(
            go.Scatter(
                x=x, y=risk, mode="lines" if number else "markers", name=escape(labels[model]), showlegend=True,
                line={"color": colours[model], "width": 2.5},
                marker={"color": colours[model], "size": 11, "symbol": marker_of(colours[model])},
                customdata=texts, hovertemplate="%{customdata}<extra>%{fullData.name}</extra>",
            )
        )  # fmt: skip
    if number:
        _shade(figure, float(x.min()), float(x.max()), inside)
        figure.update_xaxes(title=escape(label), showgrid=True, nticks=6, **format_axis(unit))
    else:
        names = np.array([escape(str(value)) for value in said], dtype=object)
        figure.update_xaxes(tickvals=x, ticktext=names, range=[-0.5, len(frame) - 0.5])
    order = {str(value): place for place, value in enumerate(frame["value"])}
    for place, (word, value) in enumerate(marks.items()):
        at = value if number else order.get(str(value))
        if at is not None:
            _stand(figure, float(at), {"color": TEXT, "width": 1.5, "dash": "dot" if place == 0 else "dash"})
            figure.add_annotation(
                x=float(at), y=1, yref="y domain", xanchor="left", yanchor="top", text=word, showarrow=False,
                font={"size": 11}, yshift=-14 * place,
            )  # fmt: skip
    figure.update_yaxes(title="PD", rangemode="tozero", tickformat=".2~%", nticks=6)
    return finish(figure, title, subtitle, height=300)


def _shade(figure: go.Figure, low: float, high: float, inside: tuple[float, float] | None) -> None:
    """Shade what lies beyond the training loans' values."""
    for start, end in ((low, min(inside[0], high)), (max(inside[1], low), high)) if inside else ():
        if end > start:
            figure.add_shape(
                type="rect", xref="x", yref="y domain", x0=start, x1=end, y0=0, y1=1, fillcolor=fade(TEXT, 0.12),
                line={"width": 0}, layer="below",
            )  # fmt: skip


def _stand(figure: go.Figure, at: float, line: Mapping[str, object]) -> None:
    """Draw a vertical line; `add_vline` looks through all traces and takes thirty times as long."""
    figure.add_shape(type="line", xref="x", yref="y domain", x0=at, x1=at, y0=0, y1=1, line=line)


def plot_before_after(
    frame: pd.DataFrame,
    *,
    colours: Mapping[str, str],
    labels: Mapping[str, str],
    axis: str,
    title: str,
    subtitle: str,
) -> go.Figure:
    """Return dumbbells: a row per `label`, per `model` a hollow dot at `before` and a full one at `after`."""
    rows = list(dict.fromkeys(frame["label"]))
    present = present_models(frame, colours)
    figure = go.Figure()
    for place, model in enumerate(present):
        own = frame[frame["model"] == model].set_index("label").reindex(rows)
        y = np.arange(len(rows)) + (place + 0.5) / len(present) * 0.7 - 0.35
        before, after = own["before"].to_numpy(dtype=float), own["after"].to_numpy(dtype=float)
        gap = np.full(len(rows), np.nan)
        shared = {"showlegend": False, "hoverinfo": "skip"}
        figure.add_trace(
            go.Scatter(
                x=np.column_stack([before, after, gap]).ravel(), y=np.column_stack([y, y, gap]).ravel(), mode="lines",
                line={"color": colours[model], "width": 2}, **shared,
            )
        )  # fmt: skip
        symbol = marker_of(colours[model])
        figure.add_trace(
            go.Scatter(x=before, y=y, mode="markers", **shared,
                       marker={"color": colours[model], "size": 8, "symbol": f"{symbol}-open", "line": {"width": 1.5}})
        )  # fmt: skip
        pairs = zip(before, after, own["n"], strict=True)
        texts = np.array([f"{format_share(a)} → {format_share(b)}, n {n:,.0f}" for a, b, n in pairs], dtype=object)
        figure.add_trace(
            go.Scatter(
                x=after, y=y, mode="markers", name=escape(labels[model]), showlegend=True, customdata=texts,
                marker={"color": colours[model], "size": 9, "symbol": symbol},
                hovertemplate="%{customdata}<extra>%{fullData.name}</extra>",
            )
        )  # fmt: skip
    label_rows(figure, rows, width=26)
    figure.update_xaxes(title=axis, showgrid=True, rangemode="tozero", tickformat=".2~%", nticks=6)
    return finish(figure, title, subtitle, height=int(len(rows) * (12 + 13 * len(present))) + 60)


def plot_grades(frame: pd.DataFrame, *, colour: str, title: str, subtitle: str) -> go.Figure:
    """Return shares of loans by `grade`, `before` (pale) and `after` (full), 1 the best grade."""
    figure = go.Figure()
    x = np.array([str(grade) for grade in frame["grade"]], dtype=object)
    for name, tint in (("before", fade(colour, 0.4)), ("after", colour)):
        figure.add_trace(
            go.Bar(
                x=x, y=frame[name].to_numpy(dtype=float), name=name, showlegend=True,
                marker={"color": tint, "line": {"width": 0}},
                hovertemplate="grade %{x}: %{y:.1%}<extra>%{fullData.name}</extra>",
            )
        )  # fmt: skip
    figure.update_xaxes(title="Grade of the master scale, 1 the best", type="category")
    figure.update_yaxes(title="share of loans", tickformat=".2~%", nticks=6)
    figure.update_layout(barmode="group", bargap=0.25, bargroupgap=0.06)
    return finish(figure, title, subtitle, height=300)
