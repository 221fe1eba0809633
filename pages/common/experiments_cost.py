"""Gini against latency and parameters, with the front and the cheapest within the noise of the best."""

import streamlit as st

from analytics.figures.experiment_costs import plot_costs
from pages.common import show
from pages.common.experiments_cost_words import AXES, CostWords
from pages.common.experiments_words import Words
from pages.common.shell import plain


def draw(words: Words, sample: str, against: str) -> None:  # noqa: ARG001
    """Draw quality against cost: the best is the one with the highest Gini, whoever is compared with elsewhere."""
    said = CostWords(words, sample)
    show.figure(
        words.view,
        plot_costs(said.frame, AXES, looks=words.looks, best=said.best, chosen=said.chosen, title=said.title(),
                   subtitle=said.subtitle()),
        said.frame,
        show.Definition(said.definition(), window=words.window(sample), model=words.found_by()),
        key="experiments_cost",
    )  # fmt: skip
    st.caption(plain(said.front()))
