"""Figures of two cohorts: their distributions of one field, over each other."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import label_rows
from analytics.figures.template import AMBER, SLATE, escape, fade, finish, format_axis
from analytics.words import format_share, format_value

COHORT_A, COHORT_B = AMBER, SLATE


def plot_two_distributions(
    frame: pd.DataFrame,
    *,
    names: tuple[str, str],
    unit: str,
    title: str,
    subtitle: str,
    means: tuple[float, float] | None = None,
) -> go.Figure:
    """Return the distributions of cohorts A and B from one field's rows of `compute_pictures`.

    Numbers: two areas with dotted lines at the `means`; numbers with few values: bars side by side; categories:
    horizontal bars. Each cohort adds up to 100 %.
    """
    sides = (("share_a", COHORT_A, names[0]), ("share_b", COHORT_B, names[1]))
    if frame["low"].isna().all():
        return _plot_categories(frame, sides, title, subtitle)
    discrete = bool((frame["low"] == frame["high"]).all())
    figure = go.Figure()
    for column, colour, name in sides:
        figure.add_trace((_bars if discrete else _area)(frame, column, colour, name, unit))
    low, high = float(frame["low"].min()), float(frame["high"].max())
    room = (high - low) * (0.5 / max(1, len(frame) - 1) if discrete else 0.02) or 1.0
    for place, mean in enumerate(means or ()):
        _mark_mean(figure, mean, unit, sides[place][1], place, right=mean < (low + high) / 2)
    figure.update_layout(barmode="group", bargap=0.25)
    figure.update_xaxes(nticks=9, showgrid=True, range=[low - room, high + room], **format_axis(unit))
    figure.update_yaxes(tickformat=".0%", nticks=5, rangemode="tozero")
    return finish(figure, title, subtitle, height=300)


def _mark_mean(figure: go.Figure, mean: float, unit: str, colour: str, place: int, *, right: bool) -> None:
    """Draw a dotted line at a cohort's mean and name it, A's above B's."""
    figure.add_vline(x=mean, line={"color": colour, "width": 2, "dash": "dot"})
    text = f"<b>mean {'AB'[place]} {format_value(mean, unit)}</b>"
    figure.add_annotation(
        x=mean, y=1, yref="paper", yshift=-17 * place, text=text, showarrow=False, yanchor="top",
        xanchor="left" if right else "right", xshift=5 if right else -5, font={"color": colour, "size": 12},
    )  # fmt: skip


def _spans(frame: pd.DataFrame, unit: str) -> np.ndarray:
    texts = [
        format_value(low, unit) if low == high else f"{format_value(low, unit)} to {format_value(high, unit)}"
        for low, high in zip(frame["low"], frame["high"], strict=True)
    ]
    return np.array(texts, dtype=object)


def _area(frame: pd.DataFrame, column: str, colour: str, name: str, unit: str) -> go.Scatter:
    # A step line over the bins' ends: the first and the last value are repeated so that it starts and ends at 0.
    edges = np.append(frame["low"].to_numpy(dtype=float), frame["high"].iloc[-1])
    shares = frame[column].to_numpy(dtype=float)
    return go.Scatter(
        x=np.concatenate([edges[:1], edges]), y=np.concatenate([[0.0], shares, [0.0]]), mode="lines", fill="tozeroy",
        line={"color": colour, "width": 2, "shape": "hv"}, fillcolor=fade(colour, 0.22), name=escape(name),
        customdata=np.concatenate([[""], _spans(frame, unit), [""]]), showlegend=True,
        hovertemplate=f"{escape(name)}: %{{y:.1%}}<br>%{{customdata}}<extra></extra>",
    )  # fmt: skip


def _bars(frame: pd.DataFrame, column: str, colour: str, name: str, unit: str) -> go.Bar:
    return go.Bar(
        x=frame["low"].to_numpy(dtype=float), y=frame[column].to_numpy(dtype=float), name=escape(name),
        marker={"color": fade(colour, 0.75), "line": {"width": 0}}, customdata=_spans(frame, unit), showlegend=True,
        hovertemplate=f"{escape(name)}: %{{y:.1%}}<br>%{{customdata}}<extra></extra>",
    )  # fmt: skip


def _plot_categories(
    frame: pd.DataFrame, sides: tuple[tuple[str, str, str], ...], title: str, subtitle: str
) -> go.Figure:
    figure, rows = go.Figure(), np.arange(len(frame))
    for column, colour, name in sides:
        shares = frame[column].to_numpy(dtype=float)
        text = np.array([f"<b>{format_share(share)}</b>" for share in shares], dtype=object)
        figure.add_trace(
            go.Bar(
                x=shares, y=rows, orientation="h", name=escape(name), showlegend=True, text=text,
                textposition="outside", textfont={"size": 11}, cliponaxis=False,
                marker={"color": fade(colour, 0.75), "line": {"width": 0}},
                hovertemplate=f"{escape(name)}: %{{x:.1%}}<extra></extra>",
            )
        )  # fmt: skip
    label_rows(figure, list(frame["label"]))
    top = float(frame[["share_a", "share_b"]].to_numpy().max())
    figure.update_xaxes(showgrid=True, nticks=6, tickformat=".0%", range=[0, top * 1.18 or 1])
    figure.update_layout(barmode="group", bargap=0.3, bargroupgap=0.06)
    return finish(figure, title, subtitle, height=40 * len(frame) + 40)
