"""Figures that explain: dependence of a feature, one loan's waterfall."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.attributions import Dependence
from analytics.figures.axes import label_rows, pd_axis
from analytics.figures.template import (
    CHAMPION,
    LOWERS,
    RAISES,
    SLATE,
    TEXT,
    escape,
    fade,
    finish,
    format_axis,
    marker_of,
)
from analytics.odds import to_factor, to_pd
from analytics.words import format_factor, format_share, format_value


def plot_dependence(
    dependence: Dependence,
    *,
    label: str,
    unit: str,
    title: str,
    subtitle: str,
    colour: str = CHAMPION,
    height: int = 320,
) -> go.Figure:
    """Return how the attribution (log-odds) of a feature depends on its value.

    Numbers: a dot a sampled loan, a line through the medians by bin over all loans, a band between the
    quartiles. Categories: median and quartiles each. Loans without a value are a dotted line or a row.
    """
    if not dependence.is_number:
        return _plot_categories(dependence.medians, title=title, subtitle=subtitle, colour=colour)
    points, medians = dependence.points, dependence.medians.dropna(subset=["value"])
    figure = go.Figure()
    # WebGL above a thousand points: SVG would slow the page down.
    scatter = go.Scattergl if len(points) > 1000 else go.Scatter
    figure.add_trace(
        scatter(
            x=points["value"].to_numpy(dtype=float), y=points["phi"].to_numpy(dtype=float), mode="markers",
            marker={"color": fade(SLATE, 0.3), "size": 5}, hoverinfo="skip", name="sampled loans", showlegend=True,
        )
    )  # fmt: skip
    _add_medians(figure, medians, unit, colour, scatter)
    missing = dependence.medians[dependence.medians["value"].isna()]
    for phi, n in zip(missing["phi"], missing["n"], strict=True):
        dotted = {"color": colour, "width": 1.5, "dash": "dot"}
        figure.add_hline(phi, line=dotted, annotation_text=f"not known (n {n:,})", annotation_position="top right")
    figure.add_hline(0, line={"color": TEXT, "width": 1})
    figure.update_xaxes(title=escape(label), showgrid=True, nticks=8, **format_axis(unit))
    figure.update_yaxes(title="effect on the log-odds", nticks=7)
    return finish(figure, title, subtitle, height=height)


def _add_medians(figure: go.Figure, medians: pd.DataFrame, unit: str, colour: str, scatter: type) -> None:
    # The line is of the dots' kind: WebGL lies on top of SVG and would hide it.
    x = medians["value"].to_numpy(dtype=float)
    shared = {"x": x, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    figure.add_trace(go.Scatter(y=medians["phi_high"].to_numpy(dtype=float), **shared))
    figure.add_trace(
        go.Scatter(y=medians["phi_low"].to_numpy(dtype=float), fill="tonexty", fillcolor=fade(colour, 0.25), **shared)
    )
    texts = [f"{format_value(row.value, unit)}: median {row.phi:+.2f}, n {row.n:,}" for row in medians.itertuples()]
    figure.add_trace(
        scatter(
            x=x, y=medians["phi"].to_numpy(dtype=float), mode="lines+markers", line={"color": colour, "width": 2.5},
            marker={"color": colour, "size": 6, "symbol": marker_of(colour)}, name="median and quartiles, all loans",
            customdata=np.array(texts, dtype=object), hovertemplate="%{customdata}<extra></extra>", showlegend=True,
        )
    )  # fmt: skip


def _plot_categories(medians: pd.DataFrame, *, title: str, subtitle: str, colour: str) -> go.Figure:
    phi = medians["phi"].to_numpy(dtype=float)
    whiskers = {"type": "data", "array": medians["phi_high"].to_numpy(dtype=float) - phi, "color": colour, "width": 0,
                "arrayminus": phi - medians["phi_low"].to_numpy(dtype=float), "thickness": 5}  # fmt: skip
    names = [format_value(value) for value in medians["value"]]
    counted = zip(names, phi, medians["n"], strict=True)
    texts = [f"{escape(name)}: median {size:+.2f}, n {n:,}" for name, size, n in counted]
    figure = go.Figure(
        go.Scatter(
            x=phi, y=np.arange(len(medians)), error_x=whiskers, mode="markers", showlegend=False,
            marker={"color": colour, "size": 11, "symbol": marker_of(colour)},
            customdata=np.array(texts, dtype=object), hovertemplate="%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    figure.add_vline(0, line={"color": TEXT, "width": 1})
    label_rows(figure, names)
    figure.update_xaxes(title="effect on the log-odds (median and quartiles)", showgrid=True, nticks=7)
    return finish(figure, title, subtitle, height=30 * len(medians) + 70)


def plot_waterfall(
    frame: pd.DataFrame,
    *,
    title: str,
    subtitle: str,
    colour: str = CHAMPION,
    limits: tuple[float, float] | None = None,
) -> go.Figure:
    """Return one loan's way from the background to its own PD, top to bottom, from `compute_waterfall`.

    Narrow enough to stand beside others. The axis is log-odds, labelled with PDs. Bars to the right raise the
    PD, to the left lower it; each says by how much in log-odds and as a factor on the odds. Both ends are in
    the model's `colour`. `limits` are the lowest and highest log-odds of all waterfalls beside each other.
    """
    rows = np.arange(len(frame))
    start, size = frame["start"].to_numpy(dtype=float), frame["contribution"].to_numpy(dtype=float)
    end, steps = frame["end"].to_numpy(dtype=float), frame["kind"].isin(["feature", "other"]).to_numpy()
    figure = go.Figure()
    for name, tint, chosen in (
        ("+ raises the PD", RAISES, steps & (size >= 0)),
        ("− lowers the PD", LOWERS, steps & (size < 0)),
    ):
        if chosen.any():
            figure.add_trace(
                go.Bar(
                    x=size[chosen], base=start[chosen], y=rows[chosen], orientation="h", name=name, width=0.42,
                    marker={"color": tint, "line": {"width": 0}}, hoverinfo="skip", showlegend=True,
                )
            )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=end[~steps], y=rows[~steps], mode="markers", hoverinfo="skip", showlegend=False,
            marker={"color": colour, "size": 13, "symbol": "diamond"},
        )
    )  # fmt: skip
    _connect(figure, rows, end)
    _label_steps(figure, frame, np.where(steps, np.maximum(start, end), end))
    low, high = limits or (float(end.min()), float(end.max()))
    room = max(high - low, 0.2)
    shown = [low - 0.06 * room, high + 0.75 * room]
    ticks = pd_axis(float(to_pd(shown[0])), float(to_pd(high + 0.05 * room)), log_odds=True, count=3)
    figure.update_xaxes(title="PD, log-odds scale", range=shown, showgrid=True, tickangle=0, **ticks)
    figure.update_yaxes(range=[len(frame) - 0.4, -0.95], showticklabels=False, showgrid=False)
    return finish(figure, title, subtitle, height=40 * len(frame) + 50, width_hint=46)


def _connect(figure: go.Figure, rows: np.ndarray, end: np.ndarray) -> None:
    """Draw a thin line from each row's end down to the next row."""
    x = np.repeat(end[:-1], 3)
    y = np.column_stack([rows[:-1], rows[1:], rows[1:]]).astype(float)
    y[:, 2] = np.nan
    figure.add_trace(
        go.Scatter(x=x, y=y.ravel(), mode="lines", line={"color": TEXT, "width": 1}, opacity=0.5, hoverinfo="skip",
                   showlegend=False)
    )  # fmt: skip


def _label_steps(figure: go.Figure, frame: pd.DataFrame, right: np.ndarray) -> None:
    """Write each step's name above its bar, from the left edge, and its size to the right of the bar."""
    texts = []
    columns = (frame[name] for name in ("kind", "label", "value", "contribution", "end"))
    for place, (kind, label, value, contribution, end) in enumerate(zip(*columns, strict=True)):
        if kind in ("base", "total"):
            texts.append(f"\u2003<b>PD {format_share(float(to_pd(end)))}</b>")
        else:
            size = f"{contribution:+.2f}".replace("-", "−")
            texts.append(f"\u2002<b>{size}</b>\u2002×{format_factor(to_factor(contribution))}")
        name = f"{label}: {value}" if value else str(label)
        figure.add_annotation(x=0, xref="paper", xanchor="left", y=place - 0.32, yanchor="bottom", text=escape(name),
                              showarrow=False, font={"size": 12})  # fmt: skip
    figure.add_trace(
        go.Scatter(x=right, y=np.arange(len(frame)), text=np.array(texts, dtype=object), mode="text", showlegend=False,
                   textposition="middle right", hoverinfo="skip", cliponaxis=False)
    )  # fmt: skip
