"""Figure of a changed rate: from the rate before, over the mix and the segments, to the rate after."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import label_rows
from analytics.figures.template import LOWERS, RAISES, SLATE, SMALL, TEXT, escape, fade, finish, format_axis
from analytics.words import format_number, format_points, format_share


def plot_rate_change(frame: pd.DataFrame, *, title: str, subtitle: str, colour: str = SLATE) -> go.Figure:
    """Return the waterfall of `rate_change.compute_steps`, top to bottom, one row a step.

    The column `label` names the rows. Both rates are diamonds, not bars: the axis does not begin at 0, so that small
    effects can be seen. An effect that cannot be told from none is pale, one of too few events grey.
    """
    rows, totals = np.arange(len(frame)), (frame["kind"] == "total").to_numpy()
    figure = go.Figure()
    effect, start = frame["effect"].to_numpy(dtype=float), frame["start"].to_numpy(dtype=float)
    for name, tint, chosen in (
        ("raises the rate", RAISES, ~totals & (effect >= 0)),
        ("lowers the rate", LOWERS, ~totals & (effect < 0)),
    ):
        if chosen.any():
            # The legend has its own trace: it takes the colour of a trace's first bar, which may be grey.
            figure.add_trace(go.Bar(x=[None], y=[None], name=name, marker={"color": tint}, showlegend=True))
            part = frame[chosen]
            shades = np.where(part["small"], SMALL, np.where(part["clear"], tint, fade(tint, 0.35)))
            figure.add_trace(
                go.Bar(
                    x=effect[chosen], base=start[chosen], y=rows[chosen], orientation="h", name=name, width=0.5,
                    marker={"color": shades, "line": {"width": 0}}, showlegend=False,
                    customdata=_describe(part), hovertemplate="%{customdata}<extra></extra>",
                )
            )  # fmt: skip
    end = frame["end"].to_numpy(dtype=float)
    figure.add_trace(
        go.Scatter(x=end[totals], y=rows[totals], mode="markers", showlegend=False, hoverinfo="skip",
                   marker={"color": colour, "size": 13, "symbol": "diamond"})
    )  # fmt: skip
    _connect(figure, end)
    low, high = float(min(end.min(), start[~totals].min())), float(max(end.max(), start[~totals].max()))
    _write(figure, frame, np.where(totals, end, np.maximum(start, end)))
    label_rows(figure, list(frame["label"]), width=24)
    room = max(high - low, 1e-9)
    figure.update_xaxes(range=[low - 0.08 * room, high + 0.42 * room], showgrid=True, nticks=5, **format_axis("share"))
    return finish(figure, title, subtitle, height=34 * len(frame) + 40)


def _describe(part: pd.DataFrame) -> np.ndarray:
    texts = []
    for row in part.to_dict("records"):
        text = f"<b>{escape(str(row['label']))}</b><br>{format_points(row['effect'])}"
        if row["kind"] == "segment":
            text += f"<br>{format_share(row['share'])} of the whole"
        if row["small"]:
            text += "<br>few events: read with care"
        elif not row["clear"]:
            text += "<br>cannot be told from no change"
        texts.append(text)
    return np.array(texts, dtype=object)


def _write(figure: go.Figure, frame: pd.DataFrame, right: np.ndarray) -> None:
    """Write each step's size, or the rate at both ends, to the right of it."""
    largest = float(frame.loc[frame["kind"] != "total", "effect"].abs().max())
    texts = [
        f"\u2003<b>{format_share(row['effect'])}</b>\u2002n {format_number(row['n'], 0)}"
        if row["kind"] == "total"
        else f"\u2002{format_points(row['effect'], largest)}"
        for row in frame.to_dict("records")
    ]
    figure.add_trace(
        go.Scatter(x=right, y=np.arange(len(frame)), text=np.array(texts, dtype=object), mode="text", hoverinfo="skip",
                   textposition="middle right", cliponaxis=False, showlegend=False)
    )  # fmt: skip


def _connect(figure: go.Figure, end: np.ndarray) -> None:
    """Draw a thin line from each row's end down to the next row."""
    x = np.repeat(end[:-1], 3)
    rows = np.arange(len(end) - 1)
    y = np.column_stack([rows, rows + 1, rows + 1]).astype(float)
    y[:, 2] = np.nan
    figure.add_trace(
        go.Scatter(x=x, y=y.ravel(), mode="lines", line={"color": TEXT, "width": 1}, opacity=0.5, hoverinfo="skip",
                   showlegend=False)
    )  # fmt: skip
