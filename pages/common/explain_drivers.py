"""Explain, section Drivers: what matters most over the book, and in which direction."""

import streamlit as st

from analytics.figures.drivers import plot_drivers, plot_swarm
from pages.common import show
from pages.common.explain_choice import choose_grouping, choose_model
from pages.common.explain_drivers_words import SCALES, DriverWords
from pages.common.shell import View


def draw(view: View) -> None:
    """Draw the importance of the features, model by model, and the beeswarm of one model."""
    words = DriverWords(view)
    _importance(words)
    _swarm(words)


def _importance(words: DriverWords) -> None:
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        scale = st.segmented_control(
            "Measured as", list(SCALES), format_func=SCALES.__getitem__, default=next(iter(SCALES)), required=True,
            key="explain_scale", bind="query-params",
        )  # fmt: skip
        by = choose_grouping(words)
    found = words.ranking(scale, by)
    show.figure(
        words.view,
        plot_drivers(
            found.frame, found.features, scale, colours=words.colours, labels=words.feature_labels,
            model_labels=words.labels, title=found.title, subtitle=found.subtitle,
        ),
        found.table,
        show.Definition(found.definition, found.formula, window=words.key, model=words.models()),
        key="explain_importance",
    )  # fmt: skip


def _swarm(words: DriverWords) -> None:
    ref = choose_model(words)
    found = words.swarm(ref)
    show.figure(
        words.view,
        plot_swarm(
            found.frame, found.features, labels=words.feature_labels, units=words.units, title=found.title,
            subtitle=found.subtitle,
        ),
        found.table,
        show.Definition(found.definition, window=words.key, model=ref),
        key="explain_swarm",
    )  # fmt: skip
