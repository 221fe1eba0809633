"""Figure of a disagreement: the way from the champion's PD to the challenger's, feature by feature."""

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import label_rows, pd_axis
from analytics.figures.template import LOWERS, RAISES, TEXT, escape, fade, finish, marker_of
from analytics.odds import to_factor, to_pd
from analytics.words import format_factor, format_interval, format_share

ENDS = ("start", "end")


def plot_difference(
    steps: pd.DataFrame, *, names: tuple[str, str], colours: tuple[str, str], title: str, subtitle: str
) -> go.Figure:
    """Return the steps of `list_difference_steps` as a waterfall from champion (top) to challenger (bottom).

    The axis is log-odds, labelled with PDs. Bars to the right: the challenger takes the feature for riskier than the
    champion does. Each says by how much in log-odds and as a factor on the odds; whiskers are the means' intervals.
    """
    rows = np.arange(len(steps))
    start, end, size = (steps[name].to_numpy(dtype=float) for name in ("start", "end", "contribution"))
    moves = ~steps["kind"].isin(ENDS).to_numpy()
    figure = go.Figure()
    for name, tint, chosen in (
        (f"+ riskier to {names[1]}", RAISES, moves & (size >= 0)),
        (f"− safer to {names[1]}", LOWERS, moves & (size < 0)),
    ):
        if chosen.any():
            figure.add_trace(_bars(steps[chosen], rows[chosen], name, tint))
    joints = np.column_stack([end[:-1], end[:-1], np.full(len(rows) - 1, np.nan)]).ravel()
    heights = np.column_stack([rows[:-1], rows[1:], np.full(len(rows) - 1, np.nan)]).ravel()
    thin = {"color": fade(TEXT, 0.5), "width": 1}
    figure.add_trace(go.Scatter(x=joints, y=heights, mode="lines", line=thin, hoverinfo="skip", showlegend=False))
    for place, colour in zip((0, len(steps) - 1), colours, strict=True):
        marker = {"color": colour, "size": 13, "symbol": marker_of(colour)}
        figure.add_trace(
            go.Scatter(x=end[[place]], y=rows[[place]], mode="markers", marker=marker, hoverinfo="skip",
                       showlegend=False)
        )  # fmt: skip
    tips = np.where(moves, np.maximum(start, end), end)
    reach = np.fmax(tips, start + steps["high"].to_numpy(dtype=float))
    figure.add_trace(
        go.Scatter(x=np.where(moves, reach, tips), y=rows, text=_texts(steps), mode="text", hoverinfo="skip",
                   textposition="middle right", showlegend=False, cliponaxis=False)
    )  # fmt: skip
    low, high = float(np.fmin(start[moves], end[moves]).min(initial=end.min())), float(reach.max())
    room = max(high - low, 0.2)
    ticks = pd_axis(float(to_pd(low - 0.05 * room)), float(to_pd(high + 0.05 * room)), log_odds=True, count=6)
    told = zip(steps["label"].astype(str), steps["value"].astype(str), strict=True)
    label_rows(figure, [f"{label}: {value}" if value else label for label, value in told])
    figure.update_xaxes(title="PD, log-odds scale", range=[low - 0.06 * room, high + 0.28 * room], showgrid=True,
                        tickangle=0, **ticks)  # fmt: skip
    return finish(figure, title, subtitle, height=27 * len(steps) + 48, width_hint=100)


def _bars(part: pd.DataFrame, rows: np.ndarray, name: str, tint: str) -> go.Bar:
    size, high, low = (part[column].to_numpy(dtype=float) for column in ("contribution", "high", "low"))
    whiskers = {"type": "data", "array": np.nan_to_num(high - size), "arrayminus": np.nan_to_num(size - low),
                "color": TEXT, "thickness": 1.5, "width": 3}  # fmt: skip
    return go.Bar(
        x=size, base=part["start"].to_numpy(dtype=float), y=rows, orientation="h", name=escape(name), width=0.6,
        marker={"color": tint, "line": {"width": 0}}, showlegend=True,
        error_x=whiskers if np.isfinite(high).any() else None,
        customdata=np.array([_hover(row) for row in part.to_dict("records")], dtype=object),
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip


def _hover(row: dict[Any, Any]) -> str:
    low, high, size = float(row["low"]), float(row["high"]), float(row["contribution"])
    lines = [f"<b>{escape(str(row['label']))}</b>", f"{size:+.3f} log-odds"]
    if np.isfinite(low):
        lines.append(f"interval of the mean {format_interval(low, high, digits=3)}")
    if row["only"]:
        lines.append(f"only the {row['only']!s} uses it")
    return "<br>".join(lines)


def _texts(steps: pd.DataFrame) -> np.ndarray:
    texts = []
    for kind, size, end in zip(steps["kind"], steps["contribution"], steps["end"], strict=True):
        if kind in ENDS:
            texts.append(f"\u2003<b>PD {format_share(float(to_pd(end)))}</b>")
        else:
            shown = f"{size:+.2f}".replace("-", "−")
            texts.append(f"\u2002<b>{shown}</b>\u2002×{format_factor(to_factor(size))}")
    return np.array(texts, dtype=object)
