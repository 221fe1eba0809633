"""Experiments' quality against cost, drawn: the front that no other beats on both, the choice ringed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analytics.figures.experiments import Look
from analytics.figures.template import TEXT, escape, finish, marker_of

_FLOOR = 0.1  # a logarithmic axis has no place for a cost of 0


def plot_costs(
    frame: pd.DataFrame,
    costs: Mapping[str, str],
    *,
    looks: Mapping[str, Look],
    best: str,
    chosen: Mapping[str, str],
    title: str,
    subtitle: str,
) -> go.Figure:
    """Return the Gini against each cost on a logarithmic axis, the front as a line, the choice of each panel ringed.

    `frame` has name, title (of the family), gini, the columns of `costs` (column → axis title) and for each a column
    `<cost>_front` (bool), whose experiments are named; `chosen` gives for each cost the cheapest within the noise of
    `best`.
    """
    figure = make_subplots(1, len(costs), shared_yaxes=True, horizontal_spacing=0.05)
    for column, (cost, axis) in enumerate(costs.items(), 1):
        spot, first = {"row": 1, "col": column}, column == 1
        front = frame[frame[f"{cost}_front"]].sort_values([cost, "gini"])
        line = {"color": TEXT, "width": 1.25, "shape": "hv", "dash": "dot"}
        figure.add_trace(
            go.Scatter(x=_held(front[cost]), y=front["gini"].to_numpy(dtype=float), mode="lines", name="front",
                       line=line, showlegend=first, hoverinfo="skip"),
            **spot,
        )  # fmt: skip
        for _, part in frame.groupby("title", sort=False):
            figure.add_trace(_priced(part, cost, axis, looks, first=first), **spot)
        ringed = frame[frame["name"] == chosen[cost]]
        ring = {"symbol": "circle-open", "size": 20, "color": TEXT, "line": {"width": 1.5}}
        figure.add_trace(
            go.Scatter(x=_held(ringed[cost]), y=ringed["gini"].to_numpy(dtype=float), mode="markers", marker=ring,
                       name=f"cheapest within the noise of {escape(best)}", showlegend=first, hoverinfo="skip"),
            **spot,
        )  # fmt: skip
        across = _decades(_held(frame[cost]))
        places = np.log10(_held(front[cost]))
        room = 0.2 * (across["range"][1] - across["range"][0])
        crowded = np.append(np.diff(places) < room, False)  # the next name stands above this one's: this goes below
        for name, place, gini_of, below in zip(front["name"], places, front["gini"], crowded, strict=True):
            figure.add_annotation(
                x=place, y=gini_of, text=escape(str(name)), yshift=-11 if below else 9,
                yanchor="top" if below else "bottom", showarrow=False, font={"size": 12}, **spot,
            )  # fmt: skip
        figure.update_xaxes(title=escape(axis), showgrid=True, **spot, **across)
    gini = frame["gini"].astype(float)
    pad = 0.12 * (float(gini.max() - gini.min()) or 0.1)
    figure.update_yaxes(range=[float(gini.min()) - pad, float(gini.max()) + 1.5 * pad])
    figure.update_yaxes(title="Gini", row=1, col=1)
    return finish(figure, title, subtitle, height=360)


def _held(values: "pd.Series[Any]") -> np.ndarray:
    return np.asarray(np.maximum(values.to_numpy(dtype=float), _FLOOR))


def _decades(values: np.ndarray) -> dict[str, Any]:
    """Return a logarithmic axis with room for names at both ends, ticked at powers of ten, or at 1, 2, 5 where few."""
    low, high = np.log10(values.min()), np.log10(values.max())
    pad = 0.16 * max(high - low, 0.6)
    low, high = low - pad, high + pad
    powers = 10.0 ** np.arange(-1, 10)
    for steps in (powers, np.sort(np.outer(powers, [1, 2, 5]).ravel())):
        ticks = [tick for tick in steps if low <= np.log10(tick) <= high]
        if len(ticks) >= 3:
            break
    return {"type": "log", "range": [low, high], "tickvals": ticks, "ticktext": [f"{tick:,g}" for tick in ticks]}


def _priced(part: pd.DataFrame, cost: str, axis: str, looks: Mapping[str, Look], *, first: bool) -> go.Scatter:
    """Return the experiments of a family."""
    colour = looks[str(part["name"].iloc[0])].colour
    said = [
        f"<b>{escape(str(row['name']))}</b><br>Gini {row['gini']:.3f}<br>{escape(axis)}: {row[cost]:,.0f}"
        for row in part.to_dict("records")
    ]
    family = str(part["title"].iloc[0])
    return go.Scatter(
        x=_held(part[cost]), y=part["gini"].to_numpy(dtype=float), mode="markers", name=escape(family),
        legendgroup=family, showlegend=first, customdata=np.array(said, dtype=object),
        hovertemplate="%{customdata}<extra></extra>",
        marker={"color": colour, "size": 10, "symbol": marker_of(colour)},
    )  # fmt: skip
