"""Figures on whether explanations hold: reasons given again repeat by repeat, and the spread of attributions."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import label_rows
from analytics.figures.template import SLATE, escape, fade, finish, marker_of, present_models
from analytics.words import format_share

KINDS = {"background": "other background", "seed": "other seed"}


def plot_repeats(
    frame: pd.DataFrame,
    *,
    colours: Mapping[str, str],
    labels: Mapping[str, str],
    limit: float,
    title: str,
    subtitle: str,
) -> go.Figure:
    """Return a row a model and kind of repeat: a dot at `again` of each repeat, a tall mark at their mean.

    `frame` joins the frames of `compute_repeats` with a column `model`; `limit` is drawn as a dotted line.
    """
    figure = go.Figure()
    rows: list[str] = []
    for model in present_models(frame, colours):
        for kind, own in frame[frame["model"] == model].groupby("kind", sort=False):
            again = own["again"].to_numpy(dtype=float)
            place, colour = len(rows), colours[model]
            rows.append(f"{labels[model]}: {KINDS[str(kind)]}")
            texts = np.array(
                [
                    f"{format_share(share)} of reasons, seed {seed}"
                    for share, seed in zip(again, own["seed"], strict=True)
                ],
                dtype=object,
            )
            figure.add_trace(
                go.Scatter(
                    x=again, y=np.full(len(again), place), mode="markers", showlegend=False, customdata=texts,
                    marker={"color": fade(colour, 0.45), "size": 9, "symbol": marker_of(colour)},
                    hovertemplate="%{customdata}<extra></extra>",
                )
            )  # fmt: skip
            figure.add_trace(
                go.Scatter(
                    x=np.array([np.nanmean(again)]), y=np.array([place]), mode="markers+text", showlegend=False,
                    marker={"color": colour, "size": 20, "symbol": "line-ns", "line": {"color": colour, "width": 3}},
                    text=[format_share(float(np.nanmean(again)))], textposition="top center", hoverinfo="skip",
                )
            )  # fmt: skip
    label_rows(figure, rows, width=24)
    line = {"color": SLATE, "width": 1.5, "dash": "dot"}
    figure.add_shape(type="line", xref="x", yref="y domain", x0=limit, x1=limit, y0=0, y1=1, line=line)
    low = float(np.nanmin([*frame["again"], limit]))
    figure.update_xaxes(
        title="recorded reasons given again",
        showgrid=True,
        nticks=6,
        tickformat=".0%",
        range=[max(0, low - 0.05), 1.01],
    )
    return finish(figure, title, subtitle, height=46 * len(rows) + 110)


def plot_spread(
    frame: pd.DataFrame,
    features: list[str],
    *,
    colours: Mapping[str, str],
    labels: Mapping[str, str],
    feature_labels: Mapping[str, str],
    title: str,
    subtitle: str,
) -> go.Figure:
    """Return a row a feature: each model's importance as a dot, a line of one spread to either side.

    `frame` joins the frames of `compute_spread` with a column `model`; `features` are shown top to bottom.
    """
    figure = go.Figure()
    present = present_models(frame, colours)
    for place, model in enumerate(present):
        own = frame[frame["model"] == model].set_index("feature").reindex(features)
        texts = np.array(
            [
                f"{size:.3f} ± {spread:.3f} log-odds"
                for size, spread in zip(own["importance"], own["spread"], strict=True)
            ],
            dtype=object,
        )
        figure.add_trace(
            go.Scatter(
                x=own["importance"].to_numpy(dtype=float), mode="markers", name=escape(labels[model]), showlegend=True,
                y=np.arange(len(features)) + (place + 0.5) / len(present) * 0.7 - 0.35,
                error_x={"type": "data", "array": own["spread"].to_numpy(dtype=float), "thickness": 2, "width": 0,
                         "color": colours[model]},
                marker={"color": colours[model], "size": 8, "symbol": marker_of(colours[model])},
                customdata=texts, hovertemplate="%{customdata}<extra>%{fullData.name}</extra>",
            )
        )  # fmt: skip
    label_rows(figure, [feature_labels.get(name, name) for name in features], width=26)
    figure.update_xaxes(title="mean size of the attribution ± its spread (log-odds)", showgrid=True, nticks=6,
                        rangemode="tozero")  # fmt: skip
    return finish(figure, title, subtitle, height=int(len(features) * (12 + 9 * max(1, len(present)))) + 70)
