"""Figures of what drives models over a book: importance on three scales, and the beeswarm of one model."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import label_rows
from analytics.figures.template import AMBER, NAVY, SLATE, SMALL, TEXT, escape, finish, present_models
from analytics.odds import to_factor
from analytics.words import format_factor, format_number, format_points, format_share, format_value

LOW, MIDDLE, HIGH = NAVY, "#B0568F", AMBER  # apart for every kind of colour vision, 3:1 on both grounds
SHARE, LOG_ODDS, POINTS = "share", "log_odds", "points"
AXES = {
    SHARE: {"title": "share of the model's total attribution", "tickformat": ".0%"},
    LOG_ODDS: {"title": "mean size, log-odds"},
    POINTS: {"title": "mean size, percentage points of PD", "ticksuffix": " pp"},
}


def plot_drivers(
    frame: pd.DataFrame,
    features: Sequence[str],
    scale: str,
    *,
    colours: Mapping[str, str],
    title: str,
    subtitle: str,
    labels: Mapping[str, str],
    model_labels: Mapping[str, str],
) -> go.Figure:
    """Return each model's importance by feature as grouped horizontal bars, on a scale of AXES.

    `frame` joins the frames of `compute_importance` with a column `model`, for POINTS made from `to_points`;
    `features` are shown top to bottom.
    """
    figure = go.Figure()
    for model in present_models(frame, colours):
        rows = frame[frame["model"] == model].set_index("feature").reindex(list(features))
        size = rows["share" if scale == SHARE else "importance"].to_numpy(dtype=float)
        texts = [_size(share, mean, scale) for share, mean in zip(rows["share"], rows["importance"], strict=True)]
        figure.add_trace(
            go.Bar(
                x=size * (100 if scale == POINTS else 1), y=np.arange(len(features)), orientation="h",
                name=escape(model_labels[model]), marker={"color": colours[model], "line": {"width": 0}},
                customdata=np.array(texts, dtype=object), hovertemplate="%{customdata}", showlegend=True,
            )
        )  # fmt: skip
    label_rows(figure, [labels.get(name, name) for name in features])
    figure.update_xaxes(showgrid=True, nticks=6, rangemode="tozero", **AXES[scale])
    models = max(1, len(figure.data))
    figure.update_layout(barmode="group", bargap=0.3, bargroupgap=0.08, legend={"traceorder": "normal"})
    return finish(figure, title, subtitle, height=int(len(features) * (12 + 11 * models)) + 56)


def _size(share: float, mean: float, scale: str) -> str:
    if not np.isfinite(mean):
        return "not used by this model"
    size = format_points(mean).removeprefix("+") if scale == POINTS else f"{format_number(mean)} log-odds"
    factor = "" if scale == POINTS else f" (odds ×{format_factor(to_factor(mean))})"
    return f"{format_share(share)} of the total<br>mean size {size}{factor}"


def plot_swarm(
    frame: pd.DataFrame,
    features: Sequence[str],
    *,
    labels: Mapping[str, str],
    units: Mapping[str, str],
    title: str,
    subtitle: str,
) -> go.Figure:
    """Return a beeswarm of `compute_swarm`: a row a feature, a dot a loan, across its attribution in log-odds.

    Dots are coloured by the rank of the feature's value; grey crosses are missing values, slate diamonds categories,
    which have no low or high. Drawn by WebGL: there are up to 18,000 dots.
    """
    figure = go.Figure()
    figure.add_vline(0, line={"color": TEXT, "width": 1})
    kinds = (
        ("number", frame["level"].notna(), {"coloraxis": "coloraxis", "size": 5, "opacity": 0.85}),
        ("category: no low or high", ~frame["is_number"] & frame["word"].notna(),
         {"color": SLATE, "size": 5, "symbol": "diamond", "opacity": 0.6}),
        ("value not known", frame["level"].isna() & (frame["is_number"] | frame["word"].isna()),
         {"color": SMALL, "size": 5, "symbol": "cross"}),
    )  # fmt: skip
    places = {name: place for place, name in enumerate(features)}
    for name, chosen, marker in kinds:
        rows = frame[chosen]
        if len(rows):
            figure.add_trace(_dots(rows, places, name, marker, units))
    label_rows(figure, [labels.get(name, name) for name in features])
    figure.update_yaxes(range=[len(features) - 0.5, -0.6], showgrid=True)
    figure.update_xaxes(title="effect on the log-odds", showgrid=True, nticks=8)
    bar = {"title": {"text": "value", "side": "top"}, "tickvals": np.array([0, 1]), "ticks": "", "thickness": 10,
           "ticktext": np.array(["low", "high"], dtype=object), "len": 0.6, "outlinewidth": 0}  # fmt: skip
    scale = [[0.0, LOW], [0.5, MIDDLE], [1.0, HIGH]]
    axis = {"colorscale": scale, "cmin": 0, "cmax": 1, "colorbar": bar}
    figure.update_layout(coloraxis=axis, legend={"itemsizing": "constant"})
    return finish(figure, title, subtitle, height=40 * len(features) + 60)


def _dots(
    rows: pd.DataFrame,
    places: Mapping[str, int],
    name: str,
    marker: Mapping[str, object],
    units: Mapping[str, str],
) -> go.Scattergl:
    number = name == "number"
    values = rows["value"] if number else rows["word"]
    units_of = rows["feature"].map(lambda feature: units.get(feature, ""))
    texts = [escape(format_value(value, unit)) for value, unit in zip(values, units_of, strict=True)]
    y = rows["feature"].map(places).to_numpy(dtype=np.float32) + rows["offset"].to_numpy(dtype=np.float32)
    own = {**marker, "color": rows["level"].to_numpy(dtype=np.float32)} if number else dict(marker)
    return go.Scattergl(
        x=rows["phi"].to_numpy(dtype=np.float32), y=y, mode="markers", name=name, marker=own, showlegend=not number,
        customdata=np.array(texts, dtype=object),
        hovertemplate="value %{customdata}<br>effect %{x:+.2f}<extra></extra>",
    )  # fmt: skip
