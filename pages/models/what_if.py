"""What if: what would change a loan's PD, and what would a shock do to the book?"""

import streamlit as st

from pages.common import shell, what_if_book, what_if_parts, what_if_words

view = shell.open_page("What if", "What would change a loan's PD, and what would a shock do to the book?")
words = what_if_words.LoanWords(view)
if problem := words.problem():
    shell.stop_with(*problem)
if words.left_out():
    st.caption(shell.plain(words.left_out()))
section = st.segmented_control(
    "Section",
    ["One loan", "Whole book"],
    default="One loan",
    required=True,
    key="what_if_section",
    bind="query-params",
    label_visibility="collapsed",
)
if section == "One loan":
    what_if_parts.draw(words)
else:
    what_if_book.draw(words)
