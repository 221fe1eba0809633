"""Figures of a search for settings: the trials in their order, and what each of them tried."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.template import AMBER, NAVY, SMALL, TEXT, escape, finish
from analytics.words import format_number

_LOSS = "log loss"


def plot_search(frame: pd.DataFrame, *, title: str, subtitle: str) -> go.Figure:
    """Return the log loss of every trial in its order and the best so far as a step line.

    `frame` is that of `follow_search`. Pruned trials are hollow and grey; failed ones have no point.
    """
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(x=frame["number"].to_numpy() + 1, y=frame["best"].to_numpy(dtype=float), mode="lines",
                   name="best so far", showlegend=True, line={"color": NAVY, "width": 2.25, "shape": "hv"},
                   hoverinfo="skip")
    )  # fmt: skip
    for state, name, marker in (
        ("complete", "finished trial", {"color": NAVY, "size": 9, "symbol": "circle"}),
        ("pruned", "pruned trial, on fewer periods", {"color": SMALL, "size": 9, "symbol": "circle-open"}),
    ):
        part = frame[(frame["state"] == state) & frame["log_loss"].notna()]
        if part.empty:
            continue
        said = [
            f"trial {row['number'] + 1}, {state}<br>log loss {format_number(row['log_loss'], 5)}<br>"
            f"{format_number(row['seconds'], 0)} s"
            for row in part.to_dict("records")
        ]
        figure.add_trace(
            go.Scatter(x=part["number"].to_numpy() + 1, y=part["log_loss"].to_numpy(), mode="markers", name=name,
                       showlegend=True, marker=marker, customdata=np.array(said, dtype=object),
                       hovertemplate="%{customdata}<extra></extra>")
        )  # fmt: skip
    count = int(frame["number"].max()) + 1
    figure.update_xaxes(title="trial", tick0=1, dtick=max(1, -(-count // 12)), range=[0.5, count + 0.5])
    figure.update_yaxes(title="log loss on the later periods")
    return finish(figure, title, subtitle, height=260)


def plot_parallel(
    frame: pd.DataFrame, *, marks: Mapping[str, Sequence[tuple[float, str]]], title: str, subtitle: str
) -> go.Figure:
    """Return parallel coordinates: an upright axis a parameter and one for the log loss, a line a trial.

    `frame` is that of `tabulate_settings`; `marks` gives for a parameter the places (0–1) on its axis and the words
    there, as `mark_axes` does. The best trial is thick; the others run from navy (low log loss) to amber; pruned ones
    are grey and dotted, end at the last parameter, for they were not judged on all periods, and lie behind.
    """
    names = list(dict.fromkeys(frame["parameter"]))
    trials = frame.drop_duplicates("number").set_index("number")
    losses = trials.loc[trials["state"] == "complete", "log_loss"]
    low, high = (float(losses.min()), float(losses.max())) if len(losses) else (0.0, 0.0)
    best = losses.idxmin() if len(losses) else None
    figure = go.Figure()
    for number in sorted(trials.index, key=lambda item: (item in losses.index, item == best)):
        height = None
        if number in losses.index:
            height = 0.5 if high == low else (float(losses[number]) - low) / (high - low)
        part = frame[frame["number"] == number]
        figure.add_trace(_trial(part, names, height, best=number == best))
    ends = {0.0: low, 1.0: high} if high > low else {0.5: low} if len(losses) else {}
    _draw_axes(figure, names, {**marks, _LOSS: [(place, format_number(loss, 5)) for place, loss in ends.items()]})
    return finish(figure, title, subtitle, height=340, panels=True)


def _trial(part: pd.DataFrame, names: list[str], height: float | None, *, best: bool) -> go.Scatter:
    """Return one trial's line; `height` is its place on the axis of the log loss, None where it has none there."""
    row = part.iloc[0]
    shade = SMALL if height is None else _tint(height)
    tried = zip(part["parameter"], part["shown"], strict=True)
    said = "<br>".join(f"{escape(name)}: {escape(text)}" for name, text in tried)
    return go.Scatter(
        x=[*(names.index(name) for name in part["parameter"]), *([] if height is None else [len(names)])],
        y=[*part["place"], *([] if height is None else [height])],
        mode="lines+markers", showlegend=False, name=f"trial {row['number'] + 1}", opacity=1 if best else 0.8,
        line={"color": shade, "width": 4 if best else 1.5, "dash": "dot" if height is None else "solid"},
        marker={"size": 9 if best else 5, "color": shade},
        hovertemplate=f"<b>trial {row['number'] + 1}</b>, {escape(row['state'])}<br>log loss "
                      f"{format_number(row['log_loss'], 5)}<br>{said}<extra></extra>",
    )  # fmt: skip


def _draw_axes(figure: go.Figure, names: list[str], marks: Mapping[str, Sequence[tuple[float, str]]]) -> None:
    every = [*names, _LOSS]
    for place, name in enumerate(every):
        figure.add_shape(type="line", x0=place, x1=place, y0=0, y1=1, line={"color": TEXT, "width": 1})
        for y, words in marks[name]:
            inner = 0 < y < 1
            figure.add_annotation(
                x=place, y=y, text=escape(words), showarrow=False, font={"size": 12}, xshift=7 if inner else 0,
                xanchor="left" if inner else "center", yanchor="middle" if inner else "bottom" if y else "top",
                yshift=0 if inner else 3 if y else -3,
            )  # fmt: skip
    figure.update_xaxes(
        tickvals=np.arange(len(every)), ticktext=[f"<b>{escape(name)}</b>" for name in every],
        range=[-0.35, len(names) + 0.35], side="top", showgrid=False,
    )  # fmt: skip
    figure.update_yaxes(visible=False, range=[-0.12, 1.12])


def _tint(height: float) -> str:
    """Return the colour of a place between navy (0) and amber (1)."""
    ends = [tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5)) for colour in (NAVY, AMBER)]
    mixed = [round(a + height * (b - a)) for a, b in zip(*ends, strict=True)]
    return f"#{mixed[0]:02X}{mixed[1]:02X}{mixed[2]:02X}"
