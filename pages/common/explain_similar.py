"""Explain, section One loan: similar loans, their PDs, and what became of loans like it."""

from collections.abc import Mapping

import streamlit as st

from pages.common import explain_search, shell
from pages.common.explain_loan_words import LoanWords
from pages.common.explain_similar_words import FIELDS, REASONS, SimilarWords
from pages.common.exports import to_csv


def draw(words: LoanWords, loan_id: str, risks: Mapping[str, float]) -> None:
    """Draw the choice of model and measure, the nearest loans and the fate of those before them."""
    subject = words.schema.subject
    st.markdown(f"##### {shell.plain(subject.capitalize())}s like it")
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        ref = st.segmented_control(
            "As seen by", list(words.labels), default=words.default_model(), required=True,
            format_func=lambda item: shell.plain(words.labels[item]), key="explain_like_model", bind="query-params",
        )  # fmt: skip
        told = SimilarWords(words, loan_id, ref, risks[ref])
        spaces = [REASONS, FIELDS] if told.can_compare_reasons() else [FIELDS]
        space = st.segmented_control("Alike in", spaces, default=spaces[0], required=True, key="explain_like",
                                     bind="query-params")  # fmt: skip
    st.markdown(shell.plain(told.fate()))
    found = told.nearest(space)
    st.markdown(shell.plain(found.finding))
    if found.table.empty:
        return
    st.dataframe(
        found.table, hide_index=True, key="explain_similar_table", height="content", selection_mode="single-row",
        on_select=lambda: explain_search.pick_row("explain_similar_table", found.loans),
    )  # fmt: skip
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        with st.popover("How is this computed?", icon=":material/function:", type="tertiary", key="explain_like_how"):
            st.markdown(f"**{space}.** {found.definition}\n\n**What became of them.** {told.fate_definition()}")
        st.download_button("CSV", lambda: to_csv(found.table), file_name="hypothec_similar.csv", mime="text/csv",
                           icon=":material/download:", key="explain_similar_csv", on_click="ignore",
                           type="tertiary")  # fmt: skip
        st.caption(f"Choose a row to explain that {shell.plain(subject)}.")
