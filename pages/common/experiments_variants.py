"""Ablations and data size: experiments that differ in one thing only."""

import streamlit as st

from analytics.figures.experiments import plot_sizes, plot_variants
from pages.common import show
from pages.common.experiments_variants_words import NO_ABLATION, NO_SIZES, VariantWords
from pages.common.experiments_words import Words


def draw(words: Words, sample: str, against: str) -> None:  # noqa: ARG001
    """Draw what models lose without a part of their input, and what more loans bring."""
    said = VariantWords(words, sample)
    ablation, size = said.definitions()
    window = words.window(sample)
    left = said.ablations()
    if len(left):
        show.figure(
            words.view,
            plot_variants(left, looks=words.looks, title=said.ablation_title(left), subtitle=said.subtitle(),
                          axis="difference of Gini from the full one"),
            left,
            show.Definition(ablation, window=window, model=words.found_by()),
            key="experiments_ablations",
        )  # fmt: skip
    else:
        st.info(NO_ABLATION, icon=":material/info:")
    sizes = said.sizes()
    if len(sizes):
        show.figure(
            words.view,
            plot_sizes(sizes, looks=words.looks, title=said.sizes_title(sizes),
                       subtitle=said.sizes_subtitle(sizes), subject=words.schema.subject),
            sizes,
            show.Definition(size, window=window, model=words.found_by()),
            key="experiments_sizes",
        )  # fmt: skip
    else:
        st.info(NO_SIZES, icon=":material/info:")
