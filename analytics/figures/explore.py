"""Figures of an answer to a question: bars, lines, heat map, boxes and a cloud of points."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import label_rows
from analytics.figures.template import (
    CATEGORICAL,
    NAVY,
    RISK_SCALE,
    SLATE,
    SMALL,
    TEAL,
    TEXT,
    VIOLET,
    escape,
    fade,
    finish,
    format_axis,
    marker_of,
    wrap,
)
from analytics.words import format_value

Chart = Literal["bars", "lines", "heat map", "boxes", "points"]
COLOURS = (*CATEGORICAL, NAVY, TEAL, VIOLET)
REST = "other ("
_TICKS = 16  # labels along an axis of a card


@dataclass(frozen=True)
class Look:
    """How an answer is drawn: the chart, its words and units. `x_*` and `y_*` are for a cloud of points only."""

    chart: Chart
    title: str
    subtitle: str
    label: str = ""
    unit: str = ""
    row: str = ""
    dated: bool = False
    from_zero: bool = True
    x_label: str = ""
    x_unit: str = ""
    y_label: str = ""
    y_unit: str = ""


def plot_answer(frame: pd.DataFrame, look: Look) -> go.Figure:
    """Return the figure of a pivot's frame (or of a sample for "points"), as `look` says."""
    draw = {"bars": plot_bars, "lines": plot_lines, "heat map": plot_heat, "boxes": plot_boxes, "points": plot_points}
    return draw[look.chart](frame, look)


def _groups(frame: pd.DataFrame, name: str) -> list[str]:
    """Return the labels of a dimension that have rows, in order; one empty label without the dimension."""
    if name not in frame.columns:
        return [""]
    return [str(label) for label in frame[name].cat.categories if (frame[name] == label).any()]


def _of(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    return frame[frame["column"] == column] if "column" in frame.columns else frame


def _rows(frame: pd.DataFrame) -> list[str]:
    return [str(label) for label in frame["row"]] if "row" in frame.columns else [""] * len(frame)


def _colour(place: int, label: str) -> str:
    return SMALL if label.startswith(REST) else COLOURS[place % len(COLOURS)]


def _texts(frame: pd.DataFrame, look: Look) -> np.ndarray:
    """Return [row, column, words] of each cell: the labels come back when it is clicked, the words are shown."""
    columns = frame["column"].astype(str) if "column" in frame.columns else [""] * len(frame)
    counts = next(frame[name] for name in ("n", "known", "loans") if name in frame.columns)
    words = []
    for row, column, value, n, few in zip(_rows(frame), columns, frame["value"], counts, frame["small"], strict=True):
        name = escape(", ".join(filter(None, (row, column))))
        text = f"<b>{name}</b><br>{format_value(value, look.unit)}<br>n {format_value(n)}"
        words.append(text + ("<br>few: read with care" if few else ""))
    return np.array(list(zip(_rows(frame), columns, words, strict=True)), dtype=object).reshape(-1, 3)


def _whiskers(frame: pd.DataFrame) -> dict[str, object] | None:
    if not frame["value_low"].notna().any():
        return None
    value = frame["value"].to_numpy(dtype=float)
    return {"type": "data", "array": frame["value_high"].to_numpy(dtype=float) - value,
            "arrayminus": value - frame["value_low"].to_numpy(dtype=float), "color": TEXT, "thickness": 1.2,
            "width": 2}  # fmt: skip


def plot_bars(frame: pd.DataFrame, look: Look) -> go.Figure:
    """Return horizontal bars by row, side by side by column, with intervals; small cells are grey."""
    figure, rows, columns = go.Figure(), _groups(frame, "row"), _groups(frame, "column")
    place = {label: at for at, label in enumerate(rows)}
    for at, column in enumerate(columns):
        part = _of(frame, column)
        colour = _colour(at, column) if column else SLATE
        few = part["small"].to_numpy(dtype=bool)
        # Two traces a column: the legend takes a trace's first colour, which must not be the grey of a small cell.
        for rest, shade in ((part[~few], fade(colour, 0.75)), (part[few], fade(SMALL, 0.55))):
            figure.add_trace(_bars(rest, look, place, name=column, shade=shade, group=str(at)))
        figure.data[-2].showlegend = len(columns) > 1
    if len(columns) == 1:
        _label_bars(figure, frame, look, place)
    label_rows(figure, rows)
    figure.update_layout(barmode="group", bargap=0.28, bargroupgap=0.06)
    mode = "tozero" if look.from_zero else "normal"
    figure.update_xaxes(showgrid=True, nticks=6, rangemode=mode, **format_axis(look.unit))
    return finish(figure, look.title, look.subtitle, height=int(len(rows) * (14 + 14 * len(columns))) + 40)


def _bars(part: pd.DataFrame, look: Look, place: dict[str, int], *, name: str, shade: str, group: str) -> go.Bar:
    return go.Bar(
        x=part["value"].to_numpy(dtype=float),
        y=np.array([place[row] for row in _rows(part)]),
        orientation="h",
        name=escape(name),
        offsetgroup=group,
        legendgroup=group,
        marker={"color": shade, "line": {"width": 0}},
        unselected={"marker": {"opacity": 0.5}},
        error_x=_whiskers(part),
        customdata=_texts(part, look),
        hovertemplate="%{customdata[2]}<extra></extra>",
        showlegend=False,
    )


def _label_bars(figure: go.Figure, frame: pd.DataFrame, look: Look, place: dict[str, int]) -> None:
    """Write each value to the right of its whisker, and leave room for it."""
    value = frame["value"].to_numpy(dtype=float)
    ends = np.where(frame["value_high"].notna(), frame["value_high"], value)
    texts = [
        f"\u2002{format_value(v, look.unit)}{' (few)' * few}" for v, few in zip(value, frame["small"], strict=True)
    ]
    figure.add_trace(
        go.Scatter(x=np.nan_to_num(ends), y=np.array([place[row] for row in _rows(frame)]), mode="text",
                   text=np.array(texts, dtype=object), textposition="middle right", hoverinfo="skip", cliponaxis=False,
                   showlegend=False)
    )  # fmt: skip
    known = ends[np.isfinite(ends)]
    if known.size and known.max() > 0 and known.min() >= 0:
        figure.update_xaxes(range=[0, float(known.max()) * 1.2])


def plot_lines(frame: pd.DataFrame, look: Look) -> go.Figure:
    """Return one line per column over the rows, with its interval as a band; small cells are hollow."""
    figure, rows, columns = go.Figure(), _groups(frame, "row"), _groups(frame, "column")
    place = {label: at for at, label in enumerate(rows)}
    for at, column in enumerate(columns):
        part = _of(frame, column)
        colour = _colour(at, column) if column else SLATE
        x = (
            pd.to_datetime(pd.Series(_rows(part))).to_numpy()
            if look.dated
            else np.array([place[r] for r in _rows(part)])
        )
        _add_band(figure, part, x, colour)
        figure.add_trace(
            go.Scatter(
                x=x,
                y=part["value"].to_numpy(dtype=float),
                mode="lines+markers",
                name=escape(column),
                line={"color": colour, "width": 2.25},
                marker={
                    "symbol": np.where(part["small"], f"{marker_of(colour)}-open", marker_of(colour)),
                    "size": 8 if len(rows) <= 24 else 5,
                    "color": colour,
                },
                customdata=_texts(part, look),
                hovertemplate="%{customdata[2]}<extra></extra>",
                showlegend=len(columns) > 1,
            )
        )
    if not look.dated:
        ticks = np.arange(0, len(rows), -(-len(rows) // _TICKS))
        texts = np.array([wrap(rows[tick], 14) for tick in ticks], dtype=object)
        figure.update_xaxes(tickvals=ticks, ticktext=texts, range=[-0.4, len(rows) - 0.6])
    figure.update_xaxes(title={"text": "" if look.dated else escape(look.row)})
    figure.update_yaxes(rangemode="tozero" if look.from_zero else "normal", nticks=6, **format_axis(look.unit))
    return finish(figure, look.title, look.subtitle, height=380)


def _add_band(figure: go.Figure, part: pd.DataFrame, x: np.ndarray, colour: str) -> None:
    known = (part["value_low"].notna() & ~part["small"]).to_numpy()  # a small cell's band would hide all others
    if known.sum() < 2:
        return
    shared = {"x": x[known], "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    figure.add_trace(go.Scatter(y=part["value_high"].to_numpy(dtype=float)[known], **shared))
    low = part["value_low"].to_numpy(dtype=float)[known]
    figure.add_trace(go.Scatter(y=low, fill="tonexty", fillcolor=fade(colour, 0.16), **shared))


def plot_heat(frame: pd.DataFrame, look: Look) -> go.Figure:
    """Return a heat map of rows by columns with each value written in; small cells are grey."""
    rows, columns = _groups(frame, "row"), _groups(frame, "column")
    down, across = ({label: at for at, label in enumerate(labels)} for labels in (rows, columns))
    grid, few = (np.full((len(rows), len(columns)), np.nan) for _ in range(2))
    texts = _texts(frame, look)
    for (row, column, _), value, small in zip(texts, frame["value"], frame["small"], strict=True):
        (few if small else grid)[down[row], across[column]] = value
    figure = go.Figure(_heat_traces(grid, few, look))
    # A heat map cannot be clicked: an unseen square on each cell carries the words and the click.
    figure.add_trace(
        go.Scatter(
            x=np.array([across[text[1]] for text in texts]), y=np.array([down[text[0]] for text in texts]),
            mode="markers", marker={"symbol": "square", "size": 26, "opacity": 0}, customdata=texts,
            hovertemplate="%{customdata[2]}<extra></extra>", showlegend=False,
            selected={"marker": {"opacity": 0}}, unselected={"marker": {"opacity": 0}},
        )
    )  # fmt: skip
    label_rows(figure, rows, width=24)
    labels = np.array([wrap(label, 12) for label in columns], dtype=object)
    figure.update_xaxes(tickvals=np.arange(len(columns)), ticktext=labels, range=[-0.5, len(columns) - 0.5])
    return finish(figure, look.title, look.subtitle, height=30 * len(rows) + 60)


def _heat_traces(grid: np.ndarray, few: np.ndarray, look: Look) -> list[go.Heatmap]:
    """Return the cells as three maps that differ in the colour of their text: light, dark and small cells."""
    known = grid[np.isfinite(grid)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    dark = grid > low + 0.55 * (high - low)
    colours = [[i / 4, colour] for i, colour in enumerate(RISK_SCALE)]
    grey = [[0, fade(SMALL, 0.35)], [1, fade(SMALL, 0.35)]]
    layers = ((np.where(dark, np.nan, grid), colours, "#1E293B"), (np.where(dark, grid, np.nan), colours, "#FFFFFF"),
              (few, grey, TEXT))  # fmt: skip
    return [
        go.Heatmap(z=layer, colorscale=scale, zmin=low, zmax=high if high > low else low + 1, xgap=2, ygap=2,
                   hoverinfo="skip", showscale=False, **_written(layer, look, colour))
        for layer, scale, colour in layers
    ]  # fmt: skip


def _written(layer: np.ndarray, look: Look, colour: str) -> dict[str, object]:
    """Return the settings that write each value into its cell, where there is room."""
    if layer.shape[1] > 12:
        return {}
    texts = np.array(
        [[format_value(v, look.unit) if np.isfinite(v) else "" for v in line] for line in layer], dtype=object
    )
    return {"text": texts, "texttemplate": "%{text}", "textfont": {"size": 11, "color": colour}}


def plot_boxes(frame: pd.DataFrame, look: Look) -> go.Figure:
    """Return boxes between the quartiles with the median, whiskers at the 10 and 90 % quantiles; needs "spread"."""
    figure, rows, columns = go.Figure(), _groups(frame, "row"), _groups(frame, "column")
    place = {label: at for at, label in enumerate(rows)}
    wide = 0.8 / len(columns)
    for at, column in enumerate(columns):
        part = _of(frame, column).dropna(subset=["p50"])
        colour = _colour(at, column) if column else SLATE
        y = np.array([place[row] for row in _rows(part)], dtype=float) + (at - (len(columns) - 1) / 2) * wide
        quantiles = {name: part[key].to_numpy(dtype=float) for name, key in
                     (("lowerfence", "p10"), ("q1", "p25"), ("median", "p50"), ("q3", "p75"),
                      ("upperfence", "p90"), ("mean", "mean"))}  # fmt: skip
        figure.add_trace(
            go.Box(**quantiles, y=y, orientation="h", name=escape(column), width=wide * 0.8, boxpoints=False,
                   line={"color": colour, "width": 1.5}, fillcolor=fade(colour, 0.25), hoverinfo="skip",
                   showlegend=len(columns) > 1)
        )  # fmt: skip
        figure.add_trace(
            go.Scatter(x=part["p50"].to_numpy(dtype=float), y=y, mode="markers",
                       marker={"color": colour, "size": 8, "symbol": np.where(part["small"], "circle-open", "circle")},
                       customdata=_texts(part, look), hovertemplate="%{customdata[2]}<extra></extra>",
                       showlegend=False)
        )  # fmt: skip
    label_rows(figure, rows)
    figure.update_xaxes(showgrid=True, nticks=6, **format_axis(look.unit))
    return finish(figure, look.title, look.subtitle, height=int(len(rows) * (16 + 16 * len(columns))) + 40)


def plot_points(frame: pd.DataFrame, look: Look) -> go.Figure:
    """Return a cloud of points drawn with WebGL; `frame` has x, y, maybe column, and the loan's id first."""
    figure, columns = go.Figure(), _groups(frame, "column")
    for at, column in enumerate(columns):
        part = _of(frame, column)
        colour = _colour(at, column) if column else SLATE
        texts = np.array([
            f"<b>{escape(str(name))}</b><br>{format_value(x, look.x_unit)}<br>{format_value(y, look.y_unit)}"
            for name, x, y in zip(part.iloc[:, 0], part["x"], part["y"], strict=True)
        ], dtype=object)  # fmt: skip
        figure.add_trace(
            go.Scattergl(x=part["x"].to_numpy(dtype=float), y=part["y"].to_numpy(dtype=float), mode="markers",
                         name=escape(column), marker={"color": colour, "size": 4, "opacity": 0.45}, text=texts,
                         hovertemplate="%{text}<extra></extra>", showlegend=len(columns) > 1)
        )  # fmt: skip
    figure.update_xaxes(title={"text": escape(look.x_label)}, showgrid=True, nticks=8, **format_axis(look.x_unit))
    figure.update_yaxes(title={"text": escape(look.y_label)}, nticks=8, **format_axis(look.y_unit))
    return finish(figure, look.title, look.subtitle, height=460)
