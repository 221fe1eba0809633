"""Compare through time: a metric by month, quarter, year or vintage, and who forecasts better date after date."""

import streamlit as st

from analytics.figures.through_time import plot_by_period, plot_loss_differences
from pages.common import show
from pages.common.compare_pair import bare, choose_pair
from pages.common.compare_time_words import NO_DATES, NO_TEST_DATES, TimeWords
from pages.common.compare_words import Words
from pages.common.shell import plain


def draw(words: Words, sample: str) -> None:
    """Draw the metric by period and the loss differences by date; say so where there are no dates."""
    told = TimeWords(words, sample)
    if not told.grains:
        st.info(NO_DATES, icon=":material/info:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        metric = _pick("Followed", told.metrics(), "compare_time_metric")
        grain = _pick("By", told.grains, f"compare_time_by_{sample}")
    course = told.course(metric, grain)
    show.figure(
        words.view,
        plot_by_period(course.frame, metric, colours=words.colours, labels=words.labels, title=course.title,
                       subtitle=course.subtitle, event=told.schema.event),
        course.frame.drop(columns="period"),
        show.Definition(course.definition, window=words.window(sample), model=words.models()),
        key="compare_time",
    )  # fmt: skip
    st.caption(plain(course.note))
    _losses(told)


def _losses(told: TimeWords) -> None:
    words = told.words
    if not told.dated:
        st.caption(NO_TEST_DATES)
        return
    pair = choose_pair(words)
    if pair is None:
        return
    losses = told.losses(pair)
    show.figure(
        words.view,
        plot_loss_differences(
            losses.frame, names=(bare(pair.champion.label), bare(pair.challenger.label)), title=losses.title,
            colours=(pair.champion.colour, pair.challenger.colour), subtitle=losses.subtitle,
        ),
        losses.frame,
        show.Definition(losses.definition, window=words.window(told.sample), model=words.models()),
        key="compare_time_losses",
    )  # fmt: skip
    st.caption(plain(losses.note))


def _pick(label: str, options: dict[str, str], key: str) -> str:
    return st.segmented_control(
        label, list(options), format_func=lambda name: plain(options[name]), default=next(iter(options)),
        required=True, key=key, bind="query-params",
    )  # fmt: skip
