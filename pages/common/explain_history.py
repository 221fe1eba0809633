"""Explain, section One loan: the loan's payment history and its PDs over time."""

import streamlit as st

from analytics.figures.loan import plot_course, plot_history
from pages.common import shell, show
from pages.common.explain_history_words import HistoryWords
from pages.common.explain_loan_words import LoanWords


def draw(words: LoanWords, loan_id: str) -> None:
    """Draw both beside each other, or say in a sentence what there is not."""
    told = HistoryWords(words, loan_id)
    history, course = told.history(), told.course()
    if history is None and course is None:
        st.caption(shell.plain(_neither(words)))
        return
    left, right = st.columns([1.25, 1], gap="medium")
    with left:
        if history is None:
            st.caption(shell.plain(_no_history(words)))
        else:
            chart = plot_history(
                history.frame, observed=history.observed, until=history.until, currency=words.schema.currency,
                title=history.title, subtitle=history.subtitle,
            )  # fmt: skip
            show.figure(words.view, chart, history.frame, show.Definition(history.definition, window=words.key),
                        key="explain_history", characters=56)  # fmt: skip
    with right:
        if course is None:
            st.caption("Scored at one date only, so there is no course of PDs.")
        else:
            chart = plot_course(
                course.frame, colours=words.colours, labels=words.labels, observed=course.observed,
                title=course.title, subtitle=course.subtitle,
            )  # fmt: skip
            show.figure(
                words.view, chart, course.frame,
                show.Definition(course.definition, window=words.key, model=words.models()),
                key="explain_course", characters=44,
            )  # fmt: skip


def _no_history(words: LoanWords) -> str:
    return f"No payment history: this portfolio has no months of the {words.schema.subject}."


def _neither(words: LoanWords) -> str:
    return f"No payment history and no course of PDs: one row for each {words.schema.subject}, no months."
