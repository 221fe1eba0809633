"""Figures of data quality: what is missing by field and month, and a field's course through an incident."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import label_rows
from analytics.figures.template import GRID, RAISES, RISK_SCALE, ROSE, SLATE, escape, fade, finish, format_axis
from analytics.words import format_share, format_value

_NONE = "rgba(100, 116, 139, 0.10)"  # complete: barely there, on light and dark
ROW = 21  # pixels


def plot_completeness(frame: pd.DataFrame, *, title: str, subtitle: str) -> go.Figure:
    """Return a heat map of the share missing: a row a field (as ordered in the frame), a column a period.

    Columns: field (label), period, n, missing. A period without rows is left blank; a cell of which nothing is
    missing is barely tinted, so that whatever is missing stands out.
    """
    fields = list(dict.fromkeys(frame["field"]))
    wide = frame.assign(share=frame["missing"] / frame["n"].where(frame["n"] > 0)).pivot_table(
        index="field", columns="period", values=["share", "n", "missing"], dropna=False
    )
    share, n, missing = (wide[name].reindex(fields).to_numpy(dtype=float) for name in ("share", "n", "missing"))
    periods = pd.DatetimeIndex(wide["share"].columns)
    texts = np.array(
        [
            [
                f"<b>{escape(field)}</b><br>{periods[column]:%B %Y}<br>{format_share(share[row, column])} missing"
                f"<br>{format_value(missing[row, column])} of {format_value(n[row, column])} rows"
                for column in range(len(periods))
            ]
            for row, field in enumerate(fields)
        ],
        dtype=object,
    )
    figure = go.Figure(
        go.Heatmap(
            z=share,
            x=periods.to_numpy(),
            y=np.arange(len(fields)),
            customdata=texts,
            hovertemplate="%{customdata}<extra></extra>",
            hoverongaps=False,
            zmin=0,
            zmax=1,
            colorscale=_scale(),
            ygap=1,
            colorbar={"tickformat": ".0%", "thickness": 10, "outlinewidth": 0, "len": 1.0, "title": {"text": ""}},
            showlegend=False,
        )
    )
    label_rows(figure, fields)
    return finish(figure, title, subtitle, height=ROW * len(fields) + 50)


def _scale() -> list[list[float | str]]:
    """Return the scale: complete is barely tinted, the least that is missing already has a colour."""
    steps = np.linspace(0.001, 1, len(RISK_SCALE))
    scale: list[list[float | str]] = [[0.0, _NONE]]
    for step, colour in zip(steps, RISK_SCALE, strict=True):
        scale.append([float(step), colour])
    return scale


def plot_incident(
    frame: pd.DataFrame, *, unit: str, log: bool, name: str, rest: str, title: str, subtitle: str
) -> go.Figure:
    """Return the course of a field in the segment concerned and in all rows, with the incident's months shaded.

    Columns: period, value, all (may be all missing), inside (whether the period belongs to the incident).
    """
    figure = go.Figure()
    dates = frame["period"].to_numpy()
    for column, label, colour, width in (("all", rest, SLATE, 1.5), ("value", name, ROSE, 2.25)):
        if frame[column].notna().any():
            figure.add_trace(
                go.Scatter(
                    x=dates,
                    y=frame[column].to_numpy(dtype=float),
                    name=escape(label),
                    mode="lines",
                    line={"color": colour, "width": width, "dash": "dot" if column == "all" else "solid"},
                    customdata=np.array([format_value(value, unit) for value in frame[column]], dtype=object),
                    hovertemplate="%{customdata}",
                    showlegend=True,
                )
            )
    inside = frame.loc[frame["inside"], "period"]
    if len(inside):
        half = pd.Timedelta(days=15)
        figure.add_vrect(x0=inside.min() - half, x1=inside.max() + half, fillcolor=fade(RAISES, 0.18), line_width=0)
    figure.update_layout(hovermode="x unified")
    figure.update_xaxes(hoverformat="%B %Y")
    axis = format_axis(unit)
    figure.update_yaxes(nticks=6, gridcolor=GRID, **axis)
    if log:
        figure.update_yaxes(type="log", dtick=1)
    return finish(figure, title, subtitle, height=260)
