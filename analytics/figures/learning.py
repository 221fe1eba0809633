"""Figures of how experiments learnt: losses by epoch, and whether the PDs that came out fit."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import pd_axis
from analytics.figures.experiments import Look
from analytics.figures.template import SMALL, TEXT, escape, fade, finish, marker_of
from analytics.words import format_interval, format_share


def plot_learning(frame: pd.DataFrame, *, looks: Mapping[str, Look], title: str, subtitle: str) -> go.Figure:
    """Return losses by epoch: bold on the later period, thin on the rows learnt from, the best epoch as a marker.

    `frame` has name, seed, first (its first seed), epoch, loss, val_loss, best; losses as `searches.scale_losses` gives
    them. Other seeds are faint and have their later period only.
    """
    figure = go.Figure()
    for name in dict.fromkeys(frame["name"]):
        for seed, part in frame[frame["name"] == name].groupby("seed", sort=False):
            figure.add_traces(_losses(part, name, str(seed), looks[name]))
    last = int(frame["epoch"].max())
    figure.update_xaxes(title="epoch", tick0=1, dtick=max(1, -(-last // 12)), range=[0.6, last + 0.4])
    figure.update_yaxes(title="loss, after the first epoch = 1")
    return finish(figure, title, subtitle, height=340)


def _losses(part: pd.DataFrame, name: str, seed: str, look: Look) -> list[go.Scatter]:
    """Return one seed's lines: the later period, the rows learnt from (first seed only), the best epoch."""
    first = bool(part["first"].iloc[0])
    shade = look.colour if first else fade(look.colour, 0.3)
    later = {"color": shade, "width": 2.5 if first else 1.25, "dash": look.dash}
    own = {"color": fade(look.colour, 0.75), "width": 1.1, "dash": look.dash}
    marker = {"color": shade, "size": 11 if first else 7, "symbol": marker_of(look.colour)}
    lines = [_course(part, "val_loss", name, seed, "on the later period", line=later, showlegend=first)]
    if first:
        lines.append(_course(part, "loss", name, seed, "on the rows learnt from", line=own))
    best = part[part["best"]]
    return [*lines, _course(best, "val_loss", name, seed, "the best epoch", mode="markers", marker=marker)]


def _course(part: pd.DataFrame, column: str, name: str, seed: str, where: str, **style: Any) -> go.Scatter:
    return go.Scatter(
        x=part["epoch"].to_numpy(), y=part[column].to_numpy(dtype=float), name=escape(name), legendgroup=name,
        hovertemplate=f"<b>{escape(name)}</b>, seed {seed}<br>epoch %{{x}}: %{{y:.5f}}, {where}<extra></extra>",
        **{"mode": "lines", "showlegend": False, **style},
    )  # fmt: skip


def plot_calibration_bins(
    frame: pd.DataFrame, *, looks: Mapping[str, Look], title: str, subtitle: str, event: str
) -> go.Figure:
    """Return observed rates by mean PD of ten bins, a line an experiment, on log-odds-like logarithmic axes.

    `frame` has name, mean_pd, rate, low, high, n, events, small. Small bins are hollow and grey; a rate of 0 lies at
    the foot. The dotted diagonal is the PDs themselves.
    """
    positive = frame.loc[frame["mean_pd"] > 0, "mean_pd"]
    floor = max(1e-5, float(positive.min()) / 1.5) if len(positive) else 1e-5
    top = min(1.0, float(frame[["mean_pd", "high"]].to_numpy(dtype=float).max()) * 1.2)
    figure = go.Figure()
    figure.add_shape(type="line", x0=floor, y0=floor, x1=top, y1=top, line={"color": TEXT, "width": 1, "dash": "dot"})
    for name in dict.fromkeys(frame["name"]):
        look, part = looks[name], frame[frame["name"] == name]
        small = part["small"].to_numpy(dtype=bool)
        rate, low, high = (np.maximum(part[key].to_numpy(dtype=float), floor) for key in ("rate", "low", "high"))
        said = [
            f"<b>{escape(name)}</b><br>mean PD {format_share(row['mean_pd'])}, observed {format_share(row['rate'])} "
            f"{format_interval(row['low'], row['high'], 'share')}<br>n {row['n']:,}, {escape(event)}s {row['events']:,}"
            for row in part.to_dict("records")
        ]
        symbol, x = marker_of(look.colour), np.maximum(part["mean_pd"].to_numpy(dtype=float), floor)
        some = part["events"].to_numpy() > 0  # a line down to the foot would draw a rate that nobody saw
        figure.add_trace(
            go.Scatter(x=x[some], y=rate[some], mode="lines", name=escape(name), showlegend=True, hoverinfo="skip",
                       legendgroup=name, line={"color": look.colour, "width": 1.75, "dash": look.dash})
        )  # fmt: skip
        figure.add_trace(
            go.Scatter(
                x=x, y=rate, mode="markers", name=escape(name), showlegend=False, legendgroup=name,
                error_y={"type": "data", "array": high - rate, "arrayminus": rate - low, "thickness": 1, "width": 0,
                         "color": fade(look.colour, 0.55)},
                marker={"color": np.where(small, SMALL, look.colour), "size": 8,
                        "symbol": np.where(small, f"{symbol}-open", symbol)},
                customdata=np.array(said, dtype=object), hovertemplate="%{customdata}<extra></extra>",
            )
        )  # fmt: skip
    axis = {"type": "log", "range": np.log10([floor, top]), "showgrid": True, **pd_axis(floor, top, log_odds=False)}
    figure.update_xaxes(title="mean PD of the bin", **axis)
    figure.update_yaxes(title=f"observed {escape(event)} rate", **axis)
    return finish(figure, title, subtitle, height=380)
