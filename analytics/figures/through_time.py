"""Figures of models through time: a metric by period, and the difference of two models' losses by date."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.template import SMALL, TEXT, escape, fade, finish, format_axis, marker_of, present_models
from analytics.performance import METRICS
from analytics.words import format_interval, format_number, format_share

_NAMED, _TICKS = 10, 14  # periods that have room for what is known, and for their names


def plot_by_period(
    frame: pd.DataFrame,
    metric: str,
    *,
    colours: Mapping[str, str],
    title: str,
    subtitle: str,
    labels: Mapping[str, str] | None = None,
    event: str = "default",
) -> go.Figure:
    """Return one line a model with intervals from `compute_metrics_by_period`, one place a period.

    `frame` has a column `period_label`. Periods with open outcome windows are shaded, the darker the more are open.
    Points are hollow where less than half is known, or few. Periods that cannot be judged have no point; a dotted line
    marks the ideal where the metric has one.
    """
    rows = frame[frame["metric"] == metric]
    names = list(dict.fromkeys(rows.sort_values("period", kind="stable")["period_label"]))
    place = {name: number for number, name in enumerate(names)}
    figure = go.Figure()
    open_ = rows.loc[~rows["mature"].astype(bool), ["period_label", "mature_share"]].drop_duplicates("period_label")
    for name, share in open_.itertuples(index=False):
        _shade(figure, place[name], float(share), named=len(names) <= _NAMED or not share)
    ideal = METRICS[metric].ideal
    if ideal is not None:
        figure.add_hline(ideal, line={"color": TEXT, "width": 1, "dash": "dot"})
    models = present_models(rows, colours)
    for order, model in enumerate(models):
        own = rows[(rows["model"] == model) & rows["estimate"].notna()]
        shift = (order + 0.5) / len(models) * 0.36 - 0.18
        spots = np.array([place[name] for name in own["period_label"]], dtype=float) + shift
        figure.add_trace(_line(own, spots, metric, (labels or {}).get(model, model), colours[model], event))
    step = -(-len(names) // _TICKS)
    ticks = np.arange(0, len(names), step)
    figure.update_xaxes(
        tickvals=ticks, ticktext=np.array([escape(names[spot]) for spot in ticks], dtype=object),
        range=[-0.6, len(names) - 0.4],
    )  # fmt: skip
    known = rows[rows["estimate"].notna() & ~rows["small"].astype(bool)]
    figure.update_yaxes(title=METRICS[metric].label, **_axis(known if len(known) else rows, metric))
    return finish(figure, title, subtitle, height=340)


def _axis(rows: pd.DataFrame, metric: str) -> dict[str, Any]:
    """Return an axis for the intervals of periods that are large enough: those of the others are cut at its edge."""
    axis = format_axis(METRICS[metric].unit)
    values = rows[["estimate", "low", "high"]].to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    if not values.size:
        return axis
    ideal = METRICS[metric].ideal
    low, high = float(min(values.min(), ideal or np.inf)), float(max(values.max(), ideal or -np.inf))
    pad = 0.06 * (high - low or 1.0)
    return {**axis, "range": [low - pad, high + pad]}


def _shade(figure: go.Figure, place: int, share: float, *, named: bool) -> None:
    """Shade a period the darker the less of its outcomes is known."""
    shade = fade(TEXT, round(0.04 + 0.12 * (1 - share), 3))
    figure.add_vrect(place - 0.5, place + 0.5, fillcolor=shade, line_width=0, layer="below")
    if not named:
        return
    text = f"{format_share(share, 0)} known" if share else "not known yet"
    figure.add_annotation(
        x=place, y=0.02, yref="paper", text=escape(text), textangle=-90, showarrow=False, yanchor="bottom",
        font={"size": 11},
    )  # fmt: skip


def _line(own: pd.DataFrame, spots: np.ndarray, metric: str, name: str, colour: str, event: str) -> go.Scatter:
    unit, value = METRICS[metric].unit, own["estimate"].to_numpy(dtype=float)
    digits = None if unit else 4 if metric in ("brier", "log_loss") else 3
    hover = []
    for row in own.to_dict("records"):
        shown = format_share(row["estimate"]) if unit else format_number(row["estimate"], digits)
        open_ = "" if row["mature"] else f"<br>{format_share(row['mature_share'], 0)} of outcomes known"
        hover.append(
            f"<b>{escape(name)}</b>, {escape(row['period_label'])}<br>{METRICS[metric].label} {shown} "
            f"{format_interval(row['low'], row['high'], unit, digits)}<br>n {row['n']:,}, {escape(event)}s "
            f"{row['events']:,}{open_}"
        )
    low, high = (own[column].to_numpy(dtype=float) for column in ("low", "high"))
    hollow = own["small"].to_numpy(dtype=bool) | (own["mature_share"].to_numpy(dtype=float) < 0.5)
    symbol = marker_of(colour)
    return go.Scatter(
        x=spots, y=value, mode="lines+markers", name=escape(name), showlegend=True,
        error_y={"type": "data", "array": high - value, "arrayminus": value - low, "color": colour, "thickness": 1.25,
                 "width": 0},
        line={"color": colour, "width": 2},
        marker={"color": colour, "size": 8, "symbol": np.where(hollow, f"{symbol}-open", symbol)},
        customdata=np.array(hover, dtype=object), hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip


def plot_loss_differences(
    frame: pd.DataFrame, *, names: tuple[str, str], colours: tuple[str, str], title: str, subtitle: str
) -> go.Figure:
    """Return a bar a date from `compute_loss_differences`: below 0 where the second of `names`, the challenger, wins.

    `colours` are those of champion and challenger: a bar has the winner's. Dates of few events are grey.
    """
    difference = frame["difference"].to_numpy(dtype=float)
    dates = pd.to_datetime(frame["date"])
    small = (frame["events"] < 5).to_numpy()
    figure = go.Figure()
    for name, colour, chosen in zip(names, colours, (difference > 0, difference <= 0), strict=True):
        own = frame[chosen]
        hover = [
            f"{day:%Y-%m-%d}: {format_number(row['difference'], 5)}<br>{escape(names[0])} "
            f"{format_number(row['champion'], 4)}, {escape(names[1])} {format_number(row['challenger'], 4)}<br>"
            f"n {row['n']:,}, events {row['events']:,}"
            for day, row in zip(dates[chosen], own.to_dict("records"), strict=True)
        ]
        figure.add_trace(
            go.Bar(x=[None], y=[None], name=f"{escape(name)} better", marker={"color": colour}, showlegend=True)
        )
        figure.add_trace(
            go.Bar(x=dates[chosen], y=difference[chosen], showlegend=False,
                   marker={"color": np.where(small[chosen], SMALL, colour), "line": {"width": 0}},
                   customdata=np.array(hover, dtype=object), hovertemplate="%{customdata}<extra></extra>")
        )  # fmt: skip
    figure.add_hline(0, line={"color": TEXT, "width": 1})
    figure.update_layout(barmode="overlay", bargap=0.35)
    figure.update_xaxes(type="date")  # the legend's own traces have no date
    figure.update_yaxes(title="log loss, challenger − champion")
    return finish(figure, title, subtitle, height=250)
