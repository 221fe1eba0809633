"""Compare's profit: what the ranking is worth at the reader's own mortgage parameters."""

from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from analytics.words import format_money
from pages.common import compare_data, model_data, show
from pages.common.compare_data import Price
from pages.common.compare_profit_words import EVEN, MILLION, OWN, ProfitWords
from pages.common.compare_words import Words
from pages.common.shell import plain

MAKE: dict[str, Callable[[ProfitWords], tuple[go.Figure, pd.DataFrame, show.Definition]]] = {
    "Expected profit": ProfitWords.emp,
    "Cut-off": ProfitWords.cutoff,
    "Cost curve": ProfitWords.cost,
    "Decision curve": ProfitWords.decision,
    "H-measure": ProfitWords.h,
}
INPUTS = {
    "no_loss": ("Defaults that lose nothing, %", "Cured, sold without loss, or fully covered by the property."),
    "total_loss": ("Defaults that lose everything, %", "The whole amount is lost. The rest lose anything between."),
    "roi": ("Return on a good loan, %", "Margin over the loan's life after costs and funding, of the amount lent."),
}


def draw(words: Words, sample: str) -> None:
    """Draw the parameters, what they mean, and the chosen figure."""
    price = _ask(words)
    if price is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        chosen = st.pills(
            "Shown", list(MAKE), default="Expected profit", required=True, key="compare_profit", bind="query-params",
            label_visibility="collapsed", wrap=True,
        )  # fmt: skip
        severity = EVEN
        if chosen == "H-measure":
            severity = st.segmented_control(
                "Costs", [EVEN, OWN], default=EVEN, required=True, key="compare_profit_severity", bind="query-params",
                label_visibility="collapsed",
            )  # fmt: skip
    profit = ProfitWords(words, sample, price, severity)
    if chosen == "Cut-off" and not 0 < price.cost_ratio < float("inf"):
        st.info(
            "A cut-off is priced where defaults lose something and good loans earn something.", icon=":material/info:"
        )
        return
    figure, table, definition = MAKE[chosen](profit)
    show.figure(words.view, figure, table, definition, key=f"compare_profit_{list(MAKE).index(chosen)}")
    if words.view.business or chosen not in ("Expected profit", "H-measure"):
        return
    with st.container(border=True):
        level = 100 * model_data.level(words.selection)
        st.markdown(f"**{level:g} % intervals, and paired differences from the champion**")
        money = chosen == "Expected profit"
        currency = words.schema.currency
        shown = profit.differences(
            table, (lambda value: format_money(MILLION * value, currency)) if money else (lambda value: f"{value:.3f}")
        )
        st.dataframe(shown, hide_index=True, key="compare_profit_differences")


def _ask(words: Words) -> Price | None:
    """Draw the parameters over the policy's; None, with the reason on the page, where they cannot be."""
    default = compare_data.price(words.selection)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
            asked = {
                name: st.number_input(
                    label, min_value=0.0, max_value=1000.0 if name == "roi" else 100.0,
                    value=round(100 * getattr(default, name), 4), step=1.0, key=f"compare_{name}", bind="query-params",
                    width=230, help=meaning,
                )
                / 100
                for name, (label, meaning) in INPUTS.items()
            }  # fmt: skip
        price = Price(**asked)
        if price.no_loss + price.total_loss > 1:
            st.warning(
                "Defaults that lose nothing and those that lose everything are more than all defaults; lower one.",
                icon=":material/warning:",
            )
            return None
        st.markdown(plain(ProfitWords(words, next(iter(words.counts)), price, EVEN).meaning()))
        st.caption(compare_data.price_source(words.selection))
    return price
