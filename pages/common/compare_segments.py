"""Compare's segments: where is the challenger better, no worse or worse, and where are the PDs wrong?"""

import streamlit as st

from analytics.figures.forest import plot_forest
from analytics.performance import METRICS
from pages.common import compare_slices, show
from pages.common.compare_pair import choose_pair
from pages.common.compare_segment_words import AGAINST, HOLLOW, LEVEL, MOST_TELLING, SegmentWords
from pages.common.compare_words import Words
from pages.common.shell import plain

DIGITS = {"brier": 5, "log_loss": 4}


def draw(words: Words, sample: str) -> None:
    """Draw the forest plot of segments and that of the weak spots."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        pair = choose_pair(words)
        place = st.container()
    told = SegmentWords(words, sample, pair)
    if told.fields:
        with place:
            measure = _pick("Compared by", told.measures(), "compare_segments_measure")
        _segments(told, measure)
    else:
        st.info(
            "No field of this portfolio has the role segment and two values or more here: there is nothing to split "
            "by. Give one the role in schema.toml; weak spots are looked for in all features.",
            icon=":material/info:",
        )
    _spots(told)


def _segments(told: SegmentWords, measure: str) -> None:
    labels = {name: told.field_label(name) for name in (MOST_TELLING, *told.fields)}
    field = st.pills(
        "Segments of", list(labels), format_func=lambda name: plain(labels[name]), default=MOST_TELLING, required=True,
        key="compare_segments_field", bind="query-params", label_visibility="collapsed", wrap=True,
    )  # fmt: skip
    forest, policy = told.forest(measure, field), compare_slices.policy(told.selection)
    if forest.rows.empty:
        st.info("No segment here has loans both with and without the event.", icon=":material/info:")
        return
    level = measure == LEVEL
    show.figure(
        told.words.view,
        plot_forest(
            forest.rows, colours=forest.colours, title=forest.title, subtitle=forest.subtitle, axis=forest.axis,
            beside=f"rows · {told.schema.event}s", reference=1.0 if level else 0.0, log=level,
            margin=None if level else told.margin(measure), digits=2 if level else DIGITS.get(measure, 3),
            band=(policy.calibration_low, policy.calibration_high) if level else None,
            hollow=HOLLOW, turned=not level and METRICS[measure].better == "lower",
        ),
        forest.table,
        show.Definition(forest.definition, window=told.words.window(told.sample), model=told.words.models()),
        key="compare_segments",
    )  # fmt: skip


def _spots(told: SegmentWords) -> None:
    st.subheader("Weak spots", anchor=False)
    choice = _pick("Looked for in", told.spot_choices(), "compare_segments_spots")
    try:
        forest = told.spots(choice)
    except ValueError as error:
        st.info(f"Weak spots cannot be looked for: {error}.", icon=":material/info:")
        return
    show.figure(
        told.words.view,
        plot_forest(
            forest.rows, colours=forest.colours, title=forest.title, subtitle=forest.subtitle, axis=forest.axis,
            beside=f"rows · {told.schema.event}s", unit="" if choice == AGAINST else "share",
            digits=4 if choice == AGAINST else None, hollow=HOLLOW, width=52,
        ),
        forest.table,
        show.Definition(forest.definition, window=told.words.window(told.sample), model=told.words.models()),
        key="compare_spots",
    )  # fmt: skip


def _pick(label: str, options: dict[str, str], key: str) -> str:
    return st.segmented_control(
        label, list(options), format_func=lambda name: plain(options[name]), default=next(iter(options)),
        required=True, key=key, bind="query-params",
    )  # fmt: skip
