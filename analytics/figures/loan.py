"""Figures of one loan: its payment history, its PDs over time, and where it lies among all others."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import pd_axis
from analytics.figures.template import (
    ARREARS_STAGES,
    NAVY,
    RAISES,
    SLATE,
    TEXT,
    escape,
    fade,
    finish,
    format_axis,
    marker_of,
    present_models,
)
from analytics.loan_history import ENDINGS
from analytics.odds import clip_pd
from analytics.words import format_share, format_value

_STAGES = (("under 60 days late", 1, 60, "arrears_30"), ("60–89 days late", 60, 90, "arrears_60"),
           ("90 days or more", 90, np.inf, "arrears_90"))  # fmt: skip


def plot_history(
    history: pd.DataFrame, *, observed: Any, until: Any, currency: str, title: str, subtitle: str
) -> go.Figure:
    """Return a loan's months: days past due as bars, darker when later, above its balance as a line.

    `history` is that of `compute_history`. The observation date is a line, the outcome window from there to
    `until` a band (both None: not drawn). Endings are named where they happened.
    """
    figure = go.Figure()
    month = history["month"].to_numpy()
    days, balance = history["days_past_due"].to_numpy(dtype=float), history["balance"].to_numpy(dtype=float)
    for name, low, high, stage in _STAGES:
        late = (days >= low) & (days < high)
        if late.any():
            figure.add_trace(
                go.Bar(x=month[late], y=days[late], width=26 * 86_400_000, name=name,
                       marker={"color": ARREARS_STAGES[stage], "line": {"width": 0}}, showlegend=True,
                       hovertemplate="%{x|%B %Y}: %{y} days past due<extra></extra>")
            )  # fmt: skip
    figure.add_trace(
        go.Scatter(x=month, y=balance, yaxis="y2", mode="lines", line={"color": SLATE, "width": 2, "shape": "hv"},
                   name="balance", showlegend=True,
                   customdata=np.array([format_value(amount, currency) for amount in balance], dtype=object),
                   hovertemplate="%{x|%B %Y}: %{customdata}<extra></extra>")
    )  # fmt: skip
    _mark_window(figure, observed, until)
    _name_events(figure, history)
    top = max(100.0, float(np.nanmax(days, initial=0.0)) * 1.1)
    figure.update_layout(
        yaxis={"domain": [0.56, 1], "range": [0, top], "title": "days past due", "tickvals": _days(top)},
        yaxis2={"domain": [0, 0.42], "rangemode": "tozero", "title": "balance", "nticks": 4, **format_axis(currency)},
        xaxis={"anchor": "y2", "showgrid": False},
    )
    return finish(figure, title, subtitle, height=230)


def _days(top: float) -> list[float]:
    """Return ticks of days past due: the limits of arrears, then years, as far apart as their texts need."""
    ticks: list[float] = [0]
    for tick in (30, 90, 180, 360, 720, 1440, 2880):
        if tick <= top and tick - ticks[-1] >= top / 5:
            ticks.append(tick)
    return ticks


def _mark_window(figure: go.Figure, observed: Any, until: Any) -> None:
    if observed is None:
        return
    line = {"color": TEXT, "width": 1.5, "dash": "dash"}
    figure.add_shape(type="line", x0=observed, x1=observed, y0=0, y1=1, yref="paper", line=line)
    figure.add_annotation(x=observed, y=1, yref="paper", yanchor="bottom", text="observed", showarrow=False,
                          font={"size": 11}, xanchor="right")  # fmt: skip
    if until is not None:
        figure.add_shape(type="rect", x0=observed, x1=until, y0=0, y1=1, yref="paper", line={"width": 0},
                         fillcolor=fade(NAVY, 0.10), layer="below")  # fmt: skip
        figure.add_annotation(x=observed, y=1, yref="paper", yanchor="bottom", text="\u2002outcome window",
                              showarrow=False, font={"size": 11}, xanchor="left")  # fmt: skip


def _name_events(figure: go.Figure, history: pd.DataFrame) -> None:
    told = history[history["event"].isin(ENDINGS)]
    for month, event in zip(told["month"], told["event"], strict=True):
        figure.add_annotation(x=month, y=0.42, yref="paper", yanchor="top", text=escape(str(event)), showarrow=False,
                              font={"size": 11}, xanchor="right")  # fmt: skip


def plot_course(
    course: pd.DataFrame, *, colours: Mapping[str, str], labels: Mapping[str, str], observed: Any, title: str,
    subtitle: str,
) -> go.Figure:  # fmt: skip
    """Return a loan's PD by model over the observation dates (columns date, model, pd), on a logarithmic axis."""
    figure = go.Figure()
    for model in present_models(course, colours):
        own = course[course["model"] == model]
        figure.add_trace(
            go.Scatter(
                x=own["date"].to_numpy(), y=clip_pd(own["pd"]), mode="lines+markers", name=escape(labels[model]),
                line={"color": colours[model], "width": 2},
                marker={"color": colours[model], "size": 6, "symbol": marker_of(colours[model])}, showlegend=True,
                customdata=np.array([format_share(risk) for risk in own["pd"]], dtype=object),
                hovertemplate="%{x|%Y-%m-%d}: %{customdata}",
            )
        )  # fmt: skip
    if observed is not None:
        line = {"color": TEXT, "width": 1.5, "dash": "dash"}
        figure.add_shape(type="line", x0=observed, x1=observed, y0=0, y1=1, yref="paper", line=line)
    risks = clip_pd(course["pd"])
    low, high = float(risks.min()) / 1.3, min(1.0, float(risks.max()) * 1.3)
    figure.update_yaxes(type="log", range=[float(np.log10(low)), float(np.log10(high))], title="PD",
                        **_log_ticks(low, high, 5))  # fmt: skip
    figure.update_xaxes(nticks=6)
    return finish(figure, title, subtitle, height=230)


def _log_ticks(low: float, high: float, count: int) -> dict[str, object]:
    """Return ticks of a logarithmic axis of PDs: above one half they would lie on top of each other."""
    return pd_axis(low, high if low > 0.25 else min(high, 0.5), log_odds=False, count=count)


def plot_cloud(
    cloud: pd.DataFrame, chosen: str, *, x_label: str, y_label: str, colour: str, title: str, subtitle: str
) -> go.Figure:
    """Return two models' PDs (columns loan, x, y) loan by loan on logarithmic axes, the chosen loan in red.

    A point's customdata is its loan's id: a click hands it on.
    """
    figure = go.Figure()
    inside = (cloud["loan"] == chosen).to_numpy()
    texts = [f"<b>{escape(str(loan))}</b><br>{escape(x_label)} {format_share(x)}<br>{escape(y_label)} {format_share(y)}"
             for loan, x, y in zip(cloud["loan"], cloud["x"], cloud["y"], strict=True)]  # fmt: skip
    told = np.column_stack([cloud["loan"].astype(object), np.array(texts, dtype=object)])
    x, y = clip_pd(cloud["x"]), clip_pd(cloud["y"])
    for here, size, tint, mark in ((~inside, 5, fade(colour, 0.45), "circle"), (inside, 15, RAISES, "diamond")):
        # WebGL: thousands of points in SVG would slow the page down, and it lies on top of SVG.
        figure.add_trace(
            go.Scattergl(x=x[here], y=y[here], mode="markers", marker={"color": tint, "size": size, "symbol": mark},
                         customdata=told[here], hovertemplate="%{customdata[1]}<extra></extra>", showlegend=False)
        )  # fmt: skip
    low, high = float(min(x.min(), y.min())) / 1.3, min(1.0, float(max(x.max(), y.max())) * 1.3)
    figure.add_shape(type="line", x0=low, y0=low, x1=high, y1=high, line={"color": TEXT, "width": 1, "dash": "dot"})
    shown = {"type": "log", "range": [float(np.log10(low)), float(np.log10(high))], "showgrid": True}
    ticks = _log_ticks(low, high, 8)
    figure.update_xaxes(title=f"PD, {escape(x_label)}", **shown, **ticks)
    figure.update_yaxes(title=f"PD, {escape(y_label)}", **shown, **ticks)
    return finish(figure, title, subtitle, height=400)
