"""Figures of concentration: shares of the book by group, and expected loss by group."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import label_rows
from analytics.figures.template import AMBER, AMOUNT_SCALE, SLATE, SMALL, TEXT, escape, fade, finish, format_axis
from analytics.words import format_number, format_share, format_value


def plot_shares(
    frame: pd.DataFrame, *, unit: str, title: str, subtitle: str, limit: float | None = None, marked: str = "marked"
) -> go.Figure:
    """Return one bar per row of value, share, amount, loans, top to bottom as in the frame.

    Rows true in the column `marked` stand out in amber; those true in `rest`, where the frame has it, are grey,
    because they sum what is too small to show. `limit` is a dashed line.
    """
    rows, shares = np.arange(len(frame)), frame["share"].to_numpy(dtype=float)
    special, rest = (
        frame[name].to_numpy(dtype=bool) if name in frame else np.zeros(len(frame), dtype=bool)
        for name in (marked, "rest")
    )
    texts = [
        f"<b>{escape(str(row['value']))}</b><br>{format_share(row['share'])}, {format_value(row['amount'], unit)}"
        f"<br>n {format_number(row['loans'], 0)}"
        for row in frame.to_dict("records")
    ]
    figure = go.Figure(
        go.Bar(
            x=shares, y=rows, orientation="h", width=0.62, showlegend=False,
            marker={"color": np.where(special, AMBER, np.where(rest, SMALL, AMOUNT_SCALE[2])), "line": {"width": 0}},
            customdata=np.array(texts, dtype=object), hovertemplate="%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    _label_ends(figure, shares, [f"<b>{format_share(share)}</b>" for share in shares])
    label_rows(figure, [str(value) for value in frame["value"]], width=26)
    top = float(np.nanmax(shares, initial=0.0))
    if limit is not None and limit <= 1.6 * top:
        figure.add_vline(x=limit, line={"color": TEXT, "width": 1.25, "dash": "dash"})
        top = max(top, limit)
    figure.update_xaxes(range=[0, 1.25 * top or 1], showgrid=True, nticks=6, **format_axis("share"))
    return finish(figure, title, subtitle, height=26 * len(frame) + 40)


def plot_loss(frame: pd.DataFrame, *, title: str, subtitle: str, whole: float) -> go.Figure:
    """Return one bar per row of value, rate (a share of exposure), loss_text: loss in basis points, all's as a line."""
    rows, points = np.arange(len(frame)), 1e4 * frame["rate"].to_numpy(dtype=float)
    texts = [
        f"<b>{escape(str(row['value']))}</b><br>{1e4 * row['rate']:.1f} basis points<br>{escape(row['loss_text'])}"
        for row in frame.to_dict("records")
    ]
    figure = go.Figure(
        go.Bar(
            x=points, y=rows, orientation="h", width=0.62, showlegend=False,
            marker={"color": fade(SLATE, 0.6), "line": {"width": 0}},
            customdata=np.array(texts, dtype=object), hovertemplate="%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    ends = [f"<b>{point:.1f}</b>\u2002{escape(text)}" for point, text in zip(points, frame["loss_text"], strict=True)]
    _label_ends(figure, points, ends)
    label_rows(figure, [str(value) for value in frame["value"]], width=26)
    figure.add_vline(x=1e4 * whole, line={"color": TEXT, "width": 1.25, "dash": "dash"})
    top = max(float(np.nanmax(points, initial=0.0)), 1e4 * whole)
    figure.update_xaxes(range=[0, 1.4 * top or 1], showgrid=True, nticks=6, title="basis points of exposure")
    return finish(figure, title, subtitle, height=26 * len(frame) + 60)


def _label_ends(figure: go.Figure, ends: np.ndarray, texts: list[str]) -> None:
    figure.add_trace(
        go.Scatter(
            x=np.nan_to_num(ends), y=np.arange(len(texts)), mode="text", hoverinfo="skip", showlegend=False,
            text=np.array([f"\u2002{text}" for text in texts], dtype=object), textposition="middle right",
            cliponaxis=False,
        )
    )  # fmt: skip
