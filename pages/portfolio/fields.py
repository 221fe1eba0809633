"""Fields: how is a field distributed, what does it move with?"""

import streamlit as st

from analytics import associations
from analytics.figures.associations import plot_association_matrix, plot_partners
from analytics.figures.fitted import plot_boxes, plot_category_shares, plot_histogram, plot_histograms_by
from pages.common import cohort_data, field_choice, field_words, profile_words, shell, show

view = shell.open_page("Fields", "How is a field distributed, what does it move with?")
if not cohort_data.default_date(view.selection):
    shell.stop_with(
        f"No {view.schema.subject} matches the filters: {shell.describe_filters(view)}.",
        "Take a filter away, or press *Clear all filters* in the sidebar.",
    )
shown_as = st.segmented_control(
    "Shown", ["One field", "All fields"], default="One field", required=True, key="fields_view", bind="query-params",
    label_visibility="collapsed",
)  # fmt: skip
if shown_as == "All fields":
    key = field_choice.choose_snapshot(view, st)
    st.markdown(f"#### {shell.plain(profile_words.finding(view, key))}")
    st.dataframe(
        profile_words.table(view, key), hide_index=True, key="fields_all", column_config=profile_words.columns(),
        height="content",
    )  # fmt: skip
    st.caption(profile_words.DEFINITION)
    st.stop()
words = field_words.Words(view, *field_choice.choose_field(view))
st.markdown(f"#### {shell.plain(words.finding())}")
st.caption(shell.plain(words.field.description))
defined = show.Definition(field_words.DISTRIBUTION, field_words.DISTRIBUTION_FORMULA, window=words.window())
related = show.Definition(field_words.ASSOCIATION, field_words.ASSOCIATION_FORMULA, window=words.window())
partners = words.partners(words.name)

left, right = st.columns(2, gap="medium")
with left:
    if not words.rows - words.missing:
        st.info("No value to draw in this snapshot; choose another.", icon=":material/info:")
    elif words.is_number and not words.number().bins.empty:
        found = words.number()
        title, subtitle, unit = words.title(found), words.subtitle(found), words.field.unit
        if words.by:
            chart = plot_histograms_by(found.bins, words.groups(), unit=unit, title=title, subtitle=subtitle)
        else:
            curve = found.fit.best if found.fit else ""
            chart = plot_histogram(
                found.bins,
                unit=unit,
                title=title,
                subtitle=subtitle,
                curve=found.curve,
                curve_name=curve,
            )
        show.figure(view, chart, found.bins, defined, key="fields_distribution", share=2)
    else:
        table = words.value_shares()
        chart = plot_category_shares(
            table, words.values_drawn(), words.groups(), title=words.values_title(), subtitle=words.values_subtitle()
        )
        show.figure(view, chart, table, defined, key="fields_distribution", share=2)
with right:
    shown = partners.head(field_words.SHOWN)
    show.figure(
        view,
        plot_partners(
            shown,
            title=words.partners_title(words.name, partners),
            subtitle=words.partners_subtitle(),
            labels=words.labels(),
            marked=words.protected(),
        ),
        partners,
        related,
        key="fields_partners",
        share=2,
    )

if words.is_number and words.rows - words.missing:
    found = words.number()
    if words.by:
        show.figure(
            view,
            plot_boxes(
                words.boxes(found.summary),
                unit=words.field.unit,
                title=words.title(found),
                subtitle=words.boxes_subtitle(),
            ),
            found.summary,
            defined,
            key="fields_boxes",
        )
    st.dataframe(words.quantiles(found.summary), hide_index=True, key="fields_quantiles")
    if found.fit is not None:
        st.dataframe(words.fits(found), hide_index=True, key="fields_fits", width="content")
        st.caption(words.fits_note())

matrix = associations.to_matrix(words.pairs()[0])
if warning := words.duplicates():
    st.warning(shell.plain(warning), icon=":material/content_copy:")
if len(matrix) > 1:
    show.figure(
        view,
        plot_association_matrix(
            matrix,
            title=words.matrix_title(),
            subtitle=words.matrix_subtitle(len(matrix)),
            labels=words.labels(),
            marked=words.protected(),
        ),
        words.pairs()[0],
        related,
        key="fields_matrix",
    )
