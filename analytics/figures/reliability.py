"""Figures of calibration: reliability curves without bins, and what miscalibration costs against what ranking gains."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analytics.figures.axes import label_rows
from analytics.figures.template import TEXT, escape, fade, finish, present_models
from analytics.words import format_share

LARGEST = 3  # panels beside each other


def plot_reliability(
    frame: pd.DataFrame,
    *,
    colours: Mapping[str, str],
    title: str,
    subtitle: str,
    labels: Mapping[str, str] | None = None,
    event: str = "default",
) -> go.Figure:
    """Return a panel a model with the curve of `compute_reliability` over its band, on logarithmic axes.

    The dotted diagonal is the PDs themselves. A rate of 0 has no place on such an axis: it lies at the foot.
    """
    models = present_models(frame, colours)
    wide = min(LARGEST, len(models))
    deep = -(-len(models) // wide)
    figure = make_subplots(
        deep, wide, subplot_titles=[f"<b>{escape((labels or {}).get(name, name))}</b>" for name in models],
        shared_yaxes=True, horizontal_spacing=0.03, vertical_spacing=0.25 / deep,
    )  # fmt: skip
    figure.update_annotations(font={"size": 13})
    shown = frame[["pd", "high", "recalibrated"]].to_numpy(dtype=float)
    floor = max(1e-5, float(frame.loc[frame["pd"] > 0, "pd"].min()) / 1.2)
    top = min(1.0, float(shown.max()) * 1.3)
    for place, model in enumerate(models):
        spot = {"row": place // wide + 1, "col": place % wide + 1}
        figure.add_shape(
            type="line", x0=floor, y0=floor, x1=top, y1=top, line={"color": TEXT, "width": 1, "dash": "dot"}, **spot
        )
        for trace in _curve(frame[frame["model"] == model], colours[model], floor, event):
            figure.add_trace(trace, **spot)
    axis: dict[str, Any] = {"type": "log", "range": [np.log10(floor), np.log10(top)], "showgrid": True}
    figure.update_xaxes(tickangle=0, **axis, **_ticks(floor, top))
    figure.update_yaxes(**axis, **_ticks(floor, top))
    figure.update_xaxes(title="PD", row=deep)
    figure.update_yaxes(title=f"observed {escape(event)} rate", col=1)
    return finish(figure, title, subtitle, height=330 * deep, panels=True)


def _ticks(floor: float, top: float) -> dict[str, object]:
    """Return powers of ten between two PDs, with their halves and fifths where they would be fewer than three."""
    powers = 10.0 ** np.arange(-5, 1)
    for values in (powers, np.sort(np.outer(powers, [1, 2, 5]).ravel())):
        ticks = values[(values >= floor * 0.999) & (values <= top * 1.001)]
        if ticks.size >= 3:
            break
    return {"tickvals": ticks, "ticktext": np.array([f"{100 * tick:g}%" for tick in ticks])}


def _curve(rows: pd.DataFrame, colour: str, floor: float, event: str) -> list[go.Scatter]:
    """Return the band (two lines, filled between) and the curve."""
    pd_, fitted, low, high = (
        np.maximum(rows[column].to_numpy(dtype=float), floor) for column in ("pd", "recalibrated", "low", "high")
    )
    hover = [
        f"PD {format_share(row['pd'])}: {format_share(row['recalibrated'])} of loans with {escape(event)}<br>"
        f"if the PDs were right {format_share(row['low'])} to {format_share(row['high'])}"
        for row in rows.to_dict("records")
    ]
    bare = {"mode": "lines", "showlegend": False, "hoverinfo": "skip", "line": {"width": 0, "color": colour}}
    return [
        go.Scatter(x=pd_, y=low, **bare),
        go.Scatter(x=pd_, y=high, fill="tonexty", fillcolor=fade(colour, 0.2), **bare),
        go.Scatter(
            x=pd_, y=fitted, mode="lines", line={"color": colour, "width": 2.25, "shape": "hv"}, showlegend=False,
            customdata=np.array(hover, dtype=object), hovertemplate="%{customdata}<extra></extra>",
        ),
    ]  # fmt: skip


def plot_score_parts(
    frame: pd.DataFrame,
    *,
    colours: Mapping[str, str],
    title: str,
    subtitle: str,
    names: Sequence[str],
    labels: Mapping[str, str] | None = None,
) -> go.Figure:
    """Return bars of two shares of uncertainty a model: `miscalibration_share` and `discrimination_share`.

    `frame` has one row a model. `names` are the headings of both panels.
    """
    models = present_models(frame, colours)
    own = frame.set_index("model").loc[models]
    figure = make_subplots(1, 2, subplot_titles=[escape(name) for name in names], shared_yaxes=True,
                           horizontal_spacing=0.08)  # fmt: skip
    figure.update_annotations(font={"size": 13})
    rows = np.arange(len(models))
    for column, part in enumerate(("miscalibration_share", "discrimination_share"), 1):
        share = own[part].to_numpy(dtype=float)
        figure.add_trace(
            go.Bar(
                x=share, y=rows, orientation="h", width=0.5, showlegend=False,
                marker={"color": [colours[model] for model in models], "line": {"width": 0}},
                text=[format_share(value) for value in share], textposition="outside", cliponaxis=False,
                hovertemplate="%{text} of the uncertainty<extra></extra>",
            ),
            row=1, col=column,
        )  # fmt: skip
        top = max(float(share.max()), 1e-9)
        figure.update_xaxes(range=[0, 1.25 * top], tickformat=".2~%", showgrid=True, nticks=5, col=column)
    label_rows(figure, [(labels or {}).get(model, model) for model in models], width=24)
    return finish(figure, title, subtitle, height=40 * len(models) + 50, panels=True)
