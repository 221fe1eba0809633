"""Figures of what moves with what: the heat map of all fields, and one field's partners."""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import label_rows
from analytics.figures.template import GRID, LOWERS, RAISES, SLATE, escape, fade, finish
from analytics.words import format_number

LONGEST = 24  # characters of an upright label
ROW = 28  # pixels a bar
STRONG = 0.55  # from here a cell is dark enough for white figures
LEGIBLE = 0.2  # weaker associations are coloured but not written out
_SCALE = [[0, LOWERS], [0.5, "rgba(148, 163, 184, 0.08)"], [1, RAISES]]


def plot_association_matrix(
    matrix: pd.DataFrame,
    *,
    title: str,
    subtitle: str,
    labels: Mapping[str, str] | None = None,
    marked: Collection[str] = (),
) -> go.Figure:
    """Return a square heat map of `to_matrix`, −1 blue to 1 red, values of 0.2 and more written out.

    Fields in `marked` (protected ones) carry a diamond. The diagonal, always 1, is left empty.
    """
    names = [_name(field, labels, marked) for field in matrix.index]
    cells = matrix.to_numpy(dtype=float, copy=True)
    np.fill_diagonal(cells, np.nan)
    hover = np.array(
        [[f"<b>{escape(first)}</b><br>{escape(second)}" for second in names] for first in names], dtype=object
    )
    spots = np.arange(len(names))
    figure = go.Figure(
        go.Heatmap(
            z=cells, x=spots, y=spots, customdata=hover, coloraxis="coloraxis", hoverongaps=False, xgap=1, ygap=1,
            hovertemplate="%{customdata}<br>%{z:.2f}<extra></extra>",
        )
    )  # fmt: skip
    _write_values(figure, cells)
    _label_sides(figure, names)
    bar = {
        "thickness": 8,
        "len": 0.35,
        "y": 1,
        "yanchor": "top",
        "xpad": 4,
        "outlinewidth": 0,
        "tickvals": [-1, -0.5, 0, 0.5, 1],
    }
    figure.update_layout(coloraxis={"cmin": -1, "cmax": 1, "colorscale": _SCALE, "colorbar": bar})
    return finish(figure, title, subtitle, height=max(220, 26 * len(names) + 170))


def _write_values(figure: go.Figure, cells: np.ndarray) -> None:
    """Write the legible values: a heat map's own text picks white on cells that let a light ground through."""
    size = np.abs(np.nan_to_num(cells))
    for strong in (False, True):
        rows, columns = np.nonzero((size >= LEGIBLE) & ((size >= STRONG) == strong))
        texts = np.array([_brief(value) for value in cells[rows, columns]], dtype=object)
        font = {"size": 10, "color": "#FFFFFF"} if strong else {"size": 10}  # no colour: the page's theme gives it
        figure.add_trace(
            go.Scatter(x=columns, y=rows, mode="text", text=texts, textfont=font, hoverinfo="skip", showlegend=False)
        )


def _name(field: str, labels: Mapping[str, str] | None, marked: Collection[str]) -> str:
    return f"{(labels or {}).get(field, field)}{' ◆' if field in marked else ''}"


def _brief(value: float) -> str:
    """Return two decimals without the leading nought.

    >>> _brief(0.62), _brief(-0.315), _brief(0.999)
    ('.62', '−.32', '1')
    """
    text = f"{abs(value):.2f}".removeprefix("0")
    return ("−" if value < 0 else "") + ("1" if text == "1.00" else text)


def _label_sides(figure: go.Figure, names: list[str]) -> None:
    label_rows(figure, names)
    short = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1].rstrip()}…" for name in names]
    lines = np.array([escape(name) for name in short], dtype=object)  # in full beside the rows and on hover
    figure.update_xaxes(
        tickvals=np.arange(len(names)), ticktext=lines, tickangle=-90, range=[-0.5, len(names) - 0.5], showgrid=False
    )
    figure.update_xaxes(tickfont={"size": 11})
    figure.update_yaxes(tickfont={"size": 11})


def plot_partners(
    frame: pd.DataFrame,
    *,
    title: str,
    subtitle: str,
    labels: Mapping[str, str] | None = None,
    marked: Collection[str] = (),
) -> go.Figure:
    """Return one bar per row of `compute_partners`, red to the right where both rise together, blue where not.

    Bars of categories have no direction and are slate.
    """
    values, rows = frame["value"].to_numpy(dtype=float), np.arange(len(frame))
    directed = frame["measure"].isin(["Spearman", "Pearson"]).to_numpy()
    colours = np.where(~directed, SLATE, np.where(values >= 0, RAISES, LOWERS))
    hover = [
        f"<b>{escape(_name(field, labels, marked))}</b><br>{measure} {format_number(value, 2)}<br>n {n:,}"
        for field, measure, value, n in zip(frame["field"], frame["measure"], values, frame["n"], strict=True)
    ]
    figure = go.Figure(
        go.Bar(
            x=values, y=rows, orientation="h", width=0.62, showlegend=False,
            marker={"color": [fade(str(colour), 0.75) for colour in colours], "line": {"width": 0}},
            customdata=np.array(hover, dtype=object), hovertemplate="%{customdata}<extra></extra>",
            text=np.array([f"<b>{format_number(value, 2)}</b>" for value in values], dtype=object),
            textposition="outside", textfont={"size": 11}, cliponaxis=False,
        )
    )  # fmt: skip
    label_rows(figure, [_name(field, labels, marked) for field in frame["field"]], width=26)
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    room = 0.2 * ((high - low) or 1)
    figure.update_xaxes(showgrid=True, nticks=6, range=[low - room * (low < 0), high + room * (high > 0)])
    figure.add_vline(x=0, line={"color": GRID, "width": 1})
    return finish(figure, title, subtitle, height=ROW * len(frame) + 40)
