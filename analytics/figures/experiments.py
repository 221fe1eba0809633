"""Experiments drawn: the leaderboard, differences from one of them, quality against cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from analytics.figures.axes import label_rows
from analytics.figures.template import (
    AMBER,
    CLAY,
    NAVY,
    OLIVE,
    ROSE,
    SLATE,
    SMALL,
    TEAL,
    TEXT,
    VIOLET,
    escape,
    fade,
    finish,
    marker_of,
    wrap,
)
from analytics.words import format_interval, format_number

FAMILY_COLOURS = {"scorecard": NAVY, "boosting": TEAL, "neural": VIOLET, "mlp": VIOLET, "tabm": AMBER,
                  "sequence": ROSE, "logistic": SLATE, "additive": OLIVE, "competing": CLAY}  # fmt: skip
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_ROW = 30  # pixels an experiment


@dataclass(frozen=True)
class Look:
    """How an experiment is drawn everywhere: its family's colour, and a dash of its own among those of the colour."""

    colour: str
    dash: str = "solid"

    @property
    def symbol(self) -> str:
        """The marker that goes with the colour, open for all but the first of the colour."""
        name = marker_of(self.colour)
        return name if self.dash == DASHES[0] else f"{name}-open"


def family_looks(families: Mapping[str, str], champion: str = "scorecard") -> dict[str, Look]:
    """Return each experiment's look from its family, the champion's family in navy as on every page.

    >>> looks = family_looks({"a": "boosting", "b": "boosting", "c": "logistic"}, champion="logistic")
    >>> looks["a"].colour == TEAL, looks["b"].dash, looks["c"].colour == NAVY
    (True, 'dash', True)
    """
    colours = dict(FAMILY_COLOURS)
    if champion in colours:  # the two change places
        colours["scorecard"], colours[champion] = colours[champion], NAVY
    used: dict[str, int] = {}
    looks = {}
    for name, family in families.items():
        colour = colours.get(family, SLATE)
        place = used.get(colour, 0)
        looks[name] = Look(colour, DASHES[1 + (place - 1) % (len(DASHES) - 1)] if place else DASHES[0])
        used[colour] = used.get(colour, 0) + 1
    return looks


def plot_leaderboard(
    board: pd.DataFrame,
    apart: pd.DataFrame,
    *,
    looks: Mapping[str, Look],
    against: str,
    title: str,
    subtitle: str,
) -> go.Figure:
    """Return a row an experiment: its Gini with interval and range over seeds, and its difference from `against`.

    `board` has name, title, gini, low, high, seed_low, seed_high, seeds, n, events, best first; `apart` has name,
    difference, low, high, verdict. A difference that is not clear is grey.
    """
    names = list(board["name"])
    figure = make_subplots(
        1, 2, shared_yaxes=True, horizontal_spacing=0.04, column_widths=[0.55, 0.45],
        subplot_titles=["Gini", wrap(f"difference from {against}", 44)],
    )  # fmt: skip
    figure.update_annotations(font={"size": 13}, yshift=2)
    for place, row in enumerate(board.to_dict("records")):
        look = looks[row["name"]]
        if row["seeds"] > 1:
            figure.add_trace(_seeds(row, place, look), row=1, col=1)
        figure.add_trace(_point(row["gini"], row, place, look.colour, look.symbol, _say_gini(row)), row=1, col=1)
    for row in apart[apart["name"].isin(names)].to_dict("records"):
        look = looks[row["name"]]
        shade = look.colour if row["verdict"] in ("better", "worse") else SMALL
        said = _say_difference(row, against)
        trace = _point(row["difference"], row, names.index(row["name"]), shade, look.symbol, said)
        figure.add_trace(trace, row=1, col=2)
    if len(apart):  # a line would not be drawn on an empty panel
        figure.add_vline(0, line={"color": TEXT, "width": 1, "dash": "dot"}, row=1, col=2)
    label_rows(figure, names, width=26)
    figure.update_xaxes(showgrid=True, nticks=6)
    return finish(figure, title, subtitle, height=_ROW * max(3, len(names)) + 44, panels=True)


def _seeds(row: Mapping[Any, Any], place: int, look: Look) -> go.Scatter:
    return go.Scatter(
        x=[row["seed_low"], row["seed_high"]], y=[place + 0.26] * 2, mode="lines+markers", showlegend=False,
        line={"color": fade(look.colour, 0.7), "width": 1}, marker={"symbol": "line-ns-open", "size": 7,
                                                                    "color": look.colour},
        hovertemplate=f"{row['seeds']} seeds: Gini {row['seed_low']:.3f} to {row['seed_high']:.3f}<extra></extra>",
    )  # fmt: skip


def _point(
    value: float, row: Mapping[Any, Any], place: float, colour: str, symbol: str, said: str, name: str = ""
) -> go.Scatter:
    return go.Scatter(
        x=[value], y=[place], mode="markers", showlegend=False, name=escape(name or str(row["name"])),
        error_x={"type": "data", "array": [row["high"] - value], "arrayminus": [value - row["low"]], "thickness": 2,
                 "width": 0, "color": colour},
        marker={"color": colour, "size": 10, "symbol": symbol}, customdata=[said],
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip


def _say_gini(row: Mapping[Any, Any]) -> str:
    return (
        f"<b>{escape(str(row['name']))}</b>, {escape(str(row['title']))}<br>Gini {row['gini']:.3f} "
        f"{format_interval(row['low'], row['high'], digits=3)}<br>n {row['n']:,}, events {row['events']:,}"
    )


def _say_difference(row: Mapping[Any, Any], against: str) -> str:
    return (
        f"<b>{escape(str(row['name']))}</b> − {escape(against)}<br>{format_number(row['difference'], 3)} "
        f"{format_interval(row['low'], row['high'], digits=3)}<br>{row['verdict']}"
    )


def plot_variants(frame: pd.DataFrame, *, looks: Mapping[str, Look], title: str, subtitle: str, axis: str) -> go.Figure:
    """Return a row a variant of an experiment: its paired difference from the full one, under the full one's name.

    `frame` has full, name, variant (what it lacks, in words), difference, low, high, verdict. Grey where not clear.
    """
    figure = go.Figure()
    figure.add_vline(0, line={"color": TEXT, "width": 1, "dash": "dot"})
    labels: list[str] = []
    for full, part in frame.groupby("full", sort=False):
        labels.append(f"{full}:")
        for row in part.to_dict("records"):
            look = looks[row["name"]]
            shade = look.colour if row["verdict"] in ("better", "worse") else SMALL
            said = f"{escape(row['variant'])}<br>{_say_difference(row, str(full))}"
            figure.add_trace(_point(row["difference"], row, len(labels), shade, marker_of(look.colour), said))
            labels.append(str(row["variant"]))
    label_rows(figure, labels, width=40)
    fulls = {f"{full}:" for full in frame["full"]}
    bold = [f"<b>{wrap(text, 40)}</b>" if text in fulls else wrap(text, 40) for text in labels]
    figure.update_yaxes(ticktext=np.array(bold, dtype=object))
    figure.update_xaxes(title=escape(axis), showgrid=True, nticks=7)
    return finish(figure, title, subtitle, height=_ROW * max(3, len(labels)) + 40)


def plot_sizes(frame: pd.DataFrame, *, looks: Mapping[str, Look], title: str, subtitle: str, subject: str) -> go.Figure:
    """Return the Gini by the share of the development loans learnt from, a line with intervals a model.

    `frame` has full (whose line it is), name, share (0–1), loans, gini, low, high; the share has a logarithmic axis.
    """
    figure = go.Figure()
    fulls = list(dict.fromkeys(frame["full"]))
    for full in fulls:
        part, look = frame[frame["full"] == full].sort_values("share"), looks[full]
        value = part["gini"].to_numpy(dtype=float)
        said = [
            f"<b>{escape(row['name'])}</b><br>{100 * row['share']:g} % of the {escape(subject)}s, {row['loans']:,}<br>"
            f"Gini {row['gini']:.3f} {format_interval(row['low'], row['high'], digits=3)}"
            for row in part.to_dict("records")
        ]
        figure.add_trace(
            go.Scatter(
                x=part["share"].to_numpy(dtype=float), y=value, mode="lines+markers", name=escape(full),
                showlegend=True, line={"color": look.colour, "width": 2, "dash": look.dash},
                marker={"color": look.colour, "size": 9, "symbol": marker_of(look.colour)},
                error_y={"type": "data", "array": part["high"].to_numpy(dtype=float) - value, "thickness": 1.5,
                         "arrayminus": value - part["low"].to_numpy(dtype=float), "width": 0, "color": look.colour},
                customdata=np.array(said, dtype=object), hovertemplate="%{customdata}<extra></extra>",
            )
        )  # fmt: skip
    ticks = np.sort(frame["share"].unique().astype(float))
    ends = np.log10([ticks.min() / 1.25, ticks.max() * 1.25])
    figure.update_xaxes(
        type="log", tickvals=ticks, ticktext=[f"{100 * tick:g} %" for tick in ticks], range=ends,
        title=f"share of the development {escape(subject)}s that is learnt from",
    )  # fmt: skip
    figure.update_yaxes(title="Gini")
    return finish(figure, title, subtitle, height=320)
