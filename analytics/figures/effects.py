"""Figures of what models do along one feature: a line a model, and the curves of single loans."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import label_rows
from analytics.figures.template import SLATE, TEXT, draw_order, escape, fade, finish, format_axis, marker_of
from analytics.odds import Floats
from analytics.words import format_points, format_share, format_value

HEIGHT = 320


def plot_effects(
    frame: pd.DataFrame,
    *,
    colours: Mapping[str, str],
    labels: Mapping[str, str],
    label: str,
    unit: str,
    scale: str,
    centred: bool,
    title: str,
    subtitle: str,
) -> go.Figure:
    """Return each `model`'s effect over `value`: lines for a number, a dot with its interval for each category.

    `scale` is "log-odds" or "PD"; `centred` says that 0 is the average, else effects are averages themselves.
    """
    number = pd.api.types.is_numeric_dtype(frame["value"])
    figure = go.Figure()
    categories = list(dict.fromkeys(frame["value"]))
    models = draw_order(frame, colours)
    for place, model in enumerate(models):
        own = frame[frame["model"] == model]
        texts = np.array([_said(row, unit, scale, centred) for row in own.itertuples()], dtype=object)
        shared: dict[str, Any] = {
            "name": escape(labels[model]), "showlegend": True, "customdata": texts,
            "hovertemplate": "%{customdata}<extra>%{fullData.name}</extra>",
            "line": {"color": colours[model], "width": 2.5},
            "marker": {"color": colours[model], "size": 6 if number else 10, "symbol": marker_of(colours[model])},
        }  # fmt: skip
        effect = own["effect"].to_numpy(dtype=float)
        if number:
            x = own["value"].to_numpy(dtype=float)
            figure.add_trace(go.Scatter(x=x, y=effect, mode="lines+markers", **shared))
        else:
            half = {"type": "data", "array": own["high"].to_numpy(dtype=float) - effect, "thickness": 1.5, "width": 0}
            y = np.array([categories.index(value) for value in own["value"]]) + 0.16 * (place - (len(models) - 1) / 2)
            figure.add_trace(go.Scatter(x=effect, y=y, error_x=half, mode="markers", **shared))
    return _finish(figure, categories, number=number, label=label, unit=unit, scale=scale, centred=centred,
                   title=title, subtitle=subtitle)  # fmt: skip


def _finish(
    figure: go.Figure,
    categories: list[Any],
    *,
    number: bool,
    label: str,
    unit: str,
    scale: str,
    centred: bool,
    title: str,
    subtitle: str,
) -> go.Figure:
    axis = _effect_axis(scale, centred)
    if not number:
        label_rows(figure, [format_value(value) for value in categories])
        figure.update_xaxes(showgrid=True, nticks=7, **axis)
        return finish(figure, title, subtitle, height=34 * len(categories) + 70)
    if centred:
        figure.add_hline(0, line={"color": TEXT, "width": 1})
    figure.update_xaxes(title=escape(label), showgrid=True, nticks=8, **format_axis(unit))
    figure.update_yaxes(nticks=7, **axis)
    return finish(figure, title, subtitle, height=HEIGHT)


def _effect_axis(scale: str, centred: bool) -> dict[str, object]:
    what = ("change of the PD" if centred else "average PD") if scale == "PD" else (
        "change of the log-odds" if centred else "average log-odds")  # fmt: skip
    return {"title": what, **({"tickformat": ".3~%"} if scale == "PD" else {})}


def _said(row: Any, unit: str, scale: str, centred: bool) -> str:
    half = row.high - row.effect
    if scale == "PD":
        effect = format_points(row.effect) if centred else format_share(row.effect)
        spread = format_points(half).removeprefix("+")
    else:
        effect, spread = f"{row.effect:+.3f}".replace("-", "−"), f"{half:.3f}"
    return f"{escape(format_value(row.value, unit))}: {effect} ± {spread}, n {row.n:,}"


def plot_ice(
    curves: Floats,
    grid: list[Any],
    *,
    colour: str,
    label: str,
    unit: str,
    scale: str,
    centred: bool,
    title: str,
    subtitle: str,
) -> go.Figure:
    """Return single loans' `curves` (loans × values of `grid`, a number) as thin lines under their mean."""
    x, figure = np.asarray(grid, dtype=float), go.Figure()
    gaps = np.full((len(curves), 1), np.nan)
    # One trace with gaps: a hundred traces would be slow.
    figure.add_trace(
        go.Scatter(
            x=np.tile(np.append(x, np.nan), len(curves)), y=np.hstack([curves, gaps]).ravel(), mode="lines",
            line={"color": fade(SLATE, 0.35), "width": 1}, name="single loans", showlegend=True, hoverinfo="skip",
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=x, y=curves.mean(axis=0), mode="lines+markers", line={"color": colour, "width": 3},
            marker={"color": colour, "size": 6, "symbol": marker_of(colour)}, name="their mean", showlegend=True,
            hovertemplate="%{x}: %{y:.3~g}<extra></extra>",
        )
    )  # fmt: skip
    if centred:
        figure.add_hline(0, line={"color": TEXT, "width": 1})
    figure.update_xaxes(title=escape(label), showgrid=True, nticks=6, **format_axis(unit))
    figure.update_yaxes(nticks=7, **_ice_axis(scale, centred))
    return finish(figure, title, subtitle, height=HEIGHT)


def _ice_axis(scale: str, centred: bool) -> dict[str, object]:
    what = f"change of the {scale} from the left end" if centred else scale
    return {"title": what, **({"tickformat": ".3~%"} if scale == "PD" else {})}
