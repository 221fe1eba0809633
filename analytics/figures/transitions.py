"""Figures of moves between states: heat maps of rates, the matrix, two matrices' difference, and the Sankey."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.template import (
    AMOUNT_SCALE,
    ARREARS_STAGES,
    LOWERS,
    RAISES,
    RISK_SCALE,
    SLATE,
    SMALL,
    TEAL,
    TEXT,
    fade,
    finish,
)
from analytics.words import format_interval, format_number, format_share

COLOURS = {
    "current": TEAL, "30": ARREARS_STAGES["arrears_30"], "60": ARREARS_STAGES["arrears_60"],
    "default": ARREARS_STAGES["arrears_90"], "prepaid": SLATE, "matured": SLATE, "written off": "#8E4A63",
}  # fmt: skip
# Shares run from 0.1 % to 99 %: the colours are spread so that both ends tell cells apart.
_SPREAD = (0.0, 0.01, 0.1, 0.4, 1.0)
_BLANK = "rgba(100, 116, 139, 0.08)"


def plot_rate_map(
    frame: pd.DataFrame, labels: Mapping[tuple[str, str], str], *, value: str, title: str, subtitle: str
) -> go.Figure:
    """Return one row per rate (in the order of `labels`), one column per period, coloured by `position`.

    Roll rates are in the risk scale, cure rates in the amount scale; cells flagged `small` are grey.
    """
    figure = go.Figure()
    periods = sorted(frame["period"].unique())
    rows = {pair: place for place, pair in enumerate(labels)}
    columns = {period: place for place, period in enumerate(periods)}
    empty = np.full((len(rows), len(periods)), np.nan)
    grids = {"roll": empty.copy(), "cure": empty.copy(), "few": empty.copy()}
    hover = np.full(empty.shape, "", dtype=object)
    for row in frame.to_dict("records"):
        pair = (row["state_before"], row["state"])
        spot = (rows[pair], columns[row["period"]])
        grids["few" if row["small"] else row["kind"]][spot] = 0.0 if row["small"] else row["position"]
        hover[spot] = f"<b>{labels[pair]}</b>, {row['period']}<br>{_rate(row, value)}<br>n {row['n']:,}"
    gap = 1 if len(periods) <= 60 else 0
    scales = {"roll": list(RISK_SCALE), "cure": list(AMOUNT_SCALE), "few": [[0, SMALL], [1, SMALL]]}
    for name, grid in grids.items():
        figure.add_trace(
            go.Heatmap(z=grid, x=np.array(periods), y=np.arange(len(rows)), zmin=0, zmax=1, colorscale=scales[name],
                       showscale=False, xgap=gap, ygap=2, customdata=hover,
                       hovertemplate="%{customdata}<extra></extra>", hoverongaps=False)
        )  # fmt: skip
    figure.update_xaxes(type="category", nticks=14)
    _label(figure, list(labels.values()))
    return finish(figure, title, subtitle, height=34 * len(rows) + 50)


def _rate(row: Mapping[Any, Any], value: str) -> str:
    interval = f" {format_interval(row['share_low'], row['share_high'], 'share')}" if value == "share" else ""
    return f"{format_share(row[value])}{interval}"


def _label(figure: go.Figure, labels: Sequence[str]) -> None:
    figure.update_yaxes(
        tickvals=np.arange(len(labels)), ticktext=np.array(labels, dtype=object), range=[len(labels) - 0.5, -0.5],
        showgrid=False,
    )  # fmt: skip


def plot_matrix(frame: pd.DataFrame, labels: Mapping[str, str], *, value: str, title: str, subtitle: str) -> go.Figure:
    """Return the transition matrix: states before down, states after across, with share and number in each cell.

    `value` is share or share_exposure. Cells with no move are blank, cells flagged `small` grey.
    """
    grids = _pivot(frame, [value, "loans", "small", "n"])
    shares, loans = grids[value], grids["loans"]
    happened = loans > 0
    grey = happened & (grids["small"] == 1)
    texts = np.array([[f"{format_share(s)}<br>{format_number(k)}" if k else "" for s, k in zip(*pair, strict=True)]
                      for pair in zip(shares, loans, strict=True)], dtype=object).reshape(shares.shape)  # fmt: skip
    figure = go.Figure()
    stops = [[place, colour] for place, colour in zip(_SPREAD, AMOUNT_SCALE, strict=True)]
    for chosen, scale in ((happened & ~grey, stops), (grey, [[0, SMALL], [1, SMALL]])):
        _add_cells(figure, frame, labels, np.where(chosen, shares, np.nan), scale, (0.0, 1.0), texts)
    totals = grids["n"][:, 0]
    befores = [f"{labels[state]}<br>n {format_number(n)}" for state, n in zip(_befores(frame), totals, strict=True)]
    _label(figure, befores)
    return finish(figure, title, subtitle, height=52 * len(befores) + 60)


def plot_matrix_difference(
    frame: pd.DataFrame, labels: Mapping[str, str], *, value: str, title: str, subtitle: str
) -> go.Figure:
    """Return the differences of two matrices in percentage points; only those that differ are coloured."""
    grids = _pivot(frame, [value, "differs", "share", "share_reference"])
    values, told = grids[value], grids["differs"] == 1
    either = (np.nan_to_num(grids["share"]) > 0) | (np.nan_to_num(grids["share_reference"]) > 0)
    texts = np.array([[_points(v) if shown else "" for v, shown in zip(*pair, strict=True)]
                      for pair in zip(values, either, strict=True)], dtype=object).reshape(values.shape)  # fmt: skip
    figure = go.Figure()
    most = float(np.nanmax(np.abs(np.where(told, values, np.nan)), initial=1e-9))
    scale = [[0, LOWERS], [0.5, "#F1F5F9"], [1, RAISES]]
    _add_cells(figure, frame, labels, np.where(told, values, np.nan), scale, (-most, most), texts)
    quiet = np.where(either & ~told, 0.0, np.nan)
    # Plotly judges the contrast of a text by the cell's colour as if it were opaque, so this one is given.
    _add_cells(figure, frame, labels, quiet, [[0, _BLANK], [1, _BLANK]], (0.0, 1.0), texts, TEXT)
    befores = [labels[state] for state in _befores(frame)]
    _label(figure, befores)
    return finish(figure, title, subtitle, height=40 * len(befores) + 60)


def _points(difference: float) -> str:
    return "" if np.isnan(difference) else f"{100 * difference:+.2f} pp".replace("-", "−")


def _befores(frame: pd.DataFrame) -> list[str]:
    return list(frame["state_before"].unique())


def _pivot(frame: pd.DataFrame, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return each column as a grid of states before × states after, both in the frame's order."""
    befores, afters = _befores(frame), list(frame["state"].unique())
    keyed = frame.set_index(["state_before", "state"])
    return {name: keyed[name].unstack().reindex(index=befores, columns=afters).to_numpy(dtype=float) for name in names}


def _add_cells(
    figure: go.Figure, frame: pd.DataFrame, labels: Mapping[str, str], values: np.ndarray, scale: list[list[object]],
    ends: tuple[float, float], texts: np.ndarray, colour: str | None = None,
) -> None:  # fmt: skip
    afters = np.array([labels[state] for state in frame["state"].unique()], dtype=object)
    figure.add_trace(
        go.Heatmap(z=values, x=afters, y=np.arange(values.shape[0]), zmin=ends[0], zmax=ends[1], colorscale=scale,
                   showscale=False, xgap=2, ygap=2, text=np.where(np.isnan(values), "", texts), texttemplate="%{text}",
                   textfont={"color": colour} if colour else None, hoverongaps=False,
                   hovertemplate="to %{x}<br>%{text}<extra></extra>")
    )  # fmt: skip


def plot_sankey(frame: pd.DataFrame, labels: Mapping[str, str], *, value: str, title: str, subtitle: str) -> go.Figure:
    """Return loans' ways from the state of a month (left) to that of the next (right), as wide as `value` (loans or
    exposure_before)."""
    befores = [state for state in labels if state in set(frame["state_before"])]
    afters = [state for state in labels if state in set(frame["state"])]
    left, right = ({state: place for place, state in enumerate(names)} for names in (befores, afters))
    share = "share" if value == "loans" else "share_exposure"
    hover = [
        f"{labels[row['state_before']]} → {labels[row['state']]}<br>{format_share(row[share])} of "
        f"{row['n']:,} loans: {row['loans']:,}" for row in frame.to_dict("records")
    ]  # fmt: skip
    sums = [frame.groupby(key)["loans"].sum() for key in ("state_before", "state")]
    names = [f"{labels[state]} · {sums[0][state]:,}" for state in befores]
    names += [f"{labels[state]} · {sums[1][state]:,}" for state in afters]
    figure = go.Figure(
        go.Sankey(
            arrangement="snap",
            node={"label": np.array(names, dtype=object), "color": [COLOURS[state] for state in [*befores, *afters]],
                  "pad": 18, "thickness": 16, "line": {"width": 0}, "hovertemplate": "%{label}<extra></extra>"},
            link={"source": np.array([left[state] for state in frame["state_before"]]),
                  "target": np.array([len(befores) + right[state] for state in frame["state"]]),
                  "value": frame[value].to_numpy(dtype=float),
                  "color": [fade(COLOURS[state], 0.35) for state in frame["state"]],
                  "customdata": np.array(hover, dtype=object), "hovertemplate": "%{customdata}<extra></extra>"},
        )
    )  # fmt: skip
    return finish(figure, title, subtitle, height=340)
