"""Forest plots: one row a group of loans, its value with its own and its simultaneous interval."""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.template import GRID, SMALL, TEXT, escape, finish, marker_of, wrap
from analytics.words import format_interval, format_number, format_value

_ROW, _LINE = 24, 16  # pixels


def plot_forest(
    frame: pd.DataFrame,
    *,
    colours: Mapping[str, str],
    title: str,
    subtitle: str,
    axis: str,
    beside: str = "",
    reference: float = 0.0,
    margin: float | None = None,
    band: tuple[float, float] | None = None,
    unit: str = "",
    digits: int | None = 3,
    log: bool = False,
    turned: bool = False,
    hollow: Collection[str] = (),
    width: int = 30,
) -> go.Figure:
    """Return one row per (group, label) of `frame`, top to bottom in its order, groups under their own headings.

    Columns: group, label, series (names the colour), value, low, high (this row alone, thick), low_wide, high_wide
    (simultaneous, thin), small (grey and hollow) and `beside`, text for the right edge. Several series of one row
    stand under each other. `reference` is the line of no difference, `margin` a dotted line, `band` a shaded range;
    `log` takes a logarithmic axis, `turned` one that falls to the right; `hollow` names series with open markers. What
    lies beyond the axis stands at its edge.
    """
    rows = _place(frame)
    low, high = _range(frame, reference, margin, band, log=log)
    figure = go.Figure()
    if band is not None:
        figure.add_vrect(*band, fillcolor=GRID, line_width=0, layer="below")
    figure.add_vline(reference, line={"color": TEXT, "width": 1})
    if margin is not None:
        figure.add_vline(margin, line={"color": TEXT, "width": 1, "dash": "dot"})
    several = [name for name in colours if name in set(frame["series"])]
    repeated = bool(frame.duplicated(["group", "label"]).any())
    for order, name in enumerate(several):
        shift = (order + 0.5) / len(several) * 0.7 - 0.35 if repeated else 0.0
        part = frame[frame["series"] == name]
        heights = rows[part.index.to_numpy()] + shift
        for trace in _traces(part, heights, name, colours[name], (low, high), unit, digits, hollow=name in hollow):
            figure.add_trace(trace)
    ends = [np.log10(low), np.log10(high)] if log else [low, high]
    figure.update_xaxes(
        title=escape(axis), range=ends[::-1] if turned else ends, showgrid=True, **_ticks(unit, log=log)
    )
    _label(figure, frame, rows, beside, width)
    lines = max((wrap(str(label), width).count("<br>") for label in frame["label"]), default=0)
    many = len(several) if repeated else 1
    row = max(_ROW + 11 * (many - 1), _LINE * (lines + 1) + 8)
    return finish(figure, title, subtitle, height=int((rows.max() + 1.6) * row) + 58)


def _ticks(unit: str, *, log: bool) -> dict[str, object]:
    if log:
        ticks = np.array([0.1, 0.2, 0.5, 1, 2, 5, 10])
        return {"type": "log", "tickvals": ticks, "ticktext": np.array([f"{tick:g}" for tick in ticks])}
    return {"tickformat": ".2~%"} if unit == "share" else {"nticks": 7}


def _place(frame: pd.DataFrame) -> np.ndarray:
    """Return the height of each row: one per (group, label), and one for each group's heading where there are two."""
    headed = frame["group"].nunique() > 1
    heights, place, seen, group = [], -1, {}, None
    for key in zip(frame["group"], frame["label"], strict=True):
        if key not in seen:
            place += 1 + (headed and key[0] != group)
            seen[key], group = place, key[0]
        heights.append(seen[key])
    return np.array(heights)


def _range(
    frame: pd.DataFrame, reference: float, margin: float | None, band: tuple[float, float] | None, *, log: bool
) -> tuple[float, float]:
    """Return the axis: every row's value and own interval, but no farther than four times the spread of the values."""
    shown = frame[~frame["small"]] if (~frame["small"]).any() else frame
    values = shown[["value", "low", "high", "low_wide", "high_wide"]].to_numpy(dtype=float)
    fixed = [reference, *([] if margin is None else [margin]), *(band or ())]
    inside = np.concatenate([values[np.isfinite(values)], fixed])
    if log:
        inside = inside[inside > 0]
        low, high = max(0.1, float(inside.min()) / 1.15), min(10.0, float(inside.max()) * 1.15)
        return low, high
    centre = np.concatenate([shown["value"].dropna().to_numpy(dtype=float), fixed])
    reach = 4 * max(float(np.abs(centre - reference).max()), 1e-9)
    low, high = max(float(inside.min()), reference - reach), min(float(inside.max()), reference + reach)
    pad = 0.05 * (high - low or 1.0)
    return low - pad, high + pad


def _traces(
    part: pd.DataFrame,
    heights: np.ndarray,
    name: str,
    colour: str,
    ends: tuple[float, float],
    unit: str,
    digits: int | None,
    *,
    hollow: bool,
) -> list[go.Scatter]:
    value, low, high, low_wide, high_wide = (
        part[column].to_numpy(dtype=float).clip(*ends) for column in ("value", "low", "high", "low_wide", "high_wide")
    )
    small = part["small"].to_numpy(dtype=bool)
    shades = np.where(small, SMALL, colour)
    traces = []
    for start, end, thick in ((low_wide, high_wide, 1.25), (low, high, 4.0)):
        for shade in dict.fromkeys(shades):  # a line has one colour
            here = shades == shade
            traces.append(
                go.Scatter(x=_broken(start[here], end[here]), y=_broken(heights[here], heights[here]), mode="lines",
                           line={"color": shade, "width": thick}, opacity=1 if thick < 2 else 0.55, hoverinfo="skip",
                           showlegend=False, legendgroup=name)
            )  # fmt: skip
    symbol = marker_of(colour)
    marker = {"color": shades, "size": 9, "symbol": np.where(small | hollow, f"{symbol}-open", symbol)}
    # The legend has its own trace: it would take the grey of a small first row.
    traces.append(
        go.Scatter(x=value, y=heights, mode="markers", name=escape(name), marker=marker, showlegend=False,
                   customdata=_describe(part, unit, digits), hovertemplate="%{customdata}<extra></extra>")
    )  # fmt: skip
    legend = {"color": colour, "size": 9, "symbol": f"{symbol}-open" if hollow else symbol}
    traces.append(go.Scatter(x=[None], y=[None], mode="markers", name=escape(name), marker=legend, showlegend=True))
    return traces


def _broken(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    return np.column_stack([start, end, np.full(start.size, np.nan)]).ravel()


def _describe(part: pd.DataFrame, unit: str, digits: int | None) -> np.ndarray:
    texts = []
    for row in part.to_dict("records"):
        value = format_value(row["value"], unit) if digits is None else format_number(row["value"], digits)
        alone = format_interval(row["low"], row["high"], unit, digits)
        wide = format_interval(row["low_wide"], row["high_wide"], unit, digits)
        texts.append(
            f"<b>{wrap(str(row['label']), 60)}</b><br>{escape(row['series'])}: {value}<br>alone {alone}<br>"
            f"all together {wide}<br>n {row['n']:,}, events {row['events']:,}"
        )
    return np.array(texts, dtype=object)


def _label(figure: go.Figure, frame: pd.DataFrame, rows: np.ndarray, beside: str, width: int) -> None:
    """Name the rows on the left, groups in bold, and write the column `beside` on the right."""
    names = dict(zip(rows, (wrap(str(label), width) for label in frame["label"]), strict=True))
    firsts = frame.assign(_row=rows).groupby("group", sort=False)["_row"].min()
    heads = {row - 1: f"<b>{wrap(str(group), width)}</b>" for group, row in firsts.items()} if len(firsts) > 1 else {}
    spots = {**names, **heads}
    span = [float(rows.max()) + 0.6, -1.2 if beside else -0.6]
    figure.update_yaxes(
        tickvals=np.array(list(spots)), ticktext=np.array(list(spots.values()), dtype=object), range=span,
        showgrid=False, automargin=True,
    )  # fmt: skip
    if not beside:
        return
    texts = {-1.0: f"<i>{escape(beside)}</i>", **dict(zip(map(float, rows), map(escape, frame["beside"]), strict=True))}
    figure.update_layout(
        yaxis2={"overlaying": "y", "side": "right", "tickvals": np.array(list(texts)), "range": span,
                "ticktext": np.array(list(texts.values()), dtype=object), "showgrid": False, "automargin": True}
    )  # fmt: skip
    figure.add_trace(go.Scatter(x=[None], y=[None], yaxis="y2", showlegend=False, hoverinfo="skip"))
