"""Explain, section One loan: why it got its PD, model by model, with its past and the loans like it."""

from collections.abc import Iterator

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from analytics.figures.explanations import plot_waterfall
from pages.common import (
    cached,
    explain_choice,
    explain_history,
    explain_missing,
    explain_search,
    explain_similar,
    score_offer,
    shell,
    show,
)
from pages.common.explain_groups import GROUPS
from pages.common.explain_loan_words import Explained, LoanWords

ROW = 3  # models beside each other


def draw(view: shell.View) -> None:
    """Draw the choice of a loan, its past, what every model says of it, and the loans like it."""
    row = st.container(horizontal=True, gap="small", vertical_alignment="bottom")
    words = _open(view, row)
    asked = explain_search.choose(words, row)
    risks = words.risks(asked)
    if risks is None and (one := _complete(words, asked)):
        asked, risks = one, words.risks(one)
    if risks is None:
        explain_missing.stop(words, asked)
    st.markdown(f"#### {shell.plain(words.headline(asked, risks))}")
    explain_history.draw(words, asked)
    grouped = explain_choice.choose_grouping(words) == GROUPS
    with st.spinner("Asking the models for their reasons…", show_time=True):
        models = words.explain(asked, risks, grouped=grouped)
    _waterfalls(words, models)
    _reasons(words, models, asked)
    _links(words, asked, models)
    explain_similar.draw(words, asked, risks)
    st.markdown("##### Its fields")
    st.dataframe(words.facts(asked), hide_index=True, key="explain_facts", height=320)


def _open(view: shell.View, row: DeltaGenerator) -> LoanWords:
    """Draw the choice of a snapshot where there are several, and return the words of the one chosen."""
    latest = LoanWords(view)
    keys = list(reversed(cached.portfolio(view.selection).snapshot_keys()))
    if len(keys) < 2:
        return latest
    asked = st.query_params.get(explain_missing.SNAPSHOT)
    if asked and asked not in keys:
        st.warning(shell.plain(f"There is no snapshot {asked!r}: {latest.key} is shown."), icon=":material/warning:")
    key = row.selectbox("Snapshot", keys, index=keys.index(latest.key), key=explain_missing.SNAPSHOT,
                        bind="query-params", width=150)  # fmt: skip
    words = LoanWords(view, key)
    if words.lacking:
        score_offer.offer_all(view, words.lacking, key)
    if not words.views:
        shell.stop_with(f"No model can explain a {view.schema.subject} at {key} before that.",
                        "Or choose another snapshot.")  # fmt: skip
    return words


def _complete(words: LoanWords, asked: str) -> str:
    """Return the one loan whose id holds what was typed, unless the portfolio has a loan of exactly this id."""
    found = explain_missing.describe(words, asked)
    return "" if found.exact else explain_search.offer_parts(words, asked)


def _links(words: LoanWords, loan_id: str, models: list[Explained]) -> None:
    """Draw the ways on from the loan: what would change its PD, and the book it stands in."""
    said, query = words.explore(loan_id, models)
    what_if = {"portfolio": words.selection.portfolio, "what_if_loan": loan_id}
    with st.container(horizontal=True, gap="medium"):
        st.page_link("pages/models/what_if.py", label="What would change its PD", icon=":material/tune:",
                     query_params=what_if)  # fmt: skip
        st.page_link("pages/portfolio/explore.py", label=f"Explore: {shell.plain(said)}",
                     icon=":material/query_stats:", query_params=query)  # fmt: skip


def _columns(models: list[Explained]) -> Iterator[tuple[DeltaGenerator, Explained]]:
    """Return each model with its column, three a row: more beside each other could not be read."""
    for start in range(0, len(models), ROW):
        row = models[start : start + ROW]
        yield from zip(st.columns(min(ROW, len(models)), gap="medium"), row, strict=False)


def _waterfalls(words: LoanWords, models: list[Explained]) -> None:
    """Draw the waterfalls side by side on one axis."""
    limits = words.limits(models)
    for column, model in _columns(models):
        with column:
            show.figure(
                words.view,
                plot_waterfall(
                    model.steps, title=model.title, subtitle=model.subtitle, colour=model.colour, limits=limits
                ),
                model.steps,
                show.Definition(words.waterfall_definition(), window=words.key, model=model.ref),
                key=f"explain_waterfall_{model.ref.replace('/', '_')}",
                share=min(ROW, len(models)),
            )


def _reasons(words: LoanWords, models: list[Explained], loan_id: str) -> None:
    """Draw every model's reasons: sentences for business readers, numbers for the others."""
    st.markdown(f"##### {words.view.word('In words', 'Reason codes')}")
    with st.spinner("Checking whether the reasons hold against other backgrounds…", show_time=True):
        checked = words.check(models, loan_id)
    st.caption(words.background())
    if not words.view.business:
        st.dataframe(words.reason_table(models, checked), hide_index=True, height="content", key="explain_reasons",
                     column_config={"Given again": st.column_config.NumberColumn(format="%.0f %%")})  # fmt: skip
        return
    for column, model in _columns(models):
        with column:
            st.markdown(f"**{shell.plain(model.label)}**")
            said = words.adverse(model, checked[model.ref])
            st.markdown("\n".join(f"- {shell.plain(sentence)}" for sentence in said))
