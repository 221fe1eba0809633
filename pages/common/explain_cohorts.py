"""Explain, section Cohorts and time: why two cohorts' PDs differ, and how the drivers moved."""

import streamlit as st

from analytics.figures.driver_gap import plot_course, plot_gap
from pages.common import cohort_data, explain_cohorts_data, show
from pages.common.explain_choice import choose_grouping, choose_model
from pages.common.explain_cohorts_data import Cohort
from pages.common.explain_cohorts_words import COURSES, UNITS, CohortWords
from pages.common.shell import PILLS, View, plain

NONE = ""


def draw(view: View) -> None:
    """Draw the choice of two cohorts, their differences by feature, and the drivers through time."""
    words = CohortWords(view)
    fields = explain_cohorts_data.cohort_fields(view.selection, words.key)
    if fields:
        a, b = _choose(words, fields)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        ref = choose_model(words)
        by = choose_grouping(words)
        unit = st.segmented_control(
            "Difference in", list(UNITS), format_func=UNITS.__getitem__, default=next(iter(UNITS)), required=True,
            key="explain_gap_unit", bind="query-params",
        )  # fmt: skip
    if fields:
        _gap(words, ref, by, unit, a, b)
    else:
        st.info(
            "No field of this portfolio has a few values to make cohorts of; give one the role segment in schema.toml.",
            icon=":material/info:",
        )
    _course(words, ref, by)


def _choose(words: CohortWords, fields: list[str]) -> tuple[Cohort, Cohort]:
    """Draw one or two filters and return cohorts A and B. Everything chosen is in the link."""
    labels = {name: words.field_label(name) for name in fields} | {NONE: "no second filter"}
    with st.container(border=True):
        first, second = st.columns(2, gap="medium")
        field = first.selectbox(
            "Cohorts by", fields, format_func=labels.__getitem__, key="explain_cohort", bind="query-params"
        )
        others = [NONE, *(name for name in fields if name != field)]
        more = second.selectbox(
            "And by", others, format_func=labels.__getitem__, key="explain_cohort_and", bind="query-params"
        )
        left, right = st.columns(2, gap="medium")
        chosen = [name for name in (field, more) if name != NONE]
        with left:
            a = tuple((name, _pick(words, "A", name, empty="" if name == field else "all")) for name in chosen)
        with right:
            empty = "everyone else" if len(chosen) == 1 else "as A"
            b = tuple((name, _pick(words, "B", name, empty=empty)) for name in chosen)
        if len(chosen) > 1:
            st.caption("With nothing chosen at all, B is everyone else.")
    own = Cohort(tuple(item for item in a if item[1]))
    if not any(values for _, values in b):
        return own, Cohort(own.where, rest=True)
    same = tuple((name, values or dict(a)[name]) for name, values in b)
    return own, Cohort(tuple(item for item in same if item[1]))


def _pick(words: CohortWords, side: str, name: str, *, empty: str) -> tuple[str, ...]:
    """Draw one field's values for a cohort; `empty` says what no choice means, "" where one is always kept."""
    values = cohort_data.values_of(words.selection, words.key, name)
    default = [] if empty else values[:1]
    label = f"{side}: {words.field_label(name)}" + (f" (empty: {empty})" if empty else "")
    key = f"explain_{side.lower()}_{name}"
    if len(values) <= PILLS:
        found = st.pills(
            label, values, selection_mode="multi", default=default, key=key, bind="query-params", wrap=True
        )
    else:
        found = st.multiselect(label, values, default=default, key=key, bind="query-params", placeholder="Choose")
    return tuple(value for value in found if value in values) or tuple(default)


def _gap(words: CohortWords, ref: str, by: str, unit: str, a: Cohort, b: Cohort) -> None:
    if a == b:
        st.info("A and B are the same loans: choose other values for one of them.", icon=":material/info:")
        return
    try:
        found = words.gap(ref, by, a, b, unit)
    except ValueError as error:
        st.info(plain(f"Nothing to compare: {error}. Choose other values, or clear filters."), icon=":material/info:")
        return
    show.figure(
        words.view,
        plot_gap(
            found.rows, points=found.points, labels=words.feature_labels, colour=words.colours[ref],
            title=found.title, subtitle=found.subtitle,
        ),
        found.table,
        show.Definition(found.definition, found.formula, window=words.key, model=words.models()),
        key="explain_gap",
    )  # fmt: skip
    st.dataframe(found.models, hide_index=True, key="explain_gap_models")


def _course(words: CohortWords, ref: str, by: str) -> None:
    st.subheader("Drivers through time", anchor=False)
    if problem := words.without_course(ref):
        st.info(problem, icon=":material/info:")
        return
    measure = st.segmented_control(
        "Followed as", list(COURSES), format_func=COURSES.__getitem__, default=next(iter(COURSES)), required=True,
        key="explain_course_measure", bind="query-params",
    )  # fmt: skip
    found = words.course(ref, by, measure)
    show.figure(
        words.view,
        plot_course(
            found.frame, found.features, measure, labels=words.feature_labels, strong=found.strong,
            title=found.title, subtitle=found.subtitle,
        ),
        found.table,
        show.Definition(found.definition, found.formula, window=found.window, model=ref),
        key="explain_course",
    )  # fmt: skip
