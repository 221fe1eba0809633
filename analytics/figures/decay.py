"""A figure of experiments after training: a metric, or its difference from one of them, by half-years."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.experiments import Look
from analytics.figures.template import SMALL, TEXT, escape, finish, marker_of
from analytics.words import format_interval, format_number

_COLUMNS = {"estimate": ("low", "high"), "difference": ("difference_low", "difference_high")}


def plot_decay(
    frame: pd.DataFrame, *, looks: Mapping[str, Look], value: str, title: str, subtitle: str, axis: str
) -> go.Figure:
    """Return one line an experiment over the periods since training, with intervals, beside each other in a period.

    `frame` is that of `compute_by_period` with a column `period_label`; `value` is "estimate" or "difference" (with a
    line at 0). Small periods are hollow and grey, and do not widen the axis.
    """
    periods = sorted(frame["period"].unique())
    labels = dict(zip(frame["period"], frame["period_label"], strict=True))
    names = list(dict.fromkeys(frame["name"]))
    figure = go.Figure()
    if value == "difference":
        figure.add_hline(0, line={"color": TEXT, "width": 1, "dash": "dot"})
    for order, name in enumerate(names):
        part = frame[frame["name"] == name].sort_values("period")
        shift = (order + 0.5) / len(names) * 0.4 - 0.2
        figure.add_trace(_line(part, looks[name], value, np.array([periods.index(p) for p in part["period"]]) + shift))
    figure.update_xaxes(
        tickvals=np.arange(len(periods)), ticktext=[escape(str(labels[period])) for period in periods],
        range=[-0.5, len(periods) - 0.5], title="months since the last development date",
    )  # fmt: skip
    figure.update_yaxes(title=escape(axis), **_range(frame, value))
    return finish(figure, title, subtitle, height=300)


def _line(part: pd.DataFrame, look: Look, value: str, x: np.ndarray) -> go.Scatter:
    low, high = (part[column].to_numpy(dtype=float) for column in _COLUMNS[value])
    middle, small = part[value].to_numpy(dtype=float), part["small"].to_numpy(dtype=bool)
    said = [
        f"<b>{escape(row['name'])}</b>, months {escape(row['period_label'])}<br>{format_number(row[value], 3)} "
        f"{format_interval(row[_COLUMNS[value][0]], row[_COLUMNS[value][1]], digits=3)}<br>n {row['n']:,}, events "
        f"{row['events']:,}"
        for row in part.to_dict("records")
    ]
    symbol = marker_of(look.colour)
    return go.Scatter(
        x=x, y=middle, mode="lines+markers", name=escape(str(part["name"].iloc[0])), showlegend=True,
        line={"color": look.colour, "width": 2, "dash": look.dash},
        error_y={"type": "data", "array": high - middle, "arrayminus": middle - low, "thickness": 1.5, "width": 0,
                 "color": look.colour},
        marker={"color": np.where(small, SMALL, look.colour), "size": 9,
                "symbol": np.where(small, f"{symbol}-open", symbol)},
        customdata=np.array(said, dtype=object), hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip


def _range(frame: pd.DataFrame, value: str) -> dict[str, object]:
    shown = frame[~frame["small"].astype(bool)]
    values = (shown if len(shown) else frame)[[value, *_COLUMNS[value]]].to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    if not values.size:
        return {}
    low, high = float(values.min()), float(values.max())
    if value == "difference":
        low, high = min(low, 0.0), max(high, 0.0)
    pad = 0.06 * (high - low or 1.0)
    return {"range": [low - pad, high + pad]}
