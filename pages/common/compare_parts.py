"""The sections of the Compare page and the choice of its models; only the open section runs."""

import dataclasses
from collections.abc import Callable

import streamlit as st

from pages.common import (
    compare_calibration,
    compare_cost,
    compare_curves,
    compare_metrics,
    compare_profit,
    compare_segments,
    compare_swap,
    compare_time,
    model_data,
)
from pages.common.compare_words import Words
from pages.common.shell import View, plain


def choose_models(view: View) -> View:
    """Let challengers be left out where there are several; return the view on the champion and those kept."""
    if not view.schema.with_role("target"):
        return view
    views = model_data.models(view.selection)
    champion = [item.ref for item in views if item.is_champion]
    labels = {item.ref: plain(item.label) for item in views if item.ref not in champion}
    if len(views) < 3:
        return view
    chosen = st.pills(
        "Challengers" if champion else "Models",
        list(labels),
        format_func=labels.__getitem__,
        selection_mode="multi",
        default=list(labels),
        key="compare_models",
        bind="query-params",
        wrap=True,
        label_visibility="collapsed",
        help="Which models are compared; the champion always is.",
    )
    if not chosen or len(chosen) == len(labels):
        return view
    return dataclasses.replace(view, selection=dataclasses.replace(view.selection, models=(*champion, *chosen)))


SHOW: dict[str, Callable[[Words, str], None]] = {
    "Metrics": compare_metrics.draw,
    "Curves": compare_curves.draw,
    "Calibration": compare_calibration.draw,
    "Segments": compare_segments.draw,
    "Through time": compare_time.draw,
    "Swap set": compare_swap.draw,
    "Profit": compare_profit.draw,
    "Cost": compare_cost.draw,
}


def choose_sample(words: Words) -> str:
    """Let a sample be chosen, and say what it is."""
    sample: str = st.segmented_control(
        "Sample",
        words.samples,
        default=words.samples[0],
        required=True,
        key="compare_sample",
        bind="query-params",
        label_visibility="collapsed",
        format_func=words.sample_label,
    )
    st.caption(words.sample_meaning(sample))
    return sample
