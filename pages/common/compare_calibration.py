"""Compare's calibration: do the PDs fit what happened, by how much not, and what does that cost?"""

import streamlit as st

from analytics.figures.reliability import plot_reliability, plot_score_parts
from pages.common import show
from pages.common.compare_calibration_words import BIG, SCORES, CalibrationWords
from pages.common.compare_words import Words
from pages.common.exports import to_csv


def draw(words: Words, sample: str) -> None:
    """Draw the reliability curves, the table of tests and the parts of the scores."""
    told = CalibrationWords(words, sample)
    window = words.window(sample)
    curves = told.curves()
    show.figure(
        words.view,
        plot_reliability(curves.frame, colours=words.colours, labels=words.labels, title=curves.title,
                         subtitle=curves.subtitle, event=words.schema.event),
        curves.frame,
        show.Definition(curves.definition, window=window, model=words.models()),
        key="compare_reliability",
    )  # fmt: skip
    _tests(told)
    score = st.segmented_control(
        "Score", list(SCORES), format_func=SCORES.__getitem__, default="brier", required=True,
        key="compare_parts_score", bind="query-params",
    )  # fmt: skip
    parts = told.parts(score)
    show.figure(
        words.view,
        plot_score_parts(parts.frame, colours=words.colours, labels=words.labels, title=parts.title,
                         subtitle=parts.subtitle, names=told.headings()),
        parts.frame,
        show.Definition(parts.definition, window=window, model=words.models()),
        key="compare_parts",
    )  # fmt: skip


def _tests(told: CalibrationWords) -> None:
    heading = told.words.view.word("How far the PDs are off", "Tests of calibration")
    with st.container(border=True):
        st.markdown(f"**{heading}**")
        st.caption(BIG)
        st.table(told.table(), border="horizontal")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            with st.popover(
                "How is this computed?", icon=":material/function:", type="tertiary", key="compare_tests_how"
            ):
                st.markdown(told.table_definition())
            st.download_button(
                "CSV", lambda: to_csv(told.numbers()), file_name="hypothec_compare_tests.csv", mime="text/csv",
                icon=":material/download:", key="compare_tests_csv", on_click="ignore", type="tertiary",
            )  # fmt: skip
