"""The Explore page's controls: what is asked, which rows, which view. Each keeps its value in the URL."""

from typing import Any

import streamlit as st

from analytics.pivot import OF_A_FIELD, Filter, Question
from pages.common import cached, explore_data, shell
from pages.common.explore_fields import NONE, Fields
from pages.common.explore_words import ALL, LATEST, YEARLY, Asked, Chart, choose_keys
from portfolio.errors import HypothecError
from portfolio.views import delete_view, load_views, query_of, save_view

CHARTS: dict[Chart, str] = {
    "lines": "Lines",
    "bars": "Bars",
    "heat map": "Heat map",
    "boxes": "Boxes",
    "points": "Points",
    "pivot": "Pivot",
}
PREFIXES = ("explore_", "only_", "portfolio", "reading")
BIND: dict[str, Any] = {"bind": "query-params"}


def ask(fields: Fields) -> Asked:
    """Draw the controls and return what was asked, its groups not yet found."""
    chart: Chart = (
        st.pills("As", list(CHARTS), format_func=CHARTS.__getitem__, default="lines", required=True, wrap=True,
                 key="explore_chart", label_visibility="collapsed", **BIND)
        or "lines"
    )  # fmt: skip
    measure, of, x, y = "loans", "", "", ""
    if chart == "points":
        x, y = _pick("Across", fields, "explore_x", 0), _pick("Up", fields, "explore_y", 1)
    else:
        measure, of = _measure(fields, chart)
    dimensions = fields.dimensions()
    labels = {name: choice.label for name, choice in dimensions.items()} | {NONE: "Nothing"}
    rows = (
        NONE if chart == "points" else _choose("By", [*dimensions, NONE], labels, fields.default_rows(), "explore_by")
    )
    split = _choose("Coloured by" if chart == "points" else "Split by", [NONE, *dimensions], labels,
                    fields.default_split(), "explore_split")  # fmt: skip
    keys = choose_keys(fields, _dates(fields), measure)
    bands = _bands()
    filters = _filters(fields)
    question = Question(
        "spread" if chart == "boxes" else measure,  # type: ignore[arg-type]
        of,
        fields.dimension(rows, chart, bands, split=False),
        fields.dimension(split if split != rows else NONE, chart, bands, split=True),
        filters,
        fields.target,
        fields.exposure,
    )
    return Asked(question, chart, keys, x, y)


def _choose(label: str, options: list[str], labels: dict[str, str], default: str, key: str) -> str:
    chosen: str = st.selectbox(label, options, index=options.index(default) if default in options else 0,
                               format_func=lambda name: labels.get(name, name), key=key, **BIND)  # fmt: skip
    return chosen


def _pick(label: str, fields: Fields, key: str, place: int) -> str:
    names = fields.numbers()
    if not names:
        shell.stop_with("This portfolio has no number field to draw points of.", "Choose another chart.")
    return _choose(label, names, {name: fields.label(name) for name in names}, names[min(place, len(names) - 1)], key)


def _measure(fields: Fields, chart: Chart) -> tuple[str, str]:
    measures = fields.measures()
    measure = "spread"
    if chart != "boxes":
        measure = _choose("Show", list(measures), measures, next(iter(measures)), "explore_show")
    if measure not in OF_A_FIELD:
        return measure, ""
    names = fields.measurable(measure)
    return measure, _choose("of", names, {name: fields.label(name) for name in names}, names[0], "explore_of")


def _dates(fields: Fields) -> str | None:
    keys = explore_data.snapshot_keys(fields.selection)
    if len(keys) < 2:
        return None
    words = "Every year: dates a year apart, so that each outcome counts once. Latest: the last date (for a rate, the "
    chosen: str = st.selectbox("Observed", [YEARLY, LATEST, ALL, *reversed(keys)], key="explore_dates",
                               help=f"{words}last with known outcomes).", **BIND)  # fmt: skip
    return chosen


def _bands() -> int:
    return int(
        st.segmented_control("Bands of a number", [5, 10, 20], default=10, required=True, key="explore_bands", **BIND)
        or 10
    )


def _filters(fields: Fields) -> tuple[Filter, ...]:
    """Draw the filters in a popover and return those that keep less than everything."""
    names = [item.name for item in fields.fields]
    # The popover is drawn before its widgets: at the first visit its count is in the link only.
    chosen = st.session_state.get("explore_where", st.query_params.get_all("explore_where"))
    label = f"Filters ({len(chosen)})" if chosen else "Filters"
    with st.popover(label, icon=":material/filter_alt:", width="stretch"):
        wanted = st.multiselect("Filter by", names, format_func=fields.label, key="explore_where", **BIND)
        drawn = [_filter(fields, name) for name in wanted]
    return tuple(item for item in drawn if item is not None)


def _filter(fields: Fields, name: str) -> Filter | None:
    item, key, label = fields.schema.get(name), f"explore_where_{name}", fields.label(name)
    values: tuple[str, ...] = ()
    low = high = None
    if item.kind == "category":
        options = cached.segment_values(fields.selection, name)
        values = tuple(st.multiselect(label, options, key=key, placeholder="All", **BIND))
    else:
        unit = "as a fraction" if item.unit == "share" else "year" if item.kind == "date" else item.unit
        with st.container(horizontal=True, gap="small"):
            low = st.number_input(f"{label}, from ({unit})" if unit else f"{label}, from", value=None, step=None,
                                  format="%g", key=f"{key}_from", **BIND)  # fmt: skip
            high = st.number_input("to", value=None, step=None, format="%g", key=f"{key}_to", **BIND)
    known = st.segmented_control(f"{label}: value", ["Known", "Missing"], key=f"{key}_known", **BIND)
    found = Filter(name, values, low, high, None if known is None else known == "Known")
    return None if found == Filter(name) else found


def saved_views(fields: Fields) -> None:
    """Draw the saved views: open, save this one, delete."""
    portfolio = cached.portfolio(fields.selection)
    query = query_of({name: st.query_params.get_all(name) for name in st.query_params}, PREFIXES)
    with st.popover("Saved views", icon=":material/bookmark:", width="stretch"):
        try:
            views = load_views(portfolio)
        except HypothecError as error:
            st.error(str(error))
            return
        for view in views:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"[{shell.plain(view.name)}](/{view.link})", width="stretch")
                st.button("Delete", icon=":material/delete:", type="tertiary", key=f"explore-delete-{view.name}",
                          on_click=_report, args=(delete_view, portfolio, view.name))  # fmt: skip
        if not views:
            st.caption("None yet. A view keeps what is asked, never the data.")
        name = st.text_input("Name of this view", key="explore-name", max_chars=60)
        st.button("Save", icon=":material/bookmark_add:", disabled=not name.strip(), key="explore-save",
                  on_click=_report, args=(save_view, portfolio, name, "explore", query))  # fmt: skip
        st.caption("Link to this view")
        st.code(f"/explore?{query}", language=None, wrap_lines=True)
        if problem := st.session_state.pop("explore-problem", ""):
            st.error(problem)


def _report(act: Any, *args: Any) -> None:
    """Do what a button asks; what goes wrong is said at the next drawing."""
    try:
        act(*args)
    except HypothecError as error:
        st.session_state["explore-problem"] = str(error)
