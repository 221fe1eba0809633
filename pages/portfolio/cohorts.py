"""Cohorts: do two groups of loans differ, in what, by how much, how sure?"""

import streamlit as st

from analytics.figures.cohorts import plot_two_distributions
from pages.common import cohort_choice, cohort_data, cohort_words, exports, shell, show

view = shell.open_page("Cohorts", "Do two groups of loans differ, in what, by how much, how sure?")
if not cohort_data.default_date(view.selection):
    shell.stop_with(
        f"No {view.schema.subject} matches the filters: {shell.describe_filters(view)}.",
        "Take a filter away, or press *Clear all filters* in the sidebar.",
    )
a, b = cohort_choice.choose_groups(view)
found = cohort_data.compare(view.selection, a, b)
if found is None or found.table.empty:
    shell.stop_with(
        f"One of the two cohorts has no {view.schema.subject}, or no field varies: there is nothing to compare.",
        "Choose other values, another snapshot, or press *Clear all filters* in the sidebar.",
    )
words = cohort_words.Words(view, a, b, found)
rows = words.table.set_index("row", drop=False)

st.markdown(f"#### {shell.plain(words.finding())}")
st.caption(words.counts())


def pick_row() -> None:
    """Take the row clicked in the table as the field shown large."""
    chosen = st.session_state["cohorts_table"]["selection"]["rows"]
    if chosen:
        st.session_state["cohorts_field"] = str(rows.index[chosen[0]])


st.dataframe(
    words.shown_table(),
    hide_index=True,
    key="cohorts_table",
    height=420,
    row_height=40,
    column_config=words.columns(),
    on_select=pick_row,
    selection_mode="single-row",
)
exports.menu(words.export, "hypothec_cohorts", words.about(), key="cohorts")
if st.session_state.get("cohorts_field") not in rows.index:
    st.session_state.pop("cohorts_field", None)  # another comparison has no such row
field = st.selectbox(
    "Shown large (or click a row)",
    list(rows.index),
    format_func=words.label_of,
    key="cohorts_field",
    bind="query-params",
)
row = words.row(field)
show.figure(
    view,
    plot_two_distributions(
        words.pictured(row),
        names=words.names(),
        unit=words.unit(row),
        title=words.sentence(row),
        subtitle=words.subtitle(row),
        means=(float(row["a"]), float(row["b"])) if row["kind"] == "number" else None,
    ),
    words.pictured(row),
    show.Definition(cohort_words.DEFINITION, cohort_words.FORMULA, window=words.window()),
    key="cohorts_figure",
)
st.markdown("\n".join(f"- {shell.plain(line)}" for line in words.details(row)))
