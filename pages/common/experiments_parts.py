"""The sections of the Experiments page, and the choice of sample and of the experiment compared with."""

from collections.abc import Callable

import streamlit as st

from pages.common import (
    experiments_board,
    experiments_cost,
    experiments_learning,
    experiments_time,
    experiments_tuning,
    experiments_variants,
)
from pages.common.experiments_words import MEANING, Words
from pages.common.shell import plain

TUNING = "Tuning"
JUDGED: dict[str, Callable[[Words, str, str], None]] = {  # need a finished experiment: words, sample, against
    "Leaderboard": experiments_board.draw,
    "Learning": experiments_learning.draw,
    "Ablations and data size": experiments_variants.draw,
    "Through time": experiments_time.draw,
    "Cost": experiments_cost.draw,
}
SECTIONS = ("Leaderboard", "Learning", TUNING, "Ablations and data size", "Through time", "Cost")
PILLS = 8  # experiments that still fit beside each other


def draw(words: Words) -> None:
    """Draw what is under way, the choices, and the open section; only that one computes."""
    under_way = st.container()
    if line := words.other_data():
        st.info(line, icon=":material/info:")
    if words.filtered:
        st.caption("Experiments are judged on the whole portfolio: the sidebar's filters do not change this page.")
    if not words.boards:  # only searches under way, or nothing that can be judged
        experiments_tuning.draw(words)
        return
    sample, against = _choose(words)
    section = st.segmented_control(
        "Section", SECTIONS, default=SECTIONS[0], required=True, key="experiments_section", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    if section == TUNING:
        experiments_tuning.draw(words)
        return
    if line := words.begun():
        under_way.info(line, icon=":material/hourglass_top:")
    JUDGED[section](words, sample, against)


def _choose(words: Words) -> tuple[str, str]:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        sample: str = st.segmented_control(
            "Judged on", words.samples, default=words.samples[0], required=True, key="experiments_sample",
            bind="query-params", format_func=words.sample_label,
        )  # fmt: skip
        against = _compared_with(sorted(words.names(sample)), words.reference(sample))
    st.caption(MEANING[sample])
    return sample, against


def _compared_with(names: list[str], first: str) -> str:
    if len(names) < 2:
        return first
    key = "experiments_against"
    if len(names) > PILLS:
        return st.selectbox("Compared with", names, index=names.index(first), key=key, bind="query-params", width=240)
    chosen: str = st.segmented_control(
        "Compared with", names, default=first, required=True, key=key, bind="query-params", format_func=plain
    )
    return chosen
