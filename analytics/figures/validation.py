"""Figures of a validation: rates by grade against PDs, courses over years, the waterfall, losses by segment."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from analytics.figures.axes import label_rows
from analytics.figures.template import AMBER, CHAMPION, GRID, ROSE, SLATE, SMALL, TEAL, escape, finish
from analytics.lights import SYMBOLS, Outcome
from analytics.words import format_interval, format_number, format_share

# The lights' colours; a symbol and a word stand beside them wherever they are used.
LIGHTS: dict[Outcome, str] = {"green": TEAL, "amber": AMBER, "red": ROSE, "not run": SMALL}
_BAR = {"thickness": 1.5, "width": 5}


def plot_grades(table: pd.DataFrame, *, title: str, subtitle: str) -> go.Figure:
    """Return each grade's observed rate with its Jeffreys interval, coloured by its light, beside its PD.

    `table` as `compute_grade_tests` gives it, without the row of all. The axis of rates is logarithmic: a rate
    of 0 stands at its lower end. Small cells are grey.
    """
    known = table[table["n"] > 0]
    positive = np.r_[known["pd"], known["rate"], known["rate_low"], known["rate_high"]]
    floor = float(positive[positive > 0].min(initial=0.01)) / 1.5
    place = {grade: spot for spot, grade in enumerate(table["grade"])}
    figure = go.Figure()
    for name, colour in LIGHTS.items():
        rows = known[np.where(known["small"], "not run", known["outcome"]) == name]
        if len(rows):
            label = "fewer than 30 loans or 5 events" if name == "not run" else f"{SYMBOLS[name]} {name}"
            figure.add_trace(_rates(rows, place, floor, colour, f"Observed, {label}"))
    figure.add_trace(
        go.Scatter(
            x=np.array([place[grade] for grade in known["grade"]]),
            y=known["pd"].to_numpy(dtype=float),
            name="PD of the grade",
            mode="markers",
            marker={"symbol": "line-ew", "size": 26, "line": {"width": 3, "color": CHAMPION}, "color": CHAMPION},
            customdata=np.array([format_share(value) for value in known["pd"]], dtype=object),
            hovertemplate="PD %{customdata}<extra></extra>",
            showlegend=True,
        )
    )
    symbols = [SYMBOLS[outcome] for outcome in table["outcome"]]
    figure.update_xaxes(
        tickvals=np.arange(len(table)),
        ticktext=np.array([f"{escape(str(g))} {s}" for g, s in zip(table["grade"], symbols, strict=True)]),
        range=[-0.6, len(table) - 0.4],
        title={"text": "Grade, best to worst, with its light"},
    )
    ends = (floor, min(1.0, float(np.nanmax(positive, initial=0.02)) * 1.3))
    steps = np.outer(10.0 ** np.arange(-6, 1), (1, 2, 5)).ravel()
    ticks = steps[(steps >= ends[0]) & (steps <= ends[1])]
    figure.update_yaxes(
        type="log",
        range=[float(np.log10(end)) for end in ends],
        tickvals=ticks,
        ticktext=np.array([f"{100 * tick:g}%" for tick in ticks]),
        gridcolor=GRID,
    )
    return finish(figure, title, subtitle, height=300)


def _rates(rows: pd.DataFrame, place: dict[object, int], floor: float, colour: str, name: str) -> go.Scatter:
    rate = rows["rate"].to_numpy(dtype=float)
    shown = np.maximum(rate, floor)
    up = np.maximum(rows["rate_high"].to_numpy(dtype=float) - shown, 0)
    down = np.maximum(shown - np.maximum(rows["rate_low"].to_numpy(dtype=float), floor), 0)
    texts = [
        f"<b>Grade {escape(str(row['grade']))}</b><br>observed {format_share(row['rate'])} "
        f"{format_interval(row['rate_low'], row['rate_high'], 'share')}<br>{row['defaults']:,} of {row['n']:,}"
        f"<br>Jeffreys p {format_number(row['p_jeffreys'], 4)}"
        for row in rows.to_dict("records")
    ]
    return go.Scatter(
        x=np.array([place[grade] for grade in rows["grade"]]),
        y=shown,
        name=name,
        mode="markers",
        marker={"color": colour, "size": 9, "symbol": np.where(rate > 0, "circle", "circle-open")},
        error_y={"type": "data", "array": up, "arrayminus": down, "color": colour, **_BAR},
        customdata=np.array(texts, dtype=object),
        hovertemplate="%{customdata}<extra></extra>",
        showlegend=True,
    )


def plot_years(
    table: pd.DataFrame,
    *,
    value: str,
    low: str,
    high: str,
    title: str,
    subtitle: str,
    name: str,
    share: bool = False,
    line: tuple[str, float] | None = None,
    beside: tuple[str, str] | None = None,
) -> go.Figure:
    """Return the course of a value with its interval by date; `line` is a level (name, value) drawn across.

    `beside` is another column (name, column) drawn without interval. Columns: date (text or date), n, defaults.
    """
    known = table.dropna(subset=[value])
    dates = pd.to_datetime(known["date"]).to_numpy()
    say: Callable[[float], str] = format_share if share else partial(format_number, digits=3)
    texts = [
        f"{say(row[value])} {format_interval(row[low], row[high], 'share' if share else '')}<br>"
        f"{row['defaults']:,} of {row['n']:,}"
        for row in known.to_dict("records")
    ]
    centre = known[value].to_numpy(dtype=float)
    figure = go.Figure(
        go.Scatter(
            x=dates,
            y=centre,
            name=name,
            mode="lines+markers",
            line={"color": CHAMPION, "width": 2},
            marker={"size": 7},
            error_y={"type": "data", "array": known[high] - centre, "arrayminus": centre - known[low], **_BAR},
            customdata=np.array(texts, dtype=object),
            hovertemplate="%{x|%B %Y}: %{customdata}<extra></extra>",
            showlegend=True,
        )
    )
    if beside is not None:
        figure.add_trace(_plain(known, beside, say))
    if line is not None and len(dates):
        figure.add_trace(_level(dates, line, say))
    figure.update_xaxes(hoverformat="%B %Y")
    figure.update_yaxes(gridcolor=GRID, nticks=6, **({"tickformat": ".3~%", "rangemode": "tozero"} if share else {}))
    return finish(figure, title, subtitle, height=270)


def _plain(known: pd.DataFrame, beside: tuple[str, str], say: Callable[[float], str]) -> go.Scatter:
    name, column = beside
    numbers = known[column].to_numpy(dtype=float)
    return go.Scatter(
        x=pd.to_datetime(known["date"]).to_numpy(), y=numbers, name=name, mode="lines+markers",
        line={"color": TEAL, "width": 1.5, "dash": "dot"}, marker={"symbol": "square", "size": 6},
        customdata=np.array([say(number) for number in numbers], dtype=object),
        hovertemplate="%{x|%B %Y}: %{customdata}<extra></extra>", showlegend=True,
    )  # fmt: skip


def _level(dates: np.ndarray, line: tuple[str, float], say: Callable[[float], str]) -> go.Scatter:
    name, level = line
    wide = dates if len(dates) > 1 else np.r_[dates - np.timedelta64(30, "D"), dates + np.timedelta64(30, "D")]
    ends = np.array([wide.min(), wide.max()])
    return go.Scatter(
        x=ends, y=np.array([level, level]), name=f"{name} {say(level)}", mode="lines",
        line={"color": SLATE, "width": 1.5, "dash": "dash"}, hoverinfo="skip", showlegend=True,
    )  # fmt: skip


def plot_psi(table: pd.DataFrame, *, title: str, subtitle: str, limits: tuple[float, float]) -> go.Figure:
    """Return the PSI by date as bars, the critical value of each as a line across it, the policy's limits dashed."""
    known = table.dropna(subset=["psi"])
    names = np.array([escape(str(name)) for name in known["date"]], dtype=object)
    figure = go.Figure()
    figure.add_trace(
        go.Bar(x=names, y=known["psi"].to_numpy(dtype=float), name="PSI", marker={"color": CHAMPION}, width=0.5,
               hovertemplate="%{x}: PSI %{y:.4f}<extra></extra>", showlegend=True)
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(x=names, y=known["critical"].to_numpy(dtype=float), name="Critical value", mode="markers",
                   marker={"symbol": "line-ew", "size": 30, "line": {"width": 2.5, "color": ROSE}, "color": ROSE},
                   hovertemplate="critical value %{y:.4f}<extra></extra>", showlegend=True)
    )  # fmt: skip
    ends: tuple[Outcome, Outcome] = ("amber", "red")
    for name, limit in zip(ends, limits, strict=True):
        text = f"{SYMBOLS[name]} {name} above {limit:g}"
        figure.add_hline(
            limit,
            line={"color": LIGHTS[name], "width": 1.2, "dash": "dash"},
            annotation={"text": text, "font_size": 11},
        )
    most = float(known[["psi", "critical"]].to_numpy(dtype=float).max(initial=0.0))
    figure.update_xaxes(type="category")
    figure.update_yaxes(gridcolor=GRID, nticks=6, range=[0, 1.15 * max(most, limits[1])])
    return finish(figure, title, subtitle, height=260)


def plot_exclusions(table: pd.DataFrame, *, title: str, subtitle: str) -> go.Figure:
    """Return the waterfall from all loans to those tested: what is left after each step, and what each step removes.

    `table` as `compute_exclusions` gives it. What is not recorded takes nothing away and says so.
    """
    steps = table[table["step"] != "told"].reset_index(drop=True)
    spots = np.arange(len(steps))
    totals = steps["step"].isin(["start", "tested"]).to_numpy()
    removed = steps["removed"].fillna(0.0).to_numpy(dtype=float)
    left = steps["left"].to_numpy(dtype=float)
    texts = [_say_step(row) for row in steps.to_dict("records")]
    figure = go.Figure(
        [
            go.Bar(y=spots, x=np.where(totals, left, np.nan), orientation="h", marker={"color": CHAMPION},
                   hoverinfo="skip", showlegend=False),
            go.Bar(y=spots, x=np.where(totals, np.nan, removed), base=np.where(totals, np.nan, left), orientation="h",
                   marker={"color": ROSE}, hoverinfo="skip", showlegend=False),
            go.Scatter(y=spots, x=left + np.where(totals, 0, removed), mode="text", textposition="middle right",
                       text=np.array(texts, dtype=object), cliponaxis=False, hoverinfo="skip", showlegend=False),
        ]
    )  # fmt: skip
    figure.update_layout(barmode="overlay", bargap=0.45)
    label_rows(figure, [str(label) for label in steps["label"]])
    figure.update_xaxes(range=[0, 1.45 * float(left.max())], showticklabels=False)
    return finish(figure, title, subtitle, height=44 * len(steps) + 20)


def _say_step(row: dict[Any, Any]) -> str:
    number = row["removed"] if row["step"] == "exclusion" else row["left"]
    if pd.isna(number):
        return escape(f"  {row['reason']}")
    text = f"  {'−' if row['step'] == 'exclusion' and number else ''}{number:,.0f}"
    return f"{text} ({format_share(row['share'])} of M)" if row["step"] != "start" else text


def plot_losses(table: pd.DataFrame, names: Sequence[str], *, title: str, subtitle: str) -> go.Figure:
    """Return realised against estimated loss by segment: columns realised, estimated (fractions), n, shortfall.

    `names` labels the rows, first on top. Segments of fewer than 30 defaults are grey.
    """
    spots = np.arange(len(table))
    realised, estimated = (table[name].to_numpy(dtype=float) for name in ("realised", "estimated"))
    gap_x = np.c_[estimated, realised, np.full(len(table), np.nan)].ravel()
    figure = go.Figure(
        go.Scatter(x=gap_x, y=np.repeat(spots, 3), mode="lines", line={"color": GRID, "width": 4}, hoverinfo="skip",
                   showlegend=False)
    )  # fmt: skip
    few = (table["n"] < 30).to_numpy()
    say = [f"{row['n']:,} defaults, shortfall {format_share(row['shortfall'])}" for row in table.to_dict("records")]
    for label, values, colour, symbol in (
        ("Estimated", estimated, CHAMPION, "line-ns"),
        ("Realised", realised, AMBER, "circle"),
    ):
        colours = np.where(few, SMALL, colour)
        figure.add_trace(
            go.Scatter(
                x=values,
                y=spots,
                name=f"{label} LGD",
                mode="markers",
                marker={"symbol": symbol, "size": 14 if label == "Estimated" else 10, "color": colours,
                        "line": {"width": 3 if label == "Estimated" else 0, "color": colours}},
                customdata=np.array([[label.lower(), text] for text in say], dtype=object),
                hovertemplate="%{customdata[0]} %{x:.1%}<br>%{customdata[1]}<extra></extra>",
                showlegend=True,
            )
        )  # fmt: skip
    label_rows(figure, list(names))
    figure.update_xaxes(tickformat=".3~%", showgrid=True, gridcolor=GRID, rangemode="tozero")
    return finish(figure, title, subtitle, height=34 * len(table) + 50)
