"""Vintages: which vintages go bad, how do loans roll into arrears and back, and who prepays?"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from analytics.figures.book import plot_trend
from analytics.figures.transitions import plot_matrix, plot_matrix_difference, plot_rate_map, plot_sankey
from analytics.figures.vintages import plot_endings, plot_incidence_by, plot_triangle, plot_vintage_curves
from analytics.transitions import STATE_LABELS
from pages.common import flow_words, shell, show, vintage_data, vintage_words


def pick(label: str, options: Sequence[Any], key: str, names: Callable[[Any], str] = str, first: Any = None) -> Any:
    """Return what was chosen of a few options (pills where there are many); the choice lives in the URL."""
    widget = st.segmented_control if len(options) <= 5 else st.pills
    return widget(
        label,
        options,
        default=options[0] if first is None else first,
        required=True,
        format_func=names,
        key=f"vintages_{key}",
        bind="query-params",
    )


def stop_if(empty: bool) -> None:
    """End the page with a way back where the filters leave nothing."""
    if empty:
        shell.stop_with(
            f"No {view.schema.subject} matches the filters: {shell.describe_filters(view)}.",
            "Take a filter away, or press *Clear all filters* in the sidebar.",
        )


def pick_cause() -> str:
    """Return the ending that is looked at."""
    cause: str = pick("Ending", list(vintage_words.CAUSES), "cause", vintage_words.CAUSES.__getitem__)
    return cause


def draw_curves() -> None:
    """Cumulative default or prepayment by vintage."""
    with st.container(horizontal=True, gap="medium"):
        cause = pick_cause()
        width = pick("Vintages by", ["year", "quarter"], "width", str.capitalize)
        ages = words.ages(width)
        age = pick("Compared at month", ages, "age", first=24 if 24 in ages else ages[0]) if ages else None
        early = words.has_early(width)
        scope = pick("Shown", ["from the start", "all"], "scope", str.capitalize) if early else "from the start"
    st.markdown(f"#### {shell.plain(words.headline(width, cause, age))}")
    shown = words.curves(width, cause, age, whole=scope == "from the start")
    if shown.frame.empty:
        st.info(words.why_no_curve(width), icon=":material/info:")
        return
    latest, named = words.marks(width, cause, age)
    chart = plot_vintage_curves(
        shown.frame, title=shown.title, subtitle=shown.subtitle, age=age, latest=latest, named=named
    )
    show.figure(view, chart, shown.frame, shown.definition, key="vintages_curves")


def draw_endings() -> None:
    """Default, prepayment and maturity as competing risks, whole and by a segment."""
    segments = words.segments()
    with st.container(horizontal=True, gap="medium"):
        age = pick("At month", [24, 60, 120], "endings_age", first=60)
        cause = pick_cause()
        segment = pick("By", segments, "by", lambda name: view.schema.get(name).label) if segments else None
    shown = words.endings(age)
    if shown.frame.empty:
        st.info(
            f"Fewer than 30 {view.schema.subject}s were ever at risk at one age: too few for a curve.",
            icon=":material/info:",
        )
        return
    left, right = st.columns(2, gap="medium")
    with left:
        chart = plot_endings(shown.frame, vintage_words.ENDINGS, title=shown.title, subtitle=shown.subtitle)
        show.figure(view, chart, shown.frame, shown.definition, key="vintages_endings", share=2)
    if segment is None:
        return
    parts = words.endings_by(segment, cause, age)
    with right:
        chart = plot_incidence_by(parts.frame, segment, title=parts.title, subtitle=parts.subtitle)
        show.figure(view, chart, parts.frame, parts.definition, key="vintages_endings_by", share=2)


def draw_triangle() -> None:
    """The cohort triangle."""
    with st.container(horizontal=True, gap="medium"):
        cause = pick_cause()
        width = pick("Vintages by", ["year", "quarter"], "width", str.capitalize)
        step = pick("Months a step", [12, 6, 3], "step")
    shown = words.triangle(width, cause, step)
    if shown.frame.empty:
        st.info(f"{shown.title}.", icon=":material/info:")
        return
    chart = plot_triangle(shown.frame, title=shown.title, subtitle=shown.subtitle)
    show.figure(view, chart, shown.frame, shown.definition, key="vintages_triangle")


def draw_rates() -> None:
    """Roll and cure rates over time, one rate's trend, and the ways in and out of arrears."""
    with st.container(horizontal=True, gap="medium"):
        period = pick("By", ["quarter", "month", "year"], "period", str.capitalize)
        weight = pick("Weighted by", list(flow_words.VALUES), "weight")
    shown = moves.rate_map(period, weight)
    value = flow_words.VALUES[weight]
    chart = plot_rate_map(shown.frame, flow_words.RATES, value=value, title=shown.title, subtitle=shown.subtitle)
    show.figure(view, chart, shown.frame, shown.definition, key="vintages_rates")
    names = {f"{before} to {after}": (before, after) for before, after in flow_words.RATES}
    rate = pick("Trend of", list(names), "rate", lambda name: flow_words.RATES[names[name]], first="30 to 60")
    left, right = st.columns(2, gap="medium")
    with left:
        trend = moves.trend(names[rate], period, weight)
        chart = plot_trend(trend.frame, {"rate": flow_words.RATES[names[rate]]}, unit="share", x="period_start",
                           title=trend.title, subtitle=trend.subtitle, height=330)  # fmt: skip
        show.figure(view, chart, trend.frame, trend.definition, key="vintages_rate_trend", share=2)
    with right:
        flow = moves.sankey(weight)
        amount = "loans" if weight == "Number" else "exposure_before"
        chart = plot_sankey(flow.frame, STATE_LABELS, value=amount, title=flow.title, subtitle=flow.subtitle)
        show.figure(view, chart, flow.frame, flow.definition, key="vintages_sankey", share=2)


def draw_transitions() -> None:
    """The transition matrix of one period and its difference from another's."""
    with st.container(horizontal=True, gap="medium"):
        period = pick("Periods", ["year", "quarter"], "matrix_period", str.capitalize)
        weight = pick("Weighted by", list(flow_words.VALUES), "weight")
    names = moves.periods(period)
    after = pick("Matrix of", names, "matrix")
    before = pick("Compared with", names, "matrix_before", first=names[min(1, len(names) - 1)])
    shown, value = moves.matrix(period, after, weight), flow_words.VALUES[weight]
    chart = plot_matrix(shown.frame, STATE_LABELS, value=value, title=shown.title, subtitle=shown.subtitle)
    show.figure(view, chart, shown.frame, shown.definition, key="vintages_matrix")
    if after == before:
        st.caption("Choose another period to compare with.")
        return
    change = moves.difference(period, after, before, weight)
    column = "difference" if weight == "Number" else "difference_exposure"
    chart = plot_matrix_difference(
        change.frame, STATE_LABELS, value=column, title=change.title, subtitle=change.subtitle
    )
    show.figure(view, chart, change.frame, change.definition, key="vintages_difference")


BY_AGE = {"Curves": draw_curves, "Endings": draw_endings, "Triangle": draw_triangle}
BY_MONTH = {"Roll rates": draw_rates, "Transitions": draw_transitions}

view = shell.open_page("Vintages", "Which vintages go bad, how do loans roll into arrears and back, and who prepays?")
if view.schema.kind != "history":
    shell.stop_with(
        "This portfolio is one table without months, so there are no vintages and no moves between states to follow.",
        "Choose a portfolio with a monthly history in the sidebar to see them.",
    )
if not vintage_data.has_cubes(view.selection):
    shell.stop_with(
        "This portfolio was built before Hypothec counted vintages and moves, so there is nothing to add up here.",
        "Build it again with `python cli.py demo` or `python cli.py ingest`.",
    )
part = pick("View", [*BY_AGE, *BY_MONTH], "view")
if part in BY_AGE:
    if not vintage_data.has_ages(view.selection):
        shell.stop_with(
            "This portfolio does not say when its loans were granted, so there are no vintages.",
            "Roll rates and Transitions work without.",
        )
    words = vintage_words.VintageWords(view)
    stop_if(words.is_empty())
    BY_AGE[part]()
else:
    moves = flow_words.FlowWords(view)
    stop_if(moves.is_empty())
    BY_MONTH[part]()
