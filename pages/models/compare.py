"""Compare: is a challenger better than the champion, by how much, how sure?"""

import streamlit as st

from pages.common import compare_parts, compare_verdict, compare_words, shell
from portfolio.errors import HypothecError

view = shell.open_page(
    "Compare", "Is a challenger better than the model in production, by how much, and how sure are we?"
)
try:
    words = compare_words.Words(compare_parts.choose_models(view))
    if problem := words.problem():
        shell.stop_with(*problem)
    sample = compare_parts.choose_sample(words)
    compare_verdict.draw(words, sample)
except HypothecError as error:
    shell.stop_with(str(error))

section = st.segmented_control(
    "Section",
    list(compare_parts.SHOW),
    default="Metrics",
    required=True,
    key="compare_section",
    bind="query-params",
    label_visibility="collapsed",
)
compare_parts.SHOW[section](words, sample)
