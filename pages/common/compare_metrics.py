"""Compare's metrics: every model on every sample, paired differences, and the same differences by three methods."""

from concurrent.futures import ThreadPoolExecutor, wait
from typing import Literal

import pandas as pd
import streamlit as st

from analytics.figures.differences import plot_differences
from analytics.figures.distributions import plot_score_distributions
from analytics.figures.metrics import plot_metric_intervals
from pages.common import compare_metric_data, compare_verdict_data, show
from pages.common.compare_metric_data import Drawn
from pages.common.compare_metric_words import (
    IN_DIFFERENCES,
    IN_FIGURE,
    METHODS,
    PAIRED,
    MetricWords,
)
from pages.common.compare_words import Words
from pages.common.shell import plain

AT_ONCE = 1_500_000_000  # rows · models · resamples: two or three seconds
ROWS, TALL = 13, 460  # a table of more rows than this scrolls, in a window of so many pixels
EVERY = 0.1  # seconds between looks at how far the resamples are


def draw(words: Words, sample: str) -> None:
    """Show the metrics, the differences from the champion and how sure three methods are, and the PDs themselves."""
    said = MetricWords(words, sample)
    with st.container(border=True):
        st.markdown(f"**{said.heading()}**")
        _table(said, said.table(), "compare_metrics")
    window, models = words.window(sample), words.models()
    metrics = said.all_metrics()
    figure = plot_metric_intervals(
        metrics, IN_FIGURE, colours=words.colours, labels=words.labels, samples=words.samples,
        title=said.spread_title(), subtitle=said.spread_subtitle(),
    )  # fmt: skip
    definition = show.Definition(said.definition(), window=window, model=models)
    show.figure(words.view, figure, metrics, definition, key="compare_intervals")
    if said.comparable:
        _differences(said)
        _methods(said)
    _distribution(words, sample)


def _table(said: MetricWords, table: pd.DataFrame, key: str) -> None:
    height: int | Literal["content"] = TALL if len(table) > ROWS else "content"
    st.dataframe(table, hide_index=True, key=key, height=height, column_config=said.columns())


def _differences(said: MetricWords) -> None:
    words, frame = said.words, said.differences()
    with st.container(border=True):
        st.markdown(f"**{plain(said.differences_heading())}**")
        _table(said, said.differences_table(), "compare_differences")
    figure = plot_differences(
        frame, IN_DIFFERENCES, rows="sample", order=words.samples, colours=words.colours,
        labels=words.labels, title=said.differences_title(), subtitle=said.differences_subtitle(),
    )  # fmt: skip
    definition = show.Definition(
        f"{PAIRED}\n\n{said.definition()}", window=words.window(said.sample), model=words.models()
    )
    show.figure(words.view, figure, frame, definition, key="compare_difference_intervals")


def _distribution(words: Words, sample: str) -> None:
    spread = words.distribution(sample)
    figure = plot_score_distributions(
        spread.frame, colours=words.colours, labels=words.labels, title=spread.title, subtitle=spread.subtitle,
        event=words.schema.event,
    )  # fmt: skip
    definition = show.Definition(spread.definition, window=words.window(sample), model=words.models())
    show.figure(words.view, figure, spread.frame, definition, key="compare_scores")


def _methods(said: MetricWords) -> None:
    """Show the same differences by formula, with rows independent and clustered, and by drawing the loans anew."""
    words = said.words
    resamples = compare_verdict_data.policy(said.selection).resamples
    work = words.counts[said.sample][0] * len(words.views) * resamples
    drawn = _draw_loans(said, resamples) if _wanted(resamples, work) else None
    frame = said.methods(drawn)
    figure = plot_differences(
        frame, compare_metric_data.METRICS, rows="method", order=said.methods_order(frame), colours=words.colours,
        labels=words.labels, title=said.methods_title(frame), subtitle=said.methods_subtitle(drawn),
    )  # fmt: skip
    text = METHODS.format(resamples=f"{resamples:,}")
    definition = show.Definition(text, window=words.window(said.sample), model=words.models())
    show.figure(words.view, figure, said.methods_table(frame), definition, key="compare_methods")


def _wanted(resamples: int, work: float) -> bool:
    """Return whether to draw the loans anew: at once where that is quick, else when it is asked for."""
    if work <= AT_ONCE:
        return True
    return st.toggle(
        f"Draw the loans anew, {resamples:,} times (takes a while)", key="compare_bootstrap", bind="query-params"
    )


def _draw_loans(said: MetricWords, resamples: int) -> Drawn:
    """Return the bootstrap, showing how far it is; one that is remembered comes back at once."""
    told: list[tuple[float, str]] = [(0.0, f"Drawing the loans anew, {resamples:,} times")]
    place = st.empty()
    with ThreadPoolExecutor(1) as pool:  # cached functions may not draw: this thread looks at the other's progress
        task = pool.submit(
            compare_metric_data.by_drawing,
            said.selection,
            said.sample,
            resamples,
            _progress=lambda share, text: told.append((share, text)),
        )
        while not task.done():
            if not wait([task], timeout=EVERY).done:
                place.progress(*told[-1])
    place.empty()
    return task.result()
