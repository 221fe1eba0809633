"""Explain, section Trust: do attributions add up, do reasons hold, and what an attribution is not."""

import streamlit as st

from analytics.figures.explanation_trust import plot_repeats, plot_spread
from pages.common import explain_trust_words, show, what_if_data
from pages.common.explain_trust_words import TrustWords
from pages.common.shell import View, plain


def draw(view: View) -> None:
    """Draw the checks of the stored explanations and, when asked, explanations made again."""
    words = TrustWords(view)
    _sums(words)
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.markdown(f"**{plain(words.range_title())}**")
        st.table(words.ranges().set_index("Model"), border="horizontal")
        st.caption(plain(words.range_meaning()))
    with right, st.container(border=True, height="stretch"):
        st.markdown("**What an explanation is not**" if view.business else "**What an attribution is not**")
        for sentence in words.is_not():
            st.markdown(f"- {sentence}")
    _again(words)


def _sums(words: TrustWords) -> None:
    st.markdown(f"#### {plain(words.sum_title())}")
    with st.grid("auto", min_column_width=178, gap="small"):
        for item in words.sums():
            st.metric(plain(item.label), item.value, border=True, height="stretch", help=item.explanation)
    if not words.view.business:
        with st.container(border=True):
            st.table(words.sum_table().set_index("Model"), border="horizontal")
            st.caption(
                "Gap and noise in log-odds. Noise: the largest standard error among a loan's attributions where "
                "orders of features are sampled; none where they are exact."
            )


def _again(words: TrustWords) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        asked = st.toggle(
            words.view.word("Would other comparisons give the same reasons?", "Stability over backgrounds and seeds"),
            key="explain_trust_again", bind="query-params",
        )  # fmt: skip
        if not asked:
            st.caption(plain(words.cost()))
            return
    if unread := words.unread():
        st.caption(plain(unread))
    with st.spinner("Explaining the loans again …"):
        found = words.again()
    if not found:
        st.info("Every model here is too slow to be explained again in a page.", icon=":material/info:")
        return
    repeats, (spread, features) = words.repeats(), words.spread()
    limit = what_if_data.rule(words.selection).stable_share
    left, right = st.columns(2, gap="medium")
    with left:
        show.figure(
            words.view,
            plot_repeats(repeats.frame, colours=words.colours, labels=words.labels, limit=limit, title=repeats.title,
                         subtitle=repeats.subtitle),
            repeats.frame,
            show.Definition(explain_trust_words.AGAIN, window=words.key, model=words.models()),
            key="explain_trust_repeats",
            share=2,
        )  # fmt: skip
    with right:
        show.figure(
            words.view,
            plot_spread(spread.frame, features, colours=words.colours, labels=words.labels,
                        feature_labels=words.feature_labels, title=spread.title, subtitle=spread.subtitle),
            spread.frame,
            show.Definition(explain_trust_words.SPREAD, window=words.key, model=words.models()),
            key="explain_trust_spread",
            share=2,
        )  # fmt: skip
    with st.container(border=True):
        st.table(words.repeat_table(repeats.frame).set_index("Model"), border="horizontal")
