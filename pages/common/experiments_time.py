"""Experiments by half-years since training: their Gini, and their difference from one of them."""

import streamlit as st

from analytics.figures.decay import plot_decay
from pages.common import show
from pages.common.experiments_time_words import NO_DATES, TimeWords
from pages.common.experiments_words import Words
from pages.common.shell import plain

AT_FIRST = 4


def draw(words: Words, sample: str, against: str) -> None:
    """Draw the course after training; always on the out-of-time rows."""
    said = TimeWords(words, against)
    if said.frame.empty:
        st.info(NO_DATES, icon=":material/info:")
        return
    if sample != "out-of-time":
        st.caption("Through time is always told out-of-time: the other sample has no dates after training.")
    chosen = _choose(said)
    rows = said.frame[said.frame["name"].isin(chosen)]
    window, made = words.window("out-of-time"), words.found_by()
    show.figure(
        words.view,
        plot_decay(rows[rows["name"] != said.against], looks=words.looks, value="difference",
                   title=said.lead_title(chosen), axis=f"Gini − Gini of {said.against}",
                   subtitle=said.subtitle(f"Gini − Gini of {said.against} on the same rows")),
        rows.drop(columns="period_label"),
        show.Definition(said.definition(), window=window, model=made),
        key="experiments_lead",
    )  # fmt: skip
    show.figure(
        words.view,
        plot_decay(rows, looks=words.looks, value="estimate", title=said.course_title(),
                   axis="Gini", subtitle=said.subtitle("Gini")),
        rows.drop(columns="period_label"),
        show.Definition(said.definition(), window=window, model=made),
        key="experiments_decay",
    )  # fmt: skip


def _choose(said: TimeWords) -> list[str]:
    """Let experiments be chosen; the one compared with always is."""
    others = [name for name in said.names if name != said.against]
    first = others[:AT_FIRST]
    chosen = st.pills(
        "Experiments", others, selection_mode="multi", default=first, key="experiments_followed", wrap=True,
        bind="query-params", format_func=plain, label_visibility="collapsed",
        help=f"Which experiments are followed beside {said.against}.",
    )  # fmt: skip
    return [said.against, *(name for name in others if name in (chosen or first))]
