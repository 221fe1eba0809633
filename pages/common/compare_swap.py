"""Compare's swap set: at the same number of approvals, who is let in instead of whom, and does that pay?"""

from typing import Any
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from analytics.figures.swap import plot_swap_cells, plot_swap_drivers
from analytics.words import format_month
from pages.common import compare_swap_data, explain_models, exports, show
from pages.common.compare_pair import choose_pair
from pages.common.compare_swap_words import DRIVERS, FORMULA, MEANING, Asked, SwapWords
from pages.common.compare_words import Words
from pages.common.explain_models_words import SWAP
from pages.common.shell import View, plain

ALL_DATES = "All dates"


def draw(words: Words, sample: str) -> None:
    """Draw the choice of a cut-off, the four cells, what they mean, what drives them and the loans themselves."""
    asked = _ask(words, sample)
    if asked is None:
        st.info("A swap set needs the scores of two models; here is one.", icon=":material/info:")
        return
    swap = SwapWords(words, sample, asked)
    left, right = st.columns(2, gap="medium")
    with left:
        show.figure(
            words.view,
            plot_swap_cells(swap.boxes(), champion=swap.names[0], challenger=swap.names[1], colours=swap.colours,
                            title=swap.title(), subtitle=swap.subtitle()),
            swap.found.cells,
            show.Definition(MEANING, FORMULA, window=words.window(sample), model=words.models()),
            key="compare_swap_cells",
            share=2,
        )  # fmt: skip
    with right, st.container(border=True, height="stretch"):
        st.markdown("**What the swap means**")
        for sentence in swap.sentences():
            st.markdown(f"- {plain(sentence)}")
        st.caption(plain(swap.caveat()))
        st.page_link(
            "pages/models/explain.py", label="What makes the models differ?", icon=":material/account_tree:",
            query_params=explain_models.address(
                asked.pair.challenger.label, SWAP, explain_models_approved=str(round(100 * asked.approved))
            ),
        )  # fmt: skip
    with st.container(border=True):
        st.markdown("**What each model approves**")
        st.dataframe(swap.totals(), hide_index=True, key="compare_swap_totals")
    if swap.moved:
        _drivers(swap)
        _loans(words.view, swap)


def _ask(words: Words, sample: str) -> Asked | None:
    """Draw the controls and return what was chosen; None where there is only one model."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        pair = choose_pair(words)
        if pair is None:
            return None
        approved = st.slider(
            "Share approved by each model, %", 50, 99, 90, key="compare_swap_approved", bind="query-params", width=320
        )
        dates = compare_swap_data.dates(words.selection, sample)
        date = _ask_date(dates) if len(dates) > 1 else ALL_DATES
    return Asked(pair, approved / 100, "" if date == ALL_DATES else date)


def _ask_date(dates: list[str]) -> str:
    options = [ALL_DATES, *dates]

    def say(name: str) -> str:
        return name if name == ALL_DATES else format_month(pd.Timestamp(name))

    return st.selectbox("Observed", options, format_func=say, key="compare_swap_date", bind="query-params", width=180)


def _drivers(swap: SwapWords) -> None:
    table, labels, title, subtitle = swap.drivers()
    if table.empty:
        st.info("No swapped loan is among those whose features are looked at.", icon=":material/info:")
        return
    show.figure(
        swap.words.view,
        plot_swap_drivers(table, labels, title=title, subtitle=subtitle, colours=swap.colours),
        table.assign(field=labels),
        show.Definition(DRIVERS, window=swap.words.window(swap.sample), model=swap.words.models()),
        key="compare_swap_drivers",
    )


def _loans(view: View, swap: SwapWords) -> None:
    link = f"explain?{urlencode({'portfolio': view.selection.portfolio, 'reading': view.reading})}&explain_loan="
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plain(swap.loans_heading())}**", width="stretch")
            exports.menu(swap.export, "hypothec_swap_set", swap.about(), key="compare_swap")
        table = swap.loans(link)
        st.dataframe(table, hide_index=True, key="compare_swap_loans", column_config=_columns(view, table), height=320)


def _columns(view: View, table: pd.DataFrame) -> dict[str, Any]:
    numbers = {str(name): st.column_config.NumberColumn(format="%.2f") for name in table if str(name).startswith("PD ")}
    return {
        **numbers,
        "Explain": st.column_config.LinkColumn(display_text="Explain", help="Opens what explains its PD."),
        "Exposure": st.column_config.NumberColumn(f"Exposure, {view.schema.currency}", format="localized"),
    }
