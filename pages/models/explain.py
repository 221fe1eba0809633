"""Explain: what drives the PDs, why did a loan get its own, and why do two models differ?"""

import streamlit as st

from pages.common import explain_parts, explain_words, score_offer, shell

view = shell.open_page("Explain", "What drives the PDs, why did a loan get its own, and why do models differ?")
words = explain_words.Words(view)
if lacking := words.to_score()[0]:
    score_offer.offer_all(view, lacking, words.to_score()[1])
if problem := words.problem():
    shell.stop_with(*problem)
if words.left_out():
    st.caption(shell.plain(words.left_out()))
section = st.segmented_control(
    "Section",
    list(explain_parts.SHOW),
    default=explain_parts.first_section(),
    required=True,
    key="explain_section",
    bind="query-params",
    label_visibility="collapsed",
)
explain_parts.SHOW[section](view)
