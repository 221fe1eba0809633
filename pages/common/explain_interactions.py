"""Explain, section Interactions: which features act together, and how."""

import streamlit as st

from analytics.figures.interactions import plot_interaction_matrix, plot_pair_grid
from pages.common import show
from pages.common.explain_interactions_words import InteractionWords
from pages.common.shell import View, plain


def draw(view: View) -> None:
    """Draw the choice of a model, the matrix of its pairs and the grid of one."""
    words = InteractionWords(view)
    ref = st.segmented_control(
        "Model",
        list(words.labels),
        default=words.first(),
        required=True,
        format_func=lambda item: plain(words.labels[item]),
        key="explain_acting",
        bind="query-params",
    )
    if sentence := words.additive(ref):
        st.info(plain(sentence), icon=":material/info:")
        return
    with st.spinner(words.doing(ref)):
        matrix = words.matrix(ref)
    if left_out := words.left_out_of_pairs(ref):
        st.caption(plain(left_out))
    exact = words.is_exact(ref)
    show.figure(
        view,
        plot_interaction_matrix(
            matrix.frame,
            labels=words.feature_labels,
            title=matrix.title,
            subtitle=matrix.subtitle,
            upright="" if exact else "attribution of",
            across="" if exact else "moved by the value of",
        ),
        matrix.table,
        matrix.definition,
        key="explain_matrix",
    )
    _draw_pair(words, ref)


def _draw_pair(words: InteractionWords, ref: str) -> None:
    choices = words.choices(ref)
    if not choices:
        st.caption(plain(words.nothing(ref)))
        return
    name = st.selectbox("Pair", list(choices), key="explain_pair", bind="query-params", width=460)
    pair = choices[name]
    grid = words.grid(ref, pair)
    show.figure(
        words.view,
        plot_pair_grid(
            grid.frame,
            row=words.feature_labels[pair[0]],
            column=words.feature_labels[pair[1]],
            title=grid.title,
            subtitle=grid.subtitle,
        ),
        grid.table,
        grid.definition,
        key="explain_pair_grid",
    )
