"""Learning and calibration curves of chosen experiments."""

import streamlit as st

from analytics.figures.learning import plot_calibration_bins, plot_learning
from analytics.searches import scale_losses
from pages.common import show
from pages.common.experiments_learning_words import BINS, CURVES, FORMULA, LearningWords
from pages.common.experiments_words import Words
from pages.common.shell import plain

AT_FIRST = 4  # experiments drawn over each other


def draw(words: Words, sample: str, against: str) -> None:
    """Draw losses by epoch and observed rates by PD of the chosen experiments."""
    said = LearningWords(words, sample)
    chosen = _choose(said, against)
    epochs = said.epochs(chosen)
    if len(epochs):
        drawn = scale_losses(epochs)
        show.figure(
            words.view,
            plot_learning(drawn, looks=words.looks, title=said.title(epochs), subtitle=said.subtitle(epochs)),
            epochs,
            show.Definition(CURVES, FORMULA, window="development dates only", model=words.found_by()),
            key="experiments_learning",
        )
    if rest := said.without(chosen):
        st.caption(rest)
    show.figure(
        words.view,
        plot_calibration_bins(said.bins(chosen), looks=words.looks, title=said.fit_title(chosen),
                              subtitle=said.fit_subtitle(), event=words.schema.event),
        said.bins(chosen),
        show.Definition(BINS, FORMULA, window=words.window(sample), model=words.found_by()),
        key="experiments_calibration",
    )  # fmt: skip
    st.caption(said.fit_table(chosen))


def _choose(said: LearningWords, against: str) -> list[str]:
    """Let experiments be chosen: at first the best that learn in epochs, and the one compared with."""
    curves = said.learnt[: AT_FIRST - 1]
    others = [name for name in said.names if name not in curves and name != against]
    first = [against, *(name for name in curves if name != against)]
    first = [*first, *others][: max(2, len(first))]
    chosen = st.pills(
        "Experiments", said.names, selection_mode="multi", default=first, key="experiments_shown", wrap=True,
        bind="query-params", format_func=plain, label_visibility="collapsed",
        help="Which experiments are drawn over each other.",
    )  # fmt: skip
    return [name for name in said.names if name in (chosen or first)]
