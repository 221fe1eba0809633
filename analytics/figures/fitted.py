"""Figures of one field: histogram with its fitted curve, by group, boxes and categories."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import label_rows
from analytics.figures.template import CATEGORICAL, ROSE, SLATE, escape, fade, finish, format_axis
from analytics.words import format_value

_FAINT = 0.55


def plot_histogram(
    frame: pd.DataFrame,
    *,
    unit: str,
    title: str,
    subtitle: str,
    curve: pd.DataFrame | None = None,
    curve_name: str = "",
    height: int = 370,
) -> go.Figure:
    """Return bars of `compute_histogram` (low, high, share) and the curve of `compute_curve` (x, share) over them."""
    low, high = frame["low"].to_numpy(dtype=float), frame["high"].to_numpy(dtype=float)
    figure = go.Figure(
        go.Bar(
            x=(low + high) / 2, y=frame["share"].to_numpy(dtype=float), width=(high - low) * 0.96, showlegend=False,
            marker={"color": fade(SLATE, _FAINT), "line": {"width": 0}}, customdata=_spans(frame, unit),
            hovertemplate="%{customdata}<br>%{y:.1%}<extra></extra>",
        )
    )  # fmt: skip
    if curve is not None:
        figure.add_trace(
            go.Scatter(
                x=curve["x"].to_numpy(dtype=float), y=curve["share"].to_numpy(dtype=float), mode="lines",
                name=escape(curve_name), showlegend=False, line={"color": ROSE, "width": 2.25}, hoverinfo="skip",
            )
        )  # fmt: skip
        _name_curve(figure, curve, curve_name)
    figure.update_yaxes(tickformat=".1~%", nticks=5, range=[0, 1.12 * float(frame["share"].max() or 1)])
    figure.update_xaxes(nticks=8, **format_axis(unit))
    return finish(figure, title, subtitle, height=height)


def _name_curve(figure: go.Figure, curve: pd.DataFrame, name: str) -> None:
    """Write the curve's name beside its falling side."""
    peak = int(np.nan_to_num(curve["share"].to_numpy(dtype=float)).argmax())
    place = min(len(curve) - 1, peak + len(curve) // 10)
    figure.add_annotation(
        x=float(curve["x"].iloc[place]), y=float(curve["share"].iloc[place]), text=f"<b>{escape(name)}</b>",
        showarrow=False, xanchor="left", yanchor="bottom", xshift=6, font={"color": ROSE, "size": 12},
    )  # fmt: skip


def _spans(frame: pd.DataFrame, unit: str) -> np.ndarray:
    texts = [
        f"{format_value(low, unit)} to {format_value(high, unit)}<br>n {n:,}"
        for low, high, n in zip(frame["low"], frame["high"], frame["n"], strict=True)
    ]
    return np.array(texts, dtype=object)


def plot_histograms_by(
    frame: pd.DataFrame, groups: Sequence[str], *, unit: str, title: str, subtitle: str,
    labels: Mapping[str, str] | None = None, height: int = 370,
) -> go.Figure:  # fmt: skip
    """Return one step line per group over the same bins; each group adds up to 100 %."""
    figure = go.Figure()
    for place, group in enumerate(groups):
        part = frame[frame["group"] == group].sort_values("place")
        edges = np.append(part["low"].to_numpy(dtype=float), part["high"].iloc[-1])
        shares = part["share"].to_numpy(dtype=float)
        name, colour = escape((labels or {}).get(group, group)), CATEGORICAL[place % len(CATEGORICAL)]
        figure.add_trace(
            go.Scatter(
                x=edges, y=np.append(shares, shares[-1]), mode="lines", name=name, showlegend=True,
                line={"color": colour, "width": 2, "shape": "hv"}, fill="tozeroy", fillcolor=fade(colour, 0.1),
                customdata=np.append(_spans(part, unit), ""),
                hovertemplate=f"{name}: %{{y:.1%}}<br>%{{customdata}}<extra></extra>",
            )
        )  # fmt: skip
    figure.update_yaxes(tickformat=".1~%", nticks=5, rangemode="tozero")
    figure.update_xaxes(nticks=8, **format_axis(unit))
    return finish(figure, title, subtitle, height=height)


def plot_boxes(
    summary: pd.DataFrame, *, unit: str, title: str, subtitle: str, labels: Mapping[str, str] | None = None
) -> go.Figure:
    """Return one horizontal box per row of `compute_summary`: 5 %, quartiles, median, 95 %; a dot at the mean."""
    rows = np.arange(len(summary))
    places = {"lowerfence": "q5", "q1": "q25", "median": "q50", "q3": "q75", "upperfence": "q95"}
    columns = {name: summary[column].to_numpy(dtype=float) for name, column in places.items()}
    figure = go.Figure(
        go.Box(
            y=rows, orientation="h", **columns, mean=summary["mean"].to_numpy(dtype=float), boxmean=True, width=0.55,
            line={"color": SLATE, "width": 1.5}, fillcolor=fade(SLATE, 0.25), showlegend=False, hoverinfo="x",
        )
    )  # fmt: skip
    names = [
        f"{(labels or {}).get(group, group)} (n {n:,})" for group, n in zip(summary["group"], summary["n"], strict=True)
    ]
    label_rows(figure, names)
    figure.update_xaxes(showgrid=True, nticks=8, hoverformat=".4~s", **format_axis(unit))
    return finish(figure, title, subtitle, height=34 * len(summary) + 40)


def plot_category_shares(
    frame: pd.DataFrame, values: Sequence[str], groups: Sequence[str], *, title: str, subtitle: str,
    labels: Mapping[str, str] | None = None,
) -> go.Figure:  # fmt: skip
    """Return horizontal bars of `compute_values`: one row per value, one bar per group; groups add up to 100 %."""
    figure = go.Figure()
    for place, group in enumerate(groups):
        part = frame[frame["group"] == group].set_index("value").reindex(list(values))
        name, colour = escape((labels or {}).get(group, group)), CATEGORICAL[place % len(CATEGORICAL)]
        shares = part["share"].fillna(0).to_numpy(dtype=float)
        figure.add_trace(
            go.Bar(
                x=shares, y=np.arange(len(values)), orientation="h", name=name, showlegend=len(groups) > 1,
                marker={"color": fade(colour, _FAINT if len(groups) == 1 else 0.75), "line": {"width": 0}},
                customdata=part["n"].fillna(0).to_numpy(dtype=float), cliponaxis=False,
                text=np.array([f"<b>{format_value(share, 'share')}</b>" for share in shares], dtype=object),
                textposition="outside", textfont={"size": 11},
                hovertemplate=f"{name if len(groups) > 1 else ''} %{{x:.1%}}<br>n %{{customdata:,}}<extra></extra>",
            )
        )  # fmt: skip
    label_rows(figure, [format_value(value) for value in values])
    figure.update_xaxes(showgrid=True, nticks=6, tickformat=".0%", rangemode="tozero")
    figure.update_layout(barmode="group", bargap=0.3, bargroupgap=0.06)
    return finish(figure, title, subtitle, height=int(len(values) * (14 + 14 * len(groups))) + 40)
