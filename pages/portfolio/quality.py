"""Quality: can the file be trusted, what is missing, what looks wrong?"""

import streamlit as st

from pages.common import quality_parts, shell
from pages.common.quality_words import SECTIONS, Words
from portfolio.errors import HypothecError

view = shell.open_page("Quality", "Can I trust this file, what is missing, what looks wrong?")
try:
    words = Words(view)
    verdict = words.verdict()
except HypothecError as error:
    shell.stop_with(str(error))

light = f":{verdict.colour}-badge[{verdict.symbol} {verdict.word}]"
st.markdown(f"#### {light} {shell.plain('; '.join(verdict.reasons))}.")
if view.selection.where:
    st.caption("Quality is judged over the whole portfolio; only *Odd loans* follows the filters of the sidebar.")

section = st.segmented_control(
    "Section",
    SECTIONS,
    default=words.first_section(),
    required=True,
    key="quality_section",
    bind="query-params",
    label_visibility="collapsed",
)
quality_parts.SHOW[section](words)
