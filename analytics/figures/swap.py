"""Figures of a swap set: the four cells of two models' decisions, and what tells the loans that change sides apart."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import label_rows
from analytics.figures.template import SLATE, SMALL, escape, fade, finish

# Column and row of each cell: the champion decides the column, the challenger the row; approvals come first.
_PLACES = {"approved by both": (0, 0), "swapped in": (1, 0), "swapped out": (0, 1), "declined by both": (1, 1)}


def plot_swap_cells(
    frame: pd.DataFrame,
    *,
    champion: str,
    challenger: str,
    colours: tuple[str, str],
    title: str,
    subtitle: str,
) -> go.Figure:
    """Return the 2 × 2 of decisions: a box a cell with the cell's `heading` and `lines` (text joined by line breaks).

    `colours` are the champion's and the challenger's: a cell that only one approves has its colour. A cell whose
    rate is `small` is written in grey.
    """
    figure = go.Figure()
    tints = {"swapped out": fade(colours[0], 0.22), "swapped in": fade(colours[1], 0.22)}
    for row in frame.to_dict("records"):
        x, y = _PLACES[row["cell"]]
        figure.add_shape(
            type="rect", x0=x - 0.485, x1=x + 0.485, y0=y - 0.475, y1=y + 0.475, layer="below",
            line={"width": 0}, fillcolor=tints.get(row["cell"], fade(SLATE, 0.1)),
        )  # fmt: skip
        colour = SMALL if row["small"] else None
        lines = "<br>".join(escape(line) for line in str(row["lines"]).split("\n"))
        text = f"<b>{escape(str(row['heading']))}</b><br>{lines}"
        font = {"size": 13, **({"color": colour} if colour else {})}
        figure.add_annotation(x=x, y=y, text=text, showarrow=False, align="center", font=font)
    # Without a trace plotly draws no axes.
    figure.add_trace(go.Scatter(x=np.array([0, 1]), y=np.array([0, 1]), mode="markers", marker={"opacity": 0},
                                hoverinfo="skip", showlegend=False))  # fmt: skip
    columns, rows = (np.array([f"{escape(name)}<br>{word}" for word in ("approves", "declines")], dtype=object)
                    for name in (champion, challenger))  # fmt: skip
    ends = {"tickvals": np.array([0, 1]), "showgrid": False, "zeroline": False}
    figure.update_xaxes(ticktext=columns, range=[-0.5, 1.5], **ends)
    figure.update_yaxes(ticktext=rows, range=[1.5, -0.5], **ends)
    return finish(figure, title, subtitle, height=430, panels=True)  # room between the subtitle and the boxes


def plot_swap_drivers(
    frame: pd.DataFrame, labels: Sequence[str], *, title: str, subtitle: str, colours: tuple[str, str]
) -> go.Figure:
    """Return a bar a field: the size of the effect, coloured by the side that has more of it.

    `frame` holds rows of `compute_comparison` with `side` (0: more on the champion's side, the swapped-out; 1: on the
    challenger's; -1: neither) and `text`, what differs. Fields that chance alone could explain (q > 5 %) are pale.
    """
    rows, size = np.arange(len(frame)), frame["size"].to_numpy(dtype=float)
    clear = frame["q"].to_numpy(dtype=float) <= 0.05
    side = frame["side"].to_numpy(dtype=int)
    figure = go.Figure()
    for value, name, tint in ((1, "more among the swapped-in", colours[1]), (0, "more among the swapped-out",
                              colours[0]), (-1, "no direction", SLATE)):  # fmt: skip
        chosen = side == value
        if not chosen.any():
            continue
        figure.add_trace(
            go.Bar(
                x=size[chosen], y=rows[chosen], orientation="h", name=name, showlegend=True, width=0.6,
                marker={"color": np.where(clear[chosen], tint, fade(tint, 0.3)), "line": {"width": 0}},
                customdata=np.array([escape(text) for text in frame["text"][chosen]], dtype=object),
                hovertemplate="%{customdata}<br>effect %{x:.2f}<extra></extra>",
            )
        )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=size, y=rows, mode="text", hoverinfo="skip", showlegend=False, cliponaxis=False,
            text=np.array([f"\u2002{escape(text)}" for text in frame["text"]], dtype=object),
            textposition="middle right", textfont={"size": 12},
        )
    )  # fmt: skip
    label_rows(figure, list(labels), width=26)
    top = float(np.nanmax(size, initial=0.0))
    figure.update_xaxes(
        title="effect, 0 to 1",
        range=[0, 2.1 * top or 1],
        showgrid=True,
        tickformat=".2~f",
        tickvals=np.arange(0, min(1.0, 1.3 * top) + 1e-9, 0.2 if top > 0.3 else 0.1),
    )
    return finish(figure, title, subtitle, height=30 * len(frame) + 60)
