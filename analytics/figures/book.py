"""Figures of the book: trends by month and bars by category."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import label_rows
from analytics.figures.template import CATEGORICAL, SLATE, SMALL, TEXT, escape, fade, finish, format_axis
from analytics.words import format_value


def plot_trend(
    frame: pd.DataFrame,
    measures: Mapping[str, str],
    *,
    unit: str,
    title: str,
    subtitle: str,
    x: str = "month",
    colours: Mapping[str, str] | None = None,
    from_zero: bool = True,
    height: int = 260,
) -> go.Figure:
    """Return lines over time: `measures` maps each column to its label.

    A column's interval is drawn as a band where the frame has <column>_low and <column>_high. One line carries
    its last value, several a legend. `from_zero` starts the axis at 0, as an honest share or amount does.
    """
    figure = go.Figure()
    dates = frame[x].to_numpy()
    for place, (column, label) in enumerate(measures.items()):
        colour = (colours or {}).get(column, CATEGORICAL[place % len(CATEGORICAL)])
        if {f"{column}_low", f"{column}_high"} <= set(frame.columns):
            _add_band(figure, dates, frame[f"{column}_low"], frame[f"{column}_high"], colour)
        figure.add_trace(_line(dates, frame[column], label, unit, colour))
    if len(measures) == 1:
        _label_last(figure, frame, x, next(iter(measures)), unit)
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(hoverformat="%B %Y", tickformatstops=_DATE_TICKS)
    figure.update_yaxes(rangemode="tozero" if from_zero else "normal", nticks=6, **format_axis(unit))
    return finish(figure, title, subtitle, height=height)


_DATE_TICKS = [
    {"dtickrange": [None, "M1"], "value": "%-d %b %Y"},
    {"dtickrange": ["M1", "M6"], "value": "%b %Y"},
    {"dtickrange": ["M6", None], "value": "%Y"},
]


def _line(dates: np.ndarray, values: pd.Series, label: str, unit: str, colour: str) -> go.Scatter:
    shown = np.array([format_value(value, unit) for value in values], dtype=object)
    known = np.count_nonzero(~np.isnan(values.to_numpy(dtype=float)))
    return go.Scatter(
        x=dates,
        y=values.to_numpy(dtype=float),
        name=escape(label),
        customdata=shown,
        hovertemplate="%{customdata}",
        mode="lines" if known > 2 else "lines+markers",
        line={"color": colour, "width": 2.25},
        marker={"color": colour, "size": 8},
        showlegend=True,
    )


def _add_band(figure: go.Figure, dates: np.ndarray, low: pd.Series, high: pd.Series, colour: str) -> None:
    shared = {"x": dates, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    figure.add_trace(go.Scatter(y=high.to_numpy(dtype=float), **shared))
    figure.add_trace(go.Scatter(y=low.to_numpy(dtype=float), fill="tonexty", fillcolor=fade(colour, 0.2), **shared))


def _label_last(figure: go.Figure, frame: pd.DataFrame, x: str, column: str, unit: str) -> None:
    known = frame.dropna(subset=[column])
    if len(known):
        last = known.iloc[-1]
        text = f"<b>{format_value(float(last[column]), unit)}</b>"
        figure.add_annotation(
            x=last[x], y=float(last[column]), text=text, showarrow=False, xanchor="right", yanchor="bottom", yshift=9
        )


def plot_bars_by_category(
    frame: pd.DataFrame,
    *,
    category: str,
    value: str,
    unit: str,
    title: str,
    subtitle: str,
    low: str | None = None,
    high: str | None = None,
    small: str | None = "small",
    n: str | None = "n",
    colour: str = SLATE,
) -> go.Figure:
    """Return one horizontal bar per row, top to bottom as in the frame, with its interval, value and n.

    Rows flagged `small` are grey. Columns that the frame lacks (small, n) are left out.
    """
    rows, values = np.arange(len(frame)), frame[value].to_numpy(dtype=float)
    grey = frame[small].to_numpy(dtype=bool) if small in frame.columns else np.zeros(len(frame), dtype=bool)
    figure = go.Figure(
        go.Bar(
            x=values,
            y=rows,
            orientation="h",
            marker={"color": np.where(grey, SMALL, fade(colour, 0.6)), "line": {"width": 0}},
            width=0.62,
            customdata=_describe_rows(frame, category, value, unit, n=n, grey=grey),
            hovertemplate="%{customdata}<extra></extra>",
            showlegend=False,
        )
    )
    ends = values
    if low and high:
        ends = frame[high].to_numpy(dtype=float)
        whiskers = {"type": "data", "array": ends - values, "arrayminus": values - frame[low].to_numpy(dtype=float)}
        figure.update_traces(error_x={**whiskers, "color": TEXT, "thickness": 1.5, "width": 3})
    _label_ends(figure, frame, value, unit, n=n, ends=ends)
    label_rows(figure, [format_value(name) for name in frame[category]])
    figure.update_xaxes(showgrid=True, nticks=6, rangemode="tozero", **format_axis(unit))
    return finish(figure, title, subtitle, height=30 * len(frame) + 40)


def _describe_rows(
    frame: pd.DataFrame, category: str, value: str, unit: str, *, n: str | None, grey: np.ndarray
) -> np.ndarray:
    counts = frame[n] if n in frame.columns else [None] * len(frame)
    texts = []
    for name, number, count, few in zip(frame[category], frame[value], counts, grey, strict=True):
        text = f"<b>{escape(format_value(name))}</b><br>{format_value(number, unit)}"
        text += f"<br>n {format_value(count)}" if count is not None else ""
        texts.append(text + ("<br>few loans: read with care" if few else ""))
    return np.array(texts, dtype=object)


def _label_ends(
    figure: go.Figure, frame: pd.DataFrame, value: str, unit: str, *, n: str | None, ends: np.ndarray
) -> None:
    """Write value and n to the right of each bar's whisker, and leave room for it."""
    few = frame["small"] if "small" in frame.columns else [False] * len(frame)
    marks = [", too few to judge" if grey else "" for grey in few]
    numbers = [f"\u2002n {format_value(count)}" for count in frame[n]] if n in frame.columns else [""] * len(frame)
    counts = [number + mark for number, mark in zip(numbers, marks, strict=True)]
    texts = [f"\u2002<b>{format_value(v, unit)}</b>{count}" for v, count in zip(frame[value], counts, strict=True)]
    places = np.where(np.isnan(ends), 0.0, ends)
    figure.add_trace(
        go.Scatter(x=places, y=np.arange(len(frame)), text=np.array(texts, dtype=object), mode="text", hoverinfo="skip",
                   textposition="middle right", cliponaxis=False, showlegend=False)
    )  # fmt: skip
    if places.size and places.max() > 0:
        figure.update_xaxes(range=[0, float(places.max()) * (1.45 if any(few) else 1.3)])
