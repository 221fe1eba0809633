"""Figures of drivers compared: why two cohorts differ, and how a model's drivers move through time."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import label_rows
from analytics.figures.template import (
    CATEGORICAL,
    LOWERS,
    RAISES,
    SMALL,
    TEXT,
    escape,
    finish,
    marker_of,
)
from analytics.words import format_number, format_points, format_share


def plot_gap(
    frame: pd.DataFrame, *, points: bool, labels: Mapping[str, str], colour: str, title: str, subtitle: str
) -> go.Figure:
    """Return diverging bars of `list_gap_rows`: what each feature adds to A's mean less B's; their sum is the last row.

    In log-odds, or in PD points. Whiskers are intervals. Bars of cohorts too small to read are grey.
    """
    scale = 100.0 if points else 1.0
    gap, high, low = (scale * frame[name].to_numpy(dtype=float) for name in ("difference", "high", "low"))
    total, rows = (frame["kind"] == "total").to_numpy(), np.arange(len(frame))
    small = bool(frame["small"].any())
    largest = float(frame["difference"].abs().max())
    texts = [_size(value, largest, points) for value in frame["difference"]]
    figure = go.Figure()
    for name, tint, chosen in (
        ("+ A's PD is higher for it", SMALL if small else RAISES, ~total & (gap >= 0)),
        ("− A's PD is lower for it", SMALL if small else LOWERS, ~total & (gap < 0)),
    ):
        if chosen.any():
            whiskers = {"type": "data", "array": (high - gap)[chosen], "arrayminus": (gap - low)[chosen],
                        "color": TEXT, "thickness": 1.2, "width": 3}  # fmt: skip
            figure.add_trace(
                go.Bar(
                    x=gap[chosen], y=rows[chosen], orientation="h", name=name, width=0.62, error_x=whiskers,
                    marker={"color": tint, "line": {"width": 0}}, showlegend=not small,
                    customdata=np.array(texts, dtype=object)[chosen], hovertemplate="%{customdata}<extra></extra>",
                )
            )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=gap[total], y=rows[total], mode="markers", showlegend=False,
            error_x={"type": "data", "array": (high - gap)[total], "arrayminus": (gap - low)[total], "color": TEXT,
                     "thickness": 1.6, "width": 4},
            marker={"color": SMALL if small else colour, "size": 13, "symbol": "diamond"},
            customdata=np.array(texts, dtype=object)[total], hovertemplate="%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    right = np.fmax(np.maximum(gap, 0), np.where(np.isnan(high), -np.inf, high))
    figure.add_trace(
        go.Scatter(
            x=right, y=rows, mode="text", text=np.array([f"\u2002{text}" for text in texts], dtype=object),
            textposition="middle right", hoverinfo="skip", showlegend=False, cliponaxis=False,
        )
    )  # fmt: skip
    figure.add_vline(0, line={"color": TEXT, "width": 1})
    figure.add_hline(len(frame) - 1.5, line={"color": TEXT, "width": 1, "dash": "dot"})
    label_rows(figure, [labels.get(name, name) for name in frame["feature"]])
    low_end, high_end = float(np.nanmin([*gap, *low, 0.0])), float(np.nanmax([*gap, *high, 0.0]))
    room = max(high_end - low_end, 1e-9)
    axis = {"title": "difference of mean PD, A less B, percentage points", "ticksuffix": " pp"} if points else {
        "title": "difference of mean log-odds, A less B"}  # fmt: skip
    figure.update_xaxes(range=[low_end - 0.04 * room, high_end + 0.16 * room], showgrid=True, nticks=7, **axis)
    return finish(figure, title, subtitle, height=30 * len(frame) + 60)


def _size(value: float, largest: float, points: bool) -> str:
    """Return a signed size with the digits that the largest needs."""
    if points:
        return format_points(value, like=largest)
    text = format_number(value, 2 if largest >= 0.1 else 3 if largest >= 0.01 else 5)
    return f"+{text}" if value > 0 and any(digit in text for digit in "123456789") else text


def plot_course(
    frame: pd.DataFrame,
    features: Sequence[str],
    measure: str,
    *,
    labels: Mapping[str, str],
    title: str,
    subtitle: str,
    strong: str = "",
) -> go.Figure:
    """Return a line a feature through time from `compute_driver_course`: "share", or "mean" in log-odds.

    As many features as CATEGORICAL has colours; the line of the feature `strong` is the thickest.
    """
    figure = go.Figure()
    for name, colour in zip(features, CATEGORICAL, strict=False):
        rows = frame[frame["feature"] == name].sort_values("date")
        size = rows[measure].to_numpy(dtype=float)
        shown = [format_share(value) if measure == "share" else f"{value:+.2f} log-odds" for value in size]
        texts = [f"{text}, n {n:,}" for text, n in zip(shown, rows["n"], strict=True)]
        label = escape(labels.get(name, name))
        figure.add_trace(
            go.Scatter(
                x=pd.to_datetime(rows["date"]).to_numpy(), y=size, name=label, mode="lines+markers", showlegend=True,
                line={"color": colour, "width": 3.5 if name == strong else 1.8},
                marker={"color": colour, "size": 8 if name == strong else 6, "symbol": marker_of(colour)},
                customdata=np.array(texts, dtype=object), hovertemplate="%{x|%Y-%m-%d}: %{customdata}",
            )
        )  # fmt: skip
    if measure == "share":
        figure.update_yaxes(title="share of the model's total attribution", tickformat=".0%", rangemode="tozero")
    else:
        figure.add_hline(0, line={"color": TEXT, "width": 1})
        figure.update_yaxes(title="mean effect on the log-odds")
    figure.update_xaxes(showgrid=True, nticks=8)
    return finish(figure, title, subtitle, height=340)
