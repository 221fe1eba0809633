"""Overview: how big is the book, where is it going wrong, what changed?"""

import streamlit as st

from analytics.figures.book import plot_bars_by_category, plot_trend
from analytics.figures.tiles import plot_tiles
from analytics.outcomes import compute_largest
from pages.common import book_words, overview_parts, shell, show

view = shell.open_page("Overview", "How big is the book, where is it going wrong, and what changed?")
words = book_words.Words(view)

latest = words.latest()
if latest.empty or not latest["loans"].sum():
    shell.stop_with(
        f"No {view.schema.subject} matches the filters: {shell.describe_filters(view)}.",
        "Take a filter away, or press *Clear all filters* in the sidebar.",
    )

concentrated = overview_parts.Concentration(view)
top = overview_parts.alerts(view, words.finding(), concentrated)
show.cards(words.cards())
overview_parts.changes(view)

left, right = st.columns(2, gap="medium")
with left:
    if trends := words.trends:
        chosen = st.pills(
            "Trend of",
            list(trends),
            format_func=lambda name: trends[name].label,
            required=True,
            default=words.first_trend(),
            key="overview_trend",
            bind="query-params",
            label_visibility="collapsed",
            wrap=True,
        )
        trend = trends[chosen]
        show.figure(
            view,
            plot_trend(
                trend.frame,
                {chosen: trend.label},
                unit=trend.unit,
                title=trend.title,
                subtitle=trend.subtitle,
                x=trend.date,
                from_zero=trend.from_zero,
                height=300,
            ),
            trend.frame,
            show.Definition(trend.definition, window=trend.window),
            key="overview_trend_figure",
            share=2,
        )
    else:
        st.info(words.why_no_trend(), icon=":material/info:")
with right:
    if words.has_map():
        regions = words.regions()
        show.figure(
            view,
            plot_tiles(
                regions.frame,
                view.schema.tiles,
                region=regions.column,
                value=regions.value,
                unit="share",
                title=regions.title,
                subtitle=regions.subtitle,
                country=regions.country,
                n="loans",
            ),
            regions.frame,
            show.Definition(regions.definition, window=regions.window),
            key="overview_map_figure",
            share=2,
        )
    else:
        st.info(words.why_no_map(), icon=":material/info:")

overview_parts.closer(view, top.limits, concentrated)

segments = words.segments()
if segments:
    st.subheader(words.by_segment_heading(), anchor=False)
    chosen = st.pills(
        "By",
        segments,
        format_func=lambda name: view.schema.get(name).label,
        required=True,
        default=segments[0],
        key="overview_by",
        bind="query-params",
        label_visibility="collapsed",
        wrap=True,
    )
    table = words.outcomes_by(chosen)
    show.figure(
        view,
        plot_bars_by_category(
            compute_largest(table.frame, chosen, top=12),
            category=chosen,
            value="default_rate",
            unit="share",
            low="default_rate_low",
            high="default_rate_high",
            title=table.title,
            subtitle=table.subtitle,
        ),
        table.frame,
        show.Definition(table.definition, window=table.window),
        key="overview_by_figure",
    )

overview_parts.data_alerts(top)
