"""The search for settings of one experiment: what was tried, the best so far, the budget used."""

import streamlit as st

from analytics.figures.search import plot_parallel, plot_search
from pages.common import show
from pages.common.experiments_tuning_words import COURSE, LINES, SearchWords, searched
from pages.common.experiments_words import Words
from pages.common.shell import plain

PILLS = 8


def draw(words: Words) -> None:
    """Draw the trials of the chosen experiment; one under way is shown as far as it is."""
    names = searched(words)
    if not names:
        st.info(
            "No experiment here has searched for settings: a [tuning] section in its TOML file asks for trials.",
            icon=":material/info:",
        )
        return
    said = SearchWords(words, _choose(names))
    share, text = said.budget()
    if state := said.state():
        st.info(state, icon=":material/hourglass_top:")
        if st.button("Look again", icon=":material/refresh:", key="experiments_refresh"):
            st.rerun()
    st.progress(share, text)
    if said.course.empty:
        st.caption("No trial has ended yet.")
        return
    window = "later periods of the development dates"
    if len(said.lines):
        show.figure(
            words.view,
            plot_parallel(said.lines, marks=said.marks, title=said.title(), subtitle=said.subtitle()),
            said.lines.drop(columns="place").pivot(
                index=["number", "state", "log_loss"], columns="parameter", values="shown"
            ).reset_index(),
            show.Definition(LINES, window=window, model=said.name),
            key="experiments_parallel",
        )  # fmt: skip
    show.figure(
        words.view,
        plot_search(said.course, title=said.course_title(), subtitle=said.course_subtitle()),
        said.course,
        show.Definition(COURSE, window=window, model=said.name),
        key="experiments_search",
    )


def _choose(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    if len(names) > PILLS:
        return st.selectbox("Search of", names, key="experiments_searched", bind="query-params", width=240)
    chosen: str = st.segmented_control(
        "Search of", names, default=names[0], required=True, key="experiments_searched", bind="query-params",
        format_func=plain,
    )  # fmt: skip
    return chosen
