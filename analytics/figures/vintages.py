"""Figures of vintages: cumulative curves from old to new, endings stacked, and the cohort triangle."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.template import (
    CATEGORICAL,
    NAVY,
    RISK_SCALE,
    ROSE,
    SLATE,
    SMALL,
    TEAL,
    TEXT,
    escape,
    fade,
    finish,
    format_axis,
)
from analytics.words import format_interval, format_value

AGES = ("#98A4B5", TEAL, NAVY)  # the oldest line, the middle one, the newest: readable on light and on dark ground
ENDINGS = {"default": ROSE, "prepaid": TEAL, "matured": SLATE}
NAMES = 14  # more lines than this are not named in a legend
CELLS = 16  # more columns than this are too narrow for numbers


def blend(place: float) -> str:
    """Return the colour of a line between the oldest (0) and the newest (1).

    >>> blend(0.0), blend(0.5), blend(1.0)
    ('#98A4B5', '#109A8A', '#2F63B4')
    """
    step = min(int(2 * place), 1)
    ends = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in AGES[step : step + 2]]
    return "#" + "".join(f"{round(a + (2 * place - step) * (b - a)):02X}" for a, b in zip(*ends, strict=True))


def plot_vintage_curves(
    frame: pd.DataFrame,
    *,
    title: str,
    subtitle: str,
    age: int | None = None,
    latest: str = "",
    named: Sequence[str] = (),
) -> go.Figure:
    """Return a line a vintage (oldest first) of incidence by months_on_book.

    The vintage `latest` stands out; it and those `named` carry their names at the line's end. Parts with few loans at
    risk, or which not every loan of the vintage has reached, are dotted. `age` is marked.
    """
    figure = go.Figure()
    names = sorted(frame["vintage"].unique())
    for place, name in enumerate(names):
        rows = frame[frame["vintage"] == name]
        colour = ROSE if name == latest else blend(place / max(1, len(names) - 1))
        width = 3.0 if name == latest else 2.5 if name in named else 1.5
        _add_curve(figure, rows, name, colour, width, named=len(names) <= NAMES)
        if name == latest or name in named:
            _label_end(figure, rows, name, colour)
    if age is not None:
        figure.add_vline(x=age, line={"color": TEXT, "width": 1, "dash": "dot"})
    figure.update_xaxes(title="Months on book", dtick=_step(frame["months_on_book"]), rangemode="tozero")
    figure.update_yaxes(rangemode="tozero", nticks=6, **format_axis("share"))
    return finish(figure, title, subtitle, height=340)


def _step(ages: pd.Series) -> int:
    longest = int(ages.max()) if len(ages) else 0
    return next(step for step in (3, 6, 12, 24, 60, 120) if longest <= 14 * step or step == 120)


def _add_curve(figure: go.Figure, rows: pd.DataFrame, name: str, colour: str, width: float, *, named: bool) -> None:
    thin = rows["small"].to_numpy(dtype=bool) | ~rows["complete"].to_numpy(dtype=bool)
    values = rows["incidence"].to_numpy(dtype=float)
    # The dotted part begins where the full one ends, so that the line has no gap.
    dotted = thin | np.concatenate([thin[1:], [False]])
    for few, shown, dash in ((False, ~thin, "solid"), (True, dotted, "dot")):
        if (thin if few else shown).any():
            figure.add_trace(
                go.Scatter(
                    x=rows["months_on_book"].to_numpy(),
                    y=np.where(shown, values, np.nan),
                    name=escape(name),
                    legendgroup=name,
                    mode="lines",
                    line={"color": colour, "width": width, "dash": dash},
                    **_details(rows, name),
                    showlegend=named and not few,
                )
            )


_HOVER = (
    ", month %{x}<br>%{y:.2%} [%{customdata[0]:.2%}, %{customdata[1]:.2%}]<br>at risk %{customdata[2]:,}<extra></extra>"
)


def _details(rows: pd.DataFrame, name: str) -> dict[str, object]:
    """Return what the hover says: numbers and a pattern, because a book has ten thousands of points."""
    numbers = rows[["incidence_low", "incidence_high", "at_risk"]].to_numpy(dtype=float)
    return {"customdata": numbers, "hovertemplate": f"<b>{escape(name)}</b>{_HOVER}"}


def _label_end(figure: go.Figure, rows: pd.DataFrame, name: str, colour: str) -> None:
    last = rows.iloc[-1]
    figure.add_annotation(
        x=last["months_on_book"], y=last["incidence"], text=f"<b>{escape(name)}</b>", showarrow=False,
        xanchor="left", yanchor="middle", xshift=5, font={"color": colour},
    )  # fmt: skip


def plot_endings(frame: pd.DataFrame, labels: dict[str, str], *, title: str, subtitle: str) -> go.Figure:
    """Return the share of loans ended by each cause, stacked, by months_on_book; what is left to 100 % is on the book.

    `frame` is that of `compute_incidence` without groups; `labels` names the causes, the first at the bottom.
    """
    figure = go.Figure()
    for cause, label in labels.items():
        rows = frame[frame["cause"] == cause]
        colour = ENDINGS.get(cause, SLATE)
        figure.add_trace(
            go.Scatter(
                x=rows["months_on_book"].to_numpy(),
                y=rows["incidence"].to_numpy(dtype=float),
                name=escape(label),
                stackgroup="endings",
                mode="lines",
                line={"color": colour, "width": 1.5},
                fillcolor=fade(colour, 0.45),
                **_details(rows, label),
                showlegend=True,
            )
        )
    figure.update_xaxes(title="Months on book", dtick=_step(frame["months_on_book"]))
    figure.update_yaxes(range=[0, 1], **format_axis("share"))
    return finish(figure, title, subtitle, height=320)


def plot_incidence_by(frame: pd.DataFrame, group: str, *, title: str, subtitle: str) -> go.Figure:
    """Return a line with its interval per value of `group`, in the order of the frame, by months_on_book."""
    figure = go.Figure()
    for place, name in enumerate(frame[group].unique()):
        rows, colour = frame[frame[group] == name], CATEGORICAL[place % len(CATEGORICAL)]
        ages = rows["months_on_book"].to_numpy()
        hidden = {"x": ages, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
        figure.add_trace(go.Scatter(y=rows["incidence_high"].to_numpy(dtype=float), **hidden))
        figure.add_trace(go.Scatter(y=rows["incidence_low"].to_numpy(dtype=float), fill="tonexty",
                                    fillcolor=fade(colour, 0.2), **hidden))  # fmt: skip
        label = format_value(name)
        figure.add_trace(go.Scatter(x=ages, y=rows["incidence"].to_numpy(dtype=float), name=escape(label),
                                    mode="lines", line={"color": colour, "width": 2.25}, showlegend=True,
                                    **_details(rows, label)))  # fmt: skip
    figure.update_xaxes(title="Months on book", dtick=_step(frame["months_on_book"]))
    figure.update_yaxes(rangemode="tozero", nticks=6, **format_axis("share"))
    return finish(figure, title, subtitle, height=320)


def plot_triangle(frame: pd.DataFrame, *, title: str, subtitle: str, scale: Sequence[str] = RISK_SCALE) -> go.Figure:
    """Return the cohort triangle: vintages down, months on book across, incidence as colour and, with room, number.

    Cells flagged `small` are grey; ages not yet reached are blank.
    """
    table = frame.pivot_table(index="vintage", columns="months_on_book", values="incidence", sort=True)
    few = frame.pivot_table(index="vintage", columns="months_on_book", values="small", aggfunc="max", sort=True)
    grey = few.to_numpy(dtype=float) == 1
    values = table.to_numpy(dtype=float)
    texts = np.array([["" if np.isnan(v) else format_value(v, "share") for v in row] for row in values], dtype=object)
    described = [
        f"<b>{escape(str(row['vintage']))}</b>, month {row['months_on_book']}<br>"
        f"{format_value(row['incidence'], 'share')} "
        f"{format_interval(row['incidence_low'], row['incidence_high'], 'share')}<br>"
        f"at risk {row['at_risk']:,}, {row['events']:,} until then"
        for row in frame.to_dict("records")
    ]
    hover = frame.assign(text=described).pivot_table(
        index="vintage", columns="months_on_book", values="text", aggfunc="first"
    )
    figure = go.Figure()
    for chosen, colours, bar in ((~grey, list(scale), True), (grey, [[0, SMALL], [1, SMALL]], False)):
        figure.add_trace(
            go.Heatmap(
                z=np.where(chosen, values, np.nan), x=np.array([f"{age}" for age in table.columns]),
                y=table.index.to_numpy(),
                colorscale=colours, showscale=bar, zmin=0, zmax=np.nanmax(values, initial=1e-9), xgap=1, ygap=1,
                text=np.where(chosen, texts.reshape(values.shape), ""),
                texttemplate="%{text}" if values.shape[1] <= CELLS else None, customdata=hover.to_numpy(),
                hovertemplate="%{customdata}<extra></extra>", hoverongaps=False,
                colorbar={"thickness": 10, "tickformat": ".3~%", "outlinewidth": 0},
            )
        )  # fmt: skip
    figure.update_xaxes(title="Months on book", type="category", side="bottom", nticks=24)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False, nticks=30)
    return finish(figure, title, subtitle, height=min(24 * len(table), 640) + 60)
