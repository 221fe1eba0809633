"""Compare's cost: what each model's complexity takes, how steady it is, and whether its gain is worth that."""

import streamlit as st

from analytics.figures.complexity import plot_seed_spread
from pages.common import show
from pages.common.compare_cost_words import FIGURES, FORMULA, SEEDS, CostWords
from pages.common.compare_words import Words
from pages.common.justification_words import Justification
from pages.common.shell import plain


def draw(words: Words, sample: str) -> None:
    """Draw what was measured, the spread over seeds, and the justification of one challenger."""
    cost = CostWords(words)
    for sentence in cost.missing():
        st.info(sentence, icon=":material/info:")
    if cost.found:
        with st.container(border=True):
            st.markdown(f"**{cost.heading()}**")
            st.table(cost.table().set_index("Figure"), border="horizontal")
            with st.popover(
                "How is this measured?", icon=":material/function:", type="tertiary", key="compare_cost_how"
            ):
                st.markdown(f"{FIGURES}\n\n*{cost.window()}*")
    seeds = cost.seeds()
    if len(seeds):
        show.figure(
            words.view,
            plot_seed_spread(seeds, colours=words.colours, labels=words.labels, title=cost.seeds_title(),
                             subtitle=cost.seeds_subtitle()),
            seeds,
            show.Definition(SEEDS, FORMULA, window=cost.window(), model=words.models()),
            key="compare_cost_seeds",
        )  # fmt: skip
    _justify(words, sample)


def _justify(words: Words, sample: str) -> None:
    champion = next((item.ref for item in words.views if item.is_champion), None)
    challengers = [item.ref for item in words.views if not item.is_champion]
    if champion is None or not challengers:
        st.info("A justification needs the champion's scores and those of one more model.", icon=":material/info:")
        return
    challenger = challengers[0]
    if len(challengers) > 1:
        challenger = st.segmented_control(
            "Challenger", challengers, format_func=words.labels.__getitem__, default=challenger, required=True,
            key="compare_cost_challenger", bind="query-params",
        )  # fmt: skip
    text = Justification(words, sample, champion, challenger)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plain(text.title())}**", width="stretch")
            st.download_button(
                "Markdown",
                lambda: text.markdown().encode(),
                file_name=f"hypothec_justification_{challenger.replace('/', '_')}.md",
                mime="text/markdown",
                icon=":material/download:",
                key="compare_cost_markdown",
                on_click="ignore",
                type="tertiary",
            )
        st.markdown(text.body())
