"""The leaderboard of the Experiments page: ranking with intervals, differences, costs, the protocol."""

import streamlit as st

from analytics.figures.experiments import plot_leaderboard
from pages.common import show
from pages.common.experiments_board_words import COSTS, FORMATS, GINI, BoardWords
from pages.common.experiments_words import Words
from pages.common.shell import plain


def draw(words: Words, sample: str, against: str) -> None:
    """Draw who leads, the costs as a table, and how it was made sure that nothing was tuned on what judges."""
    said = BoardWords(words, sample, against)
    show.figure(
        words.view,
        plot_leaderboard(said.board, said.apart, looks=words.looks, against=against, title=said.title(),
                         subtitle=said.subtitle()),
        said.frame(),
        show.Definition(said.definition(), GINI, window=words.window(sample), model=words.found_by()),
        key="experiments_board",
    )  # fmt: skip
    if len(said.apart):
        st.caption(plain(said.counts()))
    with st.container(border=True):
        st.markdown(f"**{words.view.word('What each costs', 'Quality and cost')}**")
        formats = {name: st.column_config.NumberColumn(format=text) for name, text in FORMATS.items()}
        st.dataframe(
            said.costs(),
            hide_index=True,
            key="experiments_costs",
            height="content",
            column_config={**formats, "Experiment": st.column_config.TextColumn(pinned=True)},
        )
        if truth := said.truth():
            st.caption(truth)
        with st.popover("How is this measured?", icon=":material/function:", type="tertiary", key="experiments_how"):
            st.markdown(COSTS)
    with st.container(border=True):
        st.markdown(f"**{words.view.word('Which data did what', 'Protocol')}**")
        st.markdown(said.protocol())
