"""Figures of a ranking: precision and recall, CAP, KS, gains and lift."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analytics.figures.axes import pd_axis
from analytics.figures.template import TEXT, draw_order, escape, fade, finish, marker_of, present_models
from analytics.words import format_interval, format_share

_DOTTED = {"color": TEXT, "width": 1, "dash": "dot"}
_HEIGHT = 380


def plot_precision_recall(
    frame: pd.DataFrame,
    *,
    colours: Mapping[str, str],
    labels: Mapping[str, str],
    rate: float,
    title: str,
    subtitle: str,
    event: str = "default",
) -> go.Figure:
    """Return the curves of `compute_precision_recall` as steps; `rate`, dotted, is what a blind ranking has."""
    figure = go.Figure()
    figure.add_hline(rate, line=_DOTTED)
    for model in draw_order(frame, colours):
        rows = frame[frame["model"] == model]
        figure.add_trace(_line(rows, "recall", "precision", labels[model], colours[model], shape="vh",
                               hover="%{y:.1%} of the flagged, %{x:.1%} of all")
                         .update(legendrank=list(colours).index(model)))  # fmt: skip
    # The few strictest cut-offs have wild precisions: they are not what the axis is for.
    steady = frame.loc[frame["recall"] >= 0.02, "precision"].to_numpy(dtype=float)
    top = float(np.max(steady, initial=2 * rate))
    figure.update_xaxes(title=f"recall: share of all {escape(event)}s that are flagged", **_share())
    figure.update_yaxes(
        title=f"precision: {escape(event)} rate of the flagged", tickformat=".3~%", range=[0, min(1.0, 1.1 * top)]
    )
    return finish(figure, title, subtitle, height=_HEIGHT)


def plot_cap(
    frame: pd.DataFrame,
    *,
    colours: Mapping[str, str],
    labels: Mapping[str, str],
    rate: float,
    title: str,
    subtitle: str,
    event: str = "default",
) -> go.Figure:
    """Return the curves of `compute_cap` between the diagonal and, dashed, a ranking without error."""
    figure = go.Figure()
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line=_DOTTED)
    figure.add_trace(
        go.Scatter(x=np.array([0, rate, 1]), y=np.array([0, 1, 1]), mode="lines", name="without error", showlegend=True,
                   line={"color": TEXT, "width": 1.25, "dash": "dash"}, hoverinfo="skip", legendrank=2000)
    )  # fmt: skip
    for model in draw_order(frame, colours):
        rows = frame[frame["model"] == model]
        figure.add_trace(_line(rows, "share", "captured", labels[model], colours[model],
                               hover=f"the riskiest %{{x:.1%}} hold %{{y:.1%}} of {escape(event)}s")
                         .update(legendrank=list(colours).index(model)))  # fmt: skip
    figure.update_xaxes(title="share of all loans, highest PDs first", **_share())
    figure.update_yaxes(title=f"share of all {escape(event)}s among them", **_share())
    return finish(figure, title, subtitle, height=_HEIGHT)


def plot_ks(
    frame: pd.DataFrame,
    *,
    colours: Mapping[str, str],
    labels: Mapping[str, str],
    title: str,
    subtitle: str,
    event: str = "default",
    columns: int = 3,
) -> go.Figure:
    """Return a panel a model: the shares of both groups at or below each PD, and the KS as the line between them."""
    models = present_models(frame, colours)
    wide, deep = min(columns, len(models)), -(-len(models) // columns)
    figure = make_subplots(
        deep, wide, subplot_titles=[escape(labels[name]) for name in models], shared_yaxes=True,
        horizontal_spacing=0.03, vertical_spacing=0.24 / deep,
    )  # fmt: skip
    figure.update_annotations(font={"size": 13}, yshift=2)
    positive = frame.loc[frame["pd"] > 0, "pd"].to_numpy(dtype=float)
    low, high = (float(positive.min()), float(positive.max())) if positive.size else (0.001, 1.0)
    for place, model in enumerate(models):
        spot = {"row": place // wide + 1, "col": place % wide + 1}
        rows = frame[(frame["model"] == model) & (frame["pd"] > 0)]
        for trace in _distributions(rows, colours[model], event, show=place == 0):
            figure.add_trace(trace, **spot)
        figure.update_xaxes(type="log", title="PD", range=[np.log10(low / 1.2), np.log10(min(1.0, high * 1.2))],
                            **pd_axis(low, high, log_odds=False, count=4), **spot)  # fmt: skip
    figure.update_yaxes(tickformat=".0%", range=[-0.01, 1.01], nticks=6)
    figure.update_yaxes(title="share with at most this PD", col=1)
    return finish(figure, title, subtitle, height=deep * 290 + 30, panels=True)


def _distributions(rows: pd.DataFrame, colour: str, event: str, *, show: bool) -> list[go.Scatter]:
    x = rows["pd"].to_numpy(dtype=float)
    sides = (("below_rest", f"without {event}", fade(colour, 0.55), "dash"), ("below_events", f"with {event}", colour,
             "solid"))  # fmt: skip
    traces = [
        go.Scatter(
            x=x, y=rows[column].to_numpy(dtype=float), mode="lines", name=escape(name), showlegend=show,
            legendgroup=column, line={"color": tint, "width": 2, "dash": dash},
            hovertemplate=f"{escape(name)}: %{{y:.1%}} have a PD of at most %{{x:.2%}}<extra></extra>",
        )
        for column, name, tint, dash in sides
    ]  # fmt: skip
    best = rows[rows["at_maximum"]]
    if len(best):
        row = best.iloc[0]
        text = f"<b>KS {abs(row['distance']):.2f}</b><br>at PD {format_share(row['pd'])}"
        traces.append(
            go.Scatter(
                x=np.array([row["pd"]] * 2), y=np.array([row["below_events"], row["below_rest"]]), mode="lines+text",
                line={"color": TEXT, "width": 1.5}, text=np.array([text, ""], dtype=object), hoverinfo="skip",
                textposition="bottom right", cliponaxis=False, showlegend=False,
            )
        )  # fmt: skip
    return traces


def plot_gains(
    frame: pd.DataFrame,
    *,
    colours: Mapping[str, str],
    labels: Mapping[str, str],
    title: str,
    subtitle: str,
    event: str = "default",
) -> go.Figure:
    """Return two panels of `compute_gains`: events captured by the riskiest groups, and each group's lift.

    A lift of 1 is the rate of all, whiskers are its interval. Groups that are too small to read stand open.
    """
    figure = make_subplots(1, 2, subplot_titles=["Gains", "Lift"], horizontal_spacing=0.09)
    figure.update_annotations(font={"size": 13}, yshift=2)
    figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line=_DOTTED, row=1, col=1)
    models = present_models(frame, colours)
    for place, model in enumerate(models):
        rows = frame[frame["model"] == model]
        shift = (place - (len(models) - 1) / 2) * 0.6 / len(models)
        figure.add_trace(_gains(rows, labels[model], colours[model]), row=1, col=1)
        figure.add_trace(_lifts(rows, labels[model], colours[model], shift), row=1, col=2)
    figure.add_hline(1.0, line=_DOTTED, row=1, col=2)
    groups = int(frame["group"].max())
    figure.update_xaxes(title="share of all loans, highest PDs first", row=1, col=1, **_share())
    figure.update_yaxes(title=f"share of all {escape(event)}s", row=1, col=1, **_share())
    figure.update_xaxes(title="group, 1 the riskiest", tickvals=np.arange(1, groups + 1), row=1, col=2)
    figure.update_yaxes(title=f"{escape(event)} rate, times that of all", rangemode="tozero", row=1, col=2)
    return finish(figure, title, subtitle, height=340, panels=True)


def _gains(rows: pd.DataFrame, label: str, colour: str) -> go.Scatter:
    x, y = (np.r_[0.0, rows[name].to_numpy(dtype=float)] for name in ("share", "captured"))
    return go.Scatter(
        x=x, y=y, mode="lines+markers", name=escape(label), legendgroup=label, showlegend=True,
        line={"color": colour, "width": 2.25}, marker={"size": 7, "symbol": marker_of(colour)},
        hovertemplate=f"{escape(label)}: the riskiest %{{x:.0%}} hold %{{y:.1%}}<extra></extra>",
    )  # fmt: skip


def _lifts(rows: pd.DataFrame, label: str, colour: str, shift: float) -> go.Scatter:
    lift, rate, low, high = (rows[name].to_numpy(dtype=float) for name in ("lift", "rate", "low", "high"))
    whole = float((rows["events"].sum()) / rows["n"].sum())
    hover = [
        f"<b>{escape(label)}</b>, group {row['group']}<br>{format_share(row['rate'])} "
        f"{format_interval(row['low'], row['high'], 'share')}, {row['lift']:.2f} times all"
        f"<br>mean PD {format_share(row['pd_mean'])}<br>n {row['n']:,}, events {row['events']:,}"
        for row in rows.to_dict("records")
    ]
    symbol = marker_of(colour)
    return go.Scatter(
        x=rows["group"].to_numpy(dtype=float) + shift, y=lift, mode="markers", name=escape(label), legendgroup=label,
        showlegend=False, customdata=np.array(hover, dtype=object), hovertemplate="%{customdata}<extra></extra>",
        error_y={"type": "data", "array": (high - rate) / whole, "arrayminus": (rate - low) / whole, "width": 0,
                 "thickness": 1.5, "color": fade(colour, 0.6)},
        marker={"color": colour, "size": 8,
                "symbol": np.where(rows["small"].to_numpy(dtype=bool), f"{symbol}-open", symbol)},
    )  # fmt: skip


def _line(
    rows: pd.DataFrame, x: str, y: str, label: str, colour: str, *, hover: str, shape: str = "linear"
) -> go.Scatter:
    cut = [format_share(min(value, 1.0)) for value in rows["threshold"].to_numpy(dtype=float)]
    return go.Scatter(
        x=rows[x].to_numpy(dtype=float), y=rows[y].to_numpy(dtype=float), mode="lines", name=escape(label),
        line={"color": colour, "width": 2.25, "shape": shape}, showlegend=True,
        customdata=np.array(cut, dtype=object), hovertemplate=f"PD ≥ %{{customdata}}: {hover}",
    )  # fmt: skip


def _share() -> dict[str, object]:
    return {"tickformat": ".0%", "range": [-0.005, 1.005], "nticks": 6, "showgrid": True}
