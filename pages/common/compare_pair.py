"""Which challenger a section of Compare sets against the champion."""

from dataclasses import dataclass

import streamlit as st

from pages.common.compare_words import Words
from pages.common.model_data import ModelView
from pages.common.shell import plain


@dataclass(frozen=True)
class Pair:
    """The champion (or, where it has no scores, the first model) and a challenger."""

    champion: ModelView
    challenger: ModelView

    @property
    def names(self) -> tuple[str, str]:
        """Both labels without the mark of the champion."""
        return bare(self.champion.label), bare(self.challenger.label)


def bare(label: str) -> str:
    """Return a model's label without the mark of the champion.

    >>> bare("Scorecard (champion)")
    'Scorecard'
    """
    return label.removesuffix(" (champion)")


def choose_pair(words: Words) -> Pair | None:
    """Let the reader choose the challenger where there are several; None where there is only one model."""
    champion, *others = words.views
    if not others:
        return None
    refs = {item.ref: item for item in others}
    chosen = others[0].ref
    if len(others) > 1:
        chosen = st.segmented_control(
            "Challenger", list(refs), default=chosen, required=True, key="compare_challenger", bind="query-params",
            format_func=lambda ref: plain(refs[ref].label),
        )  # fmt: skip
    return Pair(champion, refs[chosen])
