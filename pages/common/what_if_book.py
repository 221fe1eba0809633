"""The portfolio what-if: shocks to house prices, rates, income and unemployment, through every model."""

import streamlit as st

from analytics.figures.what_if import plot_before_after, plot_grades
from analytics.shocks import Shock
from pages.common import show, what_if_book_words
from pages.common.shell import plain
from pages.common.what_if_book_words import SHOCKS, BookWords
from pages.common.what_if_words import LoanWords

# name: lowest, highest, at first, step (per cent or points), format
SLIDERS: dict[str, tuple[float, float, float, float, str]] = {
    "house_prices": (-40.0, 20.0, -10.0, 1.0, "%+.0f %%"),
    "rates": (-2.0, 5.0, 1.0, 0.25, "%+.2f pp"),
    "income": (-30.0, 20.0, -5.0, 1.0, "%+.0f %%"),
    "unemployment": (-3.0, 12.0, 3.0, 0.5, "%+.1f pp"),
}


def draw(words: LoanWords) -> None:
    """Draw the shocks, what they do to every model's PDs, losses and grades, and the paths they take."""
    shock = _ask()
    if shock == Shock():
        st.info("No shock is set: move a slider.", icon=":material/info:")
        return
    book = BookWords(words, shock)
    show.cards(book.cards())
    st.markdown(plain(book.finding()))
    st.caption(plain(book.coverage()))
    left, right = st.columns(2, gap="medium")
    with left:
        _segments(book)
    with right:
        _grades(book)
    _paths(book)


def _ask() -> Shock:
    with st.container(border=True):
        columns = st.columns(len(SLIDERS), gap="medium")
        sizes = {
            name: column.slider(SHOCKS[name], low, high, first, step, format=style, key=f"what_if_{name}",
                                bind="query-params")
            for column, (name, (low, high, first, step, style)) in zip(columns, SLIDERS.items(), strict=True)
        }  # fmt: skip
        st.caption("The shock at first is an arbitrary recession, no forecast and no supervisor's scenario.")
    return Shock(**{name: round(size / 100, 6) for name, size in sizes.items()})


def _segments(book: BookWords) -> None:
    fields, words = book.fields(), book.words
    if not fields:
        st.info("No segment has more than one value here.", icon=":material/info:")
        return
    field = st.pills("By", fields, default=fields[0], required=True, key="what_if_by", bind="query-params", wrap=True,
                     format_func=lambda name: plain(book.field_label(name)))  # fmt: skip
    shown = book.by(field or fields[0])
    show.figure(
        words.view,
        plot_before_after(shown.frame, colours=words.colours, labels=words.labels, axis="mean PD", title=shown.title,
                          subtitle=shown.subtitle),
        shown.frame,
        show.Definition(f"{what_if_book_words.MEANING}\n\n{what_if_book_words.LOSS}", window=words.key,
                        model=words.versions()),
        key="what_if_segments",
        share=2,
    )  # fmt: skip


def _grades(book: BookWords) -> None:
    words = book.words
    ref = st.segmented_control("Grades of", list(words.refs), default=words.lead, required=True,
                               format_func=lambda item: plain(words.labels[item]), key="what_if_grades",
                               bind="query-params")  # fmt: skip
    shown = book.grades(ref)
    if isinstance(shown, str):
        st.info(plain(shown), icon=":material/info:")
        return
    show.figure(
        words.view,
        plot_grades(shown.frame, colour=words.colours[ref],
                    title=shown.title, subtitle=shown.subtitle),
        shown.frame,
        show.Definition(f"{what_if_book_words.GRADE_MEANING}\n\n{what_if_book_words.MEANING}", window=words.key,
                        model=ref),
        key="what_if_grades_figure",
        share=2,
    )  # fmt: skip


def _paths(book: BookWords) -> None:
    with st.container(border=True):
        st.markdown("**The ways the shock takes**")
        table = book.paths()
        if len(table):
            st.dataframe(table, hide_index=True, key="what_if_paths", height="content")
        for sentence in book.left():
            st.markdown(f"- {plain(sentence)}")
        st.caption("Every other feature stays as recorded, also those that a real recession would move (arrears, say).")
