"""Compare: is a challenger better than the champion, by how much, how sure?"""

import streamlit as st

from analytics.figures.distributions import plot_score_distributions
from analytics.figures.metrics import plot_calibration, plot_metric_intervals, plot_roc
from pages.common import compare_words, shell, show

view = shell.open_page(
    "Compare", "Is a challenger better than the model in production, by how much, and how sure are we?"
)
words = compare_words.Words(view)
if problem := words.problem():
    shell.stop_with(*problem)

sample = st.segmented_control(
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
st.markdown("\n".join(f"- **{shell.plain(verdict)}**" for verdict in words.verdicts(sample)))

window = words.window(sample)
with st.container(border=True):
    st.markdown(f"**{words.metrics_heading()}**")
    st.dataframe(
        words.metrics_table(), hide_index=True, key="compare_metrics", height=460, column_config=words.metrics_columns()
    )
metrics = words.all_metrics()
show.figure(
    view,
    plot_metric_intervals(
        metrics,
        words.shown_metrics(),
        colours=words.colours,
        labels=words.labels,
        samples=words.samples,
        title=words.spread_title(sample),
        subtitle=words.spread_subtitle(),
    ),
    metrics,
    show.Definition(words.metrics_definition(), window=window, model=words.models()),
    key="compare_intervals",
)

left, right = st.columns(2, gap="medium")
with left:
    roc = words.roc(sample)
    show.figure(
        view,
        plot_roc(
            roc.frame,
            colours=words.colours,
            labels=roc.labels,
            title=roc.title,
            subtitle=roc.subtitle,
            event=view.schema.event,
        ),
        roc.frame,
        show.Definition(roc.definition, window=window, model=words.models()),
        key="compare_roc",
        share=2,
    )
with right:
    bins = words.calibration(sample)
    show.figure(
        view,
        plot_calibration(
            bins.frame,
            colours=words.colours,
            labels=bins.labels,
            title=bins.title,
            subtitle=bins.subtitle,
            event=view.schema.event,
        ),
        bins.frame,
        show.Definition(bins.definition, window=window, model=words.models()),
        key="compare_calibration",
        share=2,
    )
spread = words.distribution(sample)
show.figure(
    view,
    plot_score_distributions(
        spread.frame,
        colours=words.colours,
        labels=words.labels,
        title=spread.title,
        subtitle=spread.subtitle,
        event=view.schema.event,
    ),
    spread.frame,
    show.Definition(spread.definition, window=window, model=words.models()),
    key="compare_scores",
)
