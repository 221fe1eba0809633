"""Figures of features that act together: the matrix of pairs, a pair's grid, a dependence coloured by a partner."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.attributions import Dependence
from analytics.figures.axes import label_rows
from analytics.figures.explanations import plot_dependence
from analytics.figures.explore import Look, plot_heat
from analytics.figures.template import (
    AMBER,
    RISK_SCALE,
    SLATE,
    SMALL,
    VIOLET,
    escape,
    fade,
    finish,
    format_axis,
    wrap,
)
from analytics.words import MISSING, format_value

_LOW_HIGH = [[0, "#5B6FB5"], [0.5, "#B9A27C"], [1, AMBER]]
_OTHERS = (AMBER, SLATE, VIOLET, "#109A8A")
_JITTER = 0.28
_SVG = 1000


def plot_interaction_matrix(
    square: pd.DataFrame, *, labels: Mapping[str, str], title: str, subtitle: str, upright: str = "", across: str = ""
) -> go.Figure:
    """Return a square heat map of strengths (log-odds), each written in; the diagonal is empty."""
    cells = square.to_numpy(dtype=float)
    names = [labels.get(str(name), str(name)) for name in square.index]
    high = float(np.nanmax(cells)) if np.isfinite(cells).any() else 0.0
    hover = np.array(
        [
            [
                f"<b>{escape(names[i])}</b><br>{escape(names[j])}<br>{cells[i, j]:.4f} log-odds"
                for j in range(len(names))
            ]
            for i in range(len(names))
        ],
        dtype=object,
    )
    figure = go.Figure()
    scale = [[i / (len(RISK_SCALE) - 1), colour] for i, colour in enumerate(RISK_SCALE)]
    dark = cells > 0.55 * high
    for layer, font in ((np.where(dark, np.nan, cells), "#1E293B"), (np.where(dark, cells, np.nan), "#FFFFFF")):
        text = np.array([[_brief(value) for value in line] for line in layer], dtype=object)
        figure.add_trace(
            go.Heatmap(
                z=layer, colorscale=scale, zmin=0, zmax=high or 1, xgap=2, ygap=2, showscale=False, customdata=hover,
                hoverongaps=False, hovertemplate="%{customdata}<extra></extra>", text=text, texttemplate="%{text}",
                textfont={"size": 11, "color": font},
            )
        )  # fmt: skip
    label_rows(figure, names, width=26)
    columns = np.array([wrap(name, 14) for name in names], dtype=object)
    figure.update_xaxes(tickvals=np.arange(len(names)), ticktext=columns, tickangle=-90, title=across or None,
                        range=[-0.5, len(names) - 0.5], showgrid=False, tickfont={"size": 11})  # fmt: skip
    figure.update_yaxes(title=upright or None)
    return finish(figure, title, subtitle, height=32 * len(names) + 130)


def _brief(value: float) -> str:
    """Return a strength in three decimals without the leading nought.

    >>> _brief(0.0456), _brief(1.204), _brief(0.0), _brief(0.0002)
    ('.046', '1.20', '0', '.000')
    """
    if not np.isfinite(value):
        return ""
    return "0" if value == 0 else f"{value:.3f}".removeprefix("0") if value < 1 else f"{value:.2f}"


def plot_pair_grid(frame: pd.DataFrame, *, row: str, column: str, title: str, subtitle: str) -> go.Figure:
    """Return the heat map of `compute_pair_grid`, the features' names at its sides; small cells are grey."""
    look = Look("heat map", title, subtitle, label="joint attribution (log-odds)", row=row)
    figure = plot_heat(frame, look)
    height = max(190, figure.layout.meta["height"])
    figure.update_xaxes(title=escape(column))
    figure.update_yaxes(title=wrap(row, height // 11))  # upright: as long as the plot is high
    return finish(figure, title, subtitle, height=height)


def plot_coloured_dependence(
    dependence: Dependence,
    *,
    partner: str,
    partner_unit: str,
    label: str,
    unit: str,
    title: str,
    subtitle: str,
    colour: str,
) -> go.Figure:
    """Return `plot_dependence` with its dots coloured by the column partner of `dependence.points`.

    A number shades from blue (low) to amber (high) between its 5 and 95 % quantiles; of a category the four commonest
    values have a colour. For a category in place of the dependence's value the dots are spread beside each other.
    """
    figure = plot_dependence(dependence, label=label, unit=unit, title=title, subtitle=subtitle, colour=colour)
    # A category's median is drawn in SVG, which WebGL would hide: no more dots than SVG can bear.
    points = dependence.points if dependence.is_number else dependence.points.head(_SVG)
    x, y = points["value"].to_numpy(), points["phi"].to_numpy(dtype=float)
    if dependence.is_number:
        figure.data = figure.data[1:]
    else:
        places = {str(value): place for place, value in enumerate(dependence.medians["value"])}
        spread = np.random.default_rng(0).uniform(-_JITTER, _JITTER, len(points))
        x, y = y, np.array([places[str(value)] for value in x], dtype=float) + spread
    scatter = go.Scattergl if len(points) > _SVG else go.Scatter
    if pd.api.types.is_numeric_dtype(points["partner"]):
        traces = [
            _shaded(scatter, x, y, points["partner"].to_numpy(dtype=float, na_value=np.nan), partner, partner_unit)
        ]
    else:
        traces = _sorted(scatter, x, y, points["partner"], partner)
    before = figure.data
    figure.data = []
    figure.add_traces([*traces, *before])
    height = max(220, figure.layout.meta["height"])
    return finish(figure, title, subtitle, height=height)


def _shaded(scatter: type, x: np.ndarray, y: np.ndarray, value: np.ndarray, name: str, unit: str) -> go.Scatter:
    known = value[np.isfinite(value)]
    low, high = (float(end) for end in np.quantile(known, [0.05, 0.95])) if known.size else (0.0, 1.0)
    if low == high and known.size:
        low, high = float(known.min()), float(known.max())
    texts = np.array([f"{escape(name)}: {format_value(item, unit)}" for item in value], dtype=object)
    shown = np.where(np.isfinite(value), value, low)
    bar = {"thickness": 8, "len": 1, "outlinewidth": 0, "nticks": 4, "xpad": 4, "title": {"text": wrap(name, 16),
           "side": "top", "font": {"size": 11}}, **format_axis(unit)}  # fmt: skip
    return scatter(
        x=x, y=y, mode="markers", name="sampled loans", showlegend=True, customdata=texts,
        hovertemplate="%{customdata}<extra></extra>",
        marker={"color": shown, "colorscale": _LOW_HIGH, "cmin": low, "cmax": high if high > low else low + 1,
                "size": 5, "opacity": np.where(np.isfinite(value), 0.75, 0.15), "colorbar": bar},
    )  # fmt: skip


def _sorted(scatter: type, x: np.ndarray, y: np.ndarray, value: pd.Series, name: str) -> list[go.Scatter]:
    words = value.astype(object).where(value.notna(), MISSING).astype(str)
    common = [str(item) for item in words.value_counts().index[: len(_OTHERS)]]
    traces = []
    for place, word in enumerate([*common, ""]):
        own = (~words.isin(common) if not word else words == word).to_numpy()
        if own.any():
            shade = _OTHERS[place] if word else SMALL
            traces.append(
                scatter(
                    x=x[own], y=y[own], mode="markers", name=escape(word or "other"), showlegend=True,
                    marker={"color": fade(shade, 0.7), "size": 5},
                    hovertemplate=f"{escape(name)}: %{{fullData.name}}<extra></extra>",
                )
            )  # fmt: skip
    return traces
